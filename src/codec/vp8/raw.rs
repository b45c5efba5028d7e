//! libvpx's interface in C: there is no other.

mod decoder;
mod encoder;

use std::{ffi::CStr, mem::MaybeUninit};

use vpx_sys::{vpx_codec_ctx, vpx_codec_destroy, vpx_codec_err_t, vpx_codec_err_to_string};

pub(super) use decoder::Decoder;
pub(super) use encoder::{Encoder, Settings, TICKS};

/// An encoder or decoder of the library, given back when dropped.
struct Context(vpx_codec_ctx);

#[expect(unsafe_code, reason = "the context holds bare pointers")]
// SAFETY: what a context points to belongs to it alone, and the library keeps nothing that is bound to
// a thread: it may be used by one after the other.
unsafe impl Send for Context {}

impl Context {
    /// Returns a context that is none yet.
    #[expect(unsafe_code, reason = "the library initialises it")]
    fn empty() -> Self {
        // SAFETY: zeroes are null pointers and VPX_CODEC_OK, values of all of its fields.
        Self(unsafe { MaybeUninit::zeroed().assume_init() })
    }
}

impl Drop for Context {
    #[expect(unsafe_code, reason = "the library gives back what it holds through its C interface")]
    fn drop(&mut self) {
        // SAFETY: the context is initialised, or zero, which the library refuses (vpx_codec.c); it is not
        // used again.
        unsafe { vpx_codec_destroy(&raw mut self.0) };
    }
}

/// Returns the library's words for its verdict, if it is one against us.
#[expect(unsafe_code, reason = "the words are a C string")]
fn check(verdict: vpx_codec_err_t) -> Result<(), String> {
    if verdict == vpx_codec_err_t::VPX_CODEC_OK {
        return Ok(());
    }
    // SAFETY: the library returns a constant string for each verdict (vpx_codec.c).
    let words = unsafe { CStr::from_ptr(vpx_codec_err_to_string(verdict)) };
    Err(words.to_string_lossy().into_owned())
}
