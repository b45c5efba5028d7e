//! Access units to pictures.

use std::fmt;

use openh264::{
    OpenH264API,
    decoder::{DecodedYUV, Decoder, DecoderConfig, Flush},
    formats::YUVSource,
};

use super::{NAL_IDR, NAL_SPS, codec_error, nal_types};
use crate::{
    codec::{CodecError, DecodeError, VideoDecoder},
    media::{EncodedFrame, MediaTime, Size, VideoFrame},
};

pub(super) struct H264Decoder {
    decoder: Decoder,
    /// Nothing decodes before the first key frame, nor after damage before the next.
    needs_key_frame: bool,
}

impl H264Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        Ok(Self { decoder: new_decoder()?, needs_key_frame: true })
    }
}

impl VideoDecoder for H264Decoder {
    fn decode(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError> {
        let has_idr = nal_types(&frame.payload).any(|nal| nal == NAL_IDR);
        let has_parameters = nal_types(&frame.payload).any(|nal| nal == NAL_SPS);
        if self.needs_key_frame && !has_idr && !has_parameters {
            return Err(DecodeError::NeedsKeyFrame);
        }
        let decoded = match self.decoder.decode(&frame.payload) {
            Ok(Some(picture)) => copy(&picture, frame.media_time),
            Ok(None) => return Ok(None),
            Err(error) if has_idr => Err(DecodeError::Corrupt(error.to_string())),
            Err(_) => Err(DecodeError::NeedsKeyFrame),
        };
        self.needs_key_frame = decoded.is_err();
        if decoded.is_err() && has_idr {
            // A key frame stands on its own. If it fails, what is left in the decoder may harm the next.
            if let Ok(fresh) = new_decoder() {
                self.decoder = fresh;
            }
        }
        decoded.map(Some)
    }
}

impl fmt::Debug for H264Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H264Decoder").field("needs_key_frame", &self.needs_key_frame).finish_non_exhaustive()
    }
}

fn new_decoder() -> Result<Decoder, CodecError> {
    // Flushing gives each access unit's picture at once: there is no reordering in a call.
    let config = DecoderConfig::new().flush_after_decode(Flush::Flush);
    Decoder::with_api_config(OpenH264API::from_source(), config).map_err(|error| codec_error("cannot start", error))
}

fn copy(picture: &DecodedYUV<'_>, media_time: MediaTime) -> Result<VideoFrame, DecodeError> {
    let (width, height) = picture.dimensions();
    let refused = DecodeError::Refused { width, height };
    let size = match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Size::new(width, height).ok_or(refused)?,
        _ => return Err(refused),
    };
    let mut planes = Vec::with_capacity(size.i420_len());
    let (y_stride, u_stride, v_stride) = picture.strides();
    let chroma = size.chroma();
    copy_plane(picture.y(), y_stride, (width, height), &mut planes);
    copy_plane(picture.u(), u_stride, chroma, &mut planes);
    copy_plane(picture.v(), v_stride, chroma, &mut planes);
    VideoFrame::new(media_time, size, planes).map_err(|error| DecodeError::Corrupt(error.to_string()))
}

fn copy_plane(plane: &[u8], stride: usize, (width, height): (usize, usize), out: &mut Vec<u8>) {
    for row in plane.chunks(stride.max(1)).take(height) {
        out.extend_from_slice(&row[..width.min(row.len())]);
    }
}
