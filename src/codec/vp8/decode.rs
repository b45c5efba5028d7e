//! Frames to pictures.

use std::fmt;

use super::{codec_error, frame_tag::FrameTag, raw::Decoder};
use crate::{
    codec::{
        CodecError, DecodeError, VideoDecoder,
        decoded::{Reference, size},
    },
    media::{EncodedFrame, FramePool, MediaTime, VideoFrame},
};

pub(super) struct Vp8Decoder {
    decoder: Decoder,
    state: Reference,
    /// What was shown last, to be shown again in place of a picture of which too little came.
    last: Option<VideoFrame>,
    pool: FramePool,
}

impl Vp8Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        let decoder = Decoder::new().map_err(|reason| codec_error("cannot start", reason))?;
        Ok(Self { decoder, state: Reference::NeedsKeyFrame, last: None, pool: FramePool::default() })
    }

    fn attempt(&mut self, frame: &EncodedFrame, conceal: bool) -> Result<Option<VideoFrame>, DecodeError> {
        if frame.payload.is_empty() {
            return Ok(None);
        }
        let tag = FrameTag::read(&frame.payload);
        let is_key = tag.is_some_and(|tag| tag.is_key());
        if !is_key && (self.state == Reference::NeedsKeyFrame || (self.state == Reference::Concealed && !conceal)) {
            return Err(DecodeError::NeedsKeyFrame);
        }
        let decoded = match tag {
            Some(tag) if tag.needed <= frame.payload.len() => self.decode_whole_enough(frame, tag, conceal),
            _ if is_key => Err(DecodeError::Corrupt("a key frame is damaged".into())),
            _ if conceal => Ok((self.repeat(frame.media_time), false)),
            _ => Err(DecodeError::NeedsKeyFrame),
        };
        self.state = match &decoded {
            Ok((_, false)) => Reference::Concealed,
            Ok((_, true)) if is_key => Reference::Sound,
            Ok(_) => self.state,
            Err(_) => Reference::NeedsKeyFrame,
        };
        let (picture, _) = decoded?;
        self.last.clone_from(&picture);
        Ok(picture)
    }

    /// Decodes a frame of which at least the first partition is there. What is missing of the second moves as
    /// that says, without the details. Returns the picture, if it is to be shown, and whether nothing was made up.
    fn decode_whole_enough(
        &mut self,
        frame: &EncodedFrame,
        tag: FrameTag,
        conceal: bool,
    ) -> Result<(Option<VideoFrame>, bool), DecodeError> {
        if let Some((width, height)) = tag.dimensions {
            // Before the library allocates it.
            size(width, height)?;
        }
        let (picture, whole) = self
            .decoder
            .decode(&frame.payload)
            .map_err(|words| if tag.is_key() { DecodeError::Corrupt(words) } else { DecodeError::NeedsKeyFrame })?;
        if !whole && tag.is_key() {
            return Err(DecodeError::Corrupt("a key frame is damaged".into()));
        }
        if !whole && !conceal {
            return Err(DecodeError::NeedsKeyFrame);
        }
        let copied = picture.map(|picture| picture.copy(frame.media_time, &self.pool)).transpose()?;
        Ok((copied, whole))
    }

    fn repeat(&self, captured_at: MediaTime) -> Option<VideoFrame> {
        let mut again = self.last.clone()?;
        again.captured_at = captured_at;
        Some(again)
    }
}

impl VideoDecoder for Vp8Decoder {
    fn decode(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError> {
        self.attempt(frame, false)
    }

    fn conceal(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError> {
        self.attempt(frame, true)
    }
}

impl fmt::Debug for Vp8Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vp8Decoder").field("state", &self.state).finish_non_exhaustive()
    }
}
