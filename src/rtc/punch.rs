//! How often the NAT is opened towards the other side while it has not been heard.
//!
//! The library checks each pair twice a second for as long as it takes. At first that is right; for
//! the hours a person may take it is a nuisance. So checks leave less often with time, but never so
//! rarely that a NAT forgets them: the shortest time-outs seen for UDP are 30 s (RFC 4787, 4.3 asks
//! for two minutes). As soon as the other side is heard everything leaves.

use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// For so long everything leaves.
const EAGER: Duration = Duration::from_secs(60);
/// Then for so long a check each [`BRISK`], and afterwards one each [`PATIENT`].
const BRISK_FOR: Duration = Duration::from_secs(600);
const BRISK: Duration = Duration::from_millis(2500);
const PATIENT: Duration = Duration::from_secs(10);
/// After the other side was heard everything leaves for so long.
const HEARD: Duration = Duration::from_secs(30);

/// Addresses that are remembered. **When full all are forgotten**: some checks more leave.
const ADDRESSES: usize = 256;

/// Decides for one socket which checks leave.
#[derive(Debug, Default)]
pub(super) struct Punch {
    began: Option<Instant>,
    heard: Option<Instant>,
    last: HashMap<SocketAddr, Instant>,
}

impl Punch {
    /// The other side was heard.
    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Whether a check to this address leaves now.
    pub(super) fn passes(&mut self, to: SocketAddr, now: Instant) -> bool {
        let began = *self.began.get_or_insert(now);
        let gap = match now.saturating_duration_since(began) {
            _ if self.heard.is_some_and(|heard| now.saturating_duration_since(heard) < HEARD) => return true,
            age if age < EAGER => return true,
            age if age < EAGER + BRISK_FOR => BRISK,
            _ => PATIENT,
        };
        let passes = self.last.get(&to).is_none_or(|last| now.saturating_duration_since(*last) >= gap);
        if passes {
            if self.last.len() >= ADDRESSES {
                self.last.clear();
            }
            self.last.insert(to, now);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn checks_grow_rare_and_never_stop() {
        let start = now();
        let to: SocketAddr = ([192, 0, 2, 1], 9).into();
        let mut punch = Punch::default();
        // Seconds, and how many of the two a second leave in the next ten of them.
        for (from, expected) in [(0, 20), (40, 20), (100, 4), (600, 4), (700, 1), (30_000, 1)] {
            let left = (0..20).filter(|half| punch.passes(to, start + Duration::from_millis(from * 1000 + half * 500)));
            assert_eq!(left.count(), expected, "from second {from}");
        }
        let other: SocketAddr = ([192, 0, 2, 2], 9).into();
        assert!(punch.passes(other, start + Duration::from_secs(30_009)), "each address has its own time");
    }

    #[test]
    fn one_who_is_heard_is_answered_at_once() {
        let start = now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let to: SocketAddr = ([192, 0, 2, 1], 9).into();
        let mut punch = Punch::default();
        assert!(punch.passes(to, at(0)) && punch.passes(to, at(5000)));
        assert!(!punch.passes(to, at(5001)));
        punch.heard(at(5001));
        assert!(punch.passes(to, at(5001)) && punch.passes(to, at(5030)));
        assert!(punch.passes(to, at(5032)) && !punch.passes(to, at(5033)));
    }

    #[test]
    fn memory_has_a_bound() {
        let mut punch = Punch::default();
        let start = now();
        punch.passes(([192, 0, 2, 1], 9).into(), start);
        for port in 0..10_000 {
            punch.passes(([192, 0, 2, 1], port).into(), start + EAGER);
        }
        assert!(punch.last.len() <= ADDRESSES);
    }
}
