//! Whether JSON has the types that the schema of its kind says: what Go's
//! decoder would refuse.
//!
//! Promises to look at everything that the schema knows, to a bounded depth.
//! Deliberately passes over members that it does not know, as Go does, and
//! over what Kubernetes stores as any JSON at all.

use super::base64;
use super::field::{Composite, Field, RecordError, View};
use super::json::Text;
use super::protobuf::{MAX_DEPTH, TOO_DEEP};
use super::quantity;
use super::schema::{JsonType, Kind, Label, Scalar, Special, Type, choice};
use super::time::{is_micro_time, is_rfc_3339};

/// Checks an object that is well-formed JSON.
pub(super) fn verify(kind: Kind, text: Text<'_>) -> Result<(), RecordError> {
    value(JsonType::Message(kind), text, MAX_DEPTH)
}

fn value(of: JsonType, text: Text<'_>, depth: usize) -> Result<(), RecordError> {
    let field = text.field(of)?;
    // Go leaves a field as it is that JSON says is null.
    if field == Field::Null {
        return Ok(());
    }
    let is_list = text.is_array();
    let is_object = matches!(field, Field::Composite(_)) && !is_list;
    let expected = match of {
        JsonType::Dynamic | JsonType::Raw => return Ok(()),
        JsonType::Message(kind) => return message(kind, &field, text, depth),
        JsonType::Field(row) => match (row.label, row.of) {
            // Of the level of the message that has it.
            (Label::List, _) if is_list => return children(of, text, depth + 1),
            (Label::Map, _) if is_object => return children(of, text, depth + 1),
            (Label::List, _) => "a list",
            (Label::Map, _) => "an object",
            (Label::One, Type::Message(kind)) => return message(kind, &field, text, depth),
            (Label::One, Type::Scalar(of)) => return scalar(of, &field),
        },
        JsonType::Element(row) => match row.of {
            Type::Message(kind) => return message(kind, &field, text, depth),
            Type::Scalar(of) => return scalar(of, &field),
        },
    };
    wrong(expected)
}

fn wrong(expected: &'static str) -> Result<(), RecordError> {
    Err(RecordError::Mistyped(expected))
}

fn message(kind: Kind, field: &Field<'_>, text: Text<'_>, depth: usize) -> Result<(), RecordError> {
    let of = JsonType::Message(kind);
    let is_list = text.is_array();
    match (kind.special(), field) {
        (None, Field::Composite(_)) if !is_list => children(of, text, depth),
        (None, _) => wrong("an object"),
        (Some(Special::Choice), Field::Composite(_)) if is_list => match choice(kind, true) {
            None => wrong("true, false or an object"),
            Some(Type::Scalar(of)) => text
                .items()
                .try_for_each(|item| scalar(of, &item?.field(JsonType::Dynamic)?)),
            Some(Type::Message(_)) => children(of, text, depth),
        },
        (Some(Special::Choice), Field::Composite(_)) => children(of, text, depth),
        (Some(special), _) => special_value(special, field, text),
    }
}

/// The members of an object or the elements of a list.
fn children(of: JsonType, text: Text<'_>, depth: usize) -> Result<(), RecordError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(RecordError::Protobuf(TOO_DEEP.0));
    };
    for member in text.members() {
        let (name, child) = member?;
        value(of.member(&name).0, child, depth)?;
    }
    for item in text.items() {
        value(of.item(), item?, depth)?;
    }
    Ok(())
}

fn scalar(of: Scalar, field: &Field<'_>) -> Result<(), RecordError> {
    match (of, field) {
        (Scalar::String, Field::String(_))
        | (Scalar::Bool, Field::Bool(_))
        | (Scalar::Int64, Field::Int(_))
        | (Scalar::Double, Field::Int(_) | Field::Double(_)) => Ok(()),
        (Scalar::Int32, Field::Int(number)) if i32::try_from(*number).is_ok() => Ok(()),
        (Scalar::Bytes, Field::String(text)) => match base64::decode(text) {
            Some(_) => Ok(()),
            None => wrong("a string in base64"),
        },
        (Scalar::String, _) => wrong("a string"),
        (Scalar::Bool, _) => wrong("true or false"),
        (Scalar::Int32 | Scalar::Int64, _) => wrong("a whole number that fits"),
        (Scalar::Double, _) => wrong("a number"),
        (Scalar::Bytes, _) => wrong("a string in base64"),
    }
}

fn special_value(special: Special, field: &Field<'_>, text: Text<'_>) -> Result<(), RecordError> {
    match (special, field) {
        (Special::Quantity, Field::String(found)) if quantity::check(found.trim()).is_ok() => {
            Ok(())
        }
        (Special::Quantity, Field::Int(_) | Field::Double(_)) => Ok(()),
        (Special::Quantity, _) => wrong("a quantity"),
        (Special::Time, Field::String(found)) if is_rfc_3339(found) => Ok(()),
        (Special::MicroTime, Field::String(found)) if is_micro_time(found) => Ok(()),
        (Special::Time | Special::MicroTime, _) => wrong("a time"),
        (Special::Duration | Special::IntOrString, Field::String(_)) => Ok(()),
        (Special::Duration, _) => wrong("a duration"),
        (Special::IntOrString, _) => match scalar(Scalar::Int32, field) {
            Ok(()) => Ok(()),
            Err(_) => wrong("a whole number that fits, or a string"),
        },
        (Special::Strings, Field::Composite(View(Composite::Json(..)))) if text.is_array() => {
            text.items().try_for_each(|item| {
                let item = item?.field(JsonType::Dynamic)?;
                scalar(Scalar::String, &item)
            })
        }
        (Special::Strings, _) => wrong("a list of strings"),
        (Special::Choice, Field::Bool(_)) | (Special::Json, _) => Ok(()),
        (Special::Choice, _) => wrong("true, false, an object or a list"),
    }
}
