//! Whether bytes are one JSON object and nothing else.
//!
//! Promises to look at every byte once and to use no memory of its own:
//! nesting is kept as a bit a level, up to [`MAX_DEPTH`] levels. Accepts what
//! Go's decoder accepts, but for text that is not UTF-8.

use super::malformed::Malformed;

/// Deeper values are refused.
const MAX_DEPTH: usize = 1024;

/// Checks `text` from its first to its last byte.
pub(crate) fn validate(text: &[u8]) -> Result<(), Malformed> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(Malformed {
            at: error.valid_up_to(),
            what: "not UTF-8",
        });
    }
    let mut checker = Checker {
        text,
        at: 0,
        depth: 0,
        arrays: [0; MAX_DEPTH / 64],
    };
    checker.space();
    if checker.peek() != Some(b'{') {
        return Err(checker.error("expected `{`"));
    }
    checker.document()?;
    checker.space();
    match checker.peek() {
        None => Ok(()),
        Some(_) => Err(checker.error("more follows after the object")),
    }
}

/// The bytes that stand for themselves within a string.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

struct Checker<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// A bit for each open level: set for an array.
    arrays: [u64; MAX_DEPTH / 64],
}

/// What may come next.
enum Next {
    Value,
    AfterValue,
}

impl Checker<'_> {
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
        let mut next = self.value()?;
        while self.depth > 0 {
            next = match next {
                Next::Value => self.value()?,
                Next::AfterValue => self.after_value()?,
            };
        }
        Ok(())
    }

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
            (false, _) => self.member(),
        }
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.depth -= 1;
        Next::AfterValue
    }

    /// A key and its colon.
    fn member(&mut self) -> Result<Next, Malformed> {
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
                self.member()
            }
            (true, _) => Err(self.error("expected `,` or `]`")),
            (false, _) => Err(self.error("expected `,` or `}`")),
        }
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|&byte| !PLAIN[usize::from(byte)]);
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.error("a control character in a string")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        let length = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') if self.four_hex_digits() => 5,
            _ => return Err(self.error("an unknown escape in a string")),
        };
        self.at += length;
        Ok(())
    }

    fn four_hex_digits(&self) -> bool {
        let digits = self.text.get(self.at + 1..self.at + 5);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
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

    fn number(&mut self) -> Result<(), Malformed> {
        self.skip_one(b"-");
        if !self.skip_one(b"0") {
            self.digits()?;
        }
        if self.skip_one(b".") {
            self.digits()?;
        }
        if self.skip_one(b"eE") {
            self.skip_one(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn skip_one(&mut self, any_of: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| any_of.contains(&byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.error("expected a digit")),
        }
    }
}
