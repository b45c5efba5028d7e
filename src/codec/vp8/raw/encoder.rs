//! The library's encoder.

use std::{ffi::c_int, mem::MaybeUninit, ptr::null, slice};

use vpx_sys::{
    VPX_DL_REALTIME, VPX_EFLAG_FORCE_KF, VPX_ENCODER_ABI_VERSION, VPX_ERROR_RESILIENT_DEFAULT, VPX_FRAME_IS_KEY,
    vp8e_enc_control_id as Control, vpx_codec_control_, vpx_codec_cx_pkt_kind, vpx_codec_enc_cfg,
    vpx_codec_enc_config_default, vpx_codec_enc_config_set, vpx_codec_enc_init_ver, vpx_codec_encode,
    vpx_codec_get_cx_data, vpx_codec_vp8_cx, vpx_image, vpx_img_fmt, vpx_kf_mode, vpx_rational, vpx_rc_mode,
};

use super::{Context, check};
use crate::media::VideoFrame;

/// What an encoder is made for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Settings {
    /// Width and height in pixels, even.
    pub(in super::super) dimensions: (u32, u32),
    /// In kbit/s.
    pub(in super::super) bitrate: u32,
    /// How many threads share a picture.
    pub(in super::super) threads: u32,
}

/// Ticks a second of the time stamps that the encoder takes.
pub(in super::super) const TICKS: u32 = 90_000;

/// How little trouble the encoder takes, up to 16: at 720p half of what it takes at 4, for 0.3 dB.
const SPEED: c_int = 12;

/// What a key frame may cost at most, in percent of a usual picture.
const MAX_INTRA: c_int = 500;

pub(in super::super) struct Encoder {
    context: Context,
    config: vpx_codec_enc_cfg,
}

#[expect(unsafe_code, reason = "the configuration holds bare pointers")]
// SAFETY: they are for the statistics of a second pass, which there is none of: they are null.
unsafe impl Send for Encoder {}

impl Encoder {
    /// # Errors
    /// The library's words, if it refuses.
    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    pub(in super::super) fn new(settings: Settings) -> Result<Self, String> {
        let mut config = MaybeUninit::<vpx_codec_enc_cfg>::zeroed();
        // SAFETY: the library writes all of the configuration, or returns an error.
        let mut config = unsafe {
            check(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), config.as_mut_ptr(), 0))?;
            config.assume_init()
        };
        (config.g_w, config.g_h) = settings.dimensions;
        config.g_threads = settings.threads;
        config.g_timebase = vpx_rational { num: 1, den: TICKS as c_int };
        // Each frame can be decoded if one before it was lost, if not well.
        config.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
        config.g_lag_in_frames = 0;
        config.kf_mode = vpx_kf_mode::VPX_KF_DISABLED;
        config.rc_end_usage = vpx_rc_mode::VPX_CBR;
        config.rc_target_bitrate = settings.bitrate;
        (config.rc_min_quantizer, config.rc_max_quantizer) = (2, 63);
        // As in browsers: a picture is left out when the buffer, in milliseconds, is that empty in percent.
        config.rc_dropframe_thresh = 30;
        (config.rc_undershoot_pct, config.rc_overshoot_pct) = (100, 15);
        (config.rc_buf_initial_sz, config.rc_buf_optimal_sz, config.rc_buf_sz) = (500, 600, 1000);
        let mut context = Context::empty();
        let version = VPX_ENCODER_ABI_VERSION as c_int;
        // SAFETY: the library copies the configuration and initialises the context.
        check(unsafe {
            vpx_codec_enc_init_ver(&raw mut context.0, vpx_codec_vp8_cx(), &raw const config, 0, version)
        })?;
        let mut encoder = Self { context, config };
        encoder.control(Control::VP8E_SET_CPUUSED, -SPEED)?;
        encoder.control(Control::VP8E_SET_MAX_INTRA_BITRATE_PCT, MAX_INTRA)?;
        // What differs by less is not encoded again.
        encoder.control(Control::VP8E_SET_STATIC_THRESHOLD, 1)?;
        Ok(encoder)
    }

    /// Sets what the stream may cost in kbit/s, without a key frame.
    ///
    /// # Errors
    /// The library's words, if it refuses.
    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    pub(in super::super) fn set_bitrate(&mut self, kbps: u32) -> Result<(), String> {
        self.config.rc_target_bitrate = kbps;
        // SAFETY: the context is initialised; the library copies the configuration.
        check(unsafe { vpx_codec_enc_config_set(&raw mut self.context.0, &raw const self.config) })
    }

    /// Encodes a picture of at least the encoder's size, from its upper left corner. Returns the frame and
    /// whether it is a key frame; nothing if rate control left it out. Time and duration are in [`TICKS`].
    ///
    /// # Errors
    /// The library's words, if it fails.
    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    pub(in super::super) fn encode(
        &mut self,
        picture: &VideoFrame,
        (time, duration): (i64, u32),
        key_frame: bool,
    ) -> Result<Option<(Vec<u8>, bool)>, String> {
        let image = self.image(picture)?;
        let flags = if key_frame { VPX_EFLAG_FORCE_KF } else { 0 };
        // SAFETY: the context is initialised; the image's planes are at least as large as it says and are
        // read during the call alone.
        check(unsafe {
            let (context, image) = (&raw mut self.context.0, &raw const image);
            vpx_codec_encode(context, image, time, duration.into(), flags.into(), VPX_DL_REALTIME.into())
        })?;
        let mut iterator = null();
        loop {
            // SAFETY: the context is initialised; what is returned is null or a packet that stays until
            // the next picture is encoded.
            let packet = unsafe { vpx_codec_get_cx_data(&raw mut self.context.0, &raw mut iterator).as_ref() };
            let Some(packet) = packet else { return Ok(None) };
            if packet.kind == vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                // SAFETY: a packet of this kind has this arm of the union, with so many bytes.
                let (frame, bytes) = unsafe {
                    let frame = packet.data.frame;
                    (frame, slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz))
                };
                return Ok(Some((bytes.to_vec(), frame.flags & VPX_FRAME_IS_KEY != 0)));
            }
        }
    }

    /// Describes the planes of a picture.
    #[expect(unsafe_code, reason = "the image has fields that the library fills")]
    fn image(&self, picture: &VideoFrame) -> Result<vpx_image, String> {
        let size = picture.size();
        let (width, height) = (self.config.g_w, self.config.g_h);
        if size.width() < width as usize || size.height() < height as usize {
            return Err(format!("a picture of {size} is smaller than {width}x{height}"));
        }
        // SAFETY: zeroes are null pointers and the first of each kind, values of all of its fields.
        let mut image: vpx_image = unsafe { MaybeUninit::zeroed().assume_init() };
        image.fmt = vpx_img_fmt::VPX_IMG_FMT_I420;
        (image.w, image.h, image.d_w, image.d_h) = (width, height, width, height);
        (image.x_chroma_shift, image.y_chroma_shift) = (1, 1);
        image.bit_depth = 8;
        image.bps = 12;
        let planes = [picture.y(), picture.u(), picture.v()];
        let strides = [size.width(), size.chroma().0, size.chroma().0];
        for (index, (plane, stride)) in planes.into_iter().zip(strides).enumerate() {
            // The library does not write to what it encodes.
            image.planes[index] = plane.as_ptr().cast_mut();
            image.stride[index] = stride as c_int;
        }
        Ok(image)
    }

    #[expect(unsafe_code, reason = "libvpx has a C interface alone")]
    fn control(&mut self, control: Control, value: c_int) -> Result<(), String> {
        // SAFETY: the context is initialised, and each of the controls above takes one `int` (vp8cx.h).
        check(unsafe { vpx_codec_control_(&raw mut self.context.0, control as c_int, value) })
    }
}
