//! Scalars: from the wire to fields.
//!
//! Promises Go's reading of every one: a string need not be UTF-8, and of a
//! 32-bit number only the lower 32 bits count. Deliberately knows no presence.

use std::borrow::Cow;

use super::super::field::Field;
use super::super::schema::Scalar;
use super::wire::{Malformed, Reader, Value};

const WRONG: Malformed = Malformed("a field has the wrong wire type");
/// Go's JSON has no such numbers.
pub(crate) const NOT_FINITE: Malformed = Malformed("a number is not finite");

/// The field of a value.
#[inline]
pub(super) fn field(scalar: Scalar, value: Value<'_>) -> Result<Field<'_>, Malformed> {
    Ok(match (scalar, value) {
        (Scalar::String, _) => Field::String(value.text()?),
        (Scalar::Bytes, _) => Field::Bytes(value.bytes()?),
        (Scalar::Bool, Value::Varint(n)) => Field::Bool(n != 0),
        (Scalar::Int32, Value::Varint(n)) => Field::Int(i64::from(n as i32)),
        (Scalar::Int64, Value::Varint(n)) => Field::Int(n as i64),
        (Scalar::Double, Value::Fixed64(bits)) => Field::Double(f64::from_bits(bits)),
        _ => return Err(WRONG),
    })
}

/// Whether Go reads and prints the value. Takes no memory.
pub(super) fn check(scalar: Scalar, value: Value<'_>) -> Result<(), Malformed> {
    match (scalar, value) {
        (Scalar::String | Scalar::Bytes, Value::Bytes(_))
        | (Scalar::Bool | Scalar::Int32 | Scalar::Int64, Value::Varint(_)) => Ok(()),
        (Scalar::Double, Value::Fixed64(bits)) if f64::from_bits(bits).is_finite() => Ok(()),
        (Scalar::Double, Value::Fixed64(_)) => Err(NOT_FINITE),
        _ => Err(WRONG),
    }
}

/// Whether JSON leaves the field out under omitempty.
pub(super) fn is_zero(field: &Field<'_>) -> bool {
    match field {
        Field::Bool(value) => !value,
        Field::Int(value) => *value == 0,
        Field::Double(value) => *value == 0.0,
        Field::String(value) => value.is_empty(),
        Field::Bytes(value) => value.is_empty(),
        _ => false,
    }
}

/// The field that is not on the wire and still shown.
pub(super) fn zero(scalar: Scalar) -> Field<'static> {
    match scalar {
        Scalar::String => Field::String(Cow::Borrowed("")),
        Scalar::Bytes => Field::Bytes(&[]),
        Scalar::Bool => Field::Bool(false),
        Scalar::Double => Field::Double(0.0),
        Scalar::Int32 | Scalar::Int64 => Field::Int(0),
    }
}

/// The value of a map's entry that has none on the wire.
pub(super) fn nothing(scalar: Scalar) -> Value<'static> {
    match scalar {
        Scalar::Double => Value::Fixed64(0),
        Scalar::Int32 | Scalar::Int64 | Scalar::Bool => Value::Varint(0),
        Scalar::String | Scalar::Bytes => Value::Bytes(&[]),
    }
}

/// Whether several may be packed into one field.
pub(super) fn packs(scalar: Scalar) -> bool {
    !matches!(scalar, Scalar::String | Scalar::Bytes)
}

/// The next of a packed list.
pub(super) fn unpack<'a>(
    scalar: Scalar,
    packed: &mut Reader<'a>,
) -> Result<Option<Value<'a>>, Malformed> {
    Ok(match (packed.is_empty(), scalar) {
        (true, _) => None,
        (false, Scalar::Double) => Some(Value::Fixed64(packed.fixed64()?)),
        (false, _) => Some(Value::Varint(packed.varint()?)),
    })
}
