//! Which quantizer the next picture gets, so that the stream costs what it may and pictures are of
//! even size.
//!
//! In place of the library's own control, which leaps between fine and coarse from one picture to the
//! next: on a noisy clip at 1.9 Mbit/s its largest pictures have three times the usual size, and it
//! takes 1.6 times the rate for the same quality. A steady quantizer does better in both, and small
//! pictures of even size are what a narrow line, a pacer and error correction want.

use crate::media::{Bitrate, MediaTime, VideoFrame};

/// Quantizers (H.264, 7.4.3, QP): finer is a waste even of a wide line, coarser there is none.
const FINEST: f64 = 18.0;
const COARSEST: f64 = 51.0;

/// Twice the bytes for so many steps of the quantizer finer, roughly: as the quantizer's own scale goes.
const STEPS_PER_DOUBLING: f64 = 6.0;

/// A quantizer is kept while what it should be is not further off than this.
const KEEP: f64 = 0.8;

/// What was spent too much is saved again over so many pictures.
const PAYBACK: f64 = 12.0;

/// A key frame, or a picture in which all is new, may cost this many usual ones; the first of all, for
/// which a person waits on a line that nobody knows, this many.
const DEAR: f64 = 5.0;
const FIRST: f64 = 3.0;

/// With more debt than this, in usual pictures, pictures are left out until it is paid.
const DEEP: f64 = 9.0;

/// Of what a picture showed the newest has this weight.
const NEWS: f64 = 0.25;

/// A change between pictures this many times the usual one is another scene.
const CUT: f64 = 4.0;

/// What is to be done with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is left out: the pictures before it cost too much.
    Skip,
    /// It is encoded with this quantizer.
    Quantizer(u8),
}

/// Chooses quantizers. Complexities are the binary logarithm of the bytes at quantizer 0.
#[derive(Clone, Debug)]
pub(super) struct RateControl {
    bitrate: f64,
    interval: f64,
    last_at: Option<MediaTime>,
    quantizer: f64,
    /// Of pictures that build on the one before, once known.
    inter: Option<f64>,
    /// Of key frames.
    intra: Option<f64>,
    /// Bytes spent beyond what was there to spend; negative for saved.
    debt: f64,
    change: Change,
    pixels: f64,
}

impl RateControl {
    /// Returns a control for pictures of so many pixels.
    pub(super) fn new(bitrate: Bitrate, frame_rate: f64, pixels: usize) -> Self {
        let mut control = Self {
            bitrate: 0.0,
            interval: 0.0,
            last_at: None,
            quantizer: 0.0,
            inter: None,
            intra: None,
            debt: 0.0,
            change: Change::default(),
            pixels: pixels as f64,
        };
        control.set_target(bitrate, frame_rate);
        control
    }

    /// Takes a new rate; the next picture follows it.
    pub(super) fn set_target(&mut self, bitrate: Bitrate, frame_rate: f64) {
        self.bitrate = bitrate.bps() as f64;
        self.interval = 1.0 / frame_rate.max(1.0);
        // A debt made on a wider line cannot be paid on a narrow one: it has left already.
        self.debt = self.debt.clamp(-self.usual(), DEAR * self.usual());
    }

    /// Plans a picture. A key frame is never left out.
    pub(super) fn plan(&mut self, frame: &VideoFrame, key_frame: bool) -> Plan {
        self.earn(frame.captured_at);
        let change = self.change.note(frame);
        if key_frame {
            let known = self.intra.unwrap_or_else(|| self.typical_intra());
            let (dear, finest) = match self.inter {
                // What is asked for to repair a picture need not look better than it.
                Some(_) => (DEAR, self.quantizer - 2.0),
                None => (FIRST, FINEST),
            };
            let fitting = STEPS_PER_DOUBLING * (known - (dear * self.usual()).log2());
            self.quantizer = fitting.max(finest).clamp(FINEST, COARSEST);
            return self.planned();
        }
        if self.debt > DEEP * self.usual() {
            return Plan::Skip;
        }
        let aim = (self.usual() - self.debt / PAYBACK).clamp(0.4 * self.usual(), 1.5 * self.usual());
        let steady = self.inter.unwrap_or_else(|| self.intra.unwrap_or_else(|| self.typical_intra()) - 3.0);
        let fitting = STEPS_PER_DOUBLING * (steady - aim.log2());
        let off = fitting - self.quantizer;
        if change > CUT {
            // Most of it is new: it costs what a key frame costs.
            let cut = self.intra.unwrap_or(steady + 3.0).max(steady);
            let fitting = STEPS_PER_DOUBLING * (cut - (DEAR * self.usual()).log2());
            self.quantizer = self.quantizer.max(fitting);
        } else if off.abs() > 6.0 {
            // The rate leapt: so does the quantizer.
            self.quantizer = fitting;
        } else if off.abs() > KEEP {
            // Coarser at once, finer by and by.
            self.quantizer += off.clamp(-1.0, 2.0);
        }
        self.quantizer = self.quantizer.clamp(FINEST, COARSEST);
        self.planned()
    }

    /// Takes what the planned picture cost.
    pub(super) fn spent(&mut self, key_frame: bool, bytes: usize) {
        let bytes = (bytes as f64).max(1.0);
        self.debt += bytes;
        let complexity = bytes.log2() + self.quantizer.round() / STEPS_PER_DOUBLING;
        let (known, news) = if key_frame { (&mut self.intra, 0.7) } else { (&mut self.inter, NEWS) };
        *known = Some(known.map_or(complexity, |known| known + news * (complexity - known)));
    }

    /// Pays for the time since the picture before.
    fn earn(&mut self, at: MediaTime) {
        let passed = self.last_at.replace(at).map_or(self.interval, |last| at.saturating_since(last).as_secs_f64());
        // A source that pauses saves nothing up.
        let passed = passed.min(3.0 * self.interval);
        self.debt = (self.debt - self.bitrate / 8.0 * passed).max(-2.0 * self.usual());
    }

    /// Bytes for a usual picture.
    fn usual(&self) -> f64 {
        (self.bitrate / 8.0 * self.interval).max(20.0)
    }

    /// What a key frame usually holds: two bits a pixel at quantizer 16.
    fn typical_intra(&self) -> f64 {
        (self.pixels * 2.0 / 8.0).log2() + 16.0 / STEPS_PER_DOUBLING
    }

    fn planned(&self) -> Plan {
        Plan::Quantizer(self.quantizer.round() as u8)
    }
}

/// Tells how much a picture differs from the one before, by every eighth sample of every eighth row.
#[derive(Clone, Debug, Default)]
struct Change {
    samples: Vec<u8>,
    usual: Option<f64>,
}

impl Change {
    /// Returns the difference as a multiple of the usual one.
    fn note(&mut self, frame: &VideoFrame) -> f64 {
        let width = frame.size().width();
        let rows = frame.y().chunks_exact(width).step_by(8);
        let samples: Vec<u8> = rows.flat_map(|row| row.iter().step_by(8).copied()).collect();
        if samples.len() != self.samples.len() {
            (self.samples, self.usual) = (samples, None);
            return 1.0;
        }
        let sum: u32 = samples.iter().zip(&self.samples).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let difference = f64::from(sum) / samples.len().max(1) as f64 + 0.5;
        self.samples = samples;
        let usual = *self.usual.get_or_insert(difference);
        self.usual = Some(usual + 0.1 * (difference.min(CUT * usual) - usual));
        difference / usual
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{media::Size, path::Chance};

    /// A stream whose pictures cost what the quantizer and their content make of them.
    struct Stream {
        control: RateControl,
        chance: Chance,
        number: u32,
        /// Complexity of pictures, and how much more a key frame has.
        inter: f64,
        intra: f64,
        /// How much steeper than the model the true cost is.
        steepness: f64,
    }

    impl Stream {
        fn new(kbps: u64) -> Self {
            let control = RateControl::new(Bitrate::from_kbps(kbps), 30.0, Size::HD.pixels());
            Self { control, chance: Chance(1), number: 0, inter: 17.3, intra: 20.5, steepness: 1.0 }
        }

        /// Returns the bytes of the next picture; none if it is left out.
        fn next(&mut self, key_frame: bool, luma: u8) -> Option<f64> {
            self.number += 1;
            let at = MediaTime::new(Duration::from_micros(33_333) * self.number);
            let frame = VideoFrame::grey(at, Size::new(64, 48).expect("in range"), luma);
            let Plan::Quantizer(quantizer) = self.control.plan(&frame, key_frame) else { return None };
            let complexity = if key_frame { self.intra } else { self.inter };
            let steps = (f64::from(quantizer) - 26.0) * self.steepness + 26.0;
            let bytes = (complexity - steps / 6.0 + 0.5 * (self.chance.share() - 0.5)).exp2().max(30.0);
            self.control.spent(key_frame, bytes as usize);
            Some(bytes)
        }

        /// Returns the bytes of each of so many pictures.
        fn run(&mut self, pictures: usize) -> Vec<f64> {
            (0..pictures).filter_map(|_| self.next(false, 100)).collect()
        }
    }

    fn kbps(sizes: &[f64], pictures: usize) -> f64 {
        sizes.iter().sum::<f64>() * 8.0 * 30.0 / pictures as f64 / 1000.0
    }

    #[test]
    fn the_rate_is_kept_with_pictures_of_even_size() {
        for target in [300, 500, 1_000, 2_000, 3_000] {
            for steepness in [0.7, 1.0, 2.0] {
                let mut stream = Stream { steepness, ..Stream::new(target) };
                stream.next(true, 100);
                stream.run(90);
                let mut sizes = stream.run(300);
                let rate = kbps(&sizes, 300);
                assert!((rate / target as f64 - 1.0).abs() < 0.05, "{rate:.0} of {target} kbit/s at {steepness}");
                sizes.sort_by(f64::total_cmp);
                assert!(sizes[285] < 1.8 * sizes[150], "{} and {} at {steepness}", sizes[285], sizes[150]);
            }
        }
    }

    #[test]
    fn a_new_rate_is_followed_with_the_next_picture() {
        let mut stream = Stream::new(3_000);
        stream.next(true, 100);
        stream.run(60);
        stream.control.set_target(Bitrate::from_kbps(500), 30.0);
        let sizes = stream.run(15);
        assert!(kbps(&sizes, 15) < 550.0, "{}", kbps(&sizes, 15));
        stream.control.set_target(Bitrate::from_kbps(3_000), 30.0);
        let sizes = stream.run(15);
        assert!(kbps(&sizes, 15) > 2_400.0, "{}", kbps(&sizes, 15));
    }

    #[test]
    fn key_frames_are_paid_for_and_nothing_is_left_out() {
        let mut stream = Stream::new(1_000);
        let mut sizes = vec![stream.next(true, 100).expect("never left out")];
        assert!(sizes[0] < 50_000.0, "{}", sizes[0]);
        sizes.extend(stream.run(59));
        assert_eq!(sizes.len(), 60);
        let key = stream.next(true, 100).expect("never left out");
        assert!(key < 5.5 * 1_000_000.0 / 240.0, "{key}");
        let after = stream.run(45);
        assert_eq!(after.len(), 45);
        assert!(kbps(&[&[key], &after[..]].concat(), 46) < 1_050.0);
    }

    #[test]
    fn another_scene_does_not_flood_the_line() {
        let mut stream = Stream::new(1_000);
        stream.next(true, 100);
        stream.run(60);
        stream.inter = 20.5;
        let cut = stream.next(false, 200).expect("a picture");
        assert!(cut < 5.5 * 1_000_000.0 / 240.0, "{cut}");
        stream.inter = 17.3;
        assert!(kbps(&stream.run(60), 60) < 1_100.0);
    }

    #[test]
    fn a_still_picture_is_not_made_ever_finer() {
        let mut stream = Stream { inter: 8.0, ..Stream::new(2_000) };
        stream.next(true, 100);
        stream.run(200);
        let frame = VideoFrame::grey(MediaTime::new(Duration::from_secs(60)), Size::HD, 0);
        assert_eq!(stream.control.plan(&frame, false), Plan::Quantizer(18));
    }
}
