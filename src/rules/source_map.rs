//! From a place in a scalar's value to its place in the file, through quotes,
//! escapes, indentation and folded lines.
//!
//! Promises that every character which is not white space maps to where it was
//! written, and white space to somewhere in the white space written there.
//! Deliberately needs no knowledge of a scalar's style: quotes are tried, and
//! taken back when the text then does not fit.

use crate::diagnostic::Span;

/// Where each character of one scalar's value stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMap {
    /// In the order of the value; the last one stands for its end.
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Offset in the value.
    value: usize,
    /// First byte in the scalar's text, then one past the last byte.
    start: usize,
    end: usize,
}

impl SourceMap {
    /// The map of the scalar with this `value` that is written at `scalar` in
    /// `file`; `None` if the two do not belong together.
    pub fn new(file: &str, scalar: Span, value: &str) -> Option<SourceMap> {
        let base = scalar.start as usize;
        let written = file.get(base..scalar.end as usize)?;
        SourceMap::of(written, base, value).or_else(|| {
            let (property, rest) = written.split_once([' ', '\t'])?;
            let rest = rest.trim_start();
            let base = base + written.len() - rest.len();
            property
                .starts_with(['!', '&'])
                .then(|| SourceMap::of(rest, base, value))?
        })
    }

    /// The same for what is `written` from `base` on, without tag or anchor.
    fn of(written: &str, base: usize, value: &str) -> Option<SourceMap> {
        let readings = [
            double_quoted(written),
            single_quoted(written),
            Some(plain(written)),
        ];
        let mut places = readings
            .iter()
            .flatten()
            .find_map(|units| align(units, value))?;
        for place in &mut places {
            (place.start, place.end) = (place.start + base, place.end + base);
        }
        Some(SourceMap { places })
    }

    /// Where the bytes of the value from `span.start` to `span.end` stand in
    /// the file.
    pub fn span(&self, span: Span) -> Span {
        let start = self.place(span.start);
        if span.start >= span.end {
            return start.map_or(span, |start| Span::new(start.start, start.start));
        }
        match (start, self.place(span.end - 1)) {
            (Some(start), Some(last)) => Span::new(start.start, last.end),
            _ => span,
        }
    }

    /// The character that the byte at `offset` of the value belongs to.
    fn place(&self, offset: u32) -> Option<Place> {
        let after = self
            .places
            .partition_point(|place| place.value <= offset as usize);
        self.places.get(after.checked_sub(1)?).copied()
    }
}

/// A character as it was written.
struct Unit {
    /// First byte in the scalar's text, then one past the last byte.
    start: usize,
    end: usize,
    /// What it stands for; nothing for an escaped line break.
    means: Option<char>,
}

fn plain(written: &str) -> Vec<Unit> {
    let unit = |(start, c): (usize, char)| Unit {
        start,
        end: start + c.len_utf8(),
        means: Some(c),
    };
    written.char_indices().map(unit).collect()
}

/// How much of `written` is a scalar in quotes, with what may stand before it;
/// `None` where it is not closed.
pub(super) fn quoted_len(written: &str, quote: char) -> Option<usize> {
    let begin = written.find(quote)? + 1;
    let mut chars = written.get(begin..)?.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let doubled = quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote);
        let goes_on = match quote {
            '"' => c == '\\',
            _ => c == quote && doubled,
        };
        if goes_on {
            chars.next();
        } else if c == quote {
            return Some(begin + at + 1);
        }
    }
    None
}

/// `'…'`, where `''` is one quote.
fn single_quoted(written: &str) -> Option<Vec<Unit>> {
    let inner = written.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut units = Vec::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        let doubled = c == '\'' && chars.next().is_some();
        let end = at + 1 + c.len_utf8() + usize::from(doubled);
        units.push(Unit {
            start: at + 1,
            end,
            means: Some(c),
        });
    }
    Some(units)
}

/// `"…"` with escapes.
fn double_quoted(written: &str) -> Option<Vec<Unit>> {
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut at = 0;
    while let Some(c) = inner.get(at..).and_then(|rest| rest.chars().next()) {
        let (means, len) = match c {
            '\\' => escape(inner.get(at + 1..)?)?,
            c => (Some(c), c.len_utf8()),
        };
        units.push(Unit {
            start: at + 1,
            end: at + 1 + len,
            means,
        });
        at += len;
    }
    Some(units)
}

/// What the text after a backslash stands for, and its length with the
/// backslash.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let c = rest.chars().next()?;
    let hex = |digits: usize| {
        let number = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
        Some((char::from_u32(number), digits + 2))
    };
    let means = match c {
        'x' => return hex(2),
        'u' => return hex(4),
        'U' => return hex(8),
        '\n' | '\r' => None,
        '0' => Some('\0'),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        't' => Some('\t'),
        'n' => Some('\n'),
        'v' => Some('\u{b}'),
        'f' => Some('\u{c}'),
        'r' => Some('\r'),
        'e' => Some('\u{1b}'),
        'N' => Some('\u{85}'),
        '_' => Some('\u{a0}'),
        'L' => Some('\u{2028}'),
        'P' => Some('\u{2029}'),
        other => Some(other),
    };
    Some((means, 1 + c.len_utf8()))
}

/// The places of `value`'s characters, if `units` can be read as `value`: white
/// space stands for any white space, everything else for itself.
fn align(units: &[Unit], value: &str) -> Option<Vec<Place>> {
    let end = units.last().map_or(0, |unit| unit.end);
    let is_blank = |index: usize| units.get(index).is_some_and(Unit::is_blank);
    let place = |value: usize, index: usize| match units.get(index) {
        Some(unit) => Place {
            value,
            start: unit.start,
            end: unit.end,
        },
        None => Place {
            value,
            start: end,
            end,
        },
    };
    let mut places = Vec::new();
    let mut next = 0;
    for (offset, c) in value.char_indices() {
        if c.is_whitespace() {
            places.push(place(offset, next));
            next += usize::from(is_blank(next));
            continue;
        }
        while is_blank(next) {
            next += 1;
        }
        if units.get(next)?.means != Some(c) {
            return None;
        }
        places.push(place(offset, next));
        next += 1;
    }
    let rest_is_blank = units.iter().skip(next).all(Unit::is_blank);
    places.push(place(value.len(), next));
    rest_is_blank.then_some(places)
}

impl Unit {
    fn is_blank(&self) -> bool {
        self.means.is_none_or(char::is_whitespace)
    }
}
