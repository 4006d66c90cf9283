//! A YAML document as it was written: mappings, sequences and scalars, every
//! one with its place.
//!
//! Promises that nesting is bounded and that each node's span lies within the
//! text. Deliberately does not know what a rule is (see `load`), and keeps
//! scalars as text: what an unquoted `true` means is asked for, never assumed.

use crate::diagnostic::{Span, Spanned};

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// From its first to its last character; where nothing is written, the
    /// place that announces it (its key, or its `-`).
    pub span: Span,
    /// What was written.
    pub value: Value,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file, without keys written twice.
    Mapping(Vec<Entry>),
    /// Something that has been reported already; whoever reads it stays
    /// silent.
    Refused,
}

/// One key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// Its value.
    pub value: Node,
}

/// A scalar as text.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Its text, escapes and folding undone.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Whether it is marked as text with `!!str`.
    pub tagged: bool,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`.
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// What a scalar means to the YAML libraries of the Kubernetes world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: empty, `~`, `null`.
    Null,
    /// `true`, `no`, `On`, …
    Boolean,
    /// `1`, `0x1f`, `1e3`, `.inf`, …
    Number,
    /// Text.
    String,
}

impl Scalar {
    /// What it means. Only plain scalars are anything but text.
    pub fn kind(&self) -> Kind {
        if self.style != Style::Plain || self.tagged {
            return Kind::String;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            text if is_boolean(text) => Kind::Boolean,
            text if is_number(text) => Kind::Number,
            _ => Kind::String,
        }
    }
}

impl Node {
    /// Whether it is an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == Kind::Null)
    }

    /// Whether it holds nothing: no value, `""`, `[]` or `{}`.
    pub fn is_blank(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => scalar.kind() == Kind::Null || scalar.text.is_empty(),
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
            Value::Refused => true,
        }
    }

    /// The whole number that it is to YAML, if it is one in decimal.
    pub fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind() == Kind::Number => scalar.text.parse().ok(),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "empty",
                Kind::Boolean => "a boolean",
                Kind::Number => "a number",
                Kind::String => "text",
            },
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Refused => "refused",
        }
    }

    /// The places of all scalars, keys too, in their order.
    pub fn scalars(&self) -> Vec<Span> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            match &node.value {
                Value::Scalar(_) | Value::Refused => found.push(node.span),
                Value::Sequence(items) => open.extend(items),
                Value::Mapping(entries) => {
                    found.extend(entries.iter().map(|entry| entry.key.span));
                    open.extend(entries.iter().map(|entry| &entry.value));
                }
            }
        }
        found.sort();
        found
    }

    /// A place to point at that fits a line: of a mapping the first key, of a
    /// list the first entry.
    pub fn head(&self) -> Span {
        match &self.value {
            Value::Mapping(entries) => entries.first().map_or(self.span, |entry| entry.key.span),
            Value::Sequence(items) => items.first().map_or(self.span, Node::head),
            _ => self.span,
        }
    }
}

/// The booleans of YAML 1.1, which Go's library still reads.
fn is_boolean(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "y", "n"];
    let capitalised = |word: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c.is_ascii_uppercase())
            && text.eq_ignore_ascii_case(word)
            && chars.all(|c| c.is_ascii_lowercase())
    };
    WORDS
        .iter()
        .any(|word| text == *word || capitalised(word) || text == word.to_ascii_uppercase())
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    match digits {
        ".inf" | ".Inf" | ".INF" => return true,
        ".nan" | ".NaN" | ".NAN" => return digits == text,
        _ => {}
    }
    let radix = |prefix: &str, radix: u32| {
        digits.strip_prefix(prefix).is_some_and(|rest| {
            rest.chars().any(|c| c != '_') && rest.chars().all(|c| c == '_' || c.is_digit(radix))
        })
    };
    radix("0x", 16) || radix("0o", 8) || radix("0b", 2) || is_decimal(digits)
}

/// Digits (with `_` between them), at most one point, maybe an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    exponent_is_right
        && mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && mantissa.bytes().any(|b| b.is_ascii_digit())
        && mantissa
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_')
        && mantissa.bytes().filter(|&b| b == b'.').count() <= 1
}
