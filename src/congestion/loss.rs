//! What loss tells: how much there is and in what runs, and whether it comes from sending too much.

use std::time::{Duration, Instant};

/// Loss is judged over at least this time ...
const WINDOW: Duration = Duration::from_millis(1000);

/// ... and this many packets.
const PACKETS: usize = 50;

/// By how much loss must exceed what the line is known to lose anyway to be taken for a full line ...
const HIGH: f64 = 0.16;

/// ... and up to which excess it is taken to have room.
const LOW: f64 = 0.12;

/// What the rate gains with a window that has room, and twice as much with each further one.
const RISE: f64 = 0.10;

/// A rate so much lower that is followed by the same loss was not the reason of the loss.
const TRIED: f64 = 0.75;

/// Older packets count ever less: half as much after so many.
const HALF_LIFE: f64 = 250.0;

/// The rate that loss allows, over windows long enough to tell a lossy line from a full one: of the few
/// packets of one report two are often lost on a line that loses 5 %.
///
/// A line may lose much and still have room. So when less is sent and as much is lost, that loss is the
/// line's own from then on.
#[derive(Debug)]
pub(super) struct LossLimit {
    limit: f64,
    max: f64,
    since: Option<Instant>,
    lost: usize,
    total: usize,
    /// The share that was lost when the limit was first lowered, and the rate at that time.
    first: Option<(f64, f64)>,
    /// The share that the line loses however little is sent.
    own: f64,
    rise: f64,
}

impl LossLimit {
    /// Returns no limit but `max`, in bits a second.
    pub(super) const fn new(max: f64) -> Self {
        Self { limit: max, max, since: None, lost: 0, total: 0, first: None, own: 0.0, rise: RISE }
    }

    /// Returns the limit in bits a second.
    pub(super) const fn get(&self) -> f64 {
        self.limit
    }

    /// Begins a new window: what is lost in a queue that others see to says nothing more.
    pub(super) fn skip(&mut self, now: Instant) {
        (self.since, self.lost, self.total) = (Some(now), 0, 0);
    }

    /// Takes what the other side says of `total` packets, sent at `current` bits a second.
    pub(super) fn update(&mut self, now: Instant, lost: usize, total: usize, current: f64) {
        let since = *self.since.get_or_insert(now);
        self.lost += lost;
        self.total += total;
        if now.saturating_duration_since(since) < WINDOW || self.total < PACKETS {
            return;
        }
        let share = self.lost as f64 / self.total as f64;
        (self.since, self.lost, self.total) = (Some(now), 0, 0);
        self.own = self.own.min(share);
        if share > self.own + HIGH {
            self.rise = RISE;
            let (share_then, rate_then) = *self.first.get_or_insert((share, current));
            if current < TRIED * rate_then && share > 0.8 * share_then {
                self.own = share;
                self.limit = self.max;
                self.first = None;
            } else {
                self.limit = self.limit.min(current) * (1.0 - 0.8 * share);
            }
        } else if share < self.own + LOW {
            self.limit = (self.limit * (1.0 + self.rise)).min(self.max);
            self.rise = (2.0 * self.rise).min(1.0);
            self.first = self.first.filter(|_| self.limit < self.max);
        }
    }
}

/// How much is lost and in what runs, over the last few seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    sent: f64,
    lost: f64,
    runs: f64,
    losing: bool,
}

impl Losses {
    /// Takes the fate of the next packet in the order of sending.
    pub(super) fn count(&mut self, lost: bool) {
        let kept = 0.5_f64.powf(1.0 / HALF_LIFE);
        let begins = lost && !self.losing;
        self.sent = self.sent * kept + 1.0;
        self.lost = self.lost * kept + f64::from(u8::from(lost));
        self.runs = self.runs * kept + f64::from(u8::from(begins));
        self.losing = lost;
    }

    /// Returns the share of packets that are lost, 0.0 to 1.0.
    pub(super) fn share(&self) -> f64 {
        // The first few count as part of a hundred: one lost of three is not a third.
        self.lost / self.sent.max(100.0)
    }

    /// Returns how many in a row are lost when one is, on average.
    pub(super) fn burst(&self) -> f64 {
        if self.runs < 0.5 { 1.0 } else { (self.lost / self.runs).max(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::now,
        path::{Path, PathConfig},
    };

    /// Returns the limit after `seconds` of reports, ten a second of 13 packets, sent at the limit, of which
    /// so many of a hundred are lost.
    fn after(seconds: usize, percent: impl Fn(f64) -> f64, limit: &mut LossLimit, start: Instant) -> f64 {
        let mut owed = 0.0;
        for report in 0..seconds * 10 {
            owed += 13.0 * percent(limit.get()) / 100.0;
            let lost = owed as usize;
            owed -= lost as f64;
            let rate = limit.get();
            limit.update(start + Duration::from_millis(100 * report as u64), lost, 13, rate);
        }
        limit.get()
    }

    #[test]
    fn a_lossy_line_is_told_from_a_full_one() {
        let start = now();
        assert_eq!(after(20, |_| 5.0, &mut LossLimit::new(2e6), start), 2e6, "5 % of loss is no congestion");
        assert_eq!(after(20, |_| 25.0, &mut LossLimit::new(2e6), start), 2e6, "nor is what stays with less");
        // A policer: what is beyond 1 Mbit/s is lost.
        let mut limit = LossLimit::new(2e6);
        let policed = |rate: f64| (1.0 - 1e6 / rate).max(0.0) * 100.0;
        let reduced = after(20, policed, &mut limit, start);
        assert!((0.7e6..2.0e6).contains(&reduced), "too much is: {reduced}");
        let regained = after(20, |_| 1.0, &mut limit, start + Duration::from_secs(20));
        assert_eq!(regained, 2e6);
    }

    #[test]
    fn loss_is_counted_in_runs() {
        let start = now();
        for (loss, burst) in [(0.0, 1), (0.05, 1), (0.1, 4)] {
            let mut path = Path::new(PathConfig { loss, burst, ..PathConfig::clean(Duration::ZERO) }, start);
            let mut losses = Losses::default();
            let (mut share, mut runs) = (0.0, 0.0);
            for packet in 0..10_000 {
                losses.count(path.send(start + Duration::from_millis(packet), 100).is_empty());
                share += losses.share() / 10_000.0;
                runs += losses.burst() / 10_000.0;
            }
            assert!((share - loss).abs() < 0.02, "{share}");
            assert!((runs - f64::from(burst)).abs() < 0.5, "{runs}");
        }
    }
}
