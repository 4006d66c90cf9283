//! Where a field is within an object: `spec.ports[0].name`,
//! `metadata.labels["a/b"]`.
//!
//! Promises that what is printed of a path that begins with a field reads back
//! as the same path (`grammar/path.pest`). Deliberately knows no schema:
//! whether a field exists is `schema`'s to say.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use pest::Parser as _;
use pest::error::InputLocation;
use pest::iterators::Pair;
use pest_derive::Parser;

/// One step down from an object, map or list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A field by its JSON name. On a map it is the key of an entry.
    Field(Box<str>),
    /// The key of a map's entry. On an object it is a field's name.
    Key(Box<str>),
    /// An element of a list, from 0.
    Index(u32),
}

impl Step {
    /// The name of the field or the key; `None` for an index.
    pub fn name(&self) -> Option<&str> {
        match self {
            Step::Field(name) | Step::Key(name) => Some(name),
            Step::Index(_) => None,
        }
    }
}

/// The steps from an object to a field of it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    steps: Arc<[Step]>,
}

impl Path {
    /// The path of these steps; without any it is the object itself.
    pub fn new(steps: Vec<Step>) -> Path {
        Path {
            steps: steps.into(),
        }
    }

    /// `metadata.labels["key"]`.
    pub fn label(key: &str) -> Path {
        Path::metadata_entry("labels", key)
    }

    /// `metadata.annotations["key"]`.
    pub fn annotation(key: &str) -> Path {
        Path::metadata_entry("annotations", key)
    }

    fn metadata_entry(map: &str, key: &str) -> Path {
        let steps = vec![
            Step::Field("metadata".into()),
            Step::Field(map.into()),
            Step::Key(key.into()),
        ];
        Path::new(steps)
    }

    /// The steps, from the object down.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Field(name) if !is_plain(name) => write_key(f, name)?,
                Step::Field(name) if place == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Key(key) => write_key(f, key)?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    f.write_str("[\"")?;
    for c in key.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"]")
}

/// Whether the grammar reads it as a field without quotes.
fn is_plain(name: &str) -> bool {
    let marks = |c: char| matches!(c, '_' | '$');
    let within = |c: char| c.is_ascii_alphanumeric() || marks(c) || c == '-';
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || marks(c)) && name.chars().all(within)
}

/// What is wrong with a path as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a field path: {what}; write for example `spec.ports[0].name`")]
pub struct PathSyntaxError {
    /// The path as written.
    pub text: String,
    /// The byte offset in the text.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl FromStr for Path {
    type Err = PathSyntaxError;

    fn from_str(text: &str) -> Result<Path, PathSyntaxError> {
        let steps = parse_steps(text)?;
        Ok(Path::new(steps.into_iter().map(|(step, _)| step).collect()))
    }
}

// The derive makes an enum of the grammar's rules.
#[allow(missing_docs)]
mod grammar {
    #[derive(super::Parser)]
    #[grammar = "../grammar/path.pest"]
    pub struct Grammar;
}

/// The steps of a path as written, each with its bytes in `text` (a key
/// without its quotes).
///
/// # Errors
///
/// The place where it goes wrong.
pub fn parse_steps(text: &str) -> Result<Vec<(Step, Range<usize>)>, PathSyntaxError> {
    let mut pairs = grammar::Grammar::parse(grammar::Rule::path, text)
        .map_err(|error| syntax_error(text, start_of(&error.location)))?;
    let steps = pairs.next().into_iter().flat_map(Pair::into_inner);
    let steps = steps.filter(|pair| pair.as_rule() != grammar::Rule::EOI);
    steps.map(|pair| step(text, &pair)).collect()
}

fn step(
    text: &str,
    pair: &Pair<'_, grammar::Rule>,
) -> Result<(Step, Range<usize>), PathSyntaxError> {
    let place = pair.as_span().start()..pair.as_span().end();
    let written = pair.as_str();
    let step = match pair.as_rule() {
        grammar::Rule::index => Step::Index(written.parse().map_err(|_| PathSyntaxError {
            what: "the index is too large",
            ..syntax_error(text, place.start)
        })?),
        grammar::Rule::double | grammar::Rule::single => Step::Key(unescape(written)),
        _ => Step::Field(written.into()),
    };
    Ok((step, place))
}

/// A backslash stands for the character that follows it.
fn unescape(written: &str) -> Box<str> {
    let mut chars = written.chars();
    let next = || match chars.next() {
        Some('\\') => chars.next(),
        other => other,
    };
    std::iter::from_fn(next).collect::<String>().into()
}

fn start_of(location: &InputLocation) -> usize {
    match *location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

fn syntax_error(text: &str, at: usize) -> PathSyntaxError {
    let before = text.get(..at).unwrap_or("");
    let what = match text.get(at..).and_then(|rest| rest.chars().next()) {
        _ if text.is_empty() => "it is empty",
        Some('[') if at == 0 => "a path begins with the name of a field",
        Some('[') => "this bracket is not closed",
        Some('"' | '\'') if before.ends_with('[') => "the quote or the bracket is not closed",
        Some(_) => "this character is not expected here",
        None => "it ends too early",
    };
    PathSyntaxError {
        text: text.to_owned(),
        at,
        what,
    }
}
