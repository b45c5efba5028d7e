//! The library's decoder.

use std::{
    ffi::c_int,
    ptr::{null, null_mut},
    slice,
};

use vpx_sys::{
    VPX_DECODER_ABI_VERSION, vp8_dec_control_id as Control, vpx_codec_control_, vpx_codec_dec_cfg,
    vpx_codec_dec_init_ver, vpx_codec_decode, vpx_codec_get_frame, vpx_codec_vp8_dx, vpx_image,
};

use super::{Context, check};
use crate::codec::decoded::DecodedPicture;

pub(in super::super) struct Decoder(Context);

impl Decoder {
    /// # Errors
    /// The library's words, if it refuses.
    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    pub(in super::super) fn new() -> Result<Self, String> {
        // More threads would need more partitions, which calls do without.
        let config = vpx_codec_dec_cfg { threads: 1, w: 0, h: 0 };
        let mut context = Context::empty();
        let version = VPX_DECODER_ABI_VERSION as c_int;
        // SAFETY: the library copies the configuration and initialises the context.
        check(unsafe {
            vpx_codec_dec_init_ver(&raw mut context.0, vpx_codec_vp8_dx(), &raw const config, 0, version)
        })?;
        Ok(Self(context))
    }

    /// Decodes a frame, which must not be empty: the library takes that for a loss. Returns the picture, if it
    /// is to be shown, and whether all of it, and of those that it builds on, was there.
    ///
    /// # Errors
    /// The library's words: nothing can be decoded before a key frame.
    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    pub(in super::super) fn decode(&mut self, frame: &[u8]) -> Result<(Option<DecodedPicture<'_>>, bool), String> {
        let context = &raw mut self.0.0;
        let len = u32::try_from(frame.len()).map_err(|_| "the frame is too large".to_owned())?;
        // SAFETY: the context is initialised; the library reads `len` bytes during the call alone.
        check(unsafe { vpx_codec_decode(context, frame.as_ptr(), len, null_mut(), 0) })?;
        let mut corrupted: c_int = 0;
        // SAFETY: for this control the library writes one `int` (vp8dx.h).
        let told = check(unsafe {
            vpx_codec_control_(context, Control::VP8D_GET_FRAME_CORRUPTED as c_int, &raw mut corrupted)
        });
        let whole = told.is_ok() && corrupted == 0;
        let mut iterator = null();
        // SAFETY: the context is initialised; what is returned is null or an image that stays as it is until
        // the decoder is used again, and it is borrowed until then.
        let image = unsafe { vpx_codec_get_frame(context, &raw mut iterator).as_ref() };
        Ok((image.and_then(borrow), whole))
    }
}

/// Borrows the planes of an image.
#[expect(unsafe_code, reason = "the library gives bare pointers")]
fn borrow(image: &vpx_image) -> Option<DecodedPicture<'_>> {
    let (width, height) = (image.d_w as usize, image.d_h as usize);
    let chroma = (width.div_ceil(2), height.div_ceil(2));
    let mut planes = [(&[][..], 0); 3];
    for (index, (width, height)) in [(width, height), chroma, chroma].into_iter().enumerate() {
        let stride = usize::try_from(image.stride[index]).ok()?;
        if image.planes[index].is_null() || width == 0 || height == 0 || stride < width {
            return None;
        }
        // From the first sample to the last: the picture lies inside a border.
        let len = (height - 1) * stride + width;
        // SAFETY: a plane of an image holds `height` rows of `width` samples, `stride` bytes apart
        // (vpx_image.h).
        planes[index] = (unsafe { slice::from_raw_parts(image.planes[index], len) }, stride);
    }
    Some(DecodedPicture { dimensions: (width, height), planes })
}
