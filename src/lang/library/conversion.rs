//! Conversions between types, and base64.
//!
//! Promises that a number that its new type cannot hold is out of range, and
//! that a text that means nothing in it is a bad conversion. Deliberately
//! converts nothing on its own: each conversion is written.

use std::num::IntErrorKind;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::lang::calendar;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::opaque::Opaque;
use crate::lang::value::{Blob, Text, Value};

use super::{Args, Outcome, bounds};

const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// Padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn to_bool<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Bool(own)] => Ok(Value::Bool(*own)),
        [Value::String(text)] => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(FaultKind::BadConversion),
        },
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn to_bytes<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [Value::Bytes(own)] => Ok(Value::Bytes(own.clone())),
        [Value::String(Text::Borrowed(text))] => Ok(Value::Bytes(Blob::Borrowed(text.as_bytes()))),
        [Value::String(text)] => {
            bounds::room(text.len(), budget)?;
            Ok(Value::bytes(text.as_bytes()))
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn to_double<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    Ok(Value::Double(match args {
        [Value::Double(own)] => *own,
        [Value::Int(own)] => *own as f64,
        [Value::Uint(own)] => *own as f64,
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            double_of(text)?
        }
        _ => return Err(FaultKind::NoSuchOverload),
    }))
}

fn double_of(text: &str) -> Result<f64, FaultKind> {
    let number: f64 = text.parse().map_err(|_| FaultKind::BadConversion)?;
    let is_written = text.contains(['i', 'I']);
    match number.is_infinite() && !is_written {
        true => Err(FaultKind::OutOfRange),
        false => Ok(number),
    }
}

pub(super) fn to_duration<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [Value::Duration(own)] => Ok(Value::Duration(*own)),
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            calendar::parse_duration(text).map(Value::Duration)
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn to_timestamp<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let timestamp = match args {
        [Value::Timestamp(own)] => Ok(*own),
        [Value::Int(seconds)] => calendar::timestamp(*seconds, 0),
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            calendar::parse_timestamp(text)
        }
        _ => Err(FaultKind::NoSuchOverload),
    };
    timestamp.map(Value::Timestamp)
}

pub(super) fn to_dyn<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [own] => Ok((*own).clone()),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn type_of<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [own] => Ok(Value::Type(own.type_name())),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn to_int<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    Ok(Value::Int(match args {
        [Value::Int(own)] => *own,
        [Value::Uint(own)] => i64::try_from(*own).map_err(|_| FaultKind::OutOfRange)?,
        // -2^63 itself is refused too: CEL leaves the ends of the range out.
        [Value::Double(own)] if *own > -TWO_63 && *own < TWO_63 => *own as i64,
        [Value::Double(_)] => return Err(FaultKind::OutOfRange),
        [Value::Timestamp(own)] => own.seconds,
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            text.parse().map_err(|error| integer_fault(&error))?
        }
        _ => return Err(FaultKind::NoSuchOverload),
    }))
}

pub(super) fn to_uint<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    Ok(Value::Uint(match args {
        [Value::Uint(own)] => *own,
        [Value::Int(own)] => u64::try_from(*own).map_err(|_| FaultKind::OutOfRange)?,
        [Value::Double(own)] if *own >= 0.0 && *own < TWO_64 => *own as u64,
        [Value::Double(_)] => return Err(FaultKind::OutOfRange),
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            let digits = Some(&**text).filter(|text| !text.starts_with('+'));
            let digits = digits.ok_or(FaultKind::BadConversion)?;
            digits.parse().map_err(|error| integer_fault(&error))?
        }
        _ => return Err(FaultKind::NoSuchOverload),
    }))
}

fn integer_fault(error: &std::num::ParseIntError) -> FaultKind {
    match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => FaultKind::OutOfRange,
        _ => FaultKind::BadConversion,
    }
}

pub(super) fn to_string<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [Value::String(_) | Value::Bool(_) | Value::Bytes(_)] => {}
        _ => budget.spend(16)?,
    }
    match args {
        [Value::String(own)] => Ok(Value::String(own.clone())),
        [Value::Bool(true)] => Ok(Value::str("true")),
        [Value::Bool(false)] => Ok(Value::str("false")),
        [Value::Int(own)] => Ok(Value::text(own.to_string())),
        [Value::Uint(own)] => Ok(Value::text(own.to_string())),
        [Value::Double(own)] => Ok(Value::text(double_text(*own))),
        [Value::Bytes(own)] => bytes_text(own, budget),
        [Value::Timestamp(own)] => Ok(Value::text(calendar::print_timestamp(*own))),
        [Value::Duration(own)] => Ok(Value::text(calendar::print_duration(*own))),
        [Value::Opaque(own)] => opaque_text(own),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn opaque_text<'a>(own: &Opaque) -> Outcome<'a> {
    match own {
        Opaque::Ip(ip) => Ok(Value::text(ip.to_string())),
        Opaque::Cidr(cidr) => Ok(Value::text(cidr.to_string())),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn bytes_text<'a>(bytes: &Blob<'a>, budget: &mut Budget) -> Outcome<'a> {
    budget.spend_bytes(bytes.len())?;
    let bad = |_| FaultKind::BadConversion;
    match bytes {
        Blob::Borrowed(bytes) => std::str::from_utf8(bytes).map(Value::str).map_err(bad),
        Blob::Shared(bytes) => std::str::from_utf8(bytes).map(Value::text).map_err(bad),
    }
}

/// As few digits as tell the number from all others, with an exponent below
/// -4 and from 6 on, as Go prints it: `1e+06`, `100000`.
fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse().unwrap_or(0) {
        -4..6 => number.to_string(),
        exponent => format!("{digits}e{}", exponent_text(exponent)),
    }
}

/// With a sign and two digits at the least.
pub(super) fn exponent_text(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{:02}", exponent.unsigned_abs())
}

pub(super) fn base64_encode<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::Bytes(bytes)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::room(bytes.len() / 3 * 4 + 4, budget)?;
    Ok(Value::text(BASE64.encode(&**bytes)))
}

pub(super) fn base64_decode<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::room(text.len(), budget)?;
    let bytes = BASE64.decode(text.as_bytes());
    bytes
        .map(Value::bytes)
        .map_err(|_| FaultKind::InvalidArgument)
}
