//! The settings of an encoder that openh264's safe interface cannot change, and in [`decoder`] what its
//! decoder does about damage.
//!
//! The quantizer of each picture is ours to choose (see `rate`): the alternative would be a new
//! encoder, which costs a key frame at each change.

mod decoder;

use std::{ffi::c_int, mem::MaybeUninit};

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, ENCODER_OPTION_TRACE_LEVEL, SEncParamExt, WELS_LOG_QUIET,
};

pub(super) use decoder::{conceal, decode};

/// Writes nothing to stderr. The safe interface asks for it too late, after the first warning.
///
/// # Errors
/// The library's code, if it refuses.
pub(super) fn silence(encoder: &mut Encoder) -> Result<(), c_int> {
    set_option(encoder, ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET)
}

/// Sets the quantizer (0 to 51) of the pictures to come, without a key frame. Needs a picture to have
/// been encoded.
///
/// # Errors
/// The library's code, if it refuses.
pub(super) fn set_quantizer(encoder: &mut Encoder, quantizer: u8) -> Result<(), c_int> {
    let mut parameters = parameters(encoder)?;
    parameters.sSpatialLayers[0].iDLayerQp = c_int::from(quantizer);
    set_option(encoder, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, parameters)
}

#[expect(unsafe_code, reason = "openh264 tells the parameters of a running encoder through its raw interface alone")]
fn parameters(encoder: &mut Encoder) -> Result<SEncParamExt, c_int> {
    let mut parameters = MaybeUninit::<SEncParamExt>::zeroed();
    // SAFETY: for this option the library writes one SEncParamExt, plain numbers, and keeps no pointer
    // (codec_api.h); zeroes are values of all of its fields. It does so only once it has been initialised
    // by a first picture; before, it returns an error.
    unsafe {
        let option = ENCODER_OPTION_SVC_ENCODE_PARAM_EXT;
        match encoder.raw_api().get_option(option, parameters.as_mut_ptr().cast()) {
            0 => Ok(parameters.assume_init()),
            code => Err(code),
        }
    }
}

/// Lets every second picture be one on which no other depends. Needs a picture to have been encoded; the
/// next is a key frame. Other senders do it; ours has no need to.
///
/// # Errors
/// The library's code, if it refuses.
#[cfg(test)]
pub(super) fn set_temporal_layers(encoder: &mut Encoder, layers: c_int) -> Result<(), c_int> {
    let mut parameters = parameters(encoder)?;
    // As many pictures to refer to as the layers need.
    (parameters.iTemporalLayerNum, parameters.iNumRefFrame) = (layers, -1);
    set_option(encoder, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, parameters)
}

#[expect(unsafe_code, reason = "openh264 changes a running encoder through its raw interface alone")]
fn set_option<T>(encoder: &mut Encoder, option: ENCODER_OPTION, mut value: T) -> Result<(), c_int> {
    // SAFETY: the functions above pair each option with the type the library reads for it (codec_api.h);
    // the library copies the value during the call and keeps no pointer. Only quantizer and
    // verbosity change, so sizes and buffers that the wrapper relies on stay as they are.
    let code = unsafe { encoder.raw_api().set_option(option, (&raw mut value).cast()) };
    if code == 0 { Ok(()) } else { Err(code) }
}
