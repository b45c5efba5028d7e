//! How long to hold pictures that came early, so that they move evenly.
//!
//! The transit time of a picture is its arrival less its media time; only differences mean anything,
//! as the two clocks share no epoch. The smallest transit of the last second stands for the line as
//! it is now, a standing queue included. By how much the others exceeded it decides the target.
//!
//! A picture that is late because a packet was lost says nothing about the line: its neighbours
//! would wait for nothing, and it is shown when it comes. So the target counts packets alone that
//! came in their order.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::media::MediaTime;

/// Learns when to show pictures from how the line carried those before.
///
/// No delay on a clean line, at most 120 ms; lateness is forgotten in three seconds.
#[derive(Clone, Debug, Default)]
pub struct PictureDelay {
    /// What transit times count from; the first picture's.
    origin: Option<(MediaTime, Instant)>,
    /// Moments and transits that may yet be the smallest of the window: ever later, ever larger.
    smallest: VecDeque<(Instant, Micros)>,
    /// Moments and latenesses of the last pictures.
    recent: VecDeque<(Instant, Micros)>,
    target: Micros,
}

type Micros = i64;

/// Over which the smallest transit is taken: long against jitter, short against a queue that comes
/// and goes.
const LINE_WINDOW: Duration = Duration::from_secs(1);

/// Over which lateness is judged.
const LATENESS_WINDOW: Duration = Duration::from_secs(3);

/// The share of pictures that are to be in time. The rest are shown as they come: to wait for them
/// would cost all others. A line that once stops for less than half a second delays fewer than that.
const IN_TIME: f64 = 0.85;

/// So late nobody sees it, and to wait would cost every picture: half of the time for which a screen
/// shows one at 30 a second.
const TOLERANCE: Micros = 16_000;

/// In a talk more delay hurts more than pictures that move unevenly.
const MAX_TARGET: Micros = 120_000;

/// How long it takes a target that is too high to fall to a third: pictures catch up unnoticed.
const FALL: Duration = Duration::from_millis(300);

/// The most pictures that are kept, for a sender that sends far too many.
const MAX_RECENT: usize = 512;

/// A transit that leaps by more is another line of time, not a delay.
const LEAP: Micros = 10_000_000;

impl PictureDelay {
    /// Returns an estimator that knows of no picture yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns from a picture whose last packet, of those that came in their order, came at `at`.
    pub fn observe(&mut self, media_time: MediaTime, at: Instant) {
        let mut transit = self.transit(media_time, at);
        if self.base().is_some_and(|base| (transit - base).abs() > LEAP) {
            *self = Self::new();
            transit = 0;
        }
        self.origin.get_or_insert((media_time, at));
        while self.smallest.back().is_some_and(|(_, larger)| *larger >= transit) {
            self.smallest.pop_back();
        }
        self.smallest.push_back((at, transit));
        forget(&mut self.smallest, at, LINE_WINDOW);
        let elapsed = self.recent.back().map_or(Duration::ZERO, |(last, _)| at.saturating_duration_since(*last));
        // As late as it was by what was known then: a queue that is gone has delayed nobody else.
        let lateness = self.base().map_or(0, |base| transit - base);
        self.recent.push_back((at, lateness));
        forget(&mut self.recent, at, LATENESS_WINDOW);
        self.aim(elapsed);
    }

    /// Forgets everything: another stream begins.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Returns how long after the earliest possible moment pictures are to be shown.
    pub fn target(&self) -> Duration {
        Duration::from_micros(self.target as u64)
    }

    /// Returns when to show the picture of this media time; `None` before the first.
    pub fn play_at(&self, media_time: MediaTime) -> Option<Instant> {
        let (media_origin, origin) = self.origin?;
        let offset = signed_micros(media_origin.since_epoch(), media_time.since_epoch()) + self.base()? + self.target;
        let duration = Duration::from_micros(offset.unsigned_abs());
        Some(if offset < 0 { origin.checked_sub(duration).unwrap_or(origin) } else { origin + duration })
    }

    fn base(&self) -> Option<Micros> {
        self.smallest.front().map(|(_, transit)| *transit)
    }

    fn transit(&self, media_time: MediaTime, at: Instant) -> Micros {
        let Some((media_origin, origin)) = self.origin else { return 0 };
        let came = at.saturating_duration_since(origin).as_micros() as Micros
            - origin.saturating_duration_since(at).as_micros() as Micros;
        came - signed_micros(media_origin.since_epoch(), media_time.since_epoch())
    }

    fn aim(&mut self, elapsed: Duration) {
        let mut latenesses: Vec<Micros> = self.recent.iter().map(|(_, lateness)| *lateness).collect();
        let rank = ((latenesses.len() - 1) as f64 * IN_TIME).floor() as usize;
        let (_, &mut usual, _) = latenesses.select_nth_unstable(rank);
        let wanted = (usual - TOLERANCE).clamp(0, MAX_TARGET);
        let excess = (self.target - wanted).max(0) as f64;
        let left = (-elapsed.as_secs_f64() / FALL.as_secs_f64()).exp();
        self.target = wanted + (excess * left) as Micros;
    }
}

fn forget(window: &mut VecDeque<(Instant, Micros)>, now: Instant, length: Duration) {
    while window.len() > 1
        && window
            .front()
            .is_some_and(|(at, _)| window.len() > MAX_RECENT || now.saturating_duration_since(*at) > length)
    {
        window.pop_front();
    }
}

fn signed_micros(from: Duration, to: Duration) -> Micros {
    to.as_micros() as Micros - from.as_micros() as Micros
}

#[cfg(test)]
mod tests;
