//! Points in time as text.

const DAY: i64 = 86_400_000;

/// Writes milliseconds since 1970 as ISO 8601 with milliseconds, in UTC.
pub(super) fn iso(time: f64) -> String {
    let time = time.floor() as i64;
    let (year, month, day) = civil(time.div_euclid(DAY));
    let of_day = time.rem_euclid(DAY);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, millisecond) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// The year, month and day of a day since 1970. Years are counted from March on, so that a leap day is a year's last.
fn civil(day: i64) -> (i64, i64, i64) {
    const FROM_YEAR_0: i64 = 719_468;
    const ERA: i64 = 146_097;
    // No clock shows the year 100,000: the products below then always fit.
    let day = day.clamp(-FROM_YEAR_0, 100_000 * 366) + FROM_YEAR_0;
    let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * era + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_w3c_does() {
        for (time, text) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (-1.0, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000.0, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999.9, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000.0, "2024-03-01T00:00:00.000Z"),
            (1_795_887_366_464.2, "2026-11-28T17:36:06.464Z"),
            (4_102_444_800_000.0, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso(time), text);
        }
    }

    #[test]
    fn no_time_is_too_far_away() {
        for time in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert!(iso(time).ends_with('Z'));
        }
    }
}
