//! Frames: one raw picture, one block of raw samples, or one encoded access unit.

use std::time::Duration;

use bytes::Bytes;

use super::{MediaTime, SAMPLE_RATE_HZ, Size};

/// Why bytes could not become a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The planes do not hold as many bytes as the size needs.
    #[error("a picture of {size} needs {} bytes, there are {len}", size.i420_len())]
    Length {
        /// The size that was promised.
        size: Size,
        /// The bytes that were there.
        len: usize,
    },
}

/// One raw picture: I420, BT.601 limited range, three planes without padding.
///
/// Cloning is cheap: the planes are shared.
#[derive(Clone, Debug)]
pub struct VideoFrame {
    /// The moment of capture, or on the receiving side the media time of the remote's capture.
    pub captured_at: MediaTime,
    size: Size,
    planes: Bytes,
}

impl VideoFrame {
    /// Wraps the planes Y, U and V, one after the other and without padding.
    ///
    /// # Errors
    /// If the bytes are not exactly [`Size::i420_len`] many.
    pub fn new(captured_at: MediaTime, size: Size, planes: impl Into<Bytes>) -> Result<Self, FrameError> {
        let planes = planes.into();
        if planes.len() != size.i420_len() {
            return Err(FrameError::Length { size, len: planes.len() });
        }
        Ok(Self { captured_at, size, planes })
    }

    /// Returns a picture of one colour: limited-range luma `y`, neutral chroma.
    pub fn grey(captured_at: MediaTime, size: Size, y: u8) -> Self {
        let mut planes = vec![128; size.i420_len()];
        planes[..size.pixels()].fill(y);
        Self { captured_at, size, planes: planes.into() }
    }

    /// Returns the size in pixels.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Returns the luma plane; its stride is the width.
    pub fn y(&self) -> &[u8] {
        &self.planes[..self.size.pixels()]
    }

    /// Returns the blue-difference plane; its stride is the chroma width.
    pub fn u(&self) -> &[u8] {
        let (width, height) = self.size.chroma();
        &self.planes[self.size.pixels()..][..width * height]
    }

    /// Returns the red-difference plane; its stride is the chroma width.
    pub fn v(&self) -> &[u8] {
        let (width, height) = self.size.chroma();
        &self.planes[self.size.pixels() + width * height..]
    }

    /// Returns all three planes, Y, U and V, one after the other.
    pub const fn planes(&self) -> &Bytes {
        &self.planes
    }
}

/// One block of raw sound: 48 kHz, interleaved, each sample from -1.0 to 1.0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioFrame {
    /// The moment at which the first sample was captured.
    pub captured_at: MediaTime,
    /// How many channels are interleaved: 1 or 2.
    pub channels: u8,
    /// The samples, `channels` of them for each moment.
    pub samples: Vec<f32>,
}

impl AudioFrame {
    /// Returns a block of silence of so many samples a channel.
    pub fn silence(captured_at: MediaTime, channels: u8, samples_per_channel: usize) -> Self {
        Self { captured_at, channels, samples: vec![0.0; samples_per_channel * usize::from(channels)] }
    }

    /// Returns how many samples each channel holds.
    pub fn samples_per_channel(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// Returns how long the block sounds.
    pub fn duration(&self) -> Duration {
        MediaTime::from_ticks(self.samples_per_channel() as u64, SAMPLE_RATE_HZ).since_epoch()
    }

    /// Returns the largest absolute sample, 0.0 to 1.0.
    pub fn peak(&self) -> f32 {
        self.samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }
}

/// One access unit or one Opus packet, not yet on the wire or whole again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// When its content was captured.
    pub media_time: MediaTime,
    /// Whether a decoder can start here. Always true for sound.
    pub key_frame: bool,
    /// How long it lasts; zero if unknown (a received picture).
    pub duration: Duration,
    /// H.264 as an Annex B byte stream; VP8 as one frame; Opus as one packet.
    pub payload: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_found_for_odd_sizes() {
        let size = Size::new(5, 3).expect("in range");
        assert_eq!(size.i420_len(), 15 + 2 * 6);
        let frame = VideoFrame::new(MediaTime::ZERO, size, (0..27).collect::<Vec<u8>>()).expect("right length");
        assert_eq!((frame.y().len(), frame.u()[0], frame.v()[0]), (15, 15, 21));
    }

    #[test]
    fn a_wrong_length_is_refused() {
        assert!(VideoFrame::new(MediaTime::ZERO, Size::HD, vec![0; 10]).is_err());
    }

    #[test]
    fn sound_knows_how_long_it_lasts() {
        assert_eq!(AudioFrame::silence(MediaTime::ZERO, 2, 960).duration(), Duration::from_millis(20));
    }
}
