//! How long to hold what came early, so that what comes late is still in time.
//!
//! The transit time of a frame is its arrival less its media time; only differences mean anything,
//! as the two clocks share no epoch. The smallest transit of the last seconds stands for the bare
//! line. How much longer the others took decides the target.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::media::MediaTime;

/// Learns the delay at which to play from how late frames came.
#[derive(Clone, Debug)]
pub struct DelayEstimator {
    tuning: Tuning,
    /// What transit times count from; the first frame's.
    origin: Option<(MediaTime, Instant)>,
    /// Moments and transits of frames that may yet be the smallest of the window: ever later, ever
    /// larger.
    smallest: VecDeque<(Instant, Micros)>,
    /// Moments and transits of the last frames.
    recent: VecDeque<(Instant, Micros)>,
    /// Above the smallest transit.
    target: Micros,
}

type Micros = i64;

#[derive(Clone, Copy, Debug)]
struct Tuning {
    percentile: f64,
    range: (Micros, Micros),
    /// Whether one late frame raises the target before it shows in the percentile.
    at_once: bool,
    /// The share of what is too much that is given back in a second.
    decay_per_second: f64,
    /// Frames may be so late: nobody sees it, and waiting for them would cost all the others.
    tolerance: Micros,
}

/// Over which the smallest transit is taken: long against jitter, short against the drift of two
/// clocks (100 ppm make 1 ms in it).
const LINE_WINDOW: Duration = Duration::from_secs(10);

/// Over which lateness is judged.
const LATENESS_WINDOW: Duration = Duration::from_secs(4);

/// The most frames that are kept, for a sender that sends far too many.
const MAX_RECENT: usize = 1024;

/// A transit that leaps by more is another line of time, not a delay.
const LEAP: Micros = 10_000_000;

impl DelayEstimator {
    /// For pictures: no delay on a clean line, at most 500 ms. One late picture raises the target
    /// at once; alone it is forgotten in a second or two.
    pub fn for_pictures() -> Self {
        Self::new(Tuning {
            percentile: 0.95,
            range: (0, 500_000),
            at_once: true,
            decay_per_second: 0.7,
            // Half of what a screen of 30 pictures a second shows anyway.
            tolerance: 16_000,
        })
    }

    /// For sound: at least 20 ms, at most 400 ms. Each change of the target is a block dropped or
    /// made up, so a single late packet changes nothing and the target falls slowly.
    pub fn for_sound() -> Self {
        Self::new(Tuning {
            percentile: 0.97,
            range: (20_000, 400_000),
            at_once: false,
            decay_per_second: 0.2,
            tolerance: 0,
        })
    }

    fn new(tuning: Tuning) -> Self {
        Self { tuning, origin: None, smallest: VecDeque::new(), recent: VecDeque::new(), target: tuning.range.0 }
    }

    /// Learns from a frame that was whole at `completed_at`.
    pub fn observe(&mut self, media_time: MediaTime, completed_at: Instant) {
        let mut transit = self.transit(media_time, completed_at);
        if self.base().is_some_and(|base| (transit - base).abs() > LEAP) {
            *self = Self::new(self.tuning);
            transit = 0;
        }
        self.origin.get_or_insert((media_time, completed_at));
        while self.smallest.back().is_some_and(|(_, larger)| *larger >= transit) {
            self.smallest.pop_back();
        }
        self.smallest.push_back((completed_at, transit));
        forget(&mut self.smallest, completed_at, LINE_WINDOW);
        let elapsed =
            self.recent.back().map_or(Duration::ZERO, |(last, _)| completed_at.saturating_duration_since(*last));
        self.recent.push_back((completed_at, transit));
        forget(&mut self.recent, completed_at, LATENESS_WINDOW);
        self.aim(transit, elapsed);
    }

    /// Forgets everything: another stream begins.
    pub fn reset(&mut self) {
        *self = Self::new(self.tuning);
    }

    /// Returns how long after the earliest possible moment frames are to be played.
    pub fn target(&self) -> Duration {
        Duration::from_micros(self.target as u64)
    }

    /// Returns when to play what has this media time; `None` before the first frame.
    pub fn play_at(&self, media_time: MediaTime) -> Option<Instant> {
        Some(self.earliest(media_time)? + self.target())
    }

    /// Returns when what has this media time would arrive over the bare line; `None` before the
    /// first frame.
    pub fn earliest(&self, media_time: MediaTime) -> Option<Instant> {
        let (media_origin, origin) = self.origin?;
        let offset = signed_micros(media_origin.since_epoch(), media_time.since_epoch()) + self.base()?;
        let duration = Duration::from_micros(offset.unsigned_abs());
        Some(if offset < 0 { origin.checked_sub(duration).unwrap_or(origin) } else { origin + duration })
    }

    fn base(&self) -> Option<Micros> {
        self.smallest.front().map(|(_, transit)| *transit)
    }

    fn transit(&self, media_time: MediaTime, completed_at: Instant) -> Micros {
        let Some((media_origin, origin)) = self.origin else { return 0 };
        let came = completed_at.saturating_duration_since(origin).as_micros() as Micros
            - origin.saturating_duration_since(completed_at).as_micros() as Micros;
        came - signed_micros(media_origin.since_epoch(), media_time.since_epoch())
    }

    fn aim(&mut self, transit: Micros, elapsed: Duration) {
        let Some(base) = self.base() else { return };
        let mut latenesses: Vec<Micros> = self.recent.iter().map(|(_, transit)| transit - base).collect();
        let rank = ((latenesses.len() - 1) as f64 * self.tuning.percentile).round() as usize;
        let (_, &mut usual, _) = latenesses.select_nth_unstable(rank);
        let worst = if self.tuning.at_once { usual.max(transit - base) } else { usual };
        let wanted = (worst - self.tuning.tolerance).max(0);
        if wanted >= self.target {
            self.target = wanted;
        } else {
            let kept = (1.0 - self.tuning.decay_per_second).powf(elapsed.as_secs_f64());
            self.target = usual + ((self.target - usual) as f64 * kept) as Micros;
        }
        self.target = self.target.clamp(self.tuning.range.0, self.tuning.range.1);
    }
}

fn forget(window: &mut VecDeque<(Instant, Micros)>, now: Instant, length: Duration) {
    while window.len() > MAX_RECENT
        || window.front().is_some_and(|(then, _)| now.saturating_duration_since(*then) > length)
    {
        window.pop_front();
    }
}

fn signed_micros(from: Duration, to: Duration) -> Micros {
    to.as_micros() as Micros - from.as_micros() as Micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    const FRAME: Duration = Duration::from_millis(33);
    const HOUR: Duration = Duration::from_secs(3600);

    /// Feeds frames that come `late(i)` milliseconds late and returns the target after each.
    fn targets(estimator: &mut DelayEstimator, frames: usize, late: impl Fn(usize) -> u64) -> Vec<u128> {
        let start = now() + HOUR;
        (0..frames)
            .map(|i| {
                let sent = FRAME * i as u32;
                estimator.observe(MediaTime::new(HOUR + sent), start + sent + Duration::from_millis(late(i)));
                estimator.target().as_millis()
            })
            .collect()
    }

    #[test]
    fn a_clean_line_needs_no_delay() {
        assert!(targets(&mut DelayEstimator::for_pictures(), 100, |_| 40).iter().all(|target| *target == 0));
        assert!(targets(&mut DelayEstimator::for_sound(), 100, |_| 40).iter().all(|target| *target == 20));
    }

    #[test]
    fn one_late_picture_raises_at_once_and_is_forgotten_in_seconds() {
        let targets = targets(&mut DelayEstimator::for_pictures(), 200, |i| if i == 50 { 200 } else { 0 });
        assert_eq!(targets[49], 0);
        // What nobody sees is not waited for: 16 ms.
        assert_eq!(targets[50], 184);
        assert!((30..100).contains(&targets[50 + 30]), "after a second: {}", targets[80]);
        assert!(targets[50 + 120] < 5, "after four: {}", targets[170]);
    }

    #[test]
    fn many_late_pictures_hold_the_target() {
        // Each tenth picture waits for a retransmission of 80 ms.
        let targets = targets(&mut DelayEstimator::for_pictures(), 600, |i| if i % 10 == 9 { 80 } else { 0 });
        assert!(targets[120..].iter().all(|target| *target == 64), "{targets:?}");
    }

    #[test]
    fn one_late_packet_of_sound_changes_nothing_but_some_do() {
        let one = targets(&mut DelayEstimator::for_sound(), 200, |i| if i == 150 { 200 } else { 0 });
        assert!(one.iter().all(|target| *target == 20));
        let some = targets(&mut DelayEstimator::for_sound(), 300, |i| if i % 10 == 9 { 90 } else { 0 });
        assert_eq!(some[299], 90);
    }

    #[test]
    fn the_target_stays_in_its_range() {
        let targets = targets(&mut DelayEstimator::for_pictures(), 300, |i| if i % 2 == 0 { 0 } else { 3_000 });
        assert_eq!(targets[299], 500);
    }

    #[test]
    fn frames_are_played_evenly_however_they_come() {
        let start = now() + HOUR;
        let mut estimator = DelayEstimator::for_pictures();
        for i in 0..100 {
            let (sent, late) = (FRAME * i, Duration::from_millis(u64::from(i * 7 % 20)));
            estimator.observe(MediaTime::new(HOUR + sent), start + sent + late);
        }
        let play = |i: u32| estimator.play_at(MediaTime::new(HOUR + FRAME * i)).expect("frames came");
        assert_eq!(play(101) - play(100), FRAME);
        let delay = play(100) - (start + FRAME * 100);
        assert!((17..20).contains(&delay.as_millis()), "{delay:?}");
    }

    #[test]
    fn drift_is_followed() {
        // The sender's clock is slow by 200 ppm: transit grows by 120 ms in ten minutes.
        let start = now() + HOUR;
        let mut estimator = DelayEstimator::for_pictures();
        for i in 0..18_000_u32 {
            let sent = FRAME * i;
            estimator.observe(MediaTime::new(HOUR + sent), start + sent.mul_f64(1.000_2));
        }
        assert!(estimator.target() < Duration::from_millis(4), "{:?}", estimator.target());
        let last = FRAME * 17_999;
        let play = estimator.play_at(MediaTime::new(HOUR + last)).expect("frames came");
        assert!(play.duration_since(start + last.mul_f64(1.000_2)) < Duration::from_millis(4));
    }

    #[test]
    fn another_line_of_time_begins_anew() {
        let (start, mut estimator) = (now() + HOUR, DelayEstimator::for_pictures());
        estimator.observe(MediaTime::new(HOUR), start);
        estimator.observe(MediaTime::new(HOUR + HOUR), start + FRAME);
        assert_eq!(estimator.play_at(MediaTime::new(HOUR + HOUR)), Some(start + FRAME));
        estimator.reset();
        assert_eq!(estimator.play_at(MediaTime::new(HOUR)), None);
    }
}
