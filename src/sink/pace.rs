//! The pace of a device that isn't there.

use std::time::{Duration, Instant};

/// Plays sound that nobody hears at the speed at which a loudspeaker would: what was handed over
/// gets less as time goes by. An empty queue is silence; sound that comes then plays at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VirtualDevice {
    plays_until: Option<Instant>,
    starved: Duration,
}

impl VirtualDevice {
    /// Takes sound that lasts so long.
    pub(super) fn play(&mut self, duration: Duration, now: Instant) {
        let until = self.plays_until.unwrap_or(now);
        self.starved += now.saturating_duration_since(until);
        let begin = until.max(now);
        self.plays_until = Some(begin + duration);
    }

    /// Returns how much is still to be played.
    pub(super) fn queued(&self, now: Instant) -> Duration {
        self.plays_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Returns how long there was nothing to play between the first sound and the last.
    pub(super) fn starved(&self) -> Duration {
        self.starved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn sound_plays_as_time_goes_by() {
        let start = now();
        let mut device = VirtualDevice::default();
        for (at, played, queued) in [(0, 20, 20), (5, 20, 35), (30, 0, 10), (100, 0, 0), (200, 20, 20)] {
            let now = start + Duration::from_millis(at);
            device.play(Duration::from_millis(played), now);
            assert_eq!(device.queued(now), Duration::from_millis(queued), "at {at} ms");
        }
        assert_eq!(device.starved(), Duration::from_millis(60 + 100));
    }
}
