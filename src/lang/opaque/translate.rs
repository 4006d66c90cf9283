//! From RE2's syntax to that of the `regex` crate.
//!
//! Promises that a pattern means what it means to RE2, as Go has it: `\d`,
//! `\w`, `\s` and `\b` are ASCII, `[` and `&&` in a class are themselves, and
//! what only the crate knows is refused. Deliberately leaves some errors to
//! the crate, such as names of Unicode classes that do not exist.

use std::collections::HashSet;

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegexError(pub String);

/// The most that RE2 repeats anything, nested repetitions multiplied.
const MOST: u64 = 1000;

/// A pattern of the `regex` crate.
#[derive(Debug)]
pub(super) struct Translated {
    pub text: String,
    /// About how many states it has.
    pub weight: u64,
}

pub(super) fn translate(pattern: &str) -> Result<Translated, RegexError> {
    let mut translator = Translator {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        outer: Vec::new(),
        level: Level::default(),
        names: HashSet::new(),
    };
    while let Some(next) = translator.take() {
        translator.element(next)?;
    }
    match translator.outer.is_empty() {
        true => Ok(Translated {
            text: translator.out,
            weight: translator.level.weight,
        }),
        false => fail("missing `)`"),
    }
}

fn fail<T>(reason: &str) -> Result<T, RegexError> {
    Err(RegexError(reason.to_owned()))
}

/// What a repetition would follow.
#[derive(Clone, Copy, Default, PartialEq)]
enum Before {
    #[default]
    Nothing,
    Atom,
    Repetition,
}

/// A group, or all of the pattern.
#[derive(Default)]
struct Level {
    before: Before,
    weight: u64,
    /// The weight of the last atom, and how often it repeats its parts.
    last: u64,
    last_repeats: u64,
    /// The most that any part repeats.
    repeats: u64,
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    outer: Vec<Level>,
    level: Level,
    names: HashSet<&'p str>,
}

impl<'p> Translator<'p> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Whether `text` is next, which is then passed.
    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn element(&mut self, next: char) -> Result<(), RegexError> {
        match next {
            '(' => self.open(),
            ')' => self.close(),
            '|' => {
                self.out.push('|');
                self.level.before = Before::Nothing;
                Ok(())
            }
            '*' => self.repeat("*", 2),
            '+' => self.repeat("+", 2),
            '?' => self.repeat("?", 1),
            '{' => self.braces(),
            '[' => self.class(),
            '\\' => self.escape(),
            '.' | '^' | '$' => {
                self.out.push(next);
                self.atom(4)
            }
            literal => self.literal(literal),
        }
    }

    fn atom(&mut self, weight: u64) -> Result<(), RegexError> {
        self.closed_atom(weight, 1)
    }

    fn closed_atom(&mut self, weight: u64, repeats: u64) -> Result<(), RegexError> {
        let level = &mut self.level;
        level.before = Before::Atom;
        level.weight = level.weight.saturating_add(weight);
        (level.last, level.last_repeats) = (weight, repeats);
        level.repeats = level.repeats.max(repeats);
        Ok(())
    }

    fn literal(&mut self, literal: char) -> Result<(), RegexError> {
        push_literal(&mut self.out, literal);
        self.atom(literal.len_utf8() as u64)
    }

    fn open(&mut self) -> Result<(), RegexError> {
        let opened = match self.skip("?") {
            false => "(".to_owned(),
            true if self.skip("P<") || self.is_name() => {
                self.name()?;
                "(".to_owned()
            }
            true => match self.flags()? {
                Some(opened) => opened,
                None => return Ok(()),
            },
        };
        self.out.push_str(&opened);
        self.outer.push(std::mem::take(&mut self.level));
        Ok(())
    }

    /// Whether a name begins: `<`, and not what would look behind.
    fn is_name(&mut self) -> bool {
        let looks_behind = self.rest.starts_with("<=") || self.rest.starts_with("<!");
        !looks_behind && self.skip("<")
    }

    fn name(&mut self) -> Result<(), RegexError> {
        let Some((name, rest)) = self.rest.split_once('>') else {
            return fail("a group's name has no end");
        };
        self.rest = rest;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match !name.is_empty() && name.chars().all(fits) && self.names.insert(name) {
            true => Ok(()),
            false => fail("a group's name is malformed, or there twice"),
        }
    }

    /// `i-s:` or `i)`; `None` where the flags are for the rest of this group.
    fn flags(&mut self) -> Result<Option<String>, RegexError> {
        let end = self.rest.find([':', ')']).unwrap_or(self.rest.len());
        let (flags, after) = self.rest.split_at(end);
        let (on, off) = flags.split_once('-').unwrap_or((flags, "i"));
        let known = |c: char| matches!(c, 'i' | 'm' | 's' | 'U');
        if !on.chars().all(known) || off.is_empty() || !off.chars().all(known) {
            return fail("a group has flags that are not known");
        }
        self.rest = after;
        match self.take() {
            Some(':') => Ok(Some(format!("(?{flags}:"))),
            Some(_) => {
                if !flags.is_empty() {
                    self.out.push_str(&format!("(?{flags})"));
                }
                self.level.before = Before::Nothing;
                Ok(None)
            }
            None => fail("missing `)`"),
        }
    }

    fn close(&mut self) -> Result<(), RegexError> {
        let Some(outer) = self.outer.pop() else {
            return fail("unexpected `)`");
        };
        let inner = std::mem::replace(&mut self.level, outer);
        self.out.push(')');
        self.closed_atom(inner.weight.saturating_add(2), inner.repeats.max(1))
    }

    fn repeat(&mut self, operator: &str, times: u64) -> Result<(), RegexError> {
        match self.level.before {
            Before::Atom => {}
            Before::Nothing => return fail("a repetition of nothing"),
            Before::Repetition => return fail("a repetition of a repetition"),
        }
        self.out.push_str(operator);
        if self.skip("?") {
            self.out.push('?');
        }
        let level = &mut self.level;
        level.before = Before::Repetition;
        let more = level.last.saturating_mul(times.saturating_sub(1));
        level.weight = level.weight.saturating_add(more);
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`; a brace of anything else is itself.
    fn braces(&mut self) -> Result<(), RegexError> {
        let Some((least, most, rest)) = counts(self.rest) else {
            return self.literal('{');
        };
        let times = most.unwrap_or(least);
        let repeats = self.level.last_repeats.saturating_mul(times.max(1));
        if times > MOST || least > times || repeats > MOST {
            return fail("a repetition is larger than 1000, or ends before it begins");
        }
        self.rest = rest;
        let operator = match most {
            Some(most) => format!("{{{least},{most}}}"),
            None => format!("{{{least},}}"),
        };
        self.repeat(&operator, times + u64::from(most.is_none()))?;
        self.level.repeats = self.level.repeats.max(repeats);
        Ok(())
    }

    /// After a backslash outside of classes.
    fn escape(&mut self) -> Result<(), RegexError> {
        let text = match self.rest.chars().next() {
            Some('A') => r"\A",
            Some('z') => r"\z",
            Some('b') => r"(?-u:\b)",
            Some('B') => r"(?-u:\B)",
            Some('Q') => return self.quoted(),
            Some('p' | 'P') => {
                self.property()?;
                return self.atom(32);
            }
            Some(kind) => match perl_class(kind) {
                Some(class) => class,
                None => {
                    let literal = self.character()?;
                    return self.literal(literal);
                }
            },
            None => return fail("nothing after the last backslash"),
        };
        self.take();
        self.out.push_str(text);
        self.atom(4)
    }

    /// `\Q…\E`, or to the end.
    fn quoted(&mut self) -> Result<(), RegexError> {
        self.take();
        let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        quoted.chars().try_for_each(|literal| self.literal(literal))
    }

    /// `pN`, `PN`, `p{Greek}` or `p{^Greek}` after a backslash.
    fn property(&mut self) -> Result<(), RegexError> {
        let negative = self.take() == Some('P');
        let (name, rest) = match self.rest.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some(split) => split,
                None => return fail("a Unicode class has no end"),
            },
            None => self.rest.split_at_checked(1).unwrap_or_default(),
        };
        let bare = name.strip_prefix('^').unwrap_or(name);
        let is_name = bare.starts_with(|first: char| first.is_ascii_uppercase())
            && bare.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        if !is_name {
            return fail("a Unicode class has no name that is known");
        }
        self.rest = rest;
        let kind = match negative != (bare.len() < name.len()) {
            true => 'P',
            false => 'p',
        };
        self.out.push_str(&format!("\\{kind}{{{bare}}}"));
        Ok(())
    }

    fn class(&mut self) -> Result<(), RegexError> {
        self.out.push('[');
        if self.skip("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            if !first && self.skip("]") {
                break;
            }
            first = false;
            self.class_item()?;
        }
        self.out.push(']');
        self.atom(8)
    }

    fn class_item(&mut self) -> Result<(), RegexError> {
        if let Some(after) = self.rest.strip_prefix("[:")
            && let Some((name, rest)) = after.split_once(":]")
        {
            self.rest = rest;
            return self.posix_class(name);
        }
        let escaped = self.rest.strip_prefix('\\');
        match escaped.and_then(|escaped| escaped.chars().next()) {
            Some('p' | 'P') => {
                self.take();
                self.property()
            }
            Some(kind) if perl_class(kind).is_some() => {
                self.take();
                self.take();
                self.out.push_str(perl_class(kind).unwrap_or_default());
                Ok(())
            }
            _ => self.class_range(),
        }
    }

    fn posix_class(&mut self, name: &str) -> Result<(), RegexError> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return fail("a class of characters has no name that is known");
        }
        self.out.push_str(&format!("[:{name}:]"));
        Ok(())
    }

    fn class_range(&mut self) -> Result<(), RegexError> {
        let low = self.class_character()?;
        push_literal(&mut self.out, low);
        let is_range = self.rest.len() > 1 && !self.rest.starts_with("-]");
        if !is_range || !self.skip("-") {
            return Ok(());
        }
        let high = self.class_character()?;
        if high < low {
            return fail("a range of characters ends before it begins");
        }
        self.out.push('-');
        push_literal(&mut self.out, high);
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, RegexError> {
        match self.take() {
            Some('\\') => self.character(),
            Some(own) => Ok(own),
            None => fail("missing `]`"),
        }
    }

    /// The character that an escape stands for; the backslash has been taken.
    fn character(&mut self) -> Result<char, RegexError> {
        let code = match self.take() {
            Some('a') => 7,
            Some('f') => 12,
            Some('n') => 10,
            Some('r') => 13,
            Some('t') => 9,
            Some('v') => 11,
            Some('x') => self.hexadecimal()?,
            Some(first @ '0'..='7') => self.octal(first)?,
            Some(own) if own.is_ascii() && !own.is_ascii_alphanumeric() => return Ok(own),
            _ => return fail("an escape that is not known"),
        };
        char::from_u32(code).ok_or_else(|| RegexError("an escape of no character".to_owned()))
    }

    /// A digit other than 0 needs another: alone it would refer to a group.
    fn octal(&mut self, first: char) -> Result<u32, RegexError> {
        let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
        let count = self.rest.bytes().take(2).take_while(is_octal).count();
        if first != '0' && count == 0 {
            return fail("a reference to a group");
        }
        let (digits, rest) = self.rest.split_at_checked(count).unwrap_or_default();
        self.rest = rest;
        let text = format!("{first}{digits}");
        u32::from_str_radix(&text, 8).or_else(|_| fail("an escape that is not known"))
    }

    fn hexadecimal(&mut self) -> Result<u32, RegexError> {
        let (digits, rest) = match self.rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or_default(),
            None => self.rest.split_at_checked(2).unwrap_or_default(),
        };
        self.rest = rest;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| all);
        code.ok_or_else(|| RegexError("an escape that is not known".to_owned()))
    }
}

/// `2}`, `2,}` or `2,5}` at the beginning, and the rest.
fn counts(text: &str) -> Option<(u64, Option<u64>, &str)> {
    let (inner, rest) = text.split_once('}')?;
    let number = |digits: &str| {
        let canonical = digits == "0" || !digits.starts_with('0');
        let all = digits.bytes().all(|digit| digit.is_ascii_digit());
        let fits = canonical && all && !digits.is_empty();
        fits.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let (least, most) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    Some((least, most, rest))
}

/// The ASCII class of `\d` and its like.
fn perl_class(kind: char) -> Option<&'static str> {
    Some(match kind {
        'd' => r"[0-9]",
        'D' => r"[^0-9]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        'w' => r"[0-9A-Za-z_]",
        'W' => r"[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// Escaped wherever it might mean something; the crate gives `\<` and `\>` a
/// meaning of their own.
fn push_literal(out: &mut String, literal: char) {
    if literal.is_ascii_punctuation() && !matches!(literal, '<' | '>') {
        out.push('\\');
    }
    out.push(literal);
}
