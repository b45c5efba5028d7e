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
    raw::{self, Setting},
};
use crate::{
    codec::{CodecError, VideoEncoder, VideoTarget},
    media::{EncodedFrame, Size, VideoFormat, VideoFrame},
};

/// The longest NAL unit in bytes: with RTP and SRTP around it fits every path, so that each packet
/// decodes on its own and none is a fragment.
const MAX_NAL_LEN: u32 = 1100;

/// Rates outside this range are moved to its ends: the library takes no others.
const BITRATES: std::ops::RangeInclusive<u64> = 20_000..=100_000_000;

pub(super) struct H264Encoder {
    encoder: Encoder,
    target: VideoTarget,
    /// The size of the pictures `encoder` was last given; none before the first.
    encoded_size: Option<Size>,
    /// Whether a new target waits for the first picture to pass: the library takes none before.
    retarget: bool,
}

impl H264Encoder {
    pub(super) fn new(target: VideoTarget) -> Result<Self, CodecError> {
        Ok(Self { encoder: new_encoder(target)?, target, encoded_size: None, retarget: false })
    }

    fn apply_rates(&mut self, from: VideoTarget) -> Result<(), CodecError> {
        let (old, new) = (bps(from), bps(self.target));
        // The library refuses a rate above the maximum, even for the moment in between.
        let mut settings = vec![Setting::MaxBitrate(new), Setting::Bitrate(new)];
        if new < old {
            settings.reverse();
        }
        if new == old {
            settings.clear();
        }
        if frame_rate(from) != frame_rate(self.target) {
            settings.push(Setting::FrameRate(frame_rate(self.target)));
        }
        for setting in settings {
            set(&mut self.encoder, setting)?;
        }
        Ok(())
    }
}

impl VideoEncoder for H264Encoder {
    fn encode(&mut self, frame: &VideoFrame, key_frame: bool) -> Result<Option<EncodedFrame>, CodecError> {
        let size = frame.size();
        if self.retarget || self.encoded_size.is_some_and(|encoded| encoded != size) {
            self.encoder = new_encoder(VideoTarget { size, ..self.target })?;
            (self.encoded_size, self.retarget) = (None, false);
        }
        if key_frame && self.encoded_size.is_some() {
            self.encoder.force_intra_frame();
        }
        let millis = frame.captured_at.since_epoch().as_millis() as u64;
        let stream = self
            .encoder
            .encode_at(&even_slices(frame), Timestamp::from_millis(millis))
            .map_err(|error| codec_error("cannot encode", error))?;
        self.encoded_size = Some(size);
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
        let format = VideoFormat { size, frame_rate: self.target.frame_rate };
        let duration = format.interval();
        Ok(Some(EncodedFrame { media_time: frame.captured_at, key_frame, duration, payload: payload.into() }))
    }

    fn set_target(&mut self, target: VideoTarget) -> Result<(), CodecError> {
        let from = std::mem::replace(&mut self.target, target);
        if self.encoded_size.is_none() {
            self.retarget = true;
            return Ok(());
        }
        self.apply_rates(from).inspect_err(|_| self.target = from)
    }
}

impl fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H264Encoder").field("target", &self.target).finish_non_exhaustive()
    }
}

fn new_encoder(target: VideoTarget) -> Result<Encoder, CodecError> {
    let threads = if target.size.pixels() <= Size::HD.pixels() { 1 } else { 2 };
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .complexity(Complexity::Low)
        .rate_control_mode(RateControlMode::Bitrate)
        .bitrate(BitRate::from_bps(bps(target) as u32))
        .max_frame_rate(FrameRate::from_hz(frame_rate(target)))
        .skip_frames(true)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0))
        .scene_change_detect(false)
        .max_slice_len(MAX_NAL_LEN)
        .num_threads(threads)
        .vui(VuiConfig::bt601());
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| codec_error("cannot start", error))?;
    set(&mut encoder, Setting::Quiet)?;
    Ok(encoder)
}

fn set(encoder: &mut Encoder, setting: Setting) -> Result<(), CodecError> {
    raw::set(encoder, setting).map_err(|code| codec_error("refused", format!("{setting:?} (code {code})")))
}

/// Borrows the planes; H.264 4:2:0 has even sides, so the last odd column and row are left out.
fn even_slices(frame: &VideoFrame) -> YUVSlices<'_> {
    let (width, height) = (frame.size().width(), frame.size().height() & !1);
    let chroma_width = frame.size().chroma().0;
    let chroma_len = height / 2 * chroma_width;
    let planes = (&frame.y()[..height * width], &frame.u()[..chroma_len], &frame.v()[..chroma_len]);
    YUVSlices::new(planes, (width & !1, height), (width, chroma_width, chroma_width))
}

fn bps(target: VideoTarget) -> i32 {
    target.bitrate.bps().clamp(*BITRATES.start(), *BITRATES.end()) as i32
}

fn frame_rate(target: VideoTarget) -> f32 {
    target.frame_rate.clamp(1.0, 60.0) as f32
}
