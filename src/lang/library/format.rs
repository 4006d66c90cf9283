//! `format`: texts with clauses such as `%s` and `%.2f`.
//!
//! Promises the text that CEL's string extension specifies, in one locale.
//! Deliberately shows no value that it was not given.

use std::fmt::Write as _;

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::Value;
use crate::lang::{calendar, container};

use super::conversion::exponent_text;
use super::{Args, Outcome, bounds};

/// The most digits behind a point.
const MOST_DIGITS: usize = 1000;

pub(super) fn format<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(pattern), list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let mut items = items.iter();
    let mut out = String::new();
    let mut rest: &str = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        bounds::append(&mut out, before, budget)?;
        if let Some(after) = after.strip_prefix('%') {
            bounds::append(&mut out, "%", budget)?;
            rest = after;
            continue;
        }
        let (clause, after) = Clause::parse(after).ok_or(FaultKind::InvalidArgument)?;
        let item = items.next().ok_or(FaultKind::IndexOutOfRange)?;
        clause.write(&mut out, item, budget)?;
        rest = after;
    }
    bounds::append(&mut out, rest, budget)?;
    Ok(Value::text(out))
}

/// What stands between `%` and the text after it.
struct Clause {
    digits: usize,
    kind: char,
}

impl Clause {
    fn parse(text: &str) -> Option<(Clause, &str)> {
        let (digits, rest) = match text.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|c: char| !c.is_ascii_digit())?;
                let (digits, rest) = rest.split_at(end);
                (digits.parse().ok()?, rest)
            }
            None => (6, text),
        };
        let mut chars = rest.chars();
        let kind = chars.next()?;
        (digits <= MOST_DIGITS).then_some((Clause { digits, kind }, chars.as_str()))
    }

    fn write(
        &self,
        out: &mut String,
        item: &Value<'_>,
        budget: &mut Budget,
    ) -> Result<(), FaultKind> {
        let text = match self.kind {
            's' => return shown(out, item, bounds::DEPTH, budget),
            'x' | 'X' => return self.hexadecimal(out, item, budget),
            'd' => decimal(item),
            'f' => rounded(item, |number| format!("{number:.*}", self.digits)),
            'e' => rounded(item, |number| scientific(number, self.digits)),
            'b' => binary(item),
            'o' => octal(item),
            _ => None,
        };
        bounds::append(out, &text.ok_or(FaultKind::InvalidArgument)?, budget)
    }

    fn hexadecimal(
        &self,
        out: &mut String,
        item: &Value<'_>,
        budget: &mut Budget,
    ) -> Result<(), FaultKind> {
        let start = out.len();
        match item {
            Value::Int(own) => {
                let text = format!("{}{:x}", minus(*own), own.unsigned_abs());
                bounds::append(out, &text, budget)?;
            }
            Value::Uint(own) => bounds::append(out, &format!("{own:x}"), budget)?,
            Value::String(own) => bytes(out, own.as_bytes(), budget)?,
            Value::Bytes(own) => bytes(out, own, budget)?,
            _ => return Err(FaultKind::InvalidArgument),
        }
        if let (Some(own), 'X') = (out.get_mut(start..), self.kind) {
            own.make_ascii_uppercase();
        }
        Ok(())
    }
}

fn bytes(out: &mut String, bytes: &[u8], budget: &mut Budget) -> Result<(), FaultKind> {
    bounds::room(out.len() + 2 * bytes.len(), budget)?;
    // Writing to a string never fails.
    let written = bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"));
    written.map_err(|_| FaultKind::TooLarge)
}

fn minus(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

/// `NaN`, `Infinity` or `-Infinity`.
fn not_finite(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// With as many digits as it takes, and no exponent.
fn double(number: f64) -> String {
    not_finite(number).map_or_else(|| number.to_string(), str::to_owned)
}

fn decimal(item: &Value<'_>) -> Option<String> {
    match item {
        Value::Int(own) => Some(own.to_string()),
        Value::Uint(own) => Some(own.to_string()),
        Value::Double(own) => Some(double(*own)),
        _ => None,
    }
}

fn rounded(item: &Value<'_>, show: impl FnOnce(f64) -> String) -> Option<String> {
    let number = match item {
        Value::Double(own) => *own,
        Value::Int(own) => *own as f64,
        Value::Uint(own) => *own as f64,
        _ => return None,
    };
    Some(match not_finite(number) {
        Some(name) => name.to_owned(),
        None => show(number),
    })
}

fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}", exponent_text(exponent))
}

fn binary(item: &Value<'_>) -> Option<String> {
    match item {
        Value::Bool(own) => Some(u8::from(*own).to_string()),
        Value::Int(own) => Some(format!("{}{:b}", minus(*own), own.unsigned_abs())),
        Value::Uint(own) => Some(format!("{own:b}")),
        _ => None,
    }
}

fn octal(item: &Value<'_>) -> Option<String> {
    match item {
        Value::Int(own) => Some(format!("{}{:o}", minus(*own), own.unsigned_abs())),
        Value::Uint(own) => Some(format!("{own:o}")),
        _ => None,
    }
}

/// What `%s` shows.
fn shown(
    out: &mut String,
    item: &Value<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), FaultKind> {
    let text = match item {
        Value::String(own) => return bounds::append(out, own, budget),
        Value::Bytes(own) => {
            bounds::room(own.len(), budget)?;
            String::from_utf8_lossy(own).into_owned()
        }
        Value::Null => "null".to_owned(),
        Value::Bool(own) => own.to_string(),
        Value::Int(own) => own.to_string(),
        Value::Uint(own) => own.to_string(),
        Value::Double(own) => double(*own),
        Value::Timestamp(own) => calendar::print_timestamp(*own),
        Value::Duration(own) => calendar::print_duration(*own),
        Value::Type(own) => own.name().to_owned(),
        list if bounds::is_list(list) => return shown_list(out, list, depth, budget),
        Value::Map(_) | Value::View(_) | Value::Object(_) => {
            return shown_map(out, item, depth, budget);
        }
        _ => return Err(FaultKind::InvalidArgument),
    };
    bounds::append(out, &text, budget)
}

fn shown_list(
    out: &mut String,
    list: &Value<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), FaultKind> {
    let depth = bounds::deeper(depth)?;
    out.push('[');
    for (at, entry) in container::entries(list)?.enumerate() {
        bounds::append(out, if at > 0 { ", " } else { "" }, budget)?;
        shown(out, &entry?.1, depth, budget)?;
    }
    bounds::append(out, "]", budget)
}

/// Entries in the order of what is shown of their keys.
fn shown_map(
    out: &mut String,
    map: &Value<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), FaultKind> {
    let depth = bounds::deeper(depth)?;
    let mut entries = Vec::new();
    for entry in container::entries(map)? {
        let (key, value) = entry?;
        let mut name = String::new();
        shown(&mut name, &key, depth, budget)?;
        entries.push((name, value));
    }
    let count = entries.len() as u64;
    budget.spend(count.saturating_mul(u64::from(count.max(1).ilog2())))?;
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    out.push('{');
    for (at, (name, value)) in entries.iter().enumerate() {
        bounds::append(out, if at > 0 { ", " } else { "" }, budget)?;
        bounds::append(out, name, budget)?;
        bounds::append(out, ": ", budget)?;
        shown(out, value, depth, budget)?;
    }
    bounds::append(out, "}", budget)
}
