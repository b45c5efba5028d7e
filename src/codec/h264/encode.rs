//! Pictures to access units.

use std::fmt;

use openh264::{
    OpenH264API, Timestamp,
    encoder::{
        BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, RateControlMode,
        UsageType, VuiConfig,
    },
    formats::YUVSlices,
};

use super::{
    codec_error,
    rate::{Plan, RateControl},
    raw,
};
use crate::{
    codec::{CodecError, VideoEncoder, VideoTarget, threads},
    media::{EncodedFrame, MediaTime, Size, VideoFormat, VideoFrame},
};

/// The longest NAL unit in bytes: with RTP and SRTP around it fits every path, so that each packet
/// decodes on its own and none is a fragment.
const MAX_NAL_LEN: u32 = 1100;

/// What the library is told the stream costs: only the level it writes into the stream depends on it.
const NOMINAL_BITRATE: u32 = 2_000_000;

pub(super) struct H264Encoder {
    encoder: Encoder,
    /// The size of the pictures `encoder` is for.
    size: Size,
    target: VideoTarget,
    rate: RateControl,
    quantizer: Option<u8>,
    /// Whether a picture has come out that the other side can build on.
    begun: bool,
}

impl H264Encoder {
    pub(super) fn new(target: VideoTarget) -> Result<Self, CodecError> {
        let VideoTarget { size, frame_rate, bitrate } = target;
        Ok(Self {
            encoder: new_encoder(size, frame_rate)?,
            size,
            target,
            rate: RateControl::new(bitrate, frame_rate, size.pixels()),
            quantizer: None,
            begun: false,
        })
    }
}

impl VideoEncoder for H264Encoder {
    fn encode(&mut self, frame: &VideoFrame, key_frame: bool) -> Result<Option<EncodedFrame>, CodecError> {
        let size = frame.size();
        if size != self.size {
            *self = Self::new(VideoTarget { size, ..self.target })?;
        }
        let key_frame = key_frame || !self.begun;
        let Plan::Quantizer(quantizer) = self.rate.plan(frame, key_frame) else { return Ok(None) };
        if key_frame {
            self.encoder.force_intra_frame();
        }
        if self.quantizer.replace(quantizer) != Some(quantizer) {
            raw::set_quantizer(&mut self.encoder, quantizer)
                .map_err(|code| codec_error("refused", format!("quantizer {quantizer} (code {code})")))?;
        }
        let millis = frame.captured_at.since_epoch().as_millis() as u64;
        let stream = self
            .encoder
            .encode_at(&even_slices(frame), Timestamp::from_millis(millis))
            .map_err(|error| codec_error("cannot encode", error))?;
        let key_frame = match stream.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip => return Ok(None),
            FrameType::Invalid => return Err(codec_error("cannot encode", "no picture came out")),
        };
        let payload = stream.to_vec();
        if payload.is_empty() {
            return Ok(None);
        }
        self.begun = true;
        self.rate.spent(key_frame, payload.len());
        let format = VideoFormat { size, frame_rate: self.target.frame_rate };
        let duration = format.interval();
        Ok(Some(EncodedFrame { media_time: frame.captured_at, key_frame, duration, payload: payload.into() }))
    }

    fn set_target(&mut self, target: VideoTarget) -> Result<(), CodecError> {
        self.target = target;
        self.rate.set_target(target.bitrate, target.frame_rate);
        Ok(())
    }
}

impl fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H264Encoder").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Returns an encoder that has had a picture: only then does the library take settings, and the first
/// one costs half as much again as a key frame does later, which is paid before anybody waits for it.
fn new_encoder(size: Size, hz: f64) -> Result<Encoder, CodecError> {
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .complexity(Complexity::Low)
        .rate_control_mode(RateControlMode::Off)
        .bitrate(BitRate::from_bps(NOMINAL_BITRATE))
        .max_frame_rate(FrameRate::from_hz(hz.clamp(1.0, 60.0) as f32))
        .skip_frames(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0))
        .scene_change_detect(false)
        // Both cost more in quality than they save in rate.
        .adaptive_quantization(false)
        .background_detection(false)
        .max_slice_len(MAX_NAL_LEN)
        .num_threads(threads(size))
        .vui(VuiConfig::bt601());
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| codec_error("cannot start", error))?;
    raw::silence(&mut encoder).map_err(|code| codec_error("refused", format!("silence (code {code})")))?;
    let grey = VideoFrame::grey(MediaTime::ZERO, size, 128);
    encoder.encode(&even_slices(&grey)).map_err(|error| codec_error("cannot begin", error))?;
    Ok(encoder)
}

/// Borrows the planes; H.264 4:2:0 has even sides, so the last odd column and row are left out.
fn even_slices(frame: &VideoFrame) -> YUVSlices<'_> {
    let (width, height) = (frame.size().width(), frame.size().height() & !1);
    let chroma_width = frame.size().chroma().0;
    let chroma_len = height / 2 * chroma_width;
    let planes = (&frame.y()[..height * width], &frame.u()[..chroma_len], &frame.v()[..chroma_len]);
    YUVSlices::new(planes, (width & !1, height), (width, chroma_width, chroma_width))
}
