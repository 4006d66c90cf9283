//! Numbers, `true`, `false` and `null`: checked and read.
//!
//! Promises the numbers that Kubernetes' decoder gives: what has neither point
//! nor exponent and fits is an `Int`, so `-0` is 0; all else is a `Double`.

use super::super::field::Field;
use super::malformed::Malformed;

/// A number without exponent that is not longer than this fits into a float.
const SURELY_FINITE: usize = 300;

/// Reads a word that begins at `at`.
pub(super) fn scalar(word: &[u8], at: usize) -> Result<Field<'static>, Malformed> {
    match word {
        b"null" => return Ok(Field::Null),
        b"true" => return Ok(Field::Bool(true)),
        b"false" => return Ok(Field::Bool(false)),
        _ => {}
    }
    match number_end(word, 0) {
        Ok(end) if end == word.len() => number(word, at),
        _ => Err(Malformed {
            at,
            what: "expected a value",
        }),
    }
}

fn number(word: &[u8], at: usize) -> Result<Field<'static>, Malformed> {
    let text = std::str::from_utf8(word).unwrap_or_default();
    // Of what the grammar allows, only whole numbers parse as such.
    if let Ok(whole) = text.parse() {
        return Ok(Field::Int(whole));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Field::Double(value)),
        _ => Err(Malformed {
            at,
            what: "a number is out of range",
        }),
    }
}

/// Whether the number, which is well-formed, has a value at all.
pub(super) fn check_range(word: &[u8], at: usize) -> Result<(), Malformed> {
    let has_exponent = || word.iter().any(|byte| byte.eq_ignore_ascii_case(&b'e'));
    match word.len() > SURELY_FINITE || has_exponent() {
        true => number(word, at).map(drop),
        false => Ok(()),
    }
}

/// The offset behind the number that begins at `at`.
#[inline]
pub(super) fn number_end(text: &[u8], at: usize) -> Result<usize, Malformed> {
    let at = skip_one(text, at, b"-");
    let mut end = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(end) == Some(&b'.') {
        end = digits(text, end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        end = digits(text, skip_one(text, end + 1, b"+-"))?;
    }
    Ok(end)
}

#[inline]
fn skip_one(text: &[u8], at: usize, any_of: &[u8]) -> usize {
    let found = text.get(at).is_some_and(|byte| any_of.contains(byte));
    at + usize::from(found)
}

#[inline]
fn digits(text: &[u8], at: usize) -> Result<usize, Malformed> {
    let rest = text.get(at..).unwrap_or_default();
    match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => Err(Malformed {
            at: at.min(text.len()),
            what: "expected a digit",
        }),
        count => Ok(at + count),
    }
}
