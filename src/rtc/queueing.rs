//! How long packets wait in the network's queues, by the differences of their travel times.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The shortest travel of this time stands for empty queues.
const WINDOW: Duration = Duration::from_secs(10);

/// The shortest travel of this time stands for now: a single packet that was held up says nothing.
const RECENT: Duration = Duration::from_millis(300);

/// Queues that hold packets no longer than this are no sign of a full line.
const HARMLESS_MICROS: i64 = 15_000;

/// **The most packets that are remembered; when full the oldest is forgotten.**
const CAPACITY: usize = 8192;

/// Watches travel times. The two clocks share no epoch, so that only differences count.
#[derive(Debug, Default)]
pub(super) struct Queueing {
    origin: Option<Instant>,
    /// When each packet left, and its travel time in microseconds. Ever later and ever longer: a
    /// packet that came faster makes all before it forgotten.
    shortest: VecDeque<(Instant, i64)>,
    recent: VecDeque<(Instant, i64)>,
}

impl Queueing {
    /// Takes a packet that left at `departure` here and came at `arrival` by the other side's clock.
    pub(super) fn travelled(&mut self, departure: Instant, arrival: Duration) {
        let origin = *self.origin.get_or_insert(departure);
        let left = departure.saturating_duration_since(origin).as_micros() as i64;
        let travel = arrival.as_micros() as i64 - left;
        for (window, span) in [(&mut self.shortest, WINDOW), (&mut self.recent, RECENT)] {
            while window.back().is_some_and(|(_, longer)| *longer >= travel) {
                window.pop_back();
            }
            window.push_back((departure, travel));
            while window.len() > CAPACITY
                || window.front().is_some_and(|(at, _)| departure.saturating_duration_since(*at) > span)
            {
                window.pop_front();
            }
        }
    }

    /// Whether packets hardly wait: what delay there seems to be is noise.
    pub(super) fn is_harmless(&self) -> bool {
        match (self.shortest.front(), self.recent.front()) {
            (Some((_, base)), Some((_, now))) => now - base < HARMLESS_MICROS,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn a_queue_is_told_from_noise() {
        let start = now();
        let mut queueing = Queueing::default();
        assert!(!queueing.is_harmless(), "nothing is known yet");
        let mut send = |from: u64, until: u64, travel: fn(u64) -> u64| {
            for at in (from..until).step_by(10) {
                let arrival = 7_000_000 + at + travel(at);
                queueing.travelled(start + Duration::from_millis(at), Duration::from_millis(arrival));
            }
            queueing.is_harmless()
        };
        assert!(send(0, 1000, |_| 50), "a clean line");
        assert!(send(1000, 2000, |at| 50 + at * 7 % 40), "one that jitters");
        assert!(!send(2000, 3000, |at| 50 + (at - 2000) / 10), "a queue that grows");
        assert!(send(3000, 4000, |_| 52), "and is empty again");
    }
}
