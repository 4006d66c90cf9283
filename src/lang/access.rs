//! Selection of fields: plain, optional, and asking whether they are there.
//!
//! Promises the presence rules of CEL for maps, objects and optionals alike.
//! Deliberately copies nothing but what it finds.

use std::sync::Arc;

use super::container;
use super::fault::FaultKind;
use super::ty::TypeName;
use super::value::Value;

/// The field `name` of a map or object; of an optional, an optional. In one
/// value, which is what loops read most: absent where there is none, and
/// [`FaultKind::NoSuchOverload`] for what has no fields.
#[inline]
pub fn look_up<'a>(of: &Value<'a>, name: &str) -> Value<'a> {
    match of {
        Value::Object(object) if !object.is_list() => object.get(name).unwrap_or_default(),
        Value::Optional(_) => optional_field(of, name).unwrap_or_else(Value::Fault),
        of => match container::field(of, name) {
            Ok(found) => found.unwrap_or_default(),
            Err(kind) => Value::Fault(kind),
        },
    }
}

/// The field `name` of a map or object; of an optional, an optional.
///
/// # Errors
///
/// [`FaultKind::NoSuchKey`] where it is absent, [`FaultKind::NoSuchOverload`]
/// for what has no fields.
pub fn field<'a>(of: &Value<'a>, name: &str) -> Result<Value<'a>, FaultKind> {
    match look_up(of, name) {
        Value::Absent => Err(FaultKind::NoSuchKey),
        Value::Fault(kind) => Err(kind),
        value => Ok(value),
    }
}

/// The field `name` as an optional: none where it is absent.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] for what has no fields.
pub fn optional_field<'a>(of: &Value<'a>, name: &str) -> Result<Value<'a>, FaultKind> {
    let found = match of {
        Value::Optional(None) => None,
        Value::Optional(Some(of)) => within_optional(of, name)?,
        of => container::field(of, name)?,
    };
    Ok(Value::Optional(found.map(Arc::new)))
}

/// What an optional holds may have no fields at all: then it lacks this one.
fn within_optional<'a>(of: &Value<'a>, name: &str) -> Result<Option<Value<'a>>, FaultKind> {
    match container::field(of, name) {
        Err(FaultKind::NoSuchOverload) => Err(FaultKind::NoSuchKey),
        found => found,
    }
}

/// Whether a map or object, or an optional of one, has the field `name`.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] for what has no fields.
pub fn has_field(of: &Value<'_>, name: &str) -> Result<bool, FaultKind> {
    match of {
        Value::Optional(None) => Ok(false),
        Value::Optional(Some(of)) => has_field(of, name),
        of => Ok(container::field(of, name)?.is_some()),
    }
}

/// The value of a slot, if it is there.
///
/// # Errors
///
/// The fault of a slot that could not be read; [`FaultKind::NoSuchKey`] where
/// the slot that holds it is absent, [`FaultKind::NoSuchOverload`] where that
/// has no fields.
pub fn found<'v, 'a>(
    slot: &'v Value<'a>,
    parent: Option<&Value<'a>>,
) -> Result<Option<&'v Value<'a>>, FaultKind> {
    match slot {
        Value::Fault(kind) => Err(*kind),
        Value::Absent => match parent {
            None => Ok(None),
            Some(parent) => match parent.present()?.type_name() {
                TypeName::Map => Ok(None),
                _ => Err(FaultKind::NoSuchOverload),
            },
        },
        value => Ok(Some(value)),
    }
}
