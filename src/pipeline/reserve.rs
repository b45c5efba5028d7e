//! How much sound is kept ready in a sink: as little as the machine's punctuality allows.

use std::time::{Duration, Instant};

/// Grows when the sink ran dry although there was sound, and shrinks slowly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserve {
    level: Duration,
    /// How long the sink had run dry when last asked, and since when it has not.
    starved: Option<(Duration, Instant)>,
}

const LEAST: Duration = Duration::from_millis(6);
const MOST: Duration = Duration::from_millis(40);

/// By how much it grows at once.
const GROWS_BY: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(10));

/// It shrinks by a quarter of what is above the least, but not by less than this, each time that the sink
/// did not run dry for so long.
const SHRINKS_BY: Duration = Duration::from_millis(1);
const CALM: Duration = Duration::from_secs(5);

impl Reserve {
    pub(super) const fn new() -> Self {
        Self { level: LEAST, starved: None }
    }

    pub(super) fn level(&self) -> Duration {
        self.level
    }

    /// Learns how long the sink has run dry so far.
    pub(super) fn observe(&mut self, starved: Duration, now: Instant) {
        let Some((before, since)) = self.starved else {
            self.starved = Some((starved, now));
            return;
        };
        if starved > before {
            let more = (starved - before).clamp(GROWS_BY.0, GROWS_BY.1);
            self.level = (self.level + more).min(MOST);
            self.starved = Some((starved, now));
        } else if now.saturating_duration_since(since) >= CALM {
            let less = (self.level.saturating_sub(LEAST) / 4).max(SHRINKS_BY);
            self.level = self.level.saturating_sub(less).max(LEAST);
            self.starved = Some((starved, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn it_grows_at_once_and_shrinks_slowly() {
        let (start, mut reserve) = (now(), Reserve::new());
        // Seconds, how long starved by then, the level in milliseconds.
        for (at, starved, level) in [
            (0, 500, 6),
            (1, 500, 6),
            (2, 505, 11),
            (3, 506, 13),
            (4, 900, 23),
            (5, 914, 33),
            (6, 915, 35),
            (7, 940, 40),
            (11, 940, 40),
            (12, 980, 40),
            (16, 981, 40),
            (21, 981, 31),
            (22, 982, 33),
        ] {
            reserve.observe(Duration::from_millis(starved), start + Duration::from_secs(at));
            assert_eq!(reserve.level().as_millis(), level, "after {at} s");
        }
    }
}
