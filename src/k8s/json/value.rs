//! A whole value as a tree, for those who show or compare it.
//!
//! Promises that the text has been checked to its last byte first, and the
//! numbers that Kubernetes' decoder gives, as Go prints them.

use serde_json::{Map, Number, Value};

use super::super::field::Field;
use super::super::number;
use super::super::schema::JsonType;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;
use super::text::Text;
use super::validate;

impl Text<'_> {
    /// The value with all that is in it. Numbers are as written, or, with
    /// `reprinted`, as Go prints them after reading: `1` for `1.0`. Needs no
    /// stack for what is nested.
    pub fn to_value(self, reprinted: bool) -> Result<Value, Malformed> {
        let mut cursor = self.cursor();
        validate::value(cursor)?;
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut done = match enter(&mut cursor) {
                Some(container) => {
                    open.push(container);
                    None
                }
                None => Some(leaf(&mut cursor, reprinted)?),
            };
            // Puts the value where it belongs, and closes what ends with it.
            loop {
                let Some(container) = open.last_mut() else {
                    return Ok(done.unwrap_or_default());
                };
                if let Some(value) = done.take() {
                    container.push(value);
                }
                if container.more(&mut cursor)? {
                    break;
                }
                done = open.pop().map(|container| container.value);
            }
        }
    }
}

/// An object or array that is not read to its end.
struct Open {
    value: Value,
    first: bool,
    key: String,
}

impl Open {
    fn more(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, Malformed> {
        let is_object = self.value.is_object();
        let more = cursor.more(&mut self.first, if is_object { b'}' } else { b']' })?;
        if more && is_object {
            self.key = cursor.key()?.value()?.into_owned();
        }
        Ok(more)
    }

    fn push(&mut self, value: Value) {
        match &mut self.value {
            Value::Object(members) => {
                members.insert(std::mem::take(&mut self.key), value);
            }
            Value::Array(items) => items.push(value),
            _ => {}
        }
    }
}

fn enter(cursor: &mut Cursor<'_>) -> Option<Open> {
    let value = match cursor.shape() {
        Shape::Object => Value::Object(Map::new()),
        Shape::Array => Value::Array(Vec::new()),
        _ => return None,
    };
    cursor.open();
    Some(Open {
        value,
        first: true,
        key: String::new(),
    })
}

fn leaf(cursor: &mut Cursor<'_>, reprinted: bool) -> Result<Value, Malformed> {
    let text = Text::take(cursor)?;
    Ok(match text.field(JsonType::Dynamic)? {
        Field::Bool(value) => Value::Bool(value),
        Field::Int(value) => Value::from(value),
        Field::Double(value) => match as_written(text) {
            Some(number) if !reprinted => Value::Number(number),
            _ => number::double(value),
        },
        Field::String(value) => Value::String(value.into_owned()),
        _ => Value::Null,
    })
}

fn as_written(number: Text<'_>) -> Option<Number> {
    let word = number.cursor().word().ok()?;
    std::str::from_utf8(word).ok()?.parse().ok()
}
