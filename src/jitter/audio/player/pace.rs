//! Keeps what is played to its target: periods of the sound are taken out or put in.

use std::time::{Duration, Instant};

use super::{AudioPlayer, PIECE, SLIGHT, State, micros};
use crate::jitter::audio::{
    lateness::{Micros, distance},
    stretch,
};

/// How much too early sound is played before it is lengthened; how much too late before it is shortened
/// where it is quiet, and anywhere.
const TOO_EARLY: Micros = 1_000;
const SLIGHTLY_LATE: Micros = 2_000;
const TOO_LATE: Micros = 6_000;

/// How far over the aim a change may go, for a period that fits.
const OVER: Micros = 3_000;

/// With so much too much delay it is got rid of quickly.
const MUCH_TOO_LATE: Micros = 30_000;

/// A measured delay that differs by so much from the smoothed one replaces it.
const SUDDEN: Micros = 15_000;

impl AudioPlayer {
    /// Shortens or lengthens `pcm` if it is played too late or too early.
    pub(super) fn keep_to_target(&mut self, plays_at: Instant) {
        if self.state != State::Playing {
            return;
        }
        let measured = self.late(self.head(), plays_at);
        let smoothed = match self.delay {
            Some(delay) if (measured - delay).abs() < SUDDEN => delay + (measured - delay) / 8,
            _ => measured,
        };
        self.delay = Some(smoothed);
        if !self.untouched.is_zero() || self.without > Duration::ZERO {
            return;
        }
        let late = smoothed - micros(self.target());
        if late > SLIGHTLY_LATE {
            self.shorten(late);
        } else if late < -TOO_EARLY {
            self.lengthen(-late);
        }
    }

    fn shorten(&mut self, late: Micros) {
        // Enough for the longest period, if it is there already.
        while late > TOO_LATE
            && self.pcm.len() < 2 * stretch::LONGEST * self.channels
            && self.buffer.front().is_some_and(|front| distance(self.position, front.media_time) < SLIGHT)
        {
            self.play();
        }
        let (likeness, times) = match late {
            MUCH_TOO_LATE.. => (0.5, 3),
            TOO_LATE.. => (0.85, 8),
            _ => (stretch::NEVER, 8),
        };
        // What is played now must be left.
        let spare = (self.pcm.len() / self.channels).saturating_sub(self.frames_in(PIECE));
        let quiet = self.frames_in(Duration::from_micros(late as u64)).min(spare);
        let at_most = self.frames_in(Duration::from_micros((late + OVER) as u64)).min(spare);
        let change = stretch::Change { quiet, at_most, likeness };
        let removed = stretch::shorten(&mut self.pcm, self.channels, change);
        self.counts.removed += removed as u64;
        self.stretched(removed, -1, times);
    }

    fn lengthen(&mut self, early: Micros) {
        let likeness = if early > TOO_LATE { 0.5 } else { 0.85 };
        let quiet = self.frames_in(Duration::from_micros(early as u64));
        // It is better to play somewhat late than to run dry: any period will do.
        let change = stretch::Change { quiet, at_most: stretch::LONGEST, likeness };
        let inserted = stretch::lengthen(&self.before, &mut self.pcm, self.channels, change);
        self.counts.inserted += inserted as u64;
        self.stretched(inserted, 1, 4);
    }

    /// Notes a change by so many samples a channel: so many times as much is played as it is.
    fn stretched(&mut self, samples: usize, sign: Micros, times: u32) {
        let change = self.duration_of(samples * self.channels);
        self.untouched = change * times;
        self.delay = self.delay.map(|delay| delay + sign * micros(change));
    }
}
