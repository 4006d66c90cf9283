//! Scalars, tags and lengths on the wire, from the API's JSON.
//!
//! Promises to refuse a value of another type or beyond its range. `null` is
//! zero. Deliberately knows no messages.

use serde_json::Value;

use super::super::base64;
use super::super::schema::Scalar;
use super::error::{Fault, Refusal};

/// The wire type of what has a length.
const DELIMITED: u32 = 2;

/// Appends a varint.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field that has a length.
pub(super) fn delimited(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    tag(number, DELIMITED, out);
    varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Appends a field's tag.
pub(super) fn tag(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | wire_type), out);
}

/// The wire type of a scalar.
pub(super) fn wire_type(scalar: Scalar) -> u32 {
    match scalar {
        Scalar::String | Scalar::Bytes => DELIMITED,
        Scalar::Double => 1,
        Scalar::Int32 | Scalar::Int64 | Scalar::Bool => 0,
    }
}

/// A scalar without its tag, as it stands in a packed list.
pub(super) fn scalar_payload(
    scalar: Scalar,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    match scalar {
        Scalar::String => prefixed(text(value)?.as_bytes(), out),
        Scalar::Bytes => prefixed(&bytes(value)?, out),
        // Sign-extended: a negative number takes ten bytes.
        Scalar::Int32 => varint(i64::from(int32(value)?) as u64, out),
        Scalar::Int64 => varint(int64(value)? as u64, out),
        Scalar::Bool => varint(u64::from(boolean(value)?), out),
        Scalar::Double => out.extend(double(value)?.to_le_bytes()),
    }
    Ok(())
}

fn prefixed(payload: &[u8], out: &mut Vec<u8>) {
    varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// A value of another type than the field's.
pub(super) fn mismatch(expected: &'static str, found: &Value) -> Fault {
    let found = match found {
        Value::Null => "`null`",
        Value::Bool(_) => "a truth value",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Refusal::Type { expected, found }.into()
}

/// A value of the right type that is not one of those that fit.
pub(super) fn out_of_range(expected: &'static str, found: &'static str) -> Fault {
    Refusal::Type { expected, found }.into()
}

fn text(value: &Value) -> Result<&str, Fault> {
    match value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        other => Err(mismatch("a text", other)),
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>, Fault> {
    let decoded = base64::decode(text(value)?);
    decoded.ok_or_else(|| out_of_range("bytes in base64", "a text that is not base64"))
}

/// A number of 32 bits.
pub(super) fn int32(value: &Value) -> Result<i32, Fault> {
    let wide = int64(value)?;
    i32::try_from(wide)
        .map_err(|_| out_of_range("a number of 32 bits", "a number beyond -2^31 to 2^31 - 1"))
}

pub(super) fn int64(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Null => Ok(0),
        Value::Number(number) if number.is_u64() || number.is_i64() => number
            .as_i64()
            .ok_or_else(|| out_of_range("a number of 64 bits", "a number beyond 2^63 - 1")),
        other => Err(mismatch("a whole number", other)),
    }
}

fn boolean(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(value) => Ok(*value),
        other => Err(mismatch("a truth value", other)),
    }
}

fn double(value: &Value) -> Result<f64, Fault> {
    match value {
        Value::Null => Ok(0.0),
        Value::Number(number) => Ok(number.as_f64().unwrap_or_default()),
        other => Err(mismatch("a number", other)),
    }
}
