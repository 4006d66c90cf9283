//! Strings as they stand in JSON text. Checks and unescapes only on demand.
//!
//! Promises what Go's decoder makes of them: half a surrogate pair becomes
//! U+FFFD, and so does each byte that is not UTF-8.

use std::borrow::Cow;

use super::block::Oddities;
use super::malformed::Malformed;

/// A string's text between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub text: &'a [u8],
    /// Where the text begins.
    pub at: usize,
    pub odd: Oddities,
}

impl<'a> Raw<'a> {
    /// Whether it spells `wanted`.
    #[inline]
    pub fn is(&self, wanted: &str) -> Result<bool, Malformed> {
        match self.odd.escape || self.odd.other {
            false => Ok(self.text == wanted.as_bytes()),
            true => Ok(self.value()? == wanted),
        }
    }

    /// What it spells.
    pub fn value(&self) -> Result<Cow<'a, str>, Malformed> {
        if self.odd.other {
            self.check_controls()?;
        }
        if self.odd.escape {
            return self.unescape().map(Cow::Owned);
        }
        Ok(match std::str::from_utf8(self.text) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                let mut out = String::with_capacity(self.text.len());
                push(self.text, &mut out);
                Cow::Owned(out)
            }
        })
    }

    /// Whether it may stand in JSON.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.odd.other {
            self.check_controls()?;
        }
        let mut rest = self.text;
        while let Some(place) = memchr::memchr(b'\\', rest) {
            let from = rest.get(place..).unwrap_or_default();
            let length = match from.get(1) {
                Some(b'u') if hex(from).is_some() => 6,
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                _ => return Err(self.unknown_escape(from)),
            };
            rest = from.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    fn unknown_escape(&self, from: &[u8]) -> Malformed {
        Malformed {
            at: self.at + self.text.len() - from.len(),
            what: "an unknown escape in a string",
        }
    }

    fn check_controls(&self) -> Result<(), Malformed> {
        match self.text.iter().position(|&byte| byte < 0x20) {
            None => Ok(()),
            Some(place) => Err(Malformed {
                at: self.at + place,
                what: "a control character in a string",
            }),
        }
    }

    fn unescape(&self) -> Result<String, Malformed> {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some(place) = memchr::memchr(b'\\', rest) {
            let (before, from) = rest.split_at(place);
            push(before, &mut out);
            rest = escape(from, &mut out).ok_or_else(|| self.unknown_escape(from))?;
        }
        push(rest, &mut out);
        Ok(out)
    }
}

/// Each byte that is not UTF-8 becomes a U+FFFD of its own.
fn push(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// Takes one escape and returns what follows it.
fn escape<'t>(text: &'t [u8], out: &mut String) -> Option<&'t [u8]> {
    let (letter, rest) = text.get(1..)?.split_first()?;
    out.push(match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' | b'\\' | b'/' => char::from(*letter),
        b'u' => return unicode(text, out),
        _ => return None,
    });
    Some(rest)
}

/// Takes a `\u` escape, and the other half of its pair.
fn unicode<'t>(text: &'t [u8], out: &mut String) -> Option<&'t [u8]> {
    let (first, rest) = hex(text)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some((low @ 0xdc00..0xe000, rest)) = hex(rest)
    {
        let scalar = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
        return Some(rest);
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(rest)
}

/// The number of a `\u` escape, and what follows it.
fn hex(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.strip_prefix(b"\\u")?.split_at_checked(4)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let number = digits
        .iter()
        .try_fold(0, |number, byte| Some(number * 16 + digit(byte)?));
    Some((number?, rest))
}
