//! A whole stored object as a tree, for those who show or compare it, and
//! whether it is one by the rules of Kubernetes' decoder.
//!
//! Promises to look at every byte. The recursion is bounded by the depth that
//! Kubernetes allows.

use serde_json::{Map, Value};

use super::super::number;
use super::cursor::{Cursor, Head};
use super::item::{Item, REPEATED};
use super::malformed::Malformed;

/// Kubernetes refuses longer arrays, and maps of more members.
const MAX_LENGTH: u64 = 1024;

/// Checks a stored value, from its first to its last byte.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), Malformed> {
    let (head, mut cursor) = Item::stored(bytes)?.open()?;
    tree(head, &mut cursor)?;
    match cursor.at_end() {
        true => Ok(()),
        false => Err(cursor.error("more follows after the object")),
    }
}

impl Item<'_> {
    /// The item with all that is in it, with the numbers as Go prints them.
    pub fn to_value(&self) -> Result<Value, Malformed> {
        let (head, mut cursor) = self.open()?;
        tree(head, &mut cursor)
    }
}

fn tree(head: Head<'_>, cursor: &mut Cursor<'_>) -> Result<Value, Malformed> {
    Ok(match head {
        Head::Null => Value::Null,
        Head::Bool(value) => Value::Bool(value),
        Head::Int(value) => Value::from(value),
        Head::Double(value) => number::double(value),
        Head::String(text) => Value::String(text.value().into_owned()),
        Head::Time(text) => Value::String(text),
        Head::Array(left) => array(left, cursor)?,
        Head::Map(left) => map(left, cursor)?,
    })
}

/// The item that comes next within an array or map.
fn next(cursor: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let (depth, later) = (cursor.depth, cursor.later);
    let head = cursor.head(depth)?;
    let value = tree(head, cursor)?;
    (cursor.depth, cursor.later) = (depth, later);
    Ok(value)
}

fn array(mut left: Option<u64>, cursor: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let mut items = Vec::new();
    while cursor.more(&mut left)? {
        check_length(items.len(), left, cursor)?;
        items.push(next(cursor)?);
    }
    Ok(Value::Array(items))
}

fn map(mut left: Option<u64>, cursor: &mut Cursor<'_>) -> Result<Value, Malformed> {
    let mut members = Map::new();
    while cursor.more(&mut left)? {
        check_length(members.len(), left, cursor)?;
        let at = cursor.at();
        let key = cursor.key()?.value().into_owned();
        if members.insert(key, next(cursor)?).is_some() {
            return Err(Malformed { at, what: REPEATED });
        }
    }
    Ok(Value::Object(members))
}

/// With `count` read, one that follows and `left` to come after it.
fn check_length(count: usize, left: Option<u64>, cursor: &Cursor<'_>) -> Result<(), Malformed> {
    match count as u64 >= MAX_LENGTH || left.is_some_and(|left| left >= MAX_LENGTH) {
        true => Err(cursor.error("more items or members than Kubernetes reads")),
        false => Ok(()),
    }
}
