//! When to open a device again that has failed.

use std::time::{Duration, Instant};

/// Tells when to try: at once, then after a pause that doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconnect {
    attempts: u32,
    next: Instant,
    opened: Instant,
}

impl Reconnect {
    /// After so many attempts in a row the device is gone.
    const ATTEMPTS: u32 = 4;
    const PAUSE: Duration = Duration::from_millis(250);
    /// A device that ran for so long has recovered.
    const RECOVERED: Duration = Duration::from_secs(5);

    /// Starts with a device that was opened at `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self { attempts: 0, next: now, opened: now }
    }

    /// Takes note that the device failed at `now`.
    pub(crate) fn failed(&mut self, now: Instant) {
        if now.saturating_duration_since(self.opened) > Self::RECOVERED {
            *self = Self { opened: self.opened, ..Self::new(now) };
        }
    }

    /// Takes note that the device was opened again at `now`.
    pub(crate) fn opened(&mut self, now: Instant) {
        self.opened = now;
    }

    /// Returns how long to wait before the next attempt, zero to try now, `None` to give up.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        (self.attempts < Self::ATTEMPTS).then(|| self.next.saturating_duration_since(now))
    }

    /// Takes note of an attempt at `now`, whatever will come of it.
    pub(crate) fn attempt(&mut self, now: Instant) {
        self.next = now + Self::PAUSE * 2_u32.pow(self.attempts.min(8));
        self.attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn a_device_gets_some_chances_and_no_more() {
        let epoch = now();
        let mut reconnect = Reconnect::new(epoch);
        let mut at = epoch;
        let mut waits = Vec::new();
        while let Some(wait) = reconnect.wait(at) {
            waits.push(wait.as_millis());
            at += wait;
            reconnect.attempt(at);
        }
        assert_eq!(waits, [0, 250, 500, 1000]);
        // It runs for a while: the count begins anew.
        reconnect.opened(at);
        reconnect.failed(at + Duration::from_secs(1));
        assert_eq!(reconnect.wait(at), None);
        reconnect.failed(at + Duration::from_secs(6));
        assert_eq!(reconnect.wait(at + Duration::from_secs(6)), Some(Duration::ZERO));
    }
}
