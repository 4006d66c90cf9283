//! What the messages of values hold whose JSON is no object with the message's
//! fields: quantities, times, a number or a text, embedded JSON. `null` is
//! Go's zero.
//!
//! Promises the canonical form where there is one, and to refuse a text that
//! an apiserver could not read back. Deliberately keeps embedded JSON as it is
//! given, but for spaces and the order of keys.

use serde_json::Value;

use super::super::quantity::shown;
use super::super::time::{is_micro_time, is_rfc_3339};
use super::error::Fault;
use super::json_text;
use super::scalar::{delimited, int32, mismatch, out_of_range, varint};

/// Embedded JSON; nothing for `null`.
pub(super) fn json(value: &Value, out: &mut Vec<u8>) {
    if !value.is_null() {
        delimited(1, json_text::write(value).as_bytes(), out);
    }
}

/// A number with a unit.
pub(super) fn quantity(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    const EXPECTED: &str = "a quantity such as `100m`, `1.5` or `2Gi`";
    let text = match value {
        Value::Null => "0".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => return Err(mismatch(EXPECTED, other)),
    };
    let canonical = shown(&text).map_err(|_| out_of_range(EXPECTED, "a text that is none"))?;
    delimited(1, canonical.as_bytes(), out);
    Ok(())
}

/// A span of time, in nanoseconds.
pub(super) fn duration(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    const EXPECTED: &str = "a duration such as `1h30m` or `0.5s`";
    let nanos = match value {
        Value::Null => 0,
        Value::String(text) => {
            nanoseconds(text).ok_or_else(|| out_of_range(EXPECTED, "a text that is none"))?
        }
        other => return Err(mismatch(EXPECTED, other)),
    };
    out.push(0x08);
    varint(nanos as u64, out);
    Ok(())
}

/// Go's text of a duration: a sign, then numbers with their units.
fn nanoseconds(text: &str) -> Option<i64> {
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
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0i128;
    loop {
        let (number, after) = rest.split_at(rest.find(|c| !is_number(c))?);
        let end = after.find(is_number).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(times(number, *nanos)?)?;
        rest = after;
        if rest.is_empty() {
            return i64::try_from(if negative { -total } else { total }).ok();
        }
    }
}

/// A decimal number times a unit; what is finer than a nanosecond is cut.
fn times(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let parse = |digits: &str| match digits {
        "" => Some(0i128),
        digits => digits.parse().ok(),
    };
    let fraction = fraction.get(..fraction.len().min(18))?;
    let parts = 10i128.checked_pow(fraction.len() as u32)?;
    let whole = parse(whole)?.checked_mul(unit)?;
    whole.checked_add(parse(fraction)? * unit / parts)
}

/// A time in whole seconds.
pub(super) fn time(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    let form = Form {
        fits: is_rfc_3339,
        example: "a time such as `2024-01-31T12:00:00Z`",
    };
    since_1970(value, form, |_| 0, out)
}

/// A time in microseconds.
pub(super) fn micro_time(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    let form = Form {
        fits: is_micro_time,
        example: "a time such as `2024-01-31T12:00:00.000000Z`",
    };
    since_1970(value, form, |nanos| nanos / 1000 * 1000, out)
}

/// How Kubernetes writes a time.
struct Form {
    /// Stricter than the calendar's parser: what is written to JSON must be
    /// what Go reads.
    fits: fn(&str) -> bool,
    example: &'static str,
}

/// Seconds and nanoseconds; nothing for the zero of Go's times.
fn since_1970(
    value: &Value,
    form: Form,
    rounded: fn(u32) -> u32,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let text = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text,
        other => return Err(mismatch("a time", other)),
    };
    let parse = |text: &String| {
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
    };
    let time = Some(text).filter(|text| (form.fits)(text)).and_then(parse);
    let time = time.ok_or_else(|| out_of_range(form.example, "a text that is none"))?;
    let (seconds, nanos) = (time.unix_timestamp(), time.nanosecond());
    if (seconds, nanos) != GO_ZERO {
        out.push(0x08);
        varint(seconds as u64, out);
        out.push(0x10);
        varint(u64::from(rounded(nanos)), out);
    }
    Ok(())
}

/// The first moment of the year 1, which to Go is no time.
const GO_ZERO: (i64, u32) = (-62_135_596_800, 0);

/// A number or a text.
pub(super) fn int_or_string(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    let (kind, number, text) = match value {
        Value::String(text) => (1, 0, text.as_str()),
        Value::Null | Value::Number(_) => (0, int32(value)?, ""),
        other => return Err(mismatch("a number or a text", other)),
    };
    out.extend([0x08, kind, 0x10]);
    varint(i64::from(number) as u64, out);
    delimited(3, text.as_bytes(), out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1h30m", Some(5_400_000_000_000)),
            ("-1.5s", Some(-1_500_000_000)),
            ("+.5ms", Some(500_000)),
            ("1.µs", Some(1_000)),
            ("0.3333333333333333333h", Some(1_200_000_000_000 - 1)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("-2562047h47m16.854775808s", Some(i64::MIN)),
            ("2562047h47m16.854775808s", None),
            ("", None),
            ("1", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("1d", None),
            ("1h 2m", None),
            ("--1s", None),
            ("99999999999999999999999999999999999999999h", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
