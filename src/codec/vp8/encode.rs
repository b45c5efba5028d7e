//! Pictures to frames.

use std::fmt;

use super::{
    codec_error,
    raw::{Encoder, Settings, TICKS},
};
use crate::{
    codec::{CodecError, VideoEncoder, VideoTarget, threads},
    media::{Bitrate, EncodedFrame, Size, VideoFormat, VideoFrame},
};

pub(super) struct Vp8Encoder {
    encoder: Encoder,
    /// The size of the pictures `encoder` is for.
    size: Size,
    target: VideoTarget,
    /// Whether a picture has come out that the other side can build on.
    begun: bool,
}

impl Vp8Encoder {
    pub(super) fn new(target: VideoTarget) -> Result<Self, CodecError> {
        let VideoTarget { size, bitrate, .. } = target;
        // As with other codecs the last odd column and row are left out.
        let even = |side: usize| side as u32 & !1;
        let dimensions = (even(size.width()), even(size.height()));
        let settings = Settings { dimensions, bitrate: kbps(bitrate), threads: threads(size).into() };
        let encoder = Encoder::new(settings).map_err(|reason| codec_error("cannot start", reason))?;
        Ok(Self { encoder, size, target, begun: false })
    }
}

impl VideoEncoder for Vp8Encoder {
    fn encode(&mut self, frame: &VideoFrame, key_frame: bool) -> Result<Option<EncodedFrame>, CodecError> {
        let size = frame.size();
        if size != self.size {
            *self = Self::new(VideoTarget { size, ..self.target })?;
        }
        let duration = VideoFormat { size, frame_rate: self.target.frame_rate }.interval();
        let ticks = (duration.as_secs_f64() * f64::from(TICKS)).round().max(1.0) as u32;
        let time = (frame.captured_at.since_epoch().as_secs_f64() * f64::from(TICKS)).round() as i64;
        let encoded = self
            .encoder
            .encode(frame, (time, ticks), key_frame || !self.begun)
            .map_err(|reason| codec_error("cannot encode", reason))?;
        let Some((payload, key_frame)) = encoded else { return Ok(None) };
        self.begun = true;
        Ok(Some(EncodedFrame { media_time: frame.captured_at, key_frame, duration, payload: payload.into() }))
    }

    fn set_target(&mut self, target: VideoTarget) -> Result<(), CodecError> {
        self.encoder.set_bitrate(kbps(target.bitrate)).map_err(|reason| codec_error("refused", reason))?;
        self.target = target;
        Ok(())
    }
}

impl fmt::Debug for Vp8Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vp8Encoder").field("target", &self.target).finish_non_exhaustive()
    }
}

/// The library counts in kbit/s, and takes 0 for a mistake.
fn kbps(bitrate: Bitrate) -> u32 {
    u32::try_from(bitrate.bps() / 1000).unwrap_or(u32::MAX).clamp(1, 1_000_000)
}
