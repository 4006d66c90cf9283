//! What expressions compute with, and what a slot holds when a predicate is
//! evaluated.
//!
//! Promises that a value is cheap to clone and that one of a field borrows the
//! bytes it lies in. Deliberately without operators (see `compare` and
//! `library`).

mod map;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::k8s::{Field, View};

use super::fault::FaultKind;
use super::opaque::Opaque;
use super::ty::TypeName;

pub use map::Map;

/// A value of CEL, or why there is none.
#[derive(Clone, Default)]
pub enum Value<'a> {
    /// There is no such field or label. Only slots hold it: an expression that
    /// reads it faults.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A text.
    String(Text<'a>),
    /// Bytes.
    Bytes(Blob<'a>),
    /// A point in time.
    Timestamp(Timestamp),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// A list that an expression made.
    List(Arc<[Value<'a>]>),
    /// A map that an expression made.
    Map(Arc<Map<'a>>),
    /// A list, map or object where it lies in stored bytes.
    View(View<'a>),
    /// A list, map or object of the embedder's.
    Object(&'a dyn Object),
    /// A type.
    Type(TypeName),
    /// A value or none.
    Optional(Option<Arc<Value<'a>>>),
    /// A value of an extension library.
    Opaque(Arc<Opaque>),
    /// It could not be read: what depends on it has no value. Only slots hold
    /// it.
    Fault(FaultKind),
}

/// A list or map of the embedder's, which expressions read where it lies.
/// `serde_json::Value` is one.
pub trait Object: Sync {
    /// Whether it is a list, and no map or object.
    fn is_list(&self) -> bool;

    /// How many elements or entries it has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the field or key `name`; `None` where there is none, and
    /// of a list.
    fn get(&self, name: &str) -> Option<Value<'_>>;

    /// The element of a list at `index`; `None` where there is none, and of a
    /// map.
    fn item(&self, index: usize) -> Option<Value<'_>>;

    /// The entries of a map; of a list its indexes with its elements.
    fn entries(&self) -> Box<dyn Iterator<Item = (Value<'_>, Value<'_>)> + '_>;
}

/// A point in time: years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds after that: 0 to 999,999,999.
    pub nanos: u32,
}

/// A text, borrowed or shared.
#[derive(Clone)]
pub enum Text<'a> {
    /// Where it lies.
    Borrowed(&'a str),
    /// Made by an expression, or unescaped.
    Shared(Arc<str>),
}

/// Bytes, borrowed or shared.
#[derive(Clone)]
pub enum Blob<'a> {
    /// Where they lie.
    Borrowed(&'a [u8]),
    /// Made by an expression.
    Shared(Arc<[u8]>),
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl Deref for Blob<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Blob::Borrowed(bytes) => bytes,
            Blob::Shared(bytes) => bytes,
        }
    }
}

/// Never shows a value: it may be of a Secret.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Absent => f.write_str("absent"),
            Value::Fault(kind) => write!(f, "fault: {kind}"),
            other => f.write_str(other.type_name().name()),
        }
    }
}

impl<'a> Value<'a> {
    /// A borrowed text.
    pub fn str(text: &'a str) -> Value<'a> {
        Value::String(Text::Borrowed(text))
    }

    /// A text that an expression made.
    pub fn text(text: impl Into<Arc<str>>) -> Value<'a> {
        Value::String(Text::Shared(text.into()))
    }

    /// Bytes that an expression made.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Value<'a> {
        Value::Bytes(Blob::Shared(bytes.into()))
    }

    /// A list of `items`.
    pub fn list(items: Vec<Value<'a>>) -> Value<'a> {
        Value::List(items.into())
    }

    /// An optional that has `value`.
    pub fn some(value: Value<'a>) -> Value<'a> {
        Value::Optional(Some(Arc::new(value)))
    }

    /// A value of an extension library.
    pub fn opaque(value: Opaque) -> Value<'a> {
        Value::Opaque(Arc::new(value))
    }

    /// Its type. What is absent or faulty has none and says `null_type`.
    pub fn type_name(&self) -> TypeName {
        match self {
            Value::Absent | Value::Null | Value::Fault(_) => TypeName::Null,
            Value::Bool(_) => TypeName::Bool,
            Value::Int(_) => TypeName::Int,
            Value::Uint(_) => TypeName::Uint,
            Value::Double(_) => TypeName::Double,
            Value::String(_) => TypeName::String,
            Value::Bytes(_) => TypeName::Bytes,
            Value::Timestamp(_) => TypeName::Timestamp,
            Value::Duration(_) => TypeName::Duration,
            Value::List(_) => TypeName::List,
            Value::Map(_) => TypeName::Map,
            Value::View(view) if view.is_list() => TypeName::List,
            Value::View(_) => TypeName::Map,
            Value::Object(object) if object.is_list() => TypeName::List,
            Value::Object(_) => TypeName::Map,
            Value::Type(_) => TypeName::Type,
            Value::Optional(_) => TypeName::Optional,
            Value::Opaque(opaque) => opaque.type_name(),
        }
    }

    /// The value itself, where there is one.
    ///
    /// # Errors
    ///
    /// [`FaultKind::NoSuchKey`] for what is absent, and the fault of what could
    /// not be read.
    #[inline]
    pub fn present(&self) -> Result<&Value<'a>, FaultKind> {
        match self {
            Value::Absent => Err(FaultKind::NoSuchKey),
            Value::Fault(kind) => Err(*kind),
            value => Ok(value),
        }
    }

    /// Whether it is there; a `null` is as good as nothing.
    pub fn is_present(&self) -> bool {
        !matches!(self, Value::Absent | Value::Null)
    }

    /// Whether its text is `text`. Booleans and numbers have the text that
    /// JSON gives them; `null`, bytes and containers have none.
    #[inline]
    pub fn text_is(&self, text: &str) -> bool {
        match self {
            Value::String(own) => **own == *text,
            Value::Bool(true) => text == "true",
            Value::Bool(false) => text == "false",
            other => other.with_text(|own| own == text),
        }
    }

    /// Calls `look` with its text; false where it has none.
    pub fn with_text(&self, look: impl FnOnce(&str) -> bool) -> bool {
        let mut buffer = Number::default();
        match self {
            Value::String(own) => look(own),
            Value::Bool(own) => look(if *own { "true" } else { "false" }),
            Value::Int(own) => buffer.show(own) && look(buffer.text()),
            Value::Uint(own) => buffer.show(own) && look(buffer.text()),
            Value::Double(own) => buffer.show(own) && look(buffer.text()),
            _ => false,
        }
    }
}

/// Bytes become the text in base64 that the Kubernetes API shows.
impl<'a> From<Field<'a>> for Value<'a> {
    fn from(field: Field<'a>) -> Value<'a> {
        match field {
            Field::Absent => Value::Absent,
            Field::Null => Value::Null,
            Field::Bool(value) => Value::Bool(value),
            Field::Int(value) => Value::Int(value),
            Field::Uint(value) => Value::Uint(value),
            Field::Double(value) => Value::Double(value),
            Field::String(Cow::Borrowed(text)) => Value::str(text),
            Field::String(Cow::Owned(text)) => Value::text(text),
            Field::Bytes(bytes) => Value::text(STANDARD.encode(bytes)),
            Field::Composite(view) => Value::View(view),
        }
    }
}

/// Integers are `int`, and `uint` where they are too large for that.
impl<'a> From<&'a serde_json::Value> for Value<'a> {
    fn from(json: &'a serde_json::Value) -> Value<'a> {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::String(text) => Value::str(text),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Value::Int(value),
                (_, Some(value)) => Value::Uint(value),
                _ => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            container => Value::Object(container),
        }
    }
}

impl Object for serde_json::Value {
    fn is_list(&self) -> bool {
        self.is_array()
    }

    fn len(&self) -> usize {
        match self {
            serde_json::Value::Array(items) => items.len(),
            serde_json::Value::Object(members) => members.len(),
            _ => 0,
        }
    }

    fn get(&self, name: &str) -> Option<Value<'_>> {
        self.as_object()?.get(name).map(Value::from)
    }

    fn item(&self, index: usize) -> Option<Value<'_>> {
        self.as_array()?.get(index).map(Value::from)
    }

    fn entries(&self) -> Box<dyn Iterator<Item = (Value<'_>, Value<'_>)> + '_> {
        match self {
            serde_json::Value::Array(items) => {
                let items = (0_i64..).zip(items);
                Box::new(items.map(|(index, item)| (Value::Int(index), Value::from(item))))
            }
            serde_json::Value::Object(members) => {
                let members = members.iter();
                Box::new(members.map(|(name, member)| (Value::str(name), Value::from(member))))
            }
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// A number's text, without the heap.
#[derive(Default)]
struct Number {
    bytes: [u8; 32],
    length: usize,
}

impl Number {
    /// False where the text does not fit: such a number equals no constant.
    fn show(&mut self, number: &impl fmt::Display) -> bool {
        write!(self, "{number}").is_ok()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Write for Number {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Where a program's slots come from.
pub trait Slots<'a> {
    /// The value of the program's slot `slot`, which is below
    /// [`super::Program::slots`].
    fn value(&self, slot: u16) -> &Value<'a>;
}

impl<'a> Slots<'a> for [Value<'a>] {
    #[inline]
    fn value(&self, slot: u16) -> &Value<'a> {
        self.get(usize::from(slot)).unwrap_or(&Value::Absent)
    }
}
