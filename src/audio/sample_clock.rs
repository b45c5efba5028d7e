//! When a sample was captured: times of arrival jitter, samples do not.

use std::time::{Duration, Instant};

/// From this error on the line of time is begun anew.
const JUMP: Duration = Duration::from_millis(40);
/// What part of an error one mark corrects: with marks each 10 ms a step is followed in half a second.
const GAIN: f64 = 1.0 / 32.0;

/// Relates positions in a stream of samples to instants, smoothed over many marks.
#[derive(Clone, Debug)]
pub(super) struct SampleClock {
    rate_hz: f64,
    anchor: Option<(u64, Instant)>,
}

impl SampleClock {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz: rate_hz.into(), anchor: None }
    }

    /// Takes note that the sample at `position` is said to have been captured at `at`.
    pub(super) fn mark(&mut self, position: u64, at: Instant) {
        let corrected = match self.at(position) {
            None => at,
            Some(expected) => {
                let (late, early) = (at.saturating_duration_since(expected), expected.saturating_duration_since(at));
                if late.max(early) > JUMP {
                    at
                } else {
                    (expected + late.mul_f64(GAIN)).checked_sub(early.mul_f64(GAIN)).unwrap_or(expected)
                }
            }
        };
        self.anchor = Some((position, corrected));
    }

    /// Returns when the sample at `position` was captured; `None` before the first mark.
    pub(super) fn at(&self, position: u64) -> Option<Instant> {
        let (anchor, at) = self.anchor?;
        let away = Duration::from_secs_f64(position.abs_diff(anchor) as f64 / self.rate_hz);
        if position >= anchor { Some(at + away) } else { Some(at.checked_sub(away).unwrap_or(at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn jitter_is_smoothed_and_jumps_are_followed() {
        let epoch = now() + Duration::from_secs(10);
        let mut clock = SampleClock::new(48_000);
        assert_eq!(clock.at(0), None);
        // Every third block comes 8 ms late.
        for block in 0..300_u64 {
            let late = if block % 3 == 0 { 8 } else { 0 };
            clock.mark(block * 480, epoch + Duration::from_millis(10 * block + late));
            let step = clock.at((block + 1) * 480).expect("marked") - clock.at(block * 480).expect("marked");
            assert_eq!(step.as_millis(), 10);
        }
        let error = clock.at(300 * 480).expect("marked") - (epoch + Duration::from_secs(3));
        assert!(error < Duration::from_millis(5), "{error:?}");
        clock.mark(301 * 480, epoch + Duration::from_secs(5));
        assert_eq!(clock.at(301 * 480), Some(epoch + Duration::from_secs(5)));
    }
}
