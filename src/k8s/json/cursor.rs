//! A place in a JSON text, and how to go on from there.
//!
//! Promises never to panic or to run on, and that the commas, colons and
//! brackets which it steps over are where JSON wants them. Deliberately does
//! not look into what is skipped, but for where it ends.

use super::block;
use super::malformed::Malformed;
use super::string::Raw;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

/// What kind of value it is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
    String,
    /// A number, `true`, `false` or `null`.
    Word,
}

impl<'a> Cursor<'a> {
    pub fn error(&self, what: &'static str) -> Malformed {
        let what = match self.at < self.text.len() {
            true => what,
            false => "the text ends too early",
        };
        Malformed {
            at: self.at.min(self.text.len()),
            what,
        }
    }

    /// The next byte that is no white space.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    #[inline(always)]
    pub fn shape(&mut self) -> Shape {
        match self.peek() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b'"') => Shape::String,
            _ => Shape::Word,
        }
    }

    /// Steps over an opening bracket, which is known to come next.
    #[inline(always)]
    pub fn open(&mut self) {
        self.at += 1;
    }

    /// Whether another element or member follows: steps over the comma before
    /// it, or over the closing bracket. `first` right behind the opening one.
    #[inline(always)]
    pub fn more(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
        let next = self.peek();
        let is_first = std::mem::take(first);
        if next == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        match (is_first, next) {
            (true, Some(_)) => Ok(true),
            (false, Some(b',')) => {
                self.at += 1;
                Ok(true)
            }
            _ if close == b'}' => Err(self.error("expected `,` or `}`")),
            _ => Err(self.error("expected `,` or `]`")),
        }
    }

    /// A member's key; steps over the colon.
    #[inline(always)]
    pub fn key(&mut self) -> Result<Raw<'a>, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in quotes"));
        }
        let key = self.string()?;
        match self.peek() {
            Some(b':') => self.at += 1,
            _ => return Err(self.error("expected `:`")),
        }
        self.peek();
        Ok(key)
    }

    /// The string whose opening quote is known to come next.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        let start = self.at + 1;
        let (end, odd) = block::string_end(self.text, start)?;
        self.at = end + 1;
        Ok(Raw {
            text: self.text.get(start..end).unwrap_or_default(),
            at: start,
            odd,
        })
    }

    /// The letters of a number, `true`, `false` or `null`, unchecked.
    #[inline(always)]
    pub fn word(&mut self) -> Result<&'a [u8], Malformed> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let in_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().take_while(|byte| in_word(byte)).count();
        if length == 0 {
            return Err(self.error("expected a value"));
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// Steps over a value of any shape.
    #[inline(always)]
    pub fn skip(&mut self) -> Result<(), Malformed> {
        match self.shape() {
            Shape::Object | Shape::Array => self.at = block::container_end(self.text, self.at)?,
            Shape::String => self.at = block::string_end(self.text, self.at + 1)?.0 + 1,
            Shape::Word => drop(self.word()?),
        }
        Ok(())
    }
}
