//! Whether bytes are one JSON value and nothing else.
//!
//! Promises to look at every byte once and to use no memory of its own:
//! nesting is kept as a bit a level, up to [`MAX_DEPTH`] levels. Accepts what
//! Kubernetes' decoder accepts, which is Go's: bytes that are not UTF-8 too,
//! but no number that fits into no float.

use super::block;
use super::cursor::Cursor;
use super::malformed::Malformed;
use super::scalar;
use super::string::Raw;

/// Deeper values are refused. Go stops at 10,000 levels.
const MAX_DEPTH: usize = 1024;

/// Checks that `text` is one object, from its first to its last byte.
pub(crate) fn validate(text: &[u8]) -> Result<(), Malformed> {
    let mut start = Cursor { text, at: 0 };
    match start.peek() {
        Some(b'{') => value(start),
        _ => Err(start.error("expected `{`")),
    }
}

/// Checks that the value at the cursor is all that follows.
pub(super) fn value(start: Cursor<'_>) -> Result<(), Malformed> {
    let mut checker = Checker {
        text: start.text,
        at: start.at,
        depth: 0,
        arrays: [0; MAX_DEPTH / 64],
    };
    checker.document()?;
    checker.space();
    match checker.peek() {
        None => Ok(()),
        Some(_) => Err(checker.error("more follows after the object")),
    }
}

struct Checker<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// A bit for each open level: set for an array.
    arrays: [u64; MAX_DEPTH / 64],
}

/// What has to come next.
enum Next {
    Value,
    Key,
    AfterValue,
}

impl Checker<'_> {
    #[cold]
    fn error(&self, what: &'static str) -> Malformed {
        let what = if self.at >= self.text.len() {
            "the text ends too early"
        } else {
            what
        };
        Malformed {
            at: self.at.min(self.text.len()),
            what,
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<(), Malformed> {
        let mut next = Next::Value;
        loop {
            next = match next {
                Next::Value => self.value()?,
                Next::Key => self.key()?,
                Next::AfterValue if self.depth > 0 => self.after_value()?,
                Next::AfterValue => return Ok(()),
            };
        }
    }

    #[inline(always)]
    fn value(&mut self) -> Result<Next, Malformed> {
        self.space();
        match self.peek() {
            Some(b'{') => return self.open(false),
            Some(b'[') => return self.open(true),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return Err(self.error("expected a value")),
        }
        Ok(Next::AfterValue)
    }

    #[inline(always)]
    fn open(&mut self, array: bool) -> Result<Next, Malformed> {
        let bit = 1u64 << (self.depth % 64);
        match self.arrays.get_mut(self.depth / 64) {
            Some(word) if array => *word |= bit,
            Some(word) => *word &= !bit,
            None => return Err(self.error("nested too deeply")),
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        match (array, self.peek()) {
            (true, Some(b']')) | (false, Some(b'}')) => Ok(self.close()),
            (true, _) => Ok(Next::Value),
            (false, _) => Ok(Next::Key),
        }
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.depth -= 1;
        Next::AfterValue
    }

    /// A key and its colon.
    #[inline(always)]
    fn key(&mut self) -> Result<Next, Malformed> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in quotes"));
        }
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected `:`"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    #[inline(always)]
    fn after_value(&mut self) -> Result<Next, Malformed> {
        self.space();
        let level = self.depth.saturating_sub(1);
        let word = self.arrays.get(level / 64).copied().unwrap_or(0);
        let array = word & (1 << (level % 64)) != 0;
        match (array, self.peek()) {
            (true, Some(b']')) | (false, Some(b'}')) => Ok(self.close()),
            (true, Some(b',')) => {
                self.at += 1;
                Ok(Next::Value)
            }
            (false, Some(b',')) => {
                self.at += 1;
                Ok(Next::Key)
            }
            (true, _) => Err(self.error("expected `,` or `]`")),
            (false, _) => Err(self.error("expected `,` or `}`")),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<(), Malformed> {
        let (end, odd) = block::string_end(self.text, self.at + 1)?;
        if odd.other || odd.escape {
            let text = self.text.get(self.at + 1..end).unwrap_or_default();
            Raw {
                text,
                at: self.at + 1,
                odd,
            }
            .check()?;
        }
        self.at = end + 1;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        match self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            true => {
                self.at += word.len();
                Ok(())
            }
            false => Err(self.error("expected a value")),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<(), Malformed> {
        let end = scalar::number_end(self.text, self.at)?;
        let word = self.text.get(self.at..end).unwrap_or_default();
        scalar::check_range(word, self.at)?;
        self.at = end;
        Ok(())
    }
}
