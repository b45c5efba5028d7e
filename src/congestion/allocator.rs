//! Sharing out: sound first, the rest to the picture.

use std::time::{Duration, Instant};

use super::Line;
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
    /// Whether pictures are held back for a moment; a key frame comes after it.
    pub held: bool,
}

impl Allocation {
    /// Whether the line is too narrow for any picture.
    pub fn is_audio_alone(&self) -> bool {
        self.video == Bitrate::from_bps(0)
    }
}

/// Shares the line's rate out: sound first, the rest to the picture.
///
/// Rates follow the line at once: whether more is there to stay is the estimate's business. Sizes and frame rates
/// fall after a second of need and rise after a second of plenty, as each change of size costs a key frame; a
/// rise that did not last makes the next one wait twice as long.
#[derive(Clone, Debug)]
pub struct RateAllocator {
    max: Bitrate,
    format: VideoFormat,
    /// Sizes to choose from, the largest first.
    sizes: Vec<Size>,
    size: Steady<usize>,
    halved: Steady<bool>,
    alone: Steady<bool>,
}

/// Good sound, and sound that still can be understood.
const AUDIO: Bitrate = Bitrate::from_kbps(32);
const AUDIO_LEAST: Bitrate = Bitrate::from_kbps(16);

/// What the headers of sound cost: 50 packets a second with RTP, SRTP, UDP and IP.
const AUDIO_HEADERS: Bitrate = Bitrate::from_kbps(23);

/// What the picture costs with its headers, for each byte of it.
const VIDEO_HEADERS: f64 = 1.06;

/// Below this the line is too narrow for good sound and a picture.
const NARROW: Bitrate = Bitrate::from_kbps(170);

/// The picture is never given less: it would not move at all.
const VIDEO_LEAST: Bitrate = Bitrate::from_kbps(20);

/// Below the first there is sound alone, above the second a picture again.
const ALONE: (Bitrate, Bitrate) = (Bitrate::from_kbps(70), Bitrate::from_kbps(100));

/// Below the first rate for the picture half the frames are sent, above the second all again.
const HALF_RATE: (Bitrate, Bitrate) = (Bitrate::from_kbps(150), Bitrate::from_kbps(190));

/// A size is left when it gets fewer bits a pixel than the first, and taken up again when it would
/// get the second. 1280x720 at 30 frames/s is left below 359 kbit/s.
const BITS_PER_PIXEL: (f64, f64) = (0.013, 0.017);

/// With less than this share of what the present size needs nothing is waited for.
const SCARCE: f64 = 0.6;

/// The sizes to choose from below the wanted one, by their shorter side.
const SHORTER_SIDES: [usize; 4] = [720, 540, 360, 180];

const NEED: Duration = Duration::from_secs(1);
const AT_ONCE: Duration = Duration::from_millis(150);
const PLENTY: Duration = Duration::from_secs(1);

/// The picture is given up and taken up again later than a size: it is a greater change.
const ALONE_NEED: Duration = Duration::from_secs(4);
const ALONE_PLENTY: Duration = Duration::from_secs(2);

/// A rise that lasted less than this was a mistake, and the longest that a rise is then put off.
const LASTING: Duration = Duration::from_secs(15);
const PUT_OFF: Duration = Duration::from_secs(32);

impl RateAllocator {
    /// Returns an allocator for pictures that are to cost at most `max` and are wanted in `format`.
    pub fn new(max: Bitrate, format: VideoFormat) -> Self {
        let wanted = format.size;
        let shorter = wanted.width().min(wanted.height());
        // The whole size as it is, even if a side is odd, and even if it is tiny.
        let mut sizes = vec![wanted];
        let smaller = SHORTER_SIDES.into_iter().filter(|side| side * 20 < shorter * 19).filter_map(|side| {
            let scaled = |length: usize| (length * side / shorter) as u32;
            Some(wanted.fit_into(Size::new(scaled(wanted.width()), scaled(wanted.height()))?))
        });
        sizes.extend(smaller);
        Self {
            max,
            format,
            sizes,
            size: Steady::new(0, NEED, PLENTY),
            halved: Steady::new(false, NEED, PLENTY),
            alone: Steady::new(false, ALONE_NEED, ALONE_PLENTY),
        }
    }

    /// Returns what to send, given what the line is thought to bear. To be asked at each new
    /// estimate, and about once a second in between.
    ///
    /// `protection` is the bytes of repair for each byte of picture: they are paid out of the same rate. Sizes
    /// follow what the line bears in the long run: a key frame is the last thing that a queue needs.
    pub fn allocate(&mut self, now: Instant, line: &Line, protection: f64) -> Allocation {
        let audio = if line.steady < NARROW { AUDIO_LEAST } else { AUDIO };
        let alone = line.steady < if self.alone.value { ALONE.1 } else { ALONE.0 };
        let picture = |rate: Bitrate| {
            let left = rate.saturating_sub(audio).saturating_sub(AUDIO_HEADERS).bps() as f64;
            let wanted = Bitrate::from_bps((left / VIDEO_HEADERS / (1.0 + protection)) as u64);
            wanted.clamp(VIDEO_LEAST, self.max.max(VIDEO_LEAST))
        };
        let (video, steady) = (picture(line.available), picture(line.steady));
        let halved = steady < if self.halved.value { HALF_RATE.1 } else { HALF_RATE.0 };
        let frame_rate = self.format.frame_rate * if self.halved.settle(now, halved, halved) { 0.5 } else { 1.0 };
        let index = self.fitting_size(steady, frame_rate);
        let scarce = self.bits_per_pixel(self.size.value, steady, frame_rate) < SCARCE * BITS_PER_PIXEL.0;
        self.size.need = if scarce { AT_ONCE } else { NEED };
        let size = self.sizes[self.size.settle(now, index, index > self.size.value)];
        let video = if self.alone.settle(now, alone, alone) { Bitrate::from_bps(0) } else { video };
        Allocation { audio, video, size, frame_rate, protection, held: line.flooded }
    }

    /// Whether an allocation is less than what is wanted, for the line's sake.
    pub fn is_narrowed(&self, allocation: &Allocation) -> bool {
        let VideoFormat { size, frame_rate } = self.format;
        allocation.is_audio_alone() || allocation.size != size || allocation.frame_rate < frame_rate
    }

    /// Returns which size the rate suffices for; the present one as long as it will do.
    fn fitting_size(&self, video: Bitrate, frame_rate: f64) -> usize {
        let present = self.size.value;
        let suffices = |index: usize| {
            self.bits_per_pixel(index, video, frame_rate)
                >= if index < present { BITS_PER_PIXEL.1 } else { BITS_PER_PIXEL.0 }
        };
        (0..self.sizes.len()).find(|&index| suffices(index)).unwrap_or(self.sizes.len() - 1)
    }

    fn bits_per_pixel(&self, index: usize, video: Bitrate, frame_rate: f64) -> f64 {
        video.bps() as f64 / (self.sizes[index].pixels() as f64 * frame_rate.max(1.0))
    }
}

/// A choice that changes only after another has been wanted for a while.
#[derive(Clone, Copy, Debug)]
struct Steady<T> {
    value: T,
    need: Duration,
    plenty: Duration,
    /// How long plenty must last now.
    wait: Duration,
    /// Since when there was need for less, or plenty for more.
    since: Option<(bool, Instant)>,
    risen: Option<Instant>,
}

impl<T: Copy + PartialEq> Steady<T> {
    const fn new(value: T, need: Duration, plenty: Duration) -> Self {
        Self { value, need, plenty, wait: plenty, since: None, risen: None }
    }

    /// Takes what is wanted now, and whether that is less than what there is.
    fn settle(&mut self, now: Instant, wanted: T, less: bool) -> T {
        let lasted = self.risen.map(|at| now.saturating_duration_since(at));
        if lasted.is_some_and(|lasted| lasted >= LASTING) {
            (self.risen, self.wait) = (None, self.plenty);
        }
        if wanted == self.value {
            self.since = None;
            return self.value;
        }
        let since = match self.since {
            Some((was_less, since)) if was_less == less => since,
            _ => now,
        };
        self.since = Some((less, since));
        if now.saturating_duration_since(since) < if less { self.need } else { self.wait } {
            return self.value;
        }
        if !less {
            self.risen = Some(now);
        } else if self.risen.take().is_some() {
            self.wait = (self.wait * 2).min(PUT_OFF);
        }
        (self.value, self.since) = (wanted, None);
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
        let mut at =
            |second| allocator.allocate(start + Duration::from_secs(second), &Line::with_rate(kbps(estimate)), 0.0);
        let allocation = (0..=10).map(&mut at).last().expect("eleven of them");
        (allocation.audio.kbps(), allocation.video.kbps(), allocation.size.to_string(), allocation.frame_rate)
    }

    #[test]
    fn rates_decide_sizes() {
        for (estimate, audio, video, size, frame_rate) in [
            (10_000, 32, 2_500, "1280x720", 30.0),
            (1_000, 32, 892, "1280x720", 30.0),
            (650, 32, 561, "1280x720", 30.0),
            (500, 32, 420, "1280x720", 30.0),
            (400, 32, 325, "960x540", 30.0),
            (300, 32, 231, "960x540", 30.0),
            (170, 32, 108, "960x540", 15.0),
            (140, 16, 95, "640x360", 15.0),
            (80, 16, 39, "320x180", 15.0),
            (69, 16, 0, "320x180", 15.0),
            (0, 16, 0, "320x180", 15.0),
        ] {
            assert_eq!(settled(HD, estimate), (audio, video, size.into(), frame_rate), "{estimate} kbit/s");
        }
    }

    #[test]
    fn small_pictures_are_not_made_tiny() {
        let format = VideoFormat { size: Size::new(320, 240).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 20).2, "320x240", "at half the frame rate this will do");
        let format = VideoFormat { size: Size::new(64, 48).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 0).2, "64x48");
        let format = VideoFormat { size: Size::new(321, 241).expect("in range"), frame_rate: 30.0 };
        assert_eq!(settled(format, 900).2, "321x241");
    }

    #[test]
    fn large_pictures_have_more_steps() {
        let sizes = |width, height| {
            let size = Size::new(width, height).expect("in range");
            let allocator = RateAllocator::new(kbps(2_500), VideoFormat { size, frame_rate: 30.0 });
            allocator.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sizes(1920, 1080), "1920x1080 1280x720 960x540 640x360 320x180");
        assert_eq!(sizes(1280, 720), "1280x720 960x540 640x360 320x180");
        assert_eq!(sizes(720, 1280), "720x1280 540x960 360x640 180x320");
        assert_eq!(sizes(640, 480), "640x480 480x360 240x180");
    }

    #[test]
    fn rates_follow_at_once() {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
        let mut video = |millis, estimate| {
            allocator
                .allocate(start + Duration::from_millis(millis), &Line::with_rate(kbps(estimate)), 0.0)
                .video
                .kbps()
        };
        assert_eq!(video(0, 2_175), 2_000);
        assert_eq!(video(100, 1_115), 1_000);
        assert_eq!(video(150, 5_000), 2_500, "up to the maximum");
    }

    #[test]
    fn sizes_that_were_risen_to_in_vain_are_put_off() {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
        let mut height = |millis, estimate| {
            allocator
                .allocate(start + Duration::from_millis(millis), &Line::with_rate(kbps(estimate)), 0.0)
                .size
                .height()
        };
        // Moment, estimate, height.
        for (millis, estimate, expected) in [
            (0, 340, 720),
            (900, 340, 720),
            (1_000, 340, 540),
            // Not enough for more by the wider margin.
            (2_000, 400, 540),
            (9_000, 450, 540),
            (10_000, 2_000, 540),
            (10_900, 2_000, 540),
            // A moment of need, and the second begins anew.
            (10_950, 340, 540),
            (11_100, 2_000, 540),
            (12_000, 2_000, 540),
            (12_100, 2_000, 720),
            // It did not last, so that it takes two seconds next time, and then four.
            (15_000, 340, 720),
            (16_000, 340, 540),
            (20_000, 2_000, 540),
            (21_900, 2_000, 540),
            (22_000, 2_000, 720),
            (23_000, 340, 720),
            (24_000, 340, 540),
            (30_000, 2_000, 540),
            (33_900, 2_000, 540),
            (34_000, 2_000, 720),
            // A dip shorter than a second changes nothing, and what lasted is trusted again.
            (40_000, 340, 720),
            (40_500, 340, 720),
            (50_000, 2_000, 720),
            (55_000, 340, 720),
            (56_000, 340, 540),
            (57_000, 2_000, 540),
            (58_000, 2_000, 720),
        ] {
            assert_eq!(height(millis, estimate), expected, "at {millis} ms with {estimate} kbit/s");
        }
    }

    #[test]
    fn sound_goes_on_alone_and_the_picture_comes_back() {
        let (start, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
        let mut alone = |millis, estimate| {
            allocator
                .allocate(start + Duration::from_millis(millis), &Line::with_rate(kbps(estimate)), 0.0)
                .is_audio_alone()
        };
        for (millis, estimate, expected) in [
            (0, 60, false),
            (3_900, 60, false),
            (4_000, 60, true),
            (10_000, 90, true),
            (20_000, 110, true),
            (22_000, 110, false),
            (30_000, 75, false),
            (31_000, 60, false),
            (35_000, 60, true),
            (40_000, 200, true),
            (43_900, 200, true),
            (44_000, 200, false),
        ] {
            assert_eq!(alone(millis, estimate), expected, "at {millis} ms with {estimate} kbit/s");
        }
    }

    proptest! {
        #[test]
        fn the_line_is_never_overcommitted(steps in prop::collection::vec((0_u64..3_000, 0_u64..5_000, 0.0..1.0), 1..60)) {
            let (mut at, mut allocator) = (now(), RateAllocator::new(kbps(2_500), HD));
            for (millis, estimate, protection) in steps {
                at += Duration::from_millis(millis);
                let allocation = allocator.allocate(at, &Line::with_rate(kbps(estimate)), protection);
                let sum = allocation.audio.bps() + (allocation.video.bps() as f64 * (1.0 + protection)) as u64;
                prop_assert!(sum <= kbps(estimate).bps().max(AUDIO_LEAST.bps() + 2 * VIDEO_LEAST.bps()));
                prop_assert!(allocation.video <= kbps(2_500));
            }
        }
    }
}
