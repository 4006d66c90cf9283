//! The tokens of an expression, and how deep they nest.
//!
//! Promises that it agrees with `grammar/cel.pest` on where each token ends, as
//! far as the text is an expression at all; so what [`check_depth`] lets pass
//! nests no deeper in the parser. Deliberately does not judge the order of
//! tokens: that is the grammar's part.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

use super::{MAX_BRACKETS, MAX_DEPTH};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A number without its sign.
    Number,
    /// A string or bytes.
    Text,
    /// A name in backticks.
    Quoted,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Operators and other marks, `.`, `,`, `?` and `:` among them; also such
    /// as CEL does not have (`=`, `&`).
    Mark,
    /// A string or name whose closing quote is missing.
    Unclosed,
    /// A character that CEL does not know.
    Wrong,
}

/// A token and its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn span(&self) -> Span {
        Span::new(self.start, self.end())
    }
}

/// The tokens of a text, comments and spaces left out.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// The comments of a text, without the ends of their lines.
pub fn comments(text: &str) -> Vec<Span> {
    let (mut found, mut at) = (Vec::new(), 0);
    for token in tokens(text) {
        comments_between(text, at, token.start, &mut found);
        at = token.end();
    }
    comments_between(text, at, text.len(), &mut found);
    found
}

fn comments_between(text: &str, start: usize, end: usize, found: &mut Vec<Span>) {
    let mut line_start = start;
    for line in text.get(start..end).unwrap_or_default().split('\n') {
        if let Some(at) = line.find("//") {
            found.push(Span::new(line_start + at, line_start + line.len()));
        }
        line_start += line.len() + 1;
    }
}

/// Marks of more than one character, the longest first. Those that CEL does
/// not have cannot begin in an expression that it has.
const MARKS: &[&str] = &["===", "!==", "==", "!=", "<=", ">=", "&&", "||", "=~", "=>"];

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip();
        let start = self.at;
        let kind = self.kind(*self.text.as_bytes().get(start)?);
        let text = self.text.get(start..self.at).unwrap_or_default();
        Some(Token { kind, text, start })
    }
}

impl Tokens<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn skip(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => self.at += 1,
                b'/' if self.byte(1) == b'/' => {
                    let rest = self.rest();
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Steps over the token that begins with `first`.
    fn kind(&mut self, first: u8) -> Kind {
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'"' | b'\'' => self.quotes(false),
            b'`' => self.backticks(),
            b'(' | b'[' | b'{' => self.take(1, Kind::Open),
            b')' | b']' | b'}' => self.take(1, Kind::Close),
            b'!'..=b'~' if !matches!(first, b'#' | b'$' | b'@' | b'\\') => self.mark(),
            _ => {
                let length = self.rest().chars().next().map_or(1, char::len_utf8);
                self.take(length, Kind::Wrong)
            }
        }
    }

    fn take(&mut self, length: usize, kind: Kind) -> Kind {
        self.at += length;
        kind
    }

    fn take_while(&mut self, within: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|&&byte| within(byte)).count();
    }

    fn word(&mut self) -> Kind {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !matches!(self.byte(0), b'"' | b'\'') {
            return Kind::Word;
        }
        match self.text.as_bytes().get(start..self.at) {
            Some([b'b' | b'B']) => self.quotes(false),
            Some([b'r' | b'R'] | [b'b' | b'B', b'r' | b'R']) => self.quotes(true),
            _ => Kind::Word,
        }
    }

    fn number(&mut self) -> Kind {
        let digit = |byte: u8| byte.is_ascii_digit();
        if self.byte(0) == b'0' && self.byte(1) == b'x' && self.byte(2).is_ascii_hexdigit() {
            self.at += 2;
            self.take_while(|byte| byte.is_ascii_hexdigit());
            return self.unsigned();
        }
        self.take_while(digit);
        let mut whole = true;
        if self.byte(0) == b'.' && digit(self.byte(1)) {
            self.at += 1;
            self.take_while(digit);
            whole = false;
        }
        let signed = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && digit(self.byte(1 + signed)) {
            self.at += 1 + signed;
            self.take_while(digit);
            whole = false;
        }
        if whole { self.unsigned() } else { Kind::Number }
    }

    fn unsigned(&mut self) -> Kind {
        let suffix = usize::from(matches!(self.byte(0), b'u' | b'U'));
        self.take(suffix, Kind::Number)
    }

    /// A string without its prefix.
    fn quotes(&mut self, raw: bool) -> Kind {
        let quote = self.byte(0);
        let three = self.byte(1) == quote && self.byte(2) == quote;
        self.at += if three { 3 } else { 1 };
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\\' if !raw => self.at += 1 + self.escaped(three),
                b'\n' | b'\r' if !three => return Kind::Unclosed,
                _ if byte == quote && !three => return self.take(1, Kind::Text),
                _ if byte == quote && self.byte(1) == quote && self.byte(2) == quote => {
                    return self.take(3, Kind::Text);
                }
                _ => self.at += 1,
            }
        }
        self.at = bytes.len();
        Kind::Unclosed
    }

    /// How many bytes after a backslash it takes with it. The rest of a longer
    /// character stands for itself.
    fn escaped(&self, three: bool) -> usize {
        usize::from(three || !matches!(self.byte(1), b'\n' | b'\r'))
    }

    fn backticks(&mut self) -> Kind {
        self.at += 1;
        self.take_while(|byte| !matches!(byte, b'`' | b'\n' | b'\r'));
        if self.byte(0) == b'`' {
            self.take(1, Kind::Quoted)
        } else {
            Kind::Unclosed
        }
    }

    fn mark(&mut self) -> Kind {
        let long = MARKS.iter().find(|mark| self.rest().starts_with(**mark));
        self.take(long.map_or(1, |mark| mark.len()), Kind::Mark)
    }
}

/// Refuses a text in which brackets and operators wait for what is in them
/// more than [`MAX_DEPTH`] deep, or brackets alone more than [`MAX_BRACKETS`]:
/// the parser would recurse as deep.
pub(super) fn check_depth(text: &str) -> Result<(), Diagnostic> {
    let mut depth = Depth::default();
    for token in tokens(text) {
        depth.take(&token);
        if depth.outer.len() > MAX_BRACKETS {
            let what = format!("more than {MAX_BRACKETS} brackets are open here");
            return Err(too_deep(token.start..token.end()).label(what));
        }
        if depth.levels() > MAX_DEPTH {
            return Err(too_deep(token.start..token.end()));
        }
    }
    Ok(())
}

/// At `range` the tree of an expression gets too deep.
pub(super) fn too_deep(range: Range<usize>) -> Diagnostic {
    let span = Span::new(range.start, range.end);
    codes::TOO_LARGE
        .at(span, "the expression is nested too deeply")
        .label(format!("more than {MAX_DEPTH} levels"))
        .help(
            "every operator, call, field and bracket around a part of the expression is a level; \
             write many values of one field as a list: `x in [\"a\", \"b\"]`",
        )
}

/// What is open at a place of the text.
#[derive(Default)]
struct Depth {
    /// Levels up to each open bracket.
    outer: Vec<(usize, Open)>,
    /// The levels of all open brackets and of what is around them.
    below: usize,
    /// What is open since the last bracket.
    open: Open,
    /// Whether an operand has just ended, so that `-` is an infix.
    after_operand: bool,
}

/// Operators that wait for their right operand.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Infix operators, a bit for each rank.
    infix: u8,
    /// `!` and `-` before the operand.
    prefix: usize,
}

impl Open {
    fn levels(self) -> usize {
        self.infix.count_ones() as usize + self.prefix
    }
}

impl Depth {
    fn levels(&self) -> usize {
        self.below + self.open.levels()
    }

    fn take(&mut self, token: &Token<'_>) {
        match token.kind {
            Kind::Open => self.enter(),
            Kind::Close => self.leave(),
            Kind::Mark => self.mark(token.text),
            Kind::Word if token.text == "in" && self.after_operand => self.infix(2),
            _ => self.after_operand = true,
        }
    }

    fn enter(&mut self) {
        self.outer.push((self.below, self.open));
        self.below += self.open.levels() + 1;
        self.open = Open::default();
        self.after_operand = false;
    }

    fn leave(&mut self) {
        (self.below, self.open) = self.outer.pop().unwrap_or_default();
        self.after_operand = true;
    }

    fn mark(&mut self, mark: &str) {
        match mark {
            "!" => self.prefix(),
            "-" if !self.after_operand => self.prefix(),
            "." => self.after_operand = false,
            // An optional part, as in `a.?b` and `[?a]`.
            "?" if !self.after_operand => {}
            "||" => self.infix(0),
            "&&" => self.infix(1),
            "+" | "-" => self.infix(3),
            "*" | "/" | "%" => self.infix(4),
            "==" | "!=" | "<" | "<=" | ">" | ">=" => self.infix(2),
            _ => {
                self.open = Open::default();
                self.after_operand = false;
            }
        }
    }

    fn prefix(&mut self) {
        self.open.prefix += 1;
        self.after_operand = false;
    }

    /// An operator ends those that bind as tightly or tighter.
    fn infix(&mut self, rank: u8) {
        let looser = (1 << rank) - 1;
        self.open.infix = self.open.infix & looser | 1 << rank;
        self.open.prefix = 0;
        self.after_operand = false;
    }
}
