//! Access units to pictures.

use std::fmt;

use openh264::{
    OpenH264API,
    decoder::{Decoder, DecoderConfig},
};

use super::{NAL_IDR, NAL_SLICE, NAL_SPS, codec_error, nal_headers, raw};
use crate::{
    codec::{CodecError, DecodeError, VideoDecoder, decoded::Reference},
    media::{EncodedFrame, FramePool, VideoFrame},
};

pub(super) struct H264Decoder {
    decoder: Decoder,
    state: Reference,
    pool: FramePool,
}

impl H264Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        Ok(Self { decoder: new_decoder()?, state: Reference::NeedsKeyFrame, pool: FramePool::default() })
    }

    fn attempt(&mut self, frame: &EncodedFrame, conceal: bool) -> Result<Option<VideoFrame>, DecodeError> {
        let (mut has_slices, mut has_idr, mut has_parameters, mut is_reference) = (false, false, false, false);
        for header in nal_headers(&frame.payload) {
            let nal = header & 0x1f;
            has_slices |= (NAL_SLICE..=NAL_IDR).contains(&nal);
            has_idr |= nal == NAL_IDR;
            has_parameters |= nal == NAL_SPS;
            is_reference |= header & 0x60 != 0;
        }
        let stands_alone = has_idr || has_parameters;
        if !stands_alone && (self.state == Reference::NeedsKeyFrame || (self.state == Reference::Concealed && !conceal))
        {
            return Err(DecodeError::NeedsKeyFrame);
        }
        let (picture, whole) = raw::decode(&mut self.decoder, &frame.payload);
        let whole = whole && (picture.is_some() || !has_slices);
        let decoded = match picture {
            // A key frame of which a part is missing has nothing to take that part from.
            Some(picture) if whole || (conceal && !has_idr) => picture.copy(frame.media_time, &self.pool).map(Some),
            None if whole => Ok(None),
            _ if has_idr => Err(DecodeError::Corrupt("a key frame is damaged".into())),
            _ => Err(DecodeError::NeedsKeyFrame),
        };
        self.state = match &decoded {
            Ok(_) if !whole && is_reference => Reference::Concealed,
            Ok(Some(_)) if has_idr => Reference::Sound,
            Ok(_) => self.state,
            Err(_) => Reference::NeedsKeyFrame,
        };
        if decoded.is_err() && has_idr {
            // A key frame stands on its own. If it fails, what is left in the decoder may harm the next.
            if let Ok(fresh) = new_decoder() {
                self.decoder = fresh;
            }
        }
        decoded
    }
}

impl VideoDecoder for H264Decoder {
    fn decode(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError> {
        self.attempt(frame, false)
    }

    fn conceal(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError> {
        self.attempt(frame, true)
    }
}

impl fmt::Debug for H264Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H264Decoder").field("state", &self.state).finish_non_exhaustive()
    }
}

fn new_decoder() -> Result<Decoder, CodecError> {
    let mut decoder = Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
        .map_err(|error| codec_error("cannot start", error))?;
    raw::conceal(&mut decoder).map_err(|code| codec_error("cannot start", format!("no concealment (code {code})")))?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use openh264::{
        encoder::{BitRate, Encoder, EncoderConfig, UsageType},
        formats::YUVSlices,
    };

    use super::*;
    use crate::media::{MediaTime, Size};

    /// A texture that moves, with some noise.
    fn scene(i: usize, size: Size) -> Vec<u8> {
        let mut planes = vec![128; size.i420_len()];
        let mut seed = i as u32 + 1;
        for (at, sample) in planes[..size.pixels()].iter_mut().enumerate() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (at % size.width() + 3 * i, at / size.width() + i);
            *sample = (60 + x / 4 % 64 + y / 3 % 48) as u8 + (seed >> 24) as u8 % 32;
        }
        planes
    }

    #[test]
    fn damage_to_a_frame_that_none_depends_on_ends_with_it() {
        let size = Size::new(320, 240).expect("in range");
        let config = EncoderConfig::new()
            .usage_type(UsageType::CameraVideoRealTime)
            .bitrate(BitRate::from_bps(20_000_000))
            .skip_frames(false)
            .max_slice_len(1100);
        let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).expect("an encoder");
        let mut decoder = H264Decoder::new().expect("a decoder");
        let (mut disposable, mut errors) = (0, Vec::new());
        for i in 0..30 {
            let planes = scene(i, size);
            let (luma, chroma) = planes.split_at(size.pixels());
            let (u, v) = chroma.split_at(chroma.len() / 2);
            let slices = YUVSlices::new((luma, u, v), (320, 240), (320, 160, 160));
            let stream = encoder.encode(&slices).expect("encodes").to_vec();
            if i == 0 {
                raw::set_temporal_layers(&mut encoder, 2).expect("has layers");
                continue;
            }
            let starts: Vec<usize> =
                (0..stream.len() - 3).filter(|at| stream[*at..].starts_with(&[0, 0, 0, 1])).collect();
            let is_disposable = nal_headers(&stream).all(|header| header & 0x60 == 0);
            disposable += usize::from(is_disposable);
            let kept = if is_disposable { &stream[starts[1]..] } else { &stream[..] };
            let frame = EncodedFrame {
                media_time: MediaTime::ZERO,
                key_frame: i == 1,
                duration: std::time::Duration::ZERO,
                payload: kept.to_vec().into(),
            };
            let decoded = if is_disposable { decoder.conceal(&frame) } else { decoder.decode(&frame) };
            let shown = decoded.expect("decodes").expect("a picture");
            let error: u64 = shown.y().iter().zip(luma).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            if !is_disposable {
                errors.push(error as f64 / luma.len() as f64);
            }
        }
        assert!((13..16).contains(&disposable), "{disposable}");
        assert!(errors.iter().all(|error| *error < 6.0), "{errors:?}");
    }
}
