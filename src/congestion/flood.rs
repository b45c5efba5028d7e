//! When a line gets so narrow at once that its queue overflows: what pictures build on is lost, and what is
//! sent after it, or again, only waits behind what is of no use any more.

use std::time::{Duration, Instant};

/// A queue shorter than this, in seconds, does not overflow.
const LONG: f64 = 0.08;

/// So much under way, in seconds of what the line now bears, is more than queues hold or anybody waits for.
const TOO_MUCH: f64 = 0.20;

/// So many packets lost behind a long queue are more than chance.
const MANY: usize = 6;

/// What is sent when so much is left arrives in time behind it.
const LEFT: Duration = Duration::from_millis(130);

/// Nothing is held back longer: queues seldom hold more, and what is beyond them is lost and need not be waited for.
const LONGEST: f64 = 0.4;

/// What is lost within this time after a flood was lost in it.
const REST: Duration = Duration::from_millis(1500);

/// Watches for floods.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flood {
    lost: usize,
    /// When it began, and when the line should be free again.
    since: Option<(Instant, Instant)>,
    over: Option<Instant>,
    count: u32,
}

impl Flood {
    /// Takes what a report tells: how many packets are lost; when the newest one left; how long packets wait, and
    /// how much more is under way, both in seconds; and whether the line has just got much narrower.
    pub(super) fn update(
        &mut self,
        now: Instant,
        (lost, left): (usize, Instant),
        (waits, under_way): (f64, f64),
        narrowed: bool,
    ) {
        if let Some((since, until)) = self.since {
            if now + LEFT >= until || left > since && waits < LONG {
                *self = Self { over: Some(now), count: self.count, ..Self::default() };
            }
            return;
        }
        self.lost = if waits < LONG { 0 } else { self.lost + lost };
        let rested = self.over.is_none_or(|over| now.saturating_duration_since(over) > REST);
        let ahead = if narrowed { waits + under_way } else { waits };
        if rested && (self.lost >= MANY || narrowed && ahead > TOO_MUCH) {
            self.since = Some((now, now + Duration::from_secs_f64(ahead.min(LONGEST))));
            self.count += 1;
        }
    }

    /// Returns how many have begun.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Whether there is one.
    pub(super) const fn is_on(&self) -> bool {
        self.since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn a_flood_is_told_from_loss_and_from_waiting() {
        // Milliseconds, packets lost, wait and what is under way in seconds, whether the line got narrower,
        // and whether there is a flood then.
        let foreseen = [
            (0, 0, (0.01, 0.05), false, false),
            (50, 0, (0.03, 0.30), true, true),
            (100, 0, (0.10, 0.30), false, true),
            (240, 0, (0.30, 0.0), false, true),
            (300, 20, (0.30, 0.0), false, false),
            (350, 20, (0.10, 0.0), false, false),
            (3_000, 20, (0.10, 0.0), false, true),
        ];
        let seen =
            [(0, 4, (0.2, 0.0), false, false), (50, 4, (0.2, 0.0), false, true), (200, 4, (0.1, 0.0), false, false)];
        let lossy = [(0, 5, (0.01, 0.1), false, false), (100, 5, (0.03, 0.1), false, false)];
        let waiting = [(0, 0, (0.1, 0.2), false, false), (100, 2, (0.3, 0.2), false, false)];
        let somewhat = [(0, 0, (0.03, 0.1), true, false)];
        for steps in [&foreseen[..], &seen, &lossy, &waiting, &somewhat] {
            let (start, mut flood) = (now(), Flood::default());
            for (millis, lost, ahead, narrowed, expected) in steps {
                let at = start + Duration::from_millis(*millis);
                flood.update(at, (*lost, start), *ahead, *narrowed);
                assert_eq!(flood.is_on(), *expected, "at {millis} ms of {steps:?}");
            }
            let begun = steps.windows(2).filter(|pair| !pair[0].4 && pair[1].4).count();
            assert_eq!(flood.count() as usize, begun, "{steps:?}");
        }
    }
}
