//! What a frame is made of: sizes, rates, codecs.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// The one sample rate inside p2pcall, in Hz. Devices and files convert at the rim.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "sound",
            Self::Video => "picture",
        })
    }
}

/// The width and height of a picture in pixels, each between 2 and 4096.
///
/// The range is checked on construction: a size that came off the network can be trusted to be
/// allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// 1280 by 720 pixels, what a call starts with.
    pub const HD: Self = Self { width: 1280, height: 720 };
    /// The largest width and height, in pixels.
    pub const MAX: u32 = 4096;
    /// The smallest width and height, in pixels.
    pub const MIN: u32 = 2;

    /// Returns the size, or `None` if a side is out of range.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let range = Self::MIN..=Self::MAX;
        (range.contains(&width) && range.contains(&height)).then_some(Self { width, height })
    }

    /// Returns the width in pixels.
    pub const fn width(self) -> usize {
        self.width as usize
    }

    /// Returns the height in pixels.
    pub const fn height(self) -> usize {
        self.height as usize
    }

    /// Returns the size of a picture that is turned by a quarter.
    pub const fn transposed(self) -> Self {
        Self { width: self.height, height: self.width }
    }

    /// Returns the width and height of a chroma plane: half of each, rounded up.
    pub const fn chroma(self) -> (usize, usize) {
        (self.width().div_ceil(2), self.height().div_ceil(2))
    }

    /// Returns the number of pixels.
    pub const fn pixels(self) -> usize {
        self.width() * self.height()
    }

    /// Returns the number of bytes of an I420 picture without padding.
    pub const fn i420_len(self) -> usize {
        let (width, height) = self.chroma();
        self.pixels() + 2 * width * height
    }

    /// Returns the largest size of the same aspect that fits into `bounds`, never enlarged, with
    /// even sides.
    pub fn fit_into(self, bounds: Self) -> Self {
        let scale_w = f64::from(bounds.width) / f64::from(self.width);
        let scale_h = f64::from(bounds.height) / f64::from(self.height);
        let scale = scale_w.min(scale_h).min(1.0);
        let even = |side: u32| ((f64::from(side) * scale / 2.0).round() as u32 * 2).clamp(Self::MIN, Self::MAX);
        Self { width: even(self.width), height: even(self.height) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text
            .split_once(['x', 'X', '×'])
            .ok_or_else(|| format!("'{text}' is no size: write WIDTHxHEIGHT, for example 1280x720"))?;
        let side = |side: &str| side.trim().parse::<u32>().ok();
        match (side(width), side(height)) {
            (Some(width), Some(height)) => Self::new(width, height).ok_or_else(|| {
                format!("{text} is out of range: each side can be {} to {} pixels", Self::MIN, Self::MAX)
            }),
            _ => Err(format!("'{text}' is no size: write WIDTHxHEIGHT, for example 1280x720")),
        }
    }
}

/// The size and rate of a source of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct VideoFormat {
    /// The size of each picture.
    pub size: Size,
    /// Pictures a second.
    pub frame_rate: f64,
}

impl VideoFormat {
    /// Returns the time from one picture to the next.
    pub fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.frame_rate.clamp(1.0, 240.0))
    }
}

impl fmt::Display for VideoFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} frames/s", self.size, (self.frame_rate * 100.0).round() / 100.0)
    }
}

/// A rate of data in bits a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Wraps bits a second.
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// Wraps thousands of bits a second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps * 1000)
    }

    /// Returns bits a second.
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// Returns thousands of bits a second, rounded.
    pub const fn kbps(self) -> u64 {
        (self.0 + 500) / 1000
    }

    /// Returns this rate less `other`, at least zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.kbps())
    }
}

/// A codec that p2pcall can encode and decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// H.264 constrained baseline, packetization mode 1 (RFC 6184).
    H264,
    /// VP8 (RFC 6386, RFC 7741).
    Vp8,
    /// Opus, 48 kHz (RFC 6716, RFC 7587).
    Opus,
}

impl Codec {
    /// Returns what the codec encodes.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::H264 | Self::Vp8 => MediaKind::Video,
            Self::Opus => MediaKind::Audio,
        }
    }

    /// Returns the rate of the codec's RTP clock in Hz.
    pub const fn clock_rate_hz(self) -> u32 {
        match self {
            Self::H264 | Self::Vp8 => 90_000,
            Self::Opus => 48_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_and_refuse() {
        for (text, expected) in [
            ("1280x720", Some((1280, 720))),
            ("640X360", Some((640, 360))),
            ("0x0", None),
            ("20000x20000", None),
            ("1280", None),
            ("axb", None),
        ] {
            let size = text.parse::<Size>().ok().map(|size| (size.width, size.height));
            assert_eq!(size, expected, "{text}");
        }
    }

    #[test]
    fn fitting_keeps_the_aspect_and_never_enlarges() {
        let size = |width, height| Size { width, height };
        assert_eq!(size(1280, 720).fit_into(size(640, 640)), size(640, 360));
        assert_eq!(size(640, 480).fit_into(size(1280, 720)), size(640, 480));
        assert_eq!(size(720, 1280).fit_into(size(1280, 720)), size(406, 720));
    }
}
