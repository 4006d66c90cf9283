//! Strings as they stand in JSON text. Unescapes only on demand.

use std::borrow::Cow;

/// A string's text between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub text: &'a str,
    pub escaped: bool,
}

impl<'a> Raw<'a> {
    /// Whether it spells `wanted`.
    #[inline]
    pub fn is(&self, wanted: &str) -> bool {
        match self.escaped {
            false => self.text == wanted,
            true => unescape(self.text) == wanted,
        }
    }

    /// What it spells.
    pub fn value(&self) -> Cow<'a, str> {
        match self.escaped {
            false => Cow::Borrowed(self.text),
            true => Cow::Owned(unescape(self.text)),
        }
    }
}

/// Half a surrogate pair becomes U+FFFD, as in Go.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        rest = escape(from.get(1..).unwrap_or_default(), &mut out);
    }
    out.push_str(rest);
    out
}

/// Takes one escape, without its backslash, and returns what follows it.
fn escape<'t>(text: &'t str, out: &mut String) -> &'t str {
    let mut chars = text.chars();
    let Some(letter) = chars.next() else {
        return "";
    };
    out.push(match letter {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(chars.as_str(), out),
        other => other,
    });
    chars.as_str()
}

/// Takes the digits of a `\u` escape, and of the other half of its pair.
fn unicode<'t>(text: &'t str, out: &mut String) -> &'t str {
    let (first, rest) = hex(text);
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = rest.strip_prefix("\\u")
        && let (low @ 0xdc00..0xe000, rest) = hex(second)
    {
        let scalar = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest;
    }
    out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn hex(text: &str) -> (u32, &str) {
    const INVALID: u32 = 0xd800;
    match text.split_at_checked(4) {
        Some((digits, rest)) => (u32::from_str_radix(digits, 16).unwrap_or(INVALID), rest),
        None => (INVALID, ""),
    }
}
