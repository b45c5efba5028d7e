//! How fast this machine encodes and decodes pictures.

use std::time::Duration;

use serde::Serialize;

use super::{Grade, Line};
use crate::{
    codec::{self, CodecEntry, CodecError, VideoTarget},
    media::{Bitrate, Codec, EncodedFrame, MediaTime, Size, VideoFormat, VideoFrame, now},
    source::paint,
};

/// The sizes that are tried, and what is asked for; from the smallest on, until one takes too long.
const SIZES: [(u32, u32); 4] = [(640, 360), (960, 540), (1280, 720), (1920, 1080)];

/// How long each size is encoded and decoded, and how many pictures at least and at most.
const MEASURED: Duration = Duration::from_millis(250);
const FEWEST: usize = 5;
const MOST: usize = 30;

/// So many pictures are tried at most: rate control may leave some out.
const TRIED: usize = 120;

/// Different pictures, shown to and fro.
const PICTURES: u32 = 8;

/// The share of the time between two pictures that they may cost: the rest is for everything else that a call does.
const BUSY: f64 = 0.6;

/// What a picture of 1280x720 may cost: as in a call.
const HD_BITRATE: u64 = 2_500_000;

/// What one codec does.
#[derive(Clone, Debug, Serialize)]
pub struct CodecFinding {
    /// Which one, as SDP names it.
    pub codec: &'static str,
    /// The size and rate asked for.
    pub wanted: VideoFormat,
    /// The largest size that it keeps up with at this rate; `None` if with none of those tried.
    pub sustains: Option<Size>,
    /// Each size that was tried, the smallest first.
    pub sizes: Vec<SizeFinding>,
    /// Why it does not work.
    pub error: Option<String>,
}

/// What pictures of one size cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SizeFinding {
    /// The size.
    pub size: Size,
    /// Milliseconds to encode one, with all threads of the encoder.
    pub encode_ms: f64,
    /// Milliseconds to decode one.
    pub decode_ms: f64,
}

impl SizeFinding {
    /// Returns the share of the time between two pictures that encoding one of ours and decoding one of theirs takes.
    fn load(&self, frame_rate: f64) -> f64 {
        (self.encode_ms + self.decode_ms) * frame_rate / 1000.0
    }
}

/// Measures each codec for pictures.
pub(super) fn measure(wanted: VideoFormat) -> Vec<CodecFinding> {
    let mut sizes: Vec<Size> = SIZES.iter().filter_map(|(width, height)| Size::new(*width, *height)).collect();
    if !sizes.contains(&wanted.size) {
        sizes.push(wanted.size);
    }
    sizes.sort_by_key(|size| size.pixels());
    [Codec::H264, Codec::Vp8].into_iter().map(|codec| finding(codec, wanted, &sizes)).collect()
}

fn finding(codec: Codec, wanted: VideoFormat, all: &[Size]) -> CodecFinding {
    let (mut sizes, mut error) = (Vec::new(), None);
    for size in all {
        match cost(codec, VideoFormat { size: *size, ..wanted }) {
            Ok(cost) => sizes.push(cost),
            Err(failed) => error = Some(failed.to_string()),
        }
        // Larger ones cost more.
        if error.is_some() || sizes.last().is_some_and(|cost| cost.load(wanted.frame_rate) > 1.0) {
            break;
        }
    }
    let sustains = sustained(&sizes, wanted.frame_rate);
    CodecFinding { codec: CodecEntry::of(codec).name, wanted, sustains, sizes, error }
}

/// Returns the largest size up to which none is too dear.
fn sustained(sizes: &[SizeFinding], frame_rate: f64) -> Option<Size> {
    sizes.iter().take_while(|cost| cost.load(frame_rate) <= BUSY).last().map(|cost| cost.size)
}

/// Encodes and decodes the test pattern for a while.
fn cost(codec: Codec, format: VideoFormat) -> Result<SizeFinding, CodecError> {
    let VideoFormat { size, frame_rate } = format;
    let bitrate = HD_BITRATE * size.pixels() as u64 / Size::HD.pixels() as u64;
    let target = VideoTarget { size, frame_rate, bitrate: Bitrate::from_bps(bitrate.max(100_000)) };
    let mut encoder = codec::video_encoder(codec, target)?;
    let mut decoder = codec::video_decoder(codec)?;
    let pictures: Vec<VideoFrame> = (0..PICTURES).map(|number| paint(number, size, MediaTime::ZERO)).collect();
    let to_and_fro = pictures.iter().chain(pictures.iter().rev()).cycle();
    let at = |number: u32| MediaTime::new(format.interval() * number);
    let mut encoded: Vec<EncodedFrame> = Vec::new();
    let encode_ms = mean(to_and_fro.zip(0..), |(picture, number)| {
        let mut picture = picture.clone();
        picture.captured_at = at(number);
        let frame = encoder.encode(&picture, false)?;
        let is_encoded = frame.is_some();
        encoded.extend(frame);
        Ok(is_encoded)
    })?;
    let decode_ms = mean(encoded.iter(), |frame| {
        let decoded = decoder.decode(frame);
        decoded.map(|picture| picture.is_some()).map_err(|error| CodecError {
            codec: CodecEntry::of(codec).name,
            what: "cannot decode what it encoded",
            reason: error.to_string(),
        })
    })?;
    Ok(SizeFinding { size, encode_ms, decode_ms })
}

/// Does the work on one after the other for a while; returns what one took, in milliseconds. The first, a key frame
/// for a codec that has to warm up, does not count, nor do those that the codec leaves out.
fn mean<T>(
    items: impl Iterator<Item = T>,
    mut work: impl FnMut(T) -> Result<bool, CodecError>,
) -> Result<f64, CodecError> {
    let mut begun = now();
    let (mut count, mut took) = (0_usize, Duration::ZERO);
    for (index, item) in items.enumerate().take(TRIED) {
        let is_done = work(item)?;
        if index == 0 {
            begun = now();
            continue;
        }
        count += usize::from(is_done);
        took = now().saturating_duration_since(begun);
        if count >= MOST || (took >= MEASURED && count >= FEWEST) {
            break;
        }
    }
    let ms = took.as_secs_f64() * 1000.0 / count.max(1) as f64;
    Ok((ms * 100.0).round() / 100.0)
}

impl CodecFinding {
    /// Returns it in words.
    pub fn line(&self) -> Line {
        if let Some(error) = &self.error {
            let words = format!("{error}. Build p2pcall anew, or call with the other codec: --codec.");
            return Line::new(Grade::Bad, self.codec, words);
        }
        let VideoFormat { size: wanted, frame_rate } = self.wanted;
        let told =
            self.sustains.map_or_else(|| self.sizes.first(), |size| self.sizes.iter().find(|cost| cost.size == size));
        let took = told.map_or_else(String::new, |cost| {
            format!("{} takes {:.1} ms to encode and {:.1} ms to decode", cost.size, cost.encode_ms, cost.decode_ms)
        });
        let (grade, words) = match self.sustains {
            Some(size) if size.pixels() >= wanted.pixels() => {
                (Grade::Good, format!("fast enough for {size} at {frame_rate:.0} frames/s: {took}"))
            }
            Some(size) => (
                Grade::Fair,
                format!(
                    "fast enough for {size} at {frame_rate:.0} frames/s, not for {wanted}: {took}. Your picture will get \
                     smaller by itself; --size {size} asks for no more"
                ),
            ),
            None => (
                Grade::Fair,
                format!(
                    "too slow for {frame_rate:.0} frames/s: {took}. Close other programs, or ask for less with --fps 15"
                ),
            ),
        };
        Line::new(grade, self.codec, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("in range")
    }

    #[test]
    fn each_codec_is_measured() {
        let wanted = VideoFormat { size: size(64, 48), frame_rate: 1.0 };
        for codec in [Codec::H264, Codec::Vp8] {
            let found = finding(codec, wanted, &[size(64, 48), size(128, 96)]);
            assert_eq!((found.error.as_deref(), found.sustains), (None, Some(size(128, 96))), "{found:?}");
            assert!(found.sizes.iter().all(|cost| cost.encode_ms > 0.0 && cost.decode_ms > 0.0), "{found:?}");
        }
    }

    #[test]
    fn a_size_is_sustained_if_two_fifths_of_the_time_are_left() {
        let small = SizeFinding { size: size(640, 360), encode_ms: 4.0, decode_ms: 1.0 };
        let large = SizeFinding { size: Size::HD, encode_ms: 15.0, decode_ms: 5.0 };
        for (frame_rate, expected) in
            [(30.0, Some(Size::HD)), (31.0, Some(size(640, 360))), (120.0, Some(size(640, 360))), (121.0, None)]
        {
            assert_eq!(sustained(&[small, large], frame_rate), expected, "{frame_rate}");
        }
        assert_eq!(sustained(&[large, small], 60.0), None, "smaller ones do not count behind a larger one");
    }

    #[test]
    fn a_codec_is_judged_by_the_size_asked_for() {
        let found = |sustains: Option<Size>| CodecFinding {
            codec: "H264",
            wanted: VideoFormat { size: Size::HD, frame_rate: 30.0 },
            sustains,
            sizes: vec![
                SizeFinding { size: size(640, 360), encode_ms: 4.0, decode_ms: 1.0 },
                SizeFinding { size: Size::HD, encode_ms: 12.0, decode_ms: 4.0 },
            ],
            error: None,
        };
        let failed = CodecFinding { error: Some("H264 cannot".into()), ..found(None) };
        for (finding, grade, words) in [
            (found(Some(Size::HD)), Grade::Good, "1280x720 takes 12.0 ms to encode and 4.0 ms to decode"),
            (found(Some(size(640, 360))), Grade::Fair, "--size 640x360"),
            (found(None), Grade::Fair, "640x360 takes 4.0 ms"),
            (failed, Grade::Bad, "H264 cannot."),
        ] {
            let line = finding.line();
            assert_eq!(line.grade, grade, "{line}");
            assert!(line.words.contains(words), "{line}");
        }
    }
}
