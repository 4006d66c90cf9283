//! Points in time, which RFC 8949 has two tags for, as Go prints them: RFC
//! 3339 with as many digits of a second as it takes. Kubernetes reads such
//! tags and never writes them.

/// The text of a point in time, in its shortest form; `None` where it is none.
pub(super) fn normal(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = (
        number(date, 0, 4)?,
        number(date, 5, 2)?,
        number(date, 8, 2)?,
    );
    let (time, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let (hour, minute, second) = (
        number(time, 0, 2)?,
        number(time, 3, 2)?,
        number(time, 6, 2)?,
    );
    let digits = match rest.strip_prefix(['.', ',']) {
        Some(digits) => digits.bytes().take_while(u8::is_ascii_digit).count() + 1,
        None => 0,
    };
    let (fraction, zone) = rest.split_at_checked(digits)?;
    let separated = date.get(4..5)? == "-" && date.get(7..8)? == "-";
    let separated = separated && time.get(2..3)? == ":" && time.get(5..6)? == ":";
    let in_range = (1..=12).contains(&month)
        && (1..=days(year, month)).contains(&day)
        && (hour < 24 && minute < 60 && second < 60);
    if !separated || !in_range || digits == 1 {
        return None;
    }
    let fraction = fraction.get(1..digits.min(10)).unwrap_or_default();
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    Some(format!("{date}T{time}{fraction}{}", offset(zone)?))
}

/// `Z` for no offset.
fn offset(zone: &str) -> Option<&str> {
    if zone == "Z" {
        return Some("Z");
    }
    let (hours, minutes) = (number(zone, 1, 2)?, number(zone, 4, 2)?);
    let is_offset = zone.len() == 6 && zone.starts_with(['+', '-']) && zone.get(3..4)? == ":";
    match (is_offset && hours < 24 && minutes < 60, hours + minutes) {
        (true, 0) => Some("Z"),
        (true, _) => Some(zone),
        _ => None,
    }
}

fn number(text: &str, at: usize, length: usize) -> Option<i64> {
    let digits = text.get(at..at + length)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all)
}

fn days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The point in time so many seconds after the beginning of 1970.
pub(super) fn of_double(seconds: f64) -> Option<String> {
    // Years beyond four digits have no text; the cast is exact before that.
    let whole = seconds.trunc();
    let nanos = (seconds.fract() * 1e9) as i64;
    of_seconds(whole as i64, nanos)
}

/// The same with nanoseconds, which may be negative.
pub(super) fn of_seconds(seconds: i64, nanos: i64) -> Option<String> {
    const DAY: i64 = 86_400;
    let (seconds, nanos) = match nanos < 0 {
        true => (seconds.checked_sub(1)?, nanos + 1_000_000_000),
        false => (seconds, nanos),
    };
    let (mut day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // The years 0 to 9999, counted in days from 1970.
    if !(-719_528..2_932_897).contains(&day) {
        return None;
    }
    // A little early, whichever way.
    let mut year = 1970 + day.div_euclid(if day < 0 { 365 } else { 366 });
    day -= days_before(year);
    while day >= 337 + days(year, 2) {
        day -= 337 + days(year, 2);
        year += 1;
    }
    let mut month = 1;
    while day >= days(year, month) {
        day -= days(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z",
        day + 1
    );
    normal(&text)
}

/// The days from the beginning of 1970 to that of `year`.
fn days_before(year: i64) -> i64 {
    let before = year - 1;
    let leap = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    365 * (year - 1970) + leap - 477
}
