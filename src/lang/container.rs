//! Lists and maps of every origin, read alike: made by expressions, lying in
//! stored bytes, or the embedder's own.
//!
//! Promises that what cannot be read is a fault, never an absent value.
//! Deliberately makes nothing.

use std::borrow::Cow;
use std::sync::Arc;

use crate::k8s::{Field, Items, Path, RecordError, Step, View};

use super::fault::FaultKind;
use super::ty::TypeName;
use super::value::Map;
use super::value::{Object, Value};

impl From<RecordError> for FaultKind {
    fn from(_: RecordError) -> FaultKind {
        FaultKind::Undecodable
    }
}

/// The steps that a look into `of` costs: what lies in stored bytes is looked
/// for anew each time, 64 bytes a step.
pub fn cost(of: &Value<'_>) -> u64 {
    match of {
        Value::View(view) => view.extent() as u64 / 64,
        Value::Optional(Some(inner)) => match &**inner {
            Value::View(view) => view.extent() as u64 / 64,
            _ => 0,
        },
        _ => 0,
    }
}

/// How many elements or entries `of` has; `None` where it is neither list nor
/// map.
pub fn size(of: &Value<'_>) -> Result<Option<usize>, FaultKind> {
    Ok(match of {
        Value::List(items) => Some(items.len()),
        Value::Map(map) => Some(map.len()),
        Value::View(view) => Some(view.len()?),
        Value::Object(object) => Some(object.len()),
        _ => None,
    })
}

/// The value of the field or key `name` of a map or object; `None` where there
/// is none.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] for anything that has no fields.
pub fn field<'a>(of: &Value<'a>, name: &str) -> Result<Option<Value<'a>>, FaultKind> {
    match of {
        Value::Map(map) => Ok(map.get(&Value::str(name)).cloned()),
        Value::View(view) if !view.is_list() => view_field(view, name),
        Value::Object(object) if !object.is_list() => Ok(object.get(name)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn view_field<'a>(view: &View<'a>, name: &str) -> Result<Option<Value<'a>>, FaultKind> {
    // Looking up by name must not copy the name: it is on the way of every
    // field that a loop reads.
    Ok(match view.member(name)? {
        Field::Absent => None,
        found => Some(found.into()),
    })
}

/// The element at an index, or the value at a key; `None` where there is none.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] where `of` has no elements, or is a list and
/// `key` no number.
pub fn index<'a>(of: &Value<'a>, key: &Value<'_>) -> Result<Option<Value<'a>>, FaultKind> {
    match of {
        Value::Map(map) => Ok(map.get(key).cloned()),
        Value::List(_) => list_item(of, key),
        Value::View(view) if view.is_list() => list_item(of, key),
        Value::Object(object) if object.is_list() => list_item(of, key),
        Value::View(_) | Value::Object(_) => match key {
            Value::String(name) => field(of, name),
            _ => Ok(None),
        },
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn list_item<'a>(of: &Value<'a>, key: &Value<'_>) -> Result<Option<Value<'a>>, FaultKind> {
    let index = match key {
        Value::Int(index) => usize::try_from(*index).ok(),
        Value::Uint(index) => usize::try_from(*index).ok(),
        Value::Double(index) if index.fract() == 0.0 && *index >= 0.0 => Some(*index as usize),
        Value::Double(_) => None,
        _ => return Err(FaultKind::NoSuchOverload),
    };
    index.map_or(Ok(None), |index| item(of, index))
}

fn item<'a>(of: &Value<'a>, index: usize) -> Result<Option<Value<'a>>, FaultKind> {
    Ok(match of {
        Value::List(items) => items.get(index).cloned(),
        Value::View(view) => {
            let Ok(index) = u32::try_from(index) else {
                return Ok(None);
            };
            match view.get(&Step::Index(index))? {
                Field::Absent => None,
                found => Some(found.into()),
            }
        }
        Value::Object(object) => object.item(index),
        _ => None,
    })
}

/// What lies at `path` in `value`; absent where nothing does. A step that
/// cannot be taken is the fault that it would be in an expression.
pub fn at<'a>(value: Value<'a>, path: &Path) -> Value<'a> {
    let mut value = value;
    for step in path.steps() {
        let found = match (&value, step) {
            (Value::Absent | Value::Fault(_), _) => return value,
            (of, Step::Field(name)) => self::field(of, name),
            (of, Step::Key(name)) => self::index(of, &Value::str(name)),
            (of, Step::Index(index)) => self::index(of, &Value::Int(i64::from(*index))),
        };
        value = match found {
            Ok(Some(found)) => found,
            Ok(None) if value.type_name() == TypeName::List => {
                Value::Fault(FaultKind::IndexOutOfRange)
            }
            Ok(None) => Value::Absent,
            Err(kind) => Value::Fault(kind),
        };
    }
    value
}

/// The entries of a map, or the elements of a list with their indexes.
///
/// # Errors
///
/// [`FaultKind::NoSuchOverload`] where `of` is neither.
pub fn entries<'a>(of: &Value<'a>) -> Result<Entries<'a>, FaultKind> {
    Ok(match of {
        Value::List(items) => Entries::List(Arc::clone(items), 0),
        Value::Map(map) => Entries::Map(Arc::clone(map), 0),
        Value::View(view) if view.is_list() => Entries::Items(view.items(), 0),
        Value::View(view) => Entries::Members(view.members()?.into_iter()),
        Value::Object(object) if object.is_list() => Entries::Object(*object, 0),
        Value::Object(object) => Entries::ObjectMembers(object.entries()),
        _ => return Err(FaultKind::NoSuchOverload),
    })
}

/// A map's keys with their values, or a list's indexes with its elements, one
/// after the other. Ends after an error.
pub enum Entries<'a> {
    /// Of a list that an expression made.
    List(Arc<[Value<'a>]>, usize),
    /// Of a map that an expression made.
    Map(Arc<Map<'a>>, usize),
    /// Of a list in stored bytes.
    Items(Items<'a>, usize),
    /// Of a map or object in stored bytes.
    Members(std::vec::IntoIter<(Cow<'a, str>, Field<'a>)>),
    /// Of a list of the embedder's.
    Object(&'a dyn Object, usize),
    /// Of a map of the embedder's.
    ObjectMembers(Box<dyn Iterator<Item = (Value<'a>, Value<'a>)> + 'a>),
}

impl<'a> Entries<'a> {
    /// Puts the next element or value into `into`; false behind the last.
    ///
    /// # Errors
    ///
    /// Where stored bytes cannot be read.
    #[inline]
    pub fn next_item(&mut self, into: &mut Value<'a>) -> Result<bool, FaultKind> {
        let item = match self {
            Entries::List(items, at) => {
                *at += 1;
                items.get(*at - 1).cloned()
            }
            Entries::Items(items, _) => items.next().transpose()?.map(Value::from),
            Entries::Object(object, at) => {
                *at += 1;
                object.item(*at - 1)
            }
            _ => self.next().transpose()?.map(|(_, item)| item),
        };
        Ok(put(item, into))
    }

    /// Puts the next index or key into `into`; false behind the last.
    ///
    /// # Errors
    ///
    /// As [`Entries::next_item`].
    pub fn next_key(&mut self, into: &mut Value<'a>) -> Result<bool, FaultKind> {
        let key = self.next().transpose()?.map(|(key, _)| key);
        Ok(put(key, into))
    }
}

#[inline]
fn put<'a>(found: Option<Value<'a>>, into: &mut Value<'a>) -> bool {
    let is_found = found.is_some();
    if let Some(found) = found {
        *into = found;
    }
    is_found
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Value<'a>, Value<'a>), FaultKind>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Entries::List(items, at) => {
                let item = items.get(*at)?.clone();
                Some(Ok((count(at), item)))
            }
            Entries::Map(map, at) => {
                let (key, value) = map.entries().get(*at)?;
                let entry = (key.clone(), value.clone());
                *at += 1;
                Some(Ok(entry))
            }
            Entries::Items(items, at) => match items.next()? {
                Ok(item) => Some(Ok((count(at), item.into()))),
                Err(_) => Some(Err(FaultKind::Undecodable)),
            },
            Entries::Members(members) => {
                let (name, field) = members.next()?;
                let name = match name {
                    Cow::Borrowed(name) => Value::str(name),
                    Cow::Owned(name) => Value::text(name),
                };
                Some(Ok((name, field.into())))
            }
            Entries::Object(object, at) => {
                let item = object.item(*at)?;
                Some(Ok((count(at), item)))
            }
            Entries::ObjectMembers(entries) => entries.next().map(Ok),
        }
    }
}

/// The index, which is then one more.
fn count(at: &mut usize) -> Value<'static> {
    let index = Value::Int(i64::try_from(*at).unwrap_or(i64::MAX));
    *at += 1;
    index
}
