//! How much of what is sent repairs the rest: forward error correction for the picture.

use std::time::{Duration, Instant};

use super::Line;

/// The most bytes of repair for each byte of picture.
const MOST: f64 = 0.6;

/// Below this nothing is repaired: a retransmission now and then costs less than repair packets all the time.
const LEAST: f64 = 0.04;

/// Losses below this share of packets are left to retransmissions.
const RARE: f64 = 0.004;

/// A frame of eight packets that loses each with a probability of 5 % comes through with three repair packets in 98
/// of 100 cases at once, and with the next frame's in 995 of 1,000. What is needed grows with the root of the loss.
const STRENGTH: f64 = 1.6;

/// What a longer run of losses needs in addition.
const BURST: f64 = 0.15;

/// Up to the first round trip a retransmission is as good, from the second on it comes too late for the picture.
const ROUND_TRIP: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(60));

/// What is assumed while the round trip is not known.
const ASSUMED: Duration = Duration::from_millis(100);

/// Repair follows a loss that grows within about so many seconds, and one that shrinks more slowly.
const UP: f64 = 0.7;

/// See [`UP`].
const DOWN: f64 = 5.0;

/// Chooses how many bytes of repair go with each byte of picture.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    share: f64,
    at: Option<Instant>,
    on: bool,
}

impl Protection {
    /// Returns the bytes of repair for each byte of picture, 0.0 to 1.0, for what the line is now. To be asked at
    /// each new estimate, and about once a second in between.
    pub fn choose(&mut self, now: Instant, line: &Line) -> f64 {
        let wanted = wanted(line);
        let passed = self.at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.at = Some(now);
        let time = if wanted > self.share { UP } else { DOWN };
        self.share += (wanted - self.share) * (1.0 - (-passed / time).exp());
        // On at a share that is worth it, off at half of that.
        self.on = self.share > if self.on { LEAST / 2.0 } else { LEAST };
        if self.on { self.share } else { 0.0 }
    }
}

/// Returns what would be right if the line stayed as it is.
fn wanted(line: &Line) -> f64 {
    if line.loss < RARE {
        return 0.0;
    }
    let (short, long) = ROUND_TRIP;
    let round_trip = line.round_trip.unwrap_or(ASSUMED);
    let late = round_trip.saturating_sub(short).as_secs_f64() / (long - short).as_secs_f64();
    let burst = 1.0 + BURST * (line.burst.clamp(1.0, 6.0) - 1.0);
    (STRENGTH * line.loss.sqrt() * burst * late.min(1.0)).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Bitrate, now};

    fn line(loss: f64, burst: f64, round_trip: u64) -> Line {
        let round_trip = Some(Duration::from_millis(round_trip));
        Line { loss, burst, round_trip, ..Line::with_rate(Bitrate::from_kbps(2_000)) }
    }

    #[test]
    fn repair_follows_loss_bursts_and_round_trip() {
        for (loss, burst, round_trip, expected) in [
            (0.0, 1.0, 100, 0.0),
            (0.001, 1.0, 500, 0.0),
            (0.01, 1.0, 100, 0.16),
            (0.05, 1.0, 100, 0.36),
            (0.05, 1.0, 40, 0.18),
            (0.05, 1.0, 10, 0.0),
            (0.05, 4.0, 100, 0.52),
            (0.1, 1.0, 100, 0.51),
            (0.4, 1.0, 100, MOST),
        ] {
            let share = wanted(&line(loss, burst, round_trip));
            assert!((share - expected).abs() < 0.005, "{loss} {burst} {round_trip}: {share}");
        }
        assert_eq!(wanted(&Line { round_trip: None, ..line(0.05, 1.0, 0) }), wanted(&line(0.05, 1.0, 100)));
    }

    #[test]
    fn repair_comes_quickly_and_goes_slowly() {
        let (mut protection, start) = (Protection::default(), now());
        let mut at =
            |millis: u64, loss| protection.choose(start + Duration::from_millis(millis), &line(loss, 1.0, 100));
        assert_eq!(at(0, 0.0), 0.0);
        let risen = (1..=15).map(|step| at(100 * step, 0.05)).last().expect("fifteen of them");
        assert!(risen > 0.25, "{risen}");
        let held = (16..=30).map(|step| at(100 * step, 0.0)).last().expect("fifteen of them");
        assert!(held > 0.15, "{held}");
        let gone = (31..=300).map(|step| at(100 * step, 0.0)).last().expect("many of them");
        assert_eq!(gone, 0.0);
    }

    #[test]
    fn a_share_at_the_limit_does_not_flicker() {
        let (mut protection, start) = (Protection::default(), now());
        let shares = (0..600_u64).map(|step| {
            let loss = if step % 20 < 10 { 0.004 } else { 0.0 };
            protection.choose(start + Duration::from_millis(100 * step), &line(loss, 1.0, 60))
        });
        let on: Vec<bool> = shares.map(|share| share > 0.0).collect();
        let changes = on.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes <= 1, "{changes}");
    }
}
