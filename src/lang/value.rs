//! What a slot holds when a predicate is evaluated.
//!
//! Promises that comparing allocates nothing. Deliberately without containers:
//! a predicate reads leaves.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::fault::FaultKind;

/// The value of one slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// There is no such field or label.
    #[default]
    Absent,
    /// The field is there and `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A string; owned only where it had to be unescaped.
    String(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A map, list or message: present, but equal to no string.
    Composite,
    /// It could not be read: a predicate that depends on it has no verdict.
    Fault(FaultKind),
}

impl Value<'_> {
    /// A borrowed string.
    pub fn str(text: &str) -> Value<'_> {
        Value::String(Cow::Borrowed(text))
    }

    /// Whether it is there; a `null` is as good as nothing.
    pub fn is_present(&self) -> bool {
        !matches!(self, Value::Absent | Value::Null)
    }

    /// Whether its text is `text`. Booleans and numbers have the text that
    /// JSON gives them; `null`, bytes and containers have none.
    pub fn text_is(&self, text: &str) -> bool {
        match self {
            Value::String(own) => own == text,
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
pub trait Slots {
    /// The value of the program's slot `slot`, which is below
    /// [`super::Program::slots`].
    fn value(&self, slot: u16) -> &Value<'_>;
}

impl Slots for [Value<'_>] {
    fn value(&self, slot: u16) -> &Value<'_> {
        self.get(usize::from(slot)).unwrap_or(&Value::Absent)
    }
}
