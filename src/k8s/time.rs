//! Times and durations as Kubernetes prints them.
//!
//! Promises an answer for every number of seconds, with the year that Go
//! prints, however far off. Deliberately knows no zones, and of a text only
//! whether it is a time.

const DAY: u64 = 86_400;
/// Years, days and seconds of the Gregorian calendar's period.
const ERA_YEARS: i64 = 400;
const ERA_DAYS: u64 = 146_097;
/// 0001-01-01 in Unix seconds: Go's zero time.
const ZERO: i64 = -62_135_596_800;
/// Go counts its seconds from 1 March of this year before year 0, modulo 2^64.
const GO_YEARS: i64 = 292_277_022_400;
const UNIX_OF_YEAR_ZERO_MARCH: u64 = 719_468 * DAY;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Since 1970.
    seconds: i64,
    /// On top; from 0 up to a second.
    micros: u32,
}

impl Time {
    /// Kubernetes' Time: whole seconds since 1970.
    pub fn seconds(seconds: i64) -> Time {
        Time { seconds, micros: 0 }
    }

    /// Kubernetes' MicroTime; the nanoseconds, of which there may be too many
    /// or less than none, are cut towards 0.
    pub fn micros(seconds: i64, nanos: i32) -> Time {
        const SECOND: i32 = 1_000_000;
        let micros = nanos / 1000;
        Time {
            seconds: seconds.wrapping_add(i64::from(micros.div_euclid(SECOND))),
            micros: micros.rem_euclid(SECOND).unsigned_abs(),
        }
    }

    /// Go's zero time, which JSON shows as `null`.
    pub fn is_zero(self) -> bool {
        self == Time::seconds(ZERO)
    }

    /// RFC 3339 in whole seconds.
    pub fn to_seconds_text(self) -> String {
        self.date_and_time() + "Z"
    }

    /// RFC 3339 with six digits.
    pub fn to_micros_text(self) -> String {
        format!("{}.{:06}Z", self.date_and_time(), self.micros)
    }

    fn date_and_time(self) -> String {
        // Wraps around as Go's does, so that no year is out of reach.
        let offset = (GO_YEARS / ERA_YEARS) as u64 * ERA_DAYS * DAY;
        let since = (self.seconds as u64)
            .wrapping_add(offset)
            .wrapping_add(UNIX_OF_YEAR_ZERO_MARCH);
        let (year, month, day) = date(since / DAY);
        let second = since % DAY;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let sign = if year < 0 { "-" } else { "" };
        format!(
            "{sign}{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}",
            year.unsigned_abs()
        )
    }
}

/// Year, month and day, from days since 1 March of Go's first year.
fn date(days: u64) -> (i64, u64, u64) {
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // March is 0.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let january_on = u64::from(month >= 10);
    let year = (era * 400 + year + january_on) as i64 - GO_YEARS;
    (year, month + 3 - 12 * january_on, day)
}

/// Go's text of a duration in nanoseconds: `1h2m3.5s`, `1.5ms`, `0s`.
pub(super) fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let rest = nanos.unsigned_abs();
    if rest == 0 {
        return "0s".to_owned();
    }
    let small = [
        (1_000, 1, "ns"),
        (1_000_000, 1_000, "µs"),
        (1_000_000_000, 1_000_000, "ms"),
    ];
    if let Some((_, unit, name)) = small.into_iter().find(|(end, ..)| rest < *end) {
        return format!("{sign}{}{name}", fraction(rest, unit));
    }
    let minutes = rest / 60_000_000_000;
    let seconds = fraction(rest % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / unit` as a decimal number without needless zeros.
fn fraction(value: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = match value % unit {
        0 => return (value / unit).to_string(),
        rest => format!("{}.{rest:0digits$}", value / unit),
    };
    text.trim_end_matches('0').to_owned()
}

/// Whether a text is a time of RFC 3339 with a four-digit year.
pub(super) fn is_rfc_3339(text: &str) -> bool {
    fraction_of(text).is_some()
}

/// Whether it is one with exactly six digits behind the point, as Kubernetes
/// reads times in microseconds.
pub(super) fn is_micro_time(text: &str) -> bool {
    fraction_of(text).is_some_and(|digits| digits == 6)
}

/// How many digits the time has behind its point; `None` if it is no time.
fn fraction_of(text: &str) -> Option<usize> {
    let (date_and_time, zone) = text.split_at_checked(19)?;
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, shape)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    let number = |from: usize, to: usize| {
        let digits = date_and_time.get(from..to);
        digits
            .and_then(|digits| digits.parse::<u64>().ok())
            .unwrap_or(u64::MAX)
    };
    let digits = zone.strip_prefix('.').unwrap_or_default();
    let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = digits.len() - after.len();
    let zone = if fraction > 0 { after } else { zone };
    let zone_fits = |hours: &str, minutes: &str| hours < "24" && minutes < "60";
    let is_offset = (shape(zone, "+00:00") || shape(zone, "-00:00"))
        && zone_fits(
            zone.get(1..3).unwrap_or_default(),
            zone.get(4..6).unwrap_or_default(),
        );
    let is_time = shape(date_and_time, "0000-00-00T00:00:00")
        && (1..=12).contains(&number(5, 7))
        && (1..=days_in(number(0, 4), number(5, 7))).contains(&number(8, 10))
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
        && (zone == "Z" || is_offset);
    is_time.then_some(fraction)
}

fn days_in(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> String {
        Time::seconds(seconds).to_seconds_text()
    }

    #[test]
    fn years_near_and_far() {
        for (unix, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (ZERO, "0001-01-01T00:00:00Z"),
            (ZERO - 1, "0000-12-31T23:59:59Z"),
            (-62_167_219_201, "-0001-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "10000-01-01T00:00:00Z"),
            (i64::MAX, "292277026596-12-04T15:30:07Z"),
        ] {
            assert_eq!(seconds(unix), expected, "{unix}");
        }
        // Go's calendar begins later than 64 bits do, and wraps around.
        assert_eq!(seconds(i64::MIN), "292277026596-12-04T15:30:08Z");
    }

    #[test]
    fn micros_are_cut_and_carried() {
        let micros = |seconds, nanos| Time::micros(seconds, nanos).to_micros_text();
        assert_eq!(micros(0, 1_999), "1970-01-01T00:00:00.000001Z");
        assert!(Time::micros(ZERO, 999).is_zero() && !Time::micros(ZERO, 1000).is_zero());
        assert_eq!(micros(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(micros(0, -1), "1970-01-01T00:00:00.000000Z");
        assert_eq!(micros(0, -1_000), "1969-12-31T23:59:59.999999Z");
        assert_eq!(micros(1, i32::MAX), "1970-01-01T00:00:03.147483Z");
    }

    #[test]
    fn texts_that_are_times() {
        for good in [
            "2026-02-28T23:59:59Z",
            "2024-02-29T00:00:00.1Z",
            "2026-01-01T00:00:00.123456-08:00",
        ] {
            assert!(is_rfc_3339(good), "{good}");
        }
        for bad in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:0é",
        ] {
            assert!(!is_rfc_3339(bad), "{bad}");
        }
    }

    #[test]
    fn durations_as_go_prints_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (3_600_000_000_000, "1h0m0s"),
            (-1_500_000_000, "-1.5s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(duration(nanos), expected, "{nanos}");
        }
    }
}
