//! Numbers, strings and bytes, from their tokens.
//!
//! Promises values exactly as written, or a diagnostic at the escape or number
//! that stands for none. Deliberately not lenient: a number out of range is
//! refused, never rounded to the nearest or wrapped.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

use super::super::ast::Literal;

/// A piece of the text, and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl<'t> Piece<'t> {
    fn span(self) -> Span {
        Span::new(self.start, self.start + self.text.len())
    }

    /// Its bytes from `from` to `to`; empty where they are no whole characters.
    fn part(self, from: usize, to: usize) -> Piece<'t> {
        Piece {
            text: self.text.get(from..to).unwrap_or_default(),
            start: self.start + from,
        }
    }
}

/// The value of a number; `minus` is where its minus stands, if it has one.
pub(super) fn number(written: Piece<'_>, minus: Option<usize>) -> Result<Literal, Diagnostic> {
    let start = minus.unwrap_or(written.start);
    let span = Span::new(start, written.start + written.text.len());
    let minus = minus.is_some();
    let text = written.text;
    if let Some(digits) = text.strip_suffix(['u', 'U']) {
        return unsigned(digits, text, span);
    }
    let hex = text.starts_with("0x");
    if !hex && text.contains(['.', 'e', 'E']) {
        return double(text, minus, span);
    }
    magnitude(text)
        .and_then(|size| with_sign(size, minus))
        .map(Literal::Int)
        .ok_or_else(|| int_range(text, minus, span))
}

fn magnitude(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn with_sign(size: u64, minus: bool) -> Option<i64> {
    if minus {
        0_i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    }
}

fn int_range(text: &str, minus: bool, span: Span) -> Diagnostic {
    let sign = if minus { "-" } else { "" };
    let message = format!("`{sign}{text}` is out of the range of integers");
    let error = codes::BAD_LITERAL.at(span, message).label(format!(
        "integers are from {} to {}",
        i64::MIN,
        i64::MAX
    ));
    if !minus && magnitude(text).is_some() {
        error.help(format!("append `u` for an unsigned integer: `{text}u`"))
    } else {
        error.help("write it as a double if it need not be exact: with `.0` behind it")
    }
}

fn unsigned(digits: &str, text: &str, span: Span) -> Result<Literal, Diagnostic> {
    magnitude(digits).map(Literal::Uint).ok_or_else(|| {
        let message = format!("`{text}` is out of the range of unsigned integers");
        codes::BAD_LITERAL
            .at(span, message)
            .label(format!("unsigned integers are from 0 to {}", u64::MAX))
    })
}

fn double(text: &str, minus: bool, span: Span) -> Result<Literal, Diagnostic> {
    let value: f64 = text.parse().unwrap_or(f64::INFINITY);
    if value.is_finite() {
        return Ok(Literal::Double(if minus { -value } else { value }));
    }
    let message = format!("`{text}` is out of the range of doubles");
    Err(codes::BAD_LITERAL
        .at(span, message)
        .label(format!("the largest double is {:?}", f64::MAX)))
}

/// The value of a string or bytes, prefix and quotes included in `written`.
pub(super) fn text(written: Piece<'_>) -> Result<Literal, Diagnostic> {
    let all = written.text;
    let prefix = all.len() - all.trim_start_matches(['b', 'B', 'r', 'R']).len();
    let (prefix, quoted) = all.split_at_checked(prefix).unwrap_or(("", all));
    let three = quoted.starts_with("\"\"\"") || quoted.starts_with("'''");
    let quotes = if three { 3 } else { 1 };
    let body = written.part(prefix.len() + quotes, all.len().saturating_sub(quotes));
    let raw = prefix.contains(['r', 'R']);
    if prefix.contains(['b', 'B']) {
        bytes(body, raw).map(Literal::Bytes)
    } else {
        string(body, raw).map(Literal::String)
    }
}

fn string(body: Piece<'_>, raw: bool) -> Result<String, Diagnostic> {
    if raw || !body.text.contains('\\') {
        return Ok(body.text.to_owned());
    }
    let mut out = String::with_capacity(body.text.len());
    each_part(body, |part| {
        match part {
            Part::Plain(text) => out.push_str(text),
            Part::Escape(escape) => out.push(escape.character()?),
        }
        Ok(())
    })?;
    Ok(out)
}

fn bytes(body: Piece<'_>, raw: bool) -> Result<Vec<u8>, Diagnostic> {
    if raw {
        return Ok(body.text.into());
    }
    let mut out = Vec::with_capacity(body.text.len());
    each_part(body, |part| {
        match part {
            Part::Plain(text) => out.extend_from_slice(text.as_bytes()),
            Part::Escape(escape) => out.push(escape.byte()?),
        }
        Ok(())
    })?;
    Ok(out)
}

/// What a string is made of.
enum Part<'t> {
    Plain(&'t str),
    Escape(Escape<'t>),
}

fn each_part<'t>(
    body: Piece<'t>,
    mut take: impl FnMut(Part<'t>) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut rest = body;
    while let Some(at) = rest.text.find('\\') {
        take(Part::Plain(rest.part(0, at).text))?;
        let escape = Escape::first_of(rest.part(at, rest.text.len()));
        rest = rest.part(at + escape.whole.text.len(), rest.text.len());
        take(Part::Escape(escape))?;
    }
    take(Part::Plain(rest.text))
}

/// A backslash and what belongs to it.
struct Escape<'t> {
    whole: Piece<'t>,
    /// The character after the backslash.
    letter: char,
    /// Hexadecimal or octal digits; fewer than there should be where others
    /// follow.
    digits: &'t str,
}

impl<'t> Escape<'t> {
    /// The escape that `rest` begins with.
    fn first_of(rest: Piece<'t>) -> Escape<'t> {
        let letter = rest.text.chars().nth(1).unwrap_or('\\');
        let (from, wanted, radix) = match letter {
            'x' | 'X' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            '0'..='9' => (1, 3, 8),
            _ => (1 + letter.len_utf8(), 0, 10),
        };
        let digits = rest.text.get(from..).unwrap_or_default().chars();
        let found = digits
            .take(wanted)
            .take_while(|digit| digit.is_digit(radix))
            .count();
        // A digit that is no octal one is still part of what is pointed at.
        let end = (from + found).max(1 + letter.len_utf8());
        Escape {
            whole: rest.part(0, end),
            letter,
            digits: rest.part(from, from + found).text,
        }
    }

    fn character(&self) -> Result<char, Diagnostic> {
        match self.letter {
            'x' | 'X' => self.code(2, 16),
            'u' => self.code(4, 16),
            'U' => self.code(8, 16),
            '0'..='9' => self.octal().map(char::from),
            _ => self.plain().map(char::from),
        }
    }

    fn byte(&self) -> Result<u8, Diagnostic> {
        match self.letter {
            'x' | 'X' => self
                .code(2, 16)
                .and_then(|code| u8::try_from(code).map_err(|_| self.wrong("is too large"))),
            'u' | 'U' => Err(self
                .wrong("names a character, but this is a string of bytes")
                .help(
                    "write bytes as `\\x` and two hexadecimal digits, or the character itself, \
                     which stands for its bytes in UTF-8",
                )),
            '0'..='9' => self.octal(),
            _ => self.plain(),
        }
    }

    /// A letter or mark that stands for one character.
    fn plain(&self) -> Result<u8, Diagnostic> {
        Ok(match self.letter {
            'a' => 0x07,
            'b' => 0x08,
            't' => b'\t',
            'n' => b'\n',
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => b'\r',
            '\\' | '?' | '"' | '\'' | '`' if self.whole.text.len() == 2 => {
                u8::try_from(self.letter).unwrap_or(b'?')
            }
            _ => return Err(self.unknown()),
        })
    }

    fn code(&self, wanted: usize, radix: u32) -> Result<char, Diagnostic> {
        if self.digits.len() < wanted {
            let letter = self.letter;
            return Err(self
                .wrong("is not complete")
                .help(format!("`\\{letter}` takes {wanted} hexadecimal digits")));
        }
        let code = u32::from_str_radix(self.digits, radix).unwrap_or(u32::MAX);
        char::from_u32(code).ok_or_else(|| match code {
            0xd800..=0xdfff => self
                .wrong("is a surrogate, half of a character in UTF-16")
                .help("write the whole character as `\\U` and eight hexadecimal digits"),
            _ => self
                .wrong("is no character")
                .help("the last one is `\\U0010FFFF`"),
        })
    }

    fn octal(&self) -> Result<u8, Diagnostic> {
        if self.digits.len() < 3 {
            return Err(self
                .wrong("is not complete")
                .help("write three octal digits (`\\012`), or `\\x` and two hexadecimal ones"));
        }
        u8::from_str_radix(self.digits, 8).map_err(|_| {
            self.wrong("is too large")
                .help("octal escapes are from `\\000` to `\\377`")
        })
    }

    fn unknown(&self) -> Diagnostic {
        self.wrong("is no escape that CEL knows").help(
            "write `\\\\` for a backslash, or put `r` before the string so that backslashes stand \
             for themselves: `r\"\\d+\"`",
        )
    }

    fn wrong(&self, what: &str) -> Diagnostic {
        let message = format!("the escape `{}` {what}", self.whole.text);
        codes::BAD_LITERAL.at(self.whole.span(), message)
    }
}
