//! How much of the sound is sent more than once.

use std::time::{Duration, Instant};

use super::Line;
use crate::media::Bitrate;

/// Chooses how many packets of sound go along again with each.
///
/// With a copy in the next packet, only what is lost twice in a row is missing: of 2 % of loss 0.04 %
/// remains, of 5 % 0.25 % with one copy and 0.01 % with two. Sound is small: what that costs the picture can
/// hardly be seen.
#[derive(Clone, Debug, Default)]
pub struct Redundancy {
    copies: usize,
    /// Since when less would do.
    since: Option<Instant>,
}

/// One copy, and two, go along from the first share of loss on, and no longer below the second.
const LOSS: [(f64, f64); 2] = [(0.015, 0.007), (0.04, 0.025)];

/// With runs of so many losses one copy would often be lost with the packet: two from here on, one again
/// below the second.
const BURST: (f64, f64) = (1.5, 1.25);

/// It falls after so long a time without need: a line that loses now and then is a line that loses.
const CALM: Duration = Duration::from_secs(5);

/// Copies are given so much of the line at most.
const SHARE: f64 = 0.25;

impl Redundancy {
    /// Returns how many copies go along with each packet from now on, when sound costs `audio` without them.
    pub fn choose(&mut self, now: Instant, line: &Line, audio: Bitrate) -> usize {
        let wanted = self.wanted(line);
        if wanted >= self.copies {
            self.since = None;
            self.copies = wanted;
        } else {
            let since = *self.since.get_or_insert(now);
            if now.saturating_duration_since(since) >= CALM {
                self.since = None;
                self.copies = wanted;
            }
        }
        let affordable = line.available.bps() as f64 * SHARE / audio.bps().max(1) as f64;
        self.copies.min(affordable as usize)
    }

    fn wanted(&self, line: &Line) -> usize {
        let lossy = |copies: usize| {
            let (enter, leave) = LOSS[copies - 1];
            line.loss >= if self.copies >= copies { leave } else { enter }
        };
        let in_runs = line.burst >= if self.copies >= 2 { BURST.1 } else { BURST.0 };
        match (lossy(1), lossy(2)) {
            (true, true) => 2,
            (true, false) => 1 + usize::from(in_runs),
            (false, _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;
    use crate::path::{Path, PathConfig};

    const AUDIO: Bitrate = Bitrate::from_kbps(32);

    fn line(loss: f64, burst: f64) -> Line {
        Line { loss, burst, ..Line::with_rate(Bitrate::from_kbps(1_000)) }
    }

    #[test]
    fn loss_decides() {
        for (loss, burst, copies) in [
            (0.0, 1.0, 0),
            (0.01, 1.0, 0),
            (0.01, 4.0, 0),
            (0.02, 1.0, 1),
            (0.02, 1.6, 2),
            (0.05, 1.0, 2),
            (0.3, 4.0, 2),
        ] {
            assert_eq!(Redundancy::default().choose(now(), &line(loss, burst), AUDIO), copies, "{loss} {burst}");
        }
    }

    #[test]
    fn it_comes_at_once_and_goes_after_a_while() {
        let (start, mut redundancy) = (now(), Redundancy::default());
        let mut at = |second, loss| redundancy.choose(start + Duration::from_secs(second), &line(loss, 1.0), AUDIO);
        for (second, loss, copies) in [
            (0, 0.0, 0),
            (1, 0.05, 2),
            (2, 0.03, 2),
            (60, 0.03, 2),
            // Less would do, but only for a moment.
            (61, 0.02, 2),
            (65, 0.03, 2),
            (66, 0.02, 2),
            (70, 0.01, 2),
            (71, 0.01, 1),
            (90, 0.008, 1),
            (91, 0.0, 1),
            (96, 0.0, 0),
        ] {
            assert_eq!(at(second, loss), copies, "second {second}");
        }
    }

    #[test]
    fn a_narrow_line_is_not_filled_with_copies() {
        for (kbps, copies) in [(1_000, 2), (256, 2), (200, 1), (100, 0), (0, 0)] {
            let line = Line { available: Bitrate::from_kbps(kbps), ..line(0.1, 1.0) };
            assert_eq!(Redundancy::default().choose(now(), &line, AUDIO), copies, "{kbps} kbit/s");
        }
    }

    /// Sends ten minutes of sound over a path; returns the share that never arrives, in per cent.
    fn missing(seed: u64, loss: f64, burst: u32) -> f64 {
        let start = now();
        let config = PathConfig { seed, loss, burst, ..PathConfig::clean(Duration::from_millis(50)) };
        let mut path = Path::new(config, start);
        let copies = Redundancy::default().choose(start, &line(loss, f64::from(burst)), AUDIO);
        let arrived: Vec<bool> =
            (0..30_000).map(|n| !path.send(start + Duration::from_millis(20) * n, 150).is_empty()).collect();
        let lost = arrived.windows(copies + 1).filter(|carriers| !carriers.contains(&true)).count();
        100.0 * lost as f64 / arrived.len() as f64
    }

    #[test]
    fn little_is_missing_in_the_end() {
        for seed in 1..=5 {
            for (loss, burst, most) in [(0.02, 1, 0.1), (0.05, 1, 0.05), (0.1, 1, 0.2), (0.05, 2, 0.3), (0.05, 3, 2.0)]
            {
                let missing = missing(seed, loss, burst);
                assert!(missing < most, "{loss} in runs of {burst}, seed {seed}: {missing} %");
            }
        }
    }
}
