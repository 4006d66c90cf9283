//! Points and spans of time as texts and as dates.
//!
//! Promises RFC 3339 for timestamps of the years 1 to 9999, and Go's form
//! (`1h30m`, `-1.5s`) for durations. Deliberately knows no time zones beyond
//! the offset that a text carries.

use super::fault::FaultKind;
use super::value::Timestamp;

const DAY: i64 = 86_400;
const SECOND: i64 = 1_000_000_000;
/// 0001-01-01T00:00:00Z
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z
const LAST: i64 = 253_402_300_799;

/// The timestamp of so many seconds and nanoseconds since 1970, of which the
/// latter may be any number.
///
/// # Errors
///
/// [`FaultKind::OutOfRange`] outside of the years 1 to 9999.
pub(super) fn timestamp(seconds: i64, nanos: i64) -> Result<Timestamp, FaultKind> {
    let carried = seconds.checked_add(nanos.div_euclid(SECOND));
    let seconds = carried.filter(|seconds| (FIRST..=LAST).contains(seconds));
    Ok(Timestamp {
        seconds: seconds.ok_or(FaultKind::OutOfRange)?,
        nanos: u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or(0),
    })
}

/// The time from `from` to `to` in nanoseconds.
///
/// # Errors
///
/// [`FaultKind::OutOfRange`] beyond 64 bits.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Result<i64, FaultKind> {
    let nanos = |own: Timestamp| i128::from(own.seconds) * 1_000_000_000 + i128::from(own.nanos);
    i64::try_from(nanos(to) - nanos(from)).map_err(|_| FaultKind::OutOfRange)
}

/// A date and time of day, in some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 is Sunday.
    pub weekday: i64,
    /// 0 to 365.
    pub day_of_year: i64,
    /// Since midnight.
    pub second: i64,
}

impl Civil {
    /// Of so many seconds since 1970-01-01T00:00:00 in its zone.
    pub fn of(seconds: i64) -> Civil {
        let days = seconds.div_euclid(DAY);
        let (year, month, day) = date(days);
        Civil {
            year,
            month,
            day,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - day_number(year, 1, 1),
            second: seconds.rem_euclid(DAY),
        }
    }
}

/// Days since 1970-01-01, in the Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // Years begin with March, so that a leap day is a year's last.
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let january_on = i64::from(month >= 10);
    (
        era * 400 + year + january_on,
        month + 3 - 12 * january_on,
        day,
    )
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Exactly `count` digits at the beginning as a number, and the rest.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let all = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| all)?, rest))
}

fn within(range: std::ops::RangeInclusive<i64>, part: (i64, &str)) -> Option<(i64, &str)> {
    Some(part).filter(|(number, _)| range.contains(number))
}

/// The days since 1970 of a date `2009-02-13` at the beginning, and the rest.
fn date_text(text: &str) -> Option<(i64, &str)> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = within(1..=12, digits(rest.strip_prefix('-')?, 2)?)?;
    let day = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = within(1..=days_in(year, month), day)?;
    Some((day_number(year, month, day), rest))
}

/// The seconds since midnight of a time `23:31:30` at the beginning, and the
/// rest.
fn clock_text(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = within(0..=23, digits(text, 2)?)?;
    let (minute, rest) = within(0..=59, digits(rest.strip_prefix(':')?, 2)?)?;
    let (second, rest) = within(0..=59, digits(rest.strip_prefix(':')?, 2)?)?;
    Some((hour * 3600 + minute * 60 + second, rest))
}

/// The nanoseconds of a fraction `.123` at the beginning, cut to nine digits,
/// and the rest; 0 where there is none.
fn fraction_text(text: &str) -> Option<(i64, &str)> {
    let Some(after) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let length = after.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = after.split_at_checked(length).filter(|_| length > 0)?;
    let mut places = digits.bytes().chain(std::iter::repeat(b'0'));
    let nanos = (0..9).fold(0, |nanos, _| {
        nanos * 10 + i64::from(places.next().unwrap_or(b'0') - b'0')
    });
    Some((nanos, rest))
}

/// The seconds of an offset `Z`, `+02:00` or `-02:30`, which is all of the
/// text.
fn offset_text(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.strip_prefix('-') {
        Some(_) => -1,
        None => 1,
    };
    let (hours, rest) = within(0..=23, digits(text.strip_prefix(['+', '-'])?, 2)?)?;
    let (minutes, rest) = within(0..=59, digits(rest.strip_prefix(':')?, 2)?)?;
    rest.is_empty()
        .then_some(sign * (hours * 60 + minutes) * 60)
}

/// The seconds since 1970 and the nanoseconds of a time of RFC 3339.
fn moment(text: &str) -> Option<(i64, i64)> {
    let (days, rest) = date_text(text)?;
    let (second, rest) = clock_text(rest.strip_prefix('T')?)?;
    let (nanos, rest) = fraction_text(rest)?;
    Some((days * DAY + second - offset_text(rest)?, nanos))
}

/// Whether the text is a date like `2009-02-13`.
pub(super) fn is_date(text: &str) -> bool {
    date_text(text).is_some_and(|(_, rest)| rest.is_empty())
}

/// Whether the text is a time of RFC 3339, whose letters may be small.
pub(super) fn is_datetime(text: &str) -> bool {
    moment(&text.to_ascii_uppercase()).is_some()
}

/// The timestamp that a text of RFC 3339 stands for; digits beyond nanoseconds
/// are cut.
///
/// # Errors
///
/// [`FaultKind::OutOfRange`] outside of the years 1 to 9999,
/// [`FaultKind::BadConversion`] for any other text.
pub(super) fn parse_timestamp(text: &str) -> Result<Timestamp, FaultKind> {
    if let Some((seconds, nanos)) = moment(text) {
        return timestamp(seconds, nanos);
    }
    // A year of five digits is beyond the range rather than malformed.
    let later = digits(text, 5).is_some_and(|(year, rest)| {
        let shorter = format!("2000{rest}");
        year > 9999 && moment(&shorter).is_some()
    });
    Err(match later {
        true => FaultKind::OutOfRange,
        false => FaultKind::BadConversion,
    })
}

/// RFC 3339 in UTC with as many digits as it takes.
pub(super) fn print_timestamp(of: Timestamp) -> String {
    let civil = Civil::of(of.seconds);
    let (hour, minute) = (civil.second / 3600, civil.second / 60 % 60);
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{:02}{}Z",
        civil.year,
        civil.month,
        civil.day,
        civil.second % 60,
        fraction(of.nanos)
    )
}

/// `.5` for half of a second, without needless zeros; nothing for 0.
fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        nanos => format!(".{nanos:09}").trim_end_matches('0').to_owned(),
    }
}

/// In seconds with as many digits as it takes: `5400s`, `-0.5s`.
pub(super) fn print_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let rest = nanos.unsigned_abs();
    let part = u32::try_from(rest % 1_000_000_000).unwrap_or(0);
    format!("{sign}{}{}s", rest / 1_000_000_000, fraction(part))
}

/// The nanoseconds of a duration in Go's form: numbers with units from `ns` to
/// `h` after an optional sign, or `0`.
///
/// # Errors
///
/// [`FaultKind::OutOfRange`] beyond 64 bits, [`FaultKind::BadConversion`] for
/// any other text.
pub(super) fn parse_duration(text: &str) -> Result<i64, FaultKind> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(0);
    }
    let mut rest = unsigned;
    let mut nanos = 0_i128;
    while !rest.is_empty() || unsigned.is_empty() {
        let (part, after) = duration_part(rest).ok_or(FaultKind::BadConversion)?;
        nanos = nanos.saturating_add(part);
        rest = after;
    }
    let nanos = if text.starts_with('-') { -nanos } else { nanos };
    i64::try_from(nanos).map_err(|_| FaultKind::OutOfRange)
}

/// The nanoseconds of the number and unit at the beginning, and the rest.
fn duration_part(text: &str) -> Option<(i128, &str)> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (whole, rest) = number(text);
    let (part, rest) = rest.strip_prefix('.').map_or(("", rest), number);
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mut units = UNITS.iter();
    let (name, unit) = units.find(|(name, _)| rest.starts_with(name))?;
    let whole = saturating(whole).saturating_mul(*unit);
    // Digits beyond the fifteenth are less than a nanosecond of an hour.
    let part = part.get(..15).unwrap_or(part);
    let scale = 10_i128.pow(u32::try_from(part.len()).ok()?);
    let nanos = whole.saturating_add(saturating(part) * unit / scale);
    Some((nanos, rest.strip_prefix(name)?))
}

fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// A number of digits alone; huge where it is too long.
fn saturating(digits: &str) -> i128 {
    match digits.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().unwrap_or(i128::MAX),
    }
}
