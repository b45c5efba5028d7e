//! Pace: what makes synthetic sources and files give their frames at a rate.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use crate::media::{Clock, MediaTime};

/// Ticks at a fixed interval. Who comes late loses all but the newest ticks, so that the number of
/// a tick always tells the time.
#[derive(Debug)]
pub struct Pace {
    clock: Clock,
    start: MediaTime,
    interval: Duration,
    backlog: u64,
    next: u64,
    // Nothing is ever sent: waiting for it is how a thread here waits for time to pass.
    never: (SyncSender<()>, Receiver<()>),
}

/// One tick of a [`Pace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number, counted from zero at the start.
    pub index: u64,
    /// When it fell due.
    pub at: MediaTime,
}

impl Pace {
    /// Returns a pace whose tick 0 falls on `start`. Of the ticks that fell due while nobody
    /// waited, the newest and `backlog` before it are kept.
    pub fn new(clock: Clock, start: MediaTime, interval: Duration, backlog: u64) -> Self {
        let interval = interval.max(Duration::from_micros(1));
        Self { clock, start, interval, backlog, next: 0, never: sync_channel(0) }
    }

    /// Waits at most `timeout` for the next tick.
    pub fn wait(&mut self, timeout: Duration) -> Option<Tick> {
        let deadline = self.clock.now() + timeout.min(Duration::from_secs(3600));
        loop {
            let now = self.clock.now();
            let left = match self.due(now) {
                Ok(tick) => return Some(tick),
                Err(left) => left,
            };
            if now >= deadline {
                return None;
            }
            let _ = self.never.1.recv_timeout(left.min(deadline.saturating_since(now)));
        }
    }

    /// Returns the tick that is due now, or how long it is until the next one.
    ///
    /// # Errors
    /// If none is due: the time until one is.
    fn due(&mut self, now: MediaTime) -> Result<Tick, Duration> {
        let at = self.at(self.next);
        if now < at {
            return Err(at.saturating_since(now));
        }
        let newest = now.saturating_since(self.start).as_nanos() / self.interval.as_nanos();
        let oldest_kept = u64::try_from(newest).unwrap_or(u64::MAX).saturating_sub(self.backlog);
        let index = self.next.max(oldest_kept);
        self.next = index + 1;
        Ok(Tick { index, at: self.at(index) })
    }

    fn at(&self, index: u64) -> MediaTime {
        let nanos = u128::from(index) * self.interval.as_nanos();
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    fn at(millis: u64) -> MediaTime {
        MediaTime::new(Duration::from_millis(millis))
    }

    fn pace(backlog: u64) -> Pace {
        Pace::new(Clock::new(now()), at(100), Duration::from_millis(20), backlog)
    }

    #[test]
    fn the_late_get_the_newest() {
        let mut pace = pace(0);
        for (time, expected) in [
            (0, Err(Duration::from_millis(100))),
            (100, Ok(0)),
            (100, Err(Duration::from_millis(20))),
            (139, Ok(1)),
            (1000, Ok(45)),
            (1001, Err(Duration::from_millis(19))),
            (1020, Ok(46)),
        ] {
            assert_eq!(pace.due(at(time)), expected.map(|index| Tick { index, at: at(100 + 20 * index) }), "{time}");
        }
    }

    #[test]
    fn a_backlog_is_caught_up_with() {
        let mut pace = pace(2);
        let due: Vec<_> = (0..4).map(|_| pace.due(at(1000)).map(|tick| tick.index)).collect();
        assert_eq!(due, [Ok(43), Ok(44), Ok(45), Err(Duration::from_millis(20))]);
    }

    #[test]
    fn waiting_ends_with_the_tick_or_the_timeout() {
        let clock = Clock::new(now());
        let mut pace = Pace::new(clock, MediaTime::ZERO, Duration::from_secs(600), 0);
        assert_eq!(pace.wait(Duration::ZERO), Some(Tick { index: 0, at: MediaTime::ZERO }));
        assert_eq!(pace.wait(Duration::from_millis(5)), None);
        let mut pace = Pace::new(clock, MediaTime::ZERO, Duration::from_millis(5), 0);
        let first = pace.wait(Duration::from_secs(60)).expect("a tick");
        let second = pace.wait(Duration::from_secs(60)).expect("a tick");
        assert!(second.index > first.index && second.at <= clock.now());
    }
}
