//! Durations as Go writes them: `3s`, `1m30s`, `1.5h`, `-2ms`.
//!
//! Accepts what Go's `time.ParseDuration` accepts and nothing else.
//! Deliberately tells nothing of why a text is none.

use std::time::Duration;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Go counts nanoseconds in 63 bits.
const LONGEST: u128 = i64::MAX as u128;

/// The duration, or `None` for what is none. One below zero is zero: nothing
/// that is configured here may be either.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (negative, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (nanoseconds, after) = part(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = after;
    }
    if total > LONGEST {
        return None;
    }
    let nanoseconds = if negative {
        0
    } else {
        u64::try_from(total).ok()?
    };
    Some(Duration::from_nanos(nanoseconds))
}

/// A number with its unit, and what follows.
fn part(text: &str) -> Option<(u128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (unit, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole: u128 = match whole {
        "" => 0,
        digits => digits.parse().ok().filter(|number| *number <= LONGEST)?,
    };
    Some((
        whole.checked_mul(*factor)? + part_of(fraction, *factor),
        rest,
    ))
}

/// A fraction of the unit, in whole nanoseconds.
fn part_of(fraction: &str, factor: u128) -> u128 {
    let mut unit = factor;
    let digit = |digit: u8| {
        let place = u128::from(digit - b'0');
        unit /= 10;
        place * unit
    };
    // No unit has more than 13 digits of nanoseconds.
    fraction.bytes().take(13).map(digit).sum()
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}
