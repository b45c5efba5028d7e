//! The settings of an encoder that openh264's safe interface cannot change, and in [`decoder`] what its
//! decoder does about damage.
//!
//! For the rates the alternative would be a new encoder, which costs a key frame at each change:
//! dozens of packets at the moment at which the line has become narrow.

mod decoder;

use std::ffi::c_int;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE,
    ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo, SEncParamExt, SPATIAL_LAYER_0,
    WELS_LOG_QUIET,
};

pub(super) use decoder::{Picture, conceal, decode};

/// A setting of an encoder. All but [`Setting::Quiet`] need a picture to have been encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Setting {
    /// Writes nothing to stderr. The safe interface asks for it too late, after the first warning.
    Quiet,
    /// What the stream may cost at most, in bits a second. Never set below [`Setting::Bitrate`].
    MaxBitrate(i32),
    /// What the stream is to cost, in bits a second.
    Bitrate(i32),
    /// Pictures a second.
    FrameRate(f32),
}

/// Changes a setting, effective with the next picture and without a key frame.
///
/// # Errors
/// The library's code, if it refuses the value.
pub(super) fn set(encoder: &mut Encoder, setting: Setting) -> Result<(), c_int> {
    let bitrate = |bps| SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bps };
    match setting {
        Setting::Quiet => set_option(encoder, ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET),
        Setting::MaxBitrate(bps) => set_option(encoder, ENCODER_OPTION_MAX_BITRATE, bitrate(bps)),
        Setting::Bitrate(bps) => set_option(encoder, ENCODER_OPTION_BITRATE, bitrate(bps)),
        Setting::FrameRate(hz) => set_option(encoder, ENCODER_OPTION_FRAME_RATE, hz),
    }
}

/// Lets only every second picture depend on the others, or every one: a lost picture on which none
/// depends harms no other. Needs a picture to have been encoded; the next is a key frame.
///
/// # Errors
/// The library's code, if it refuses.
#[expect(unsafe_code, reason = "openh264 has layers through its raw interface alone")]
#[cfg_attr(not(test), expect(dead_code, reason = "the receiving side is ready for it"))]
pub(super) fn set_temporal_layers(encoder: &mut Encoder, layers: c_int) -> Result<(), c_int> {
    let mut parameters = SEncParamExt::default();
    // SAFETY: for this option the library writes one `SEncParamExt`, which there is room for.
    let code =
        unsafe { encoder.raw_api().get_option(ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, (&raw mut parameters).cast()) };
    if code != 0 {
        return Err(code);
    }
    // As many pictures to refer to as the layers need.
    (parameters.iTemporalLayerNum, parameters.iNumRefFrame) = (layers, -1);
    set_option(encoder, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, parameters)
}

#[expect(unsafe_code, reason = "openh264 changes the rate of a running encoder through its raw interface alone")]
fn set_option<T>(encoder: &mut Encoder, option: ENCODER_OPTION, mut value: T) -> Result<(), c_int> {
    // SAFETY: `set` above pairs each option with the type the library reads for it (codec_api.h);
    // the library copies the value during the call and keeps no pointer. Only rates and
    // verbosity change, so sizes and buffers that the wrapper relies on stay as they are.
    let code = unsafe { encoder.raw_api().set_option(option, (&raw mut value).cast()) };
    if code == 0 { Ok(()) } else { Err(code) }
}
