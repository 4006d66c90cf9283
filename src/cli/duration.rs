//! Durations as Go programs write them: `2s`, `1h30m`, `1.5s`, `100ms`.
//!
//! Promises to read exactly what Go's parser reads, but for negative ones,
//! which no setting of ours can have.

use std::time::Duration;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Go keeps a duration in 63 bits of nanoseconds.
const LONGEST: u128 = i64::MAX as u128;

/// Reads a duration; the error says what to write instead.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') && text != "-0" {
        return Err(format!(
            "`{text}` is negative: give a duration of 0 or more, as in `2s`"
        ));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        "0" => return Ok(Duration::ZERO),
        "" => return Err("an empty duration: write one with its unit, as in `2s`".to_owned()),
        _ => {}
    }
    let mut rest = unsigned;
    let mut sum = 0u128;
    while !rest.is_empty() {
        let (nanoseconds, after) = term(text, rest)?;
        sum += nanoseconds;
        if sum > LONGEST {
            return Err(format!("`{text}` is too long a duration"));
        }
        rest = after;
    }
    Ok(Duration::from_nanos(u64::try_from(sum).unwrap_or(u64::MAX)))
}

/// One number with its unit, and what follows it.
fn term<'a>(whole: &str, rest: &'a str) -> Result<(u128, &'a str), String> {
    let (integer, after) = digits(rest);
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => digits(after),
        None => ("", after),
    };
    if integer.is_empty() && fraction.is_empty() {
        return Err(not_a_duration(whole));
    }
    let end = after
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    let scale = scale(whole, unit)?;
    let too_long = || format!("`{whole}` is too long a duration");
    let integer: u128 = if integer.is_empty() {
        0
    } else {
        integer.parse().map_err(|_| too_long())?
    };
    let whole_part = integer
        .checked_mul(scale)
        .filter(|&n| n <= LONGEST)
        .ok_or_else(too_long)?;
    Ok((whole_part + fraction_of(fraction, scale), after))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

fn scale(whole: &str, unit: &str) -> Result<u128, String> {
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    match (known, unit) {
        (Some((_, scale)), _) => Ok(*scale),
        (None, "") => Err(format!(
            "`{whole}` has no unit: write `{whole}s` for seconds"
        )),
        (None, unit) => Err(format!(
            "`{whole}` has the unknown unit `{unit}`: use ns, us, ms, s, m or h"
        )),
    }
}

/// Digits beyond a nanosecond are cut off, as in Go.
fn fraction_of(digits: &str, scale: u128) -> u128 {
    let (mut value, mut divisor) = (0u128, 1u128);
    for digit in digits.bytes().take(18) {
        value = value * 10 + u128::from(digit - b'0');
        divisor *= 10;
    }
    value * scale / divisor
}

fn not_a_duration(text: &str) -> String {
    format!("`{text}` is not a duration: write a number with its unit, as in `2s` or `1h30m`")
}
