//! What comes out of a decoder, whichever it is.

use super::DecodeError;
use crate::media::{FramePool, MediaTime, Size, VideoFrame};

/// A picture that lies in a decoder until it decodes the next.
#[derive(Debug)]
pub(super) struct DecodedPicture<'a> {
    /// Width and height in pixels.
    pub(super) dimensions: (usize, usize),
    /// Y, U and V: each with its rows' distance in bytes.
    pub(super) planes: [(&'a [u8], usize); 3],
}

impl DecodedPicture<'_> {
    /// Copies the picture out of the decoder: the only time that it is.
    pub(super) fn copy(&self, media_time: MediaTime, pool: &FramePool) -> Result<VideoFrame, DecodeError> {
        let (width, height) = self.dimensions;
        let size = size(width, height)?;
        let chroma = size.chroma();
        let rows = [(width, height), chroma, chroma];
        pool.frame(media_time, size, |planes| {
            for ((plane, stride), (width, height)) in self.planes.into_iter().zip(rows) {
                for row in plane.chunks(stride).take(height) {
                    planes.extend_from_slice(&row[..width]);
                }
            }
        })
        .map_err(|error| DecodeError::Corrupt(error.to_string()))
    }
}

/// Returns the size of so many pixels.
pub(super) fn size(width: usize, height: usize) -> Result<Size, DecodeError> {
    let size = u32::try_from(width).ok().zip(u32::try_from(height).ok()).and_then(|(w, h)| Size::new(w, h));
    size.ok_or(DecodeError::Refused { width, height })
}

/// What the picture that was decoded last is worth to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// It is as it was sent.
    Sound,
    /// A part of it, or of one before it, was made up.
    Concealed,
    /// There is none.
    NeedsKeyFrame,
}
