//! Times as people and programs say them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Returns the zone of this machine.
pub(super) fn here() -> TimeZone {
    TimeZone::system()
}

/// Returns the time of day, "14:02"; where the zone is none of a place it is named: "14:02 UTC".
pub(super) fn time_of_day(at: SystemTime, zone: &TimeZone) -> String {
    let zoned = zoned(at, zone);
    let format = if is_nowhere(zone) { "%H:%M UTC" } else { "%H:%M" };
    zoned.strftime(format).to_string()
}

/// Returns day and time with the zone's name, for somebody elsewhere: "23 November, 02:14 CET".
pub(super) fn day_and_time(at: SystemTime, zone: &TimeZone) -> String {
    let format = if is_nowhere(zone) { "%-d %B, %H:%M UTC" } else { "%-d %B, %H:%M %Z" };
    zoned(at, zone).strftime(format).to_string()
}

/// Returns the day: "23 November 2026".
pub(super) fn day(at: SystemTime, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%-d %B %Y").to_string()
}

/// Returns the time for programs: "2026-11-22T14:02:00Z" (RFC 3339).
pub(super) fn rfc_3339(at: SystemTime) -> String {
    timestamp(at).to_string()
}

/// Returns how long ago something was: "3 minutes ago".
pub(super) fn ago(at: SystemTime, now: SystemTime) -> String {
    let count = |number: u64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match now.duration_since(at).map(|age| age.as_secs()) {
        // Clocks differ by a little, and stamps are kept to the minute.
        Ok(..60) => "just now".into(),
        Ok(seconds @ 60..3600) => count(seconds / 60, "minute"),
        Ok(seconds @ 3600..172_800) => count(seconds / 3600, "hour"),
        Ok(seconds) => count(seconds / 86_400, "day"),
        Err(ahead) if ahead.duration() < Duration::from_secs(300) => "just now".into(),
        Err(_) => "in the future: one of the two clocks is wrong".into(),
    }
}

fn zoned(at: SystemTime, zone: &TimeZone) -> Zoned {
    timestamp(at).to_zoned(zone.clone())
}

/// Times beyond the year 9999 are no times of ours.
fn timestamp(at: SystemTime) -> Timestamp {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

fn is_nowhere(zone: &TimeZone) -> bool {
    zone.is_unknown() || *zone == TimeZone::UTC || matches!(zone.iana_name(), Some("Etc/UTC" | "UTC"))
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_356_120 + seconds)
    }

    #[test]
    fn times_are_told_where_one_is() {
        assert_eq!(rfc_3339(at(0)), "2026-11-22T14:02:00Z");
        let west = TimeZone::fixed(offset(-5));
        for (zone, time, day) in [
            (TimeZone::UTC, "14:02 UTC", "22 November, 14:02 UTC"),
            (TimeZone::unknown(), "14:02 UTC", "22 November, 14:02 UTC"),
            (west, "09:02", "22 November, 09:02 -05"),
        ] {
            assert_eq!(time_of_day(at(0), &zone), time);
            assert_eq!(day_and_time(at(0), &zone), day);
        }
        assert_eq!(rfc_3339(UNIX_EPOCH), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn ages_are_told_as_people_count_them() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (100_000, "27 hours ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(at(0), at(seconds)), expected);
        }
        assert_eq!(ago(at(200), at(0)), "just now");
        assert!(ago(at(400), at(0)).starts_with("in the future"));
    }
}
