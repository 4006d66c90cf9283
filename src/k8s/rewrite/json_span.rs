//! Where the parts of a JSON text begin and end.
//!
//! Promises to take time and memory in step with the text, whatever its
//! depth. Deliberately trusts that the text was checked before: malformed
//! text yields an error or other spans, never a panic.

use std::borrow::Cow;
use std::ops::Range;

use super::super::field::RecordError;
use super::error::Fault;

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    String,
    Null,
    Bool,
    Number,
}

impl Shape {
    /// In an error.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Object => "an object",
            Shape::Array => "a list",
            Shape::String => "a text",
            Shape::Null => "`null`",
            Shape::Bool => "a truth value",
            Shape::Number => "a number",
        }
    }
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The key's opening quote.
    pub start: usize,
    key_end: usize,
    pub value: Range<usize>,
}

/// Finds spans in a text.
pub(super) struct Scanner<'t> {
    text: &'t [u8],
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t [u8]) -> Scanner<'t> {
        Scanner { text }
    }

    pub fn text(&self, span: &Range<usize>) -> &'t [u8] {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The whole value, without the spaces around it.
    pub fn root(&self) -> Result<Range<usize>, Fault> {
        self.value(self.space(0))
    }

    pub fn shape(&self, value: &Range<usize>) -> Shape {
        match self.text.get(value.start) {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b'"') => Shape::String,
            Some(b'n') => Shape::Null,
            Some(b't' | b'f') => Shape::Bool,
            _ => Shape::Number,
        }
    }

    /// What the key of `member` spells.
    pub fn key(&self, member: &Member) -> Cow<'t, str> {
        let quoted = self.text(&(member.start..member.key_end));
        let inner = quoted.get(1..quoted.len().saturating_sub(1));
        let inner = std::str::from_utf8(inner.unwrap_or_default()).unwrap_or_default();
        match inner.contains('\\') {
            false => Cow::Borrowed(inner),
            true => Cow::Owned(unescaped(inner)),
        }
    }

    /// The members of the object at `value`, in their order.
    pub fn members(&self, value: &Range<usize>) -> Result<Vec<Member>, Fault> {
        let mut members = Vec::new();
        let mut at = self.space(value.start + 1);
        while self.text.get(at) == Some(&b'"') {
            let key_end = self.string_end(at)?;
            let colon = self.space(key_end);
            let value = self.value(self.space(colon + 1))?;
            let end = value.end;
            members.push(Member {
                start: at,
                key_end,
                value,
            });
            at = self.after_comma(end);
        }
        Ok(members)
    }

    /// The elements of the list at `value`.
    pub fn items(&self, value: &Range<usize>) -> Result<Vec<Range<usize>>, Fault> {
        let mut items = Vec::new();
        let mut at = self.space(value.start + 1);
        while at < value.end && self.text.get(at) != Some(&b']') {
            let item = self.value(at)?;
            at = self.after_comma(item.end);
            items.push(item);
        }
        Ok(items)
    }

    /// Past the comma, or at what stands in its place.
    fn after_comma(&self, at: usize) -> usize {
        let at = self.space(at);
        match self.text.get(at) {
            Some(b',') => self.space(at + 1),
            _ => at,
        }
    }

    fn space(&self, mut at: usize) -> usize {
        while matches!(self.text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            at += 1;
        }
        at
    }

    fn value(&self, start: usize) -> Result<Range<usize>, Fault> {
        let end = match self.text.get(start) {
            Some(b'{' | b'[') => self.nested_end(start)?,
            Some(b'"') => self.string_end(start)?,
            _ => self.word_end(start)?,
        };
        Ok(start..end)
    }

    fn word_end(&self, start: usize) -> Result<usize, Fault> {
        let rest = self.text.get(start..).unwrap_or_default();
        let in_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let end = rest.iter().position(|byte| !in_word(byte));
        match end.unwrap_or(rest.len()) {
            0 => Err(malformed(start, "expected a value")),
            length => Ok(start + length),
        }
    }

    fn nested_end(&self, start: usize) -> Result<usize, Fault> {
        let (mut at, mut depth) = (start, 0usize);
        loop {
            match self.text.get(at) {
                Some(b'"') => {
                    at = self.string_end(at)?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth = depth.saturating_sub(1),
                Some(_) => {}
                None => return Err(malformed(at, "the text ends too early")),
            }
            at += 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }

    /// Past the closing quote of the string that begins at `start`.
    fn string_end(&self, start: usize) -> Result<usize, Fault> {
        let mut at = start + 1;
        loop {
            match self.text.get(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err(malformed(start, "a string without end")),
            }
        }
    }
}

/// Half a surrogate pair becomes U+FFFD, as in Go.
fn unescaped(text: &str) -> String {
    let (mut units, mut chars) = (Vec::new(), text.chars());
    while let Some(c) = chars.next() {
        let spelled = match c {
            '\\' => chars.next().unwrap_or(c),
            plain => {
                units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
                continue;
            }
        };
        units.push(match spelled {
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).unwrap_or(0xfffd)
            }
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            // A quote, a slash or a backslash.
            other => u32::from(other) as u16,
        });
    }
    String::from_utf16_lossy(&units)
}

fn malformed(at: usize, what: &'static str) -> Fault {
    RecordError::Json { at, what }.into()
}
