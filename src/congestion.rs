//! What to send at the rate the line bears: how much for sound, how much for the picture, and at
//! which size and frame rate a picture of that rate is worth looking at.
//!
//! Estimating the rate is the connection's part (TWCC and GCC); this is the sharing out.

mod line;
mod protection;
mod redundancy;

use std::time::{Duration, Instant};

pub use line::Line;
pub use protection::Protection;
pub use redundancy::Redundancy;

use crate::media::{Bitrate, Size, VideoFormat};

/// What to send from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allocation {
    /// What the sound may cost.
    pub audio: Bitrate,
    /// What the picture may cost.
    pub video: Bitrate,
    /// The size of the picture.
    pub size: Size,
    /// Pictures a second.
    pub frame_rate: f64,
    /// Bytes of repair for each byte of picture, 0.0 to 1.0; what the picture may cost is without them.
    pub protection: f64,
}

/// Shares the line's rate out: sound first, the rest to the picture.
///
/// Rates fall at once and rise slowly. Sizes and frame rates fall after a second of need and rise
/// after five of plenty, as each change of size costs a key frame.
#[derive(Clone, Debug)]
pub struct RateAllocator {
    max: Bitrate,
    format: VideoFormat,
    /// Sizes to choose from, the largest first.
    sizes: Vec<Size>,
    size: Steady<usize>,
    halved: Steady<bool>,
    last: Option<(Instant, Bitrate)>,
}

/// Good sound, and sound that still can be understood.
const AUDIO: Bitrate = Bitrate::from_kbps(32);
const AUDIO_LEAST: Bitrate = Bitrate::from_kbps(16);

/// Below this the line is too narrow for good sound and a picture.
const NARROW: Bitrate = Bitrate::from_kbps(150);

/// The picture is never given less: it would not move at all.
const VIDEO_LEAST: Bitrate = Bitrate::from_kbps(20);

/// Below the first rate for the picture half the frames are sent, above the second all again.
const HALF_RATE: (Bitrate, Bitrate) = (Bitrate::from_kbps(150), Bitrate::from_kbps(190));

/// A size is left when it gets fewer bits a pixel than the first, and taken up again when it would
/// get the second. 1280x720 at 30 frames/s is left below 553 kbit/s.
const BITS_PER_PIXEL: (f64, f64) = (0.020, 0.025);

/// The sizes to choose from, as shares of the wanted one.
const SHARES: [(u32, u32); 4] = [(1, 1), (3, 4), (1, 2), (1, 4)];

/// Smaller pictures save nothing.
const LEAST_HEIGHT: usize = 90;

const NEED: Duration = Duration::from_secs(1);
const PLENTY: Duration = Duration::from_secs(5);

/// How fast the picture's rate rises in a second: by a share, or by so much if that is more.
const RISE: (f64, u64) = (0.15, 50_000);

impl RateAllocator {
    /// Returns an allocator for pictures that are to cost at most `max` and are wanted in `format`.
    pub fn new(max: Bitrate, format: VideoFormat) -> Self {
        let sizes = SHARES.iter().filter_map(|&(part, whole)| {
            let side = |side: usize| side as u32 * part / whole;
            Some(format.size.fit_into(Size::new(side(format.size.width()), side(format.size.height()))?))
        });
        let mut sizes: Vec<Size> = sizes.filter(|size| size.height() >= LEAST_HEIGHT).collect();
        // The whole size as it is, even if a side is odd, and even if it is tiny.
        sizes.retain(|size| size.pixels() < format.size.pixels() * 9 / 10);
        sizes.insert(0, format.size);
        Self { max, format, sizes, size: Steady::new(0), halved: Steady::new(false), last: None }
    }

    /// Returns what to send, given what the line is thought to bear. To be asked at each new
    /// estimate, and about once a second in between.
    ///
    /// `protection` is the bytes of repair for each byte of picture: they are paid out of the same rate.
    pub fn allocate(&mut self, now: Instant, estimate: Bitrate, protection: f64) -> Allocation {
        let audio = if estimate < NARROW { AUDIO_LEAST } else { AUDIO };
        let left = estimate.saturating_sub(audio).bps() as f64 / (1.0 + protection);
        let wanted = Bitrate::from_bps(left as u64).clamp(VIDEO_LEAST, self.max.max(VIDEO_LEAST));
        let video = self.rise(now, wanted);
        let halved = if self.halved.value { video < HALF_RATE.1 } else { video < HALF_RATE.0 };
        let frame_rate = self.format.frame_rate * if self.halved.settle(now, halved, halved) { 0.5 } else { 1.0 };
        let index = self.fitting_size(video, frame_rate);
        let size = self.sizes[self.size.settle(now, index, index > self.size.value)];
        Allocation { audio, video, size, frame_rate, protection }
    }

    fn rise(&mut self, now: Instant, wanted: Bitrate) -> Bitrate {
        let video = match self.last {
            Some((then, last)) if wanted > last => {
                let seconds = now.saturating_duration_since(then).as_secs_f64();
                let step = (last.bps() as f64 * RISE.0).max(RISE.1 as f64) * seconds;
                wanted.min(Bitrate::from_bps(last.bps() + step as u64))
            }
            _ => wanted,
        };
        self.last = Some((now, video));
        video
    }

    /// Returns which size the rate suffices for; the present one as long as it will do.
    fn fitting_size(&self, video: Bitrate, frame_rate: f64) -> usize {
        let present = self.size.value;
        let suffices = |index: usize| {
            let bits_per_pixel = video.bps() as f64 / (self.sizes[index].pixels() as f64 * frame_rate.max(1.0));
            bits_per_pixel >= if index < present { BITS_PER_PIXEL.1 } else { BITS_PER_PIXEL.0 }
        };
        (0..self.sizes.len()).find(|&index| suffices(index)).unwrap_or(self.sizes.len() - 1)
    }
}

/// A choice that changes only after another has been wanted for a while.
#[derive(Clone, Copy, Debug)]
struct Steady<T> {
    value: T,
    /// Since when there was need for less, or plenty for more.
    since: Option<(bool, Instant)>,
}

impl<T: Copy + PartialEq> Steady<T> {
    const fn new(value: T) -> Self {
        Self { value, since: None }
    }

    /// Takes what is wanted now, and whether that is less than what there is.
    fn settle(&mut self, now: Instant, wanted: T, less: bool) -> T {
        if wanted == self.value {
            self.since = None;
            return self.value;
        }
        let since = match self.since {
            Some((was_less, since)) if was_less == less => since,
            _ => now,
        };
        self.since = Some((less, since));
        if now.saturating_duration_since(since) >= if less { NEED } else { PLENTY } {
            (self.value, self.since) = (wanted, None);
        }
        self.value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::now;

    const HD: VideoFormat = VideoFormat { size: Size::HD, frame_rate: 30.0 };

    fn kbps(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    /// Holds an estimate for ten seconds from the start and returns what comes of it.
    fn settled(format: VideoFormat, estimate: u64) -> (u64, u64, String, f64) {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), format));
        let mut at = |second| allocator.allocate(start + Duration::from_secs(second), kbps(estimate), 0.0);
        let allocation = (0..=10).map(&mut at).last().expect("eleven of them");
        (allocation.audio.kbps(), allocation.video.kbps(), allocation.size.to_string(), allocation.frame_rate)
    }

    #[test]
    fn rates_decide_sizes() {
        for (estimate, audio, video, size, frame_rate) in [
            (10_000, 32, 2_500, "1280x720", 30.0),
            (1_000, 32, 968, "1280x720", 30.0),
            (600, 32, 568, "1280x720", 30.0),
            (500, 32, 468, "960x540", 30.0),
            (300, 32, 268, "640x360", 30.0),
            (160, 32, 128, "640x360", 15.0),
            (120, 16, 104, "640x360", 15.0),
            (60, 16, 44, "320x180", 15.0),
            (0, 16, 20, "320x180", 15.0),
        ] {
            assert_eq!(settled(HD, estimate), (audio, video, size.into(), frame_rate), "{estimate} kbit/s");
        }
    }

    #[test]
    fn small_pictures_are_not_made_tiny() {
        let format = VideoFormat { size: Size::new(320, 240).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 20).2, "240x180", "at half the frame rate this will do");
        let format = VideoFormat { size: Size::new(64, 48).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 0).2, "64x48");
        let format = VideoFormat { size: Size::new(321, 241).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 900).2, "321x241");
    }

    #[test]
    fn rates_fall_at_once_and_rise_slowly() {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
        let mut video = |millis, estimate| {
            allocator.allocate(start + Duration::from_millis(millis), kbps(estimate), 0.0).video.kbps()
        };
        assert_eq!(video(0, 2_032), 2_000, "at once at the beginning");
        assert_eq!(video(100, 1_032), 1_000, "down at once");
        assert_eq!(video(1_100, 5_000), 1_150, "up by 15 % in a second");
        assert_eq!(video(1_200, 182), 150);
        assert_eq!(video(2_200, 5_000), 200, "up by 50 kbit/s at least");
        assert_eq!(video(60_000, 5_000), 2_500, "up to the maximum");
    }

    #[test]
    fn sizes_fall_after_a_second_and_rise_after_five() {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
        let mut height = |millis, estimate| {
            allocator.allocate(start + Duration::from_millis(millis), kbps(estimate), 0.0).size.height()
        };
        // Moment, estimate, height.
        for (millis, estimate, expected) in [
            (0, 300, 720),
            (900, 300, 720),
            (1_000, 300, 360),
            // Not enough for more by the wider margin.
            (2_000, 332, 360),
            (9_000, 412, 360),
            (10_000, 2_000, 360),
            (12_000, 2_000, 360),
            // A moment of need, and the five seconds begin anew.
            (12_100, 300, 360),
            (30_000, 2_000, 360),
            (34_900, 2_000, 360),
            (35_000, 2_000, 720),
            // A dip shorter than a second changes nothing.
            (40_000, 200, 720),
            (40_500, 200, 720),
            (55_000, 2_000, 720),
        ] {
            assert_eq!(height(millis, estimate), expected, "at {millis} ms with {estimate} kbit/s");
        }
    }

    proptest! {
        #[test]
        fn the_line_is_never_overcommitted(steps in prop::collection::vec((0_u64..3_000, 0_u64..5_000), 1..60)) {
            let (mut at, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
            for (millis, estimate) in steps {
                at += Duration::from_millis(millis);
                let allocation = allocator.allocate(at, kbps(estimate), 0.0);
                let sum = allocation.audio.bps() + allocation.video.bps();
                prop_assert!(sum <= kbps(estimate).bps().max(AUDIO_LEAST.bps() + VIDEO_LEAST.bps()));
                prop_assert!(allocation.video <= kbps(2_500));
            }
        }
    }
}
