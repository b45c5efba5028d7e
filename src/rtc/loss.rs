//! How the bitrate follows loss (after draft-ietf-rmcat-gcc-02, 5.5), over windows long enough to
//! tell a lossy line from a full one.
//!
//! In place of the library's own half, which judges each report by itself: of the ten packets of one
//! report two are often lost on a line that loses 5 %, and a rate that falls then never rises again.

use std::time::{Duration, Instant};

/// Loss is judged over at least this time ...
const WINDOW: Duration = Duration::from_millis(1000);

/// ... and this many packets.
const PACKETS: usize = 50;

/// Above this the line is taken to be full.
const HIGH: f64 = 0.10;

/// Up to this the line is taken to have room, lossy as it may be.
const LOW: f64 = 0.07;

/// What the rate gains with a window that has room.
const RISE: f64 = 1.08;

/// The rate that loss allows.
#[derive(Debug)]
pub(super) struct LossLimit {
    limit: f64,
    max: f64,
    since: Option<Instant>,
    lost: usize,
    total: usize,
}

impl LossLimit {
    /// Returns no limit but `max`, in bits a second.
    pub(super) const fn new(max: f64) -> Self {
        Self { limit: max, max, since: None, lost: 0, total: 0 }
    }

    /// Returns the limit in bits a second.
    pub(super) const fn get(&self) -> f64 {
        self.limit
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
        if share > HIGH {
            self.limit = self.limit.min(current) * (1.0 - 0.5 * share);
        } else if share < LOW {
            self.limit = (self.limit * RISE).min(self.max);
        }
        (self.since, self.lost, self.total) = (Some(now), 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    /// Returns the limit after `seconds` of reports, ten a second of 13 packets, of which those at
    /// multiples of `every` are lost.
    fn after(seconds: usize, every: usize, limit: &mut LossLimit, start: Instant) -> f64 {
        let mut number = 0;
        for report in 0..seconds * 10 {
            let lost = (0..13).filter(|_| {
                number += 1;
                number % every == 0
            });
            let lost = lost.count();
            limit.update(start + Duration::from_millis(100 * report as u64), lost, 13, 1e6);
        }
        limit.get()
    }

    #[test]
    fn a_lossy_line_is_told_from_a_full_one() {
        let start = now();
        assert_eq!(after(20, 20, &mut LossLimit::new(2e6), start), 2e6, "5 % of loss is no congestion");
        let mut limit = LossLimit::new(2e6);
        let reduced = after(10, 5, &mut limit, start);
        assert!(reduced < 0.6e6, "20 % of loss is: {reduced}");
        let regained = after(20, 100, &mut limit, start + Duration::from_secs(10));
        assert!(regained > 2.0 * reduced && regained <= 2e6, "from {reduced} to {regained}");
    }
}
