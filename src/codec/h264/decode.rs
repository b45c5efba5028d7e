//! Access units to pictures.

use std::fmt;

use openh264::{
    OpenH264API,
    decoder::{Decoder, DecoderConfig},
};

use super::{NAL_IDR, NAL_SPS, codec_error, nal_types, raw};
use crate::{
    codec::{CodecError, DecodeError, VideoDecoder},
    media::{EncodedFrame, FramePool, MediaTime, Size, VideoFrame},
};

pub(super) struct H264Decoder {
    decoder: Decoder,
    state: State,
    pool: FramePool,
}

/// What the picture that was decoded last is worth to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is as it was sent.
    Sound,
    /// A part of it, or of one before it, was made up.
    Concealed,
    /// There is none.
    NeedsKeyFrame,
}

impl H264Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        Ok(Self { decoder: new_decoder()?, state: State::NeedsKeyFrame, pool: FramePool::default() })
    }

    fn attempt(&mut self, frame: &EncodedFrame, conceal: bool) -> Result<Option<VideoFrame>, DecodeError> {
        let (mut has_slices, mut has_idr, mut has_parameters) = (false, false, false);
        for nal in nal_types(&frame.payload) {
            has_slices |= (1..=NAL_IDR).contains(&nal);
            has_idr |= nal == NAL_IDR;
            has_parameters |= nal == NAL_SPS;
        }
        let stands_alone = has_idr || has_parameters;
        if !stands_alone && (self.state == State::NeedsKeyFrame || (self.state == State::Concealed && !conceal)) {
            return Err(DecodeError::NeedsKeyFrame);
        }
        let (picture, whole) = raw::decode(&mut self.decoder, &frame.payload);
        let whole = whole && (picture.is_some() || !has_slices);
        let decoded = match picture {
            // A key frame of which a part is missing has nothing to take that part from.
            Some(picture) if whole || (conceal && !has_idr) => copy(&picture, frame.media_time, &self.pool).map(Some),
            None if whole => Ok(None),
            _ if has_idr => Err(DecodeError::Corrupt("a key frame is damaged".into())),
            _ => Err(DecodeError::NeedsKeyFrame),
        };
        self.state = match &decoded {
            Ok(_) if !whole => State::Concealed,
            Ok(Some(_)) if has_idr => State::Sound,
            Ok(_) => self.state,
            Err(_) => State::NeedsKeyFrame,
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

/// Copies the picture out of the decoder: the only time that it is.
fn copy(picture: &raw::Picture<'_>, media_time: MediaTime, pool: &FramePool) -> Result<VideoFrame, DecodeError> {
    let (width, height) = picture.dimensions;
    let refused = DecodeError::Refused { width, height };
    let size = match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Size::new(width, height).ok_or(refused)?,
        _ => return Err(refused),
    };
    let chroma = size.chroma();
    let rows = [(width, height), chroma, chroma];
    pool.frame(media_time, size, |planes| {
        for ((plane, stride), (width, height)) in picture.planes.into_iter().zip(rows) {
            for row in plane.chunks(stride).take(height) {
                planes.extend_from_slice(&row[..width]);
            }
        }
    })
    .map_err(|error| DecodeError::Corrupt(error.to_string()))
}
