//! A place in a JSON text that is known to be well-formed.
//!
//! Promises to pass over what is not wanted quickly, and still never to
//! panic or to run on should the text be malformed after all.

use super::malformed::Malformed;
use super::string::Raw;

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// The bytes that matter when passing over an object or array.
static STRUCTURAL: [bool; 256] = {
    let mut structural = [false; 256];
    structural[b'"' as usize] = true;
    structural[b'{' as usize] = true;
    structural[b'}' as usize] = true;
    structural[b'[' as usize] = true;
    structural[b']' as usize] = true;
    structural
};

/// What kind of value comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    String,
    Other,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    pub fn error(&self, what: &'static str) -> Malformed {
        Malformed {
            at: self.at.min(self.text.len()),
            what,
        }
    }

    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    pub fn shape(&mut self) -> Shape {
        match self.peek() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b'"') => Shape::String,
            _ => Shape::Other,
        }
    }

    /// Steps into an object.
    pub fn open_object(&mut self) -> Result<(), Malformed> {
        match self.shape() {
            Shape::Object => {
                self.open();
                Ok(())
            }
            _ => Err(self.error("expected `{`")),
        }
    }

    /// Steps over an opening bracket.
    pub fn open(&mut self) {
        self.at += 1;
    }

    /// Whether another element or member follows: steps over the comma, or
    /// over the closing bracket.
    pub fn more(&mut self) -> bool {
        let byte = self.peek();
        if matches!(byte, Some(b',' | b'}' | b']')) {
            self.at += 1;
        }
        if byte == Some(b',') {
            self.peek();
        }
        !matches!(byte, Some(b'}' | b']') | None)
    }

    /// A member's key; steps over the colon.
    pub fn key(&mut self) -> Result<Raw<'a>, Malformed> {
        let key = self.string()?;
        match self.peek() {
            Some(b':') => self.at += 1,
            _ => return Err(self.error("expected `:`")),
        }
        Ok(key)
    }

    pub fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a string"));
        }
        let start = self.at + 1;
        let (end, escaped) = self.string_end(start)?;
        self.at = end + 1;
        let text = std::str::from_utf8(self.text.get(start..end).unwrap_or_default());
        let text = text.map_err(|_| Malformed {
            at: start,
            what: "not UTF-8",
        })?;
        Ok(Raw { text, escaped })
    }

    /// The offset of the closing quote, and whether an escape came before.
    #[inline]
    fn string_end(&self, start: usize) -> Result<(usize, bool), Malformed> {
        let mut at = start;
        let mut escaped = false;
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            match place.map(|place| (at + place, rest.get(place))) {
                Some((end, Some(b'"'))) => return Ok((end, escaped)),
                Some((backslash, _)) => {
                    escaped = true;
                    at = backslash + 2;
                }
                None => return Err(self.error("a string without end")),
            }
        }
    }

    /// The text of a number, `true`, `false` or `null`.
    pub fn word(&mut self) -> Result<&'a str, Malformed> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let in_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().take_while(|byte| in_word(byte)).count();
        let word = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default();
        if word.is_empty() {
            return Err(self.error("expected a value"));
        }
        self.at += length;
        Ok(word)
    }

    /// Steps over a value of any shape.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        match self.shape() {
            Shape::Object | Shape::Array => self.skip_nested(),
            Shape::String => {
                let (end, _) = self.string_end(self.at + 1)?;
                self.at = end + 1;
                Ok(())
            }
            Shape::Other => self.word().map(|_| ()),
        }
    }

    fn skip_nested(&mut self) -> Result<(), Malformed> {
        let mut depth = 0usize;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(place) = rest.iter().position(|&byte| STRUCTURAL[usize::from(byte)]) else {
                break;
            };
            self.at += place;
            match rest.get(place) {
                Some(b'"') => self.at = self.string_end(self.at + 1)?.0,
                Some(b'{' | b'[') => depth += 1,
                _ => depth = depth.saturating_sub(1),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.error("the text ends too early"))
    }
}
