//! Time: the only place that asks the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::RtpTime;

/// Returns the present instant. Algorithms take `now` as an argument; the rims call this.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns the time that a clock on the wall shows: for what travels between machines. It may jump.
pub fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// A moment on a medium's own line of time, counted from that line's epoch.
///
/// On the sending side the epoch is the call's [`Clock`]; on the receiving side it is the first
/// RTP time stamp of the stream, and sender reports relate the two media to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(Duration);

impl MediaTime {
    /// The epoch itself.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Wraps the duration since the epoch.
    pub const fn new(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// Returns the moment at which the `ticks`-th tick of a clock of `rate_hz` falls.
    pub fn from_ticks(ticks: u64, rate_hz: u32) -> Self {
        let rate = u64::from(rate_hz);
        let rest = (ticks % rate) * 1_000_000_000 / rate;
        Self(Duration::from_secs(ticks / rate) + Duration::from_nanos(rest))
    }

    /// Returns how many whole ticks of a clock of `rate_hz` have passed, rounded to the nearest.
    pub fn ticks(self, rate_hz: u32) -> u64 {
        let rate = u64::from(rate_hz);
        let rest = u64::from(self.0.subsec_nanos()) * rate + 500_000_000;
        self.0.as_secs() * rate + rest / 1_000_000_000
    }

    /// Returns the RTP time stamp of this moment: ticks of `rate_hz`, modulo 2³² (RFC 3550, 5.1).
    pub fn to_rtp(self, rate_hz: u32) -> RtpTime {
        RtpTime(self.ticks(rate_hz) as u32)
    }

    /// Returns the duration since the epoch.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// Returns the time from `earlier` to this moment, zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for MediaTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0 + rhs)
    }
}

/// The epoch that every source of one call counts from.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
    epoch_ntp: NtpTime,
}

impl Clock {
    /// Starts a line of time at `epoch`, which should be this very moment: the wall clock is read
    /// once, here, so that a later jump of it cannot pull sound and picture apart.
    pub fn new(epoch: Instant) -> Self {
        Self { epoch, epoch_ntp: NtpTime::now() }
    }

    /// Returns the wall-clock time of a media time.
    pub fn ntp(&self, time: MediaTime) -> NtpTime {
        let since = time.since_epoch();
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(self.epoch_ntp.0.wrapping_add(since.as_secs() << 32).wrapping_add(fraction))
    }

    /// Returns the media time of an instant; instants before the epoch count as the epoch.
    pub fn at(&self, instant: Instant) -> MediaTime {
        MediaTime(instant.saturating_duration_since(self.epoch))
    }

    /// Returns the media time of this moment.
    pub fn now(&self) -> MediaTime {
        self.at(now())
    }

    /// Returns the instant of a media time.
    pub fn instant(&self, time: MediaTime) -> Instant {
        self.epoch + time.since_epoch()
    }
}

/// A 64-bit NTP time stamp as sender reports carry it: seconds since 1900 in 32.32 fixed point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Seconds from the NTP epoch (1900) to the Unix epoch (1970).
    const UNIX_OFFSET: u64 = 2_208_988_800;

    fn now() -> Self {
        let since_unix = wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_seconds(Self::UNIX_OFFSET + since_unix.as_secs(), since_unix.subsec_nanos())
    }

    fn from_seconds(seconds: u64, nanos: u32) -> Self {
        Self((seconds << 32) | ((u64::from(nanos) << 32) / 1_000_000_000))
    }

    /// Returns the time since the NTP epoch, in microseconds.
    pub fn micros(self) -> i64 {
        let seconds = (self.0 >> 32) as i64;
        let fraction = ((self.0 & 0xffff_ffff) * 1_000_000) >> 32;
        seconds * 1_000_000 + fraction as i64
    }

    /// Returns the middle 32 bits, as receiver reports echo them (RFC 3550, 6.4.1, LSR).
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_trip_without_drift() {
        for rate in [48_000, 90_000] {
            for ticks in [0, 1, 2_999, 3_000, 89_999, 90_000, 10_u64.pow(12)] {
                assert_eq!(MediaTime::from_ticks(ticks, rate).ticks(rate), ticks, "{ticks} at {rate}");
            }
        }
    }

    #[test]
    fn rtp_time_wraps_at_32_bits() {
        let time = MediaTime::from_ticks((1 << 32) + 7, 90_000);
        assert_eq!(time.to_rtp(90_000), RtpTime(7));
    }

    #[test]
    fn ntp_micros_keep_the_fraction() {
        let time = NtpTime::from_seconds(10, 250_000_000);
        assert_eq!(time.micros(), 10_250_000);
        assert_eq!(time.middle(), (10 << 16) | 0x4000);
    }
}
