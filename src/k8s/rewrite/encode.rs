//! A field's value, given as the API's JSON, as gogo writes it.
//!
//! Promises the bytes that a kube-apiserver would store for the same JSON:
//! fields by number, what is no pointer even when it is zero, maps sorted by
//! key; and that nothing of a given value is dropped silently. Deliberately
//! knows nothing of the bytes around the field.

use serde_json::{Map, Value};

use super::super::path::Step;
use super::super::schema::{self, Kind, Label, Row, Scalar, Special, Type};
use super::error::Fault;
use super::scalar::{delimited, mismatch, scalar_payload, tag, varint, wire_type};
use super::special;

/// A whole field with its tags; nothing where gogo writes nothing.
pub(super) fn field(row: &Row, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match (row.label, value) {
        (Label::One, Value::Null) if has_no_zero(row) => Ok(()),
        (Label::One, value) => element(row.number, row.of, value, out),
        (Label::List | Label::Map, Value::Null) => Ok(()),
        (Label::List, Value::Array(items)) => list(row, items, out),
        (Label::List, other) => Err(mismatch("a list", other)),
        (Label::Map, Value::Object(members)) => map(row, members, out),
        (Label::Map, other) => Err(mismatch("an object", other)),
    }
}

/// Whether the field is off the wire when Go has no value for it, rather than
/// there with a zero.
pub(super) fn has_no_zero(row: &Row) -> bool {
    let nil = row.of == Type::Scalar(Scalar::Bytes) || is(row.of, Special::Strings);
    row.label != Label::One || row.pointer || nil
}

fn is(of: Type, special: Special) -> bool {
    matches!(of, Type::Message(message) if message.special() == Some(special))
}

fn list(row: &Row, items: &[Value], out: &mut Vec<u8>) -> Result<(), Fault> {
    for (index, item) in (0u32..).zip(items) {
        list_item(row, item, out).map_err(|fault| fault.below(Step::Index(index)))?;
    }
    Ok(())
}

/// An element of a list, with its tag.
pub(super) fn list_item(row: &Row, item: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match item {
        Value::Null if !is(row.of, Special::Json) => Err(mismatch("an element of the list", item)),
        _ => element(row.number, row.of, item, out),
    }
}

fn map(row: &Row, members: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    for (key, value) in members {
        entry(row, key, value, out).map_err(|fault| fault.below(Step::Key(key.as_str().into())))?;
    }
    Ok(())
}

/// An entry of a map, with its tag.
pub(super) fn entry(row: &Row, key: &str, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut body = Vec::new();
    delimited(1, key.as_bytes(), &mut body);
    entry_value(row, value, &mut body)?;
    delimited(row.number, &body, out);
    Ok(())
}

/// What stands in an entry beside its key.
pub(super) fn entry_value(row: &Row, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match (row.of, value) {
        (Type::Scalar(Scalar::Bytes), Value::Null) => Ok(()),
        _ => element(2, row.of, value, out),
    }
}

/// One value with its tag.
fn element(number: u32, of: Type, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match of {
        Type::Scalar(scalar) => {
            tag(number, wire_type(scalar), out);
            scalar_payload(scalar, value, out)
        }
        Type::Message(of) => {
            let body = message(of, value)?;
            delimited(number, &body, out);
            Ok(())
        }
    }
}

/// A message without its tag and length. `null` is one with nothing set.
pub(super) fn message(of: Kind, value: &Value) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    match (of.special(), value) {
        (Some(special), _) => special_message(special, of, value, &mut out)?,
        (None, Value::Null) => fields(of, &Map::new(), &mut out)?,
        (None, Value::Object(members)) => {
            known(of, members)?;
            fields(of, members, &mut out)?;
        }
        (None, other) => return Err(mismatch("an object", other)),
    }
    Ok(out)
}

fn special_message(
    special: Special,
    of: Kind,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    match special {
        Special::Quantity => special::quantity(value, out),
        Special::Time => special::time(value, out),
        Special::MicroTime => special::micro_time(value, out),
        Special::Duration => special::duration(value, out),
        Special::IntOrString => special::int_or_string(value, out),
        Special::Json => {
            special::json(value, out);
            Ok(())
        }
        Special::Strings => {
            let list = of.rows().first();
            list.map_or(Ok(()), |row| field(row, value, out))
        }
        Special::Choice => choice(of, value, out),
    }
}

/// Refuses members that the message does not have.
fn known(message: Kind, members: &Map<String, Value>) -> Result<(), Fault> {
    let is_unknown = |name: &&String| schema::find_field(message, name).is_none();
    match members.keys().find(is_unknown) {
        Some(name) => {
            let step = Step::Field(name.as_str().into());
            // The first segment would be the object itself.
            Err(schema::unknown_field(Some(message), 1, Some(&step)).into())
        }
        None => Ok(()),
    }
}

/// The fields of a message out of an object that may hold those of the
/// messages around it as well: hidden messages have no object of their own.
fn fields(message: Kind, members: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut rows: Vec<&Row> = message.rows().iter().collect();
    rows.sort_by_key(|row| row.number);
    for row in rows {
        match (row.inline, row.of) {
            (true, Type::Message(hidden)) => {
                let mut body = Vec::new();
                fields(hidden, members, &mut body)?;
                delimited(row.number, &body, out);
            }
            _ => {
                let value = members.get(row.name).unwrap_or(&Value::Null);
                field(row, value, out)
                    .map_err(|fault| fault.below(Step::Field(row.name.into())))?;
            }
        }
    }
    Ok(())
}

/// The part of the message whose shape the value has. A flag beside an object
/// says whether anything is allowed at all, and is then true.
fn choice(message: Kind, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut fits = value.is_null();
    for row in message.rows() {
        match (row.label, row.of, value) {
            (Label::One, Type::Scalar(Scalar::Bool), Value::Bool(_)) => {
                fits = true;
                flag(row, value, out)?;
            }
            (Label::One, Type::Scalar(Scalar::Bool), other) => {
                flag(row, &Value::Bool(other.is_object()), out)?;
            }
            (Label::One, Type::Message(_), Value::Object(_))
            | (Label::List, _, Value::Array(_)) => {
                fits = true;
                field(row, value, out)?;
            }
            _ => {}
        }
    }
    match fits {
        true => Ok(()),
        false => Err(mismatch("one of the shapes of this field", value)),
    }
}

fn flag(row: &Row, value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    varint(u64::from(row.number << 3), out);
    scalar_payload(Scalar::Bool, value, out)
}
