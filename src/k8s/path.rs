//! Where a field is within an object: `spec.ports[0].name`,
//! `metadata.labels["a/b"]`.
//!
//! Promises that what is printed reads back as the same path. Deliberately
//! knows no schema: whether a field exists is `schema`'s to say.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(ends_name)
}

fn ends_name(c: char) -> bool {
    matches!(c, '.' | '[' | ']' | '"' | '\'' | '\\') || c.is_whitespace() || c.is_control()
}

/// What is wrong with a path as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct PathSyntaxError {
    /// The byte offset in the text.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl FromStr for Path {
    type Err = PathSyntaxError;

    fn from_str(text: &str) -> Result<Path, PathSyntaxError> {
        let mut parser = Parser { text, at: 0 };
        let mut steps = Vec::new();
        while parser.at < text.len() {
            steps.push(parser.step(steps.is_empty())?);
        }
        match steps.is_empty() {
            true => Err(parser.error("a field path is empty; write for example `spec.type`")),
            false => Ok(Path::new(steps)),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, what: &'static str) -> PathSyntaxError {
        PathSyntaxError { at: self.at, what }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn step(&mut self, first: bool) -> Result<Step, PathSyntaxError> {
        match self.peek() {
            Some('[') => self.bracket(),
            Some('.') if !first => {
                self.take();
                self.name()
            }
            _ if first => self.name(),
            _ => Err(self.error("expected `.` or `[` here")),
        }
    }

    fn name(&mut self) -> Result<Step, PathSyntaxError> {
        let start = self.at;
        while self.peek().is_some_and(|c| !ends_name(c)) {
            self.take();
        }
        match self.text.get(start..self.at) {
            Some(name) if !name.is_empty() => Ok(Step::Field(name.into())),
            _ => Err(self.error("expected a field name here")),
        }
    }

    fn bracket(&mut self) -> Result<Step, PathSyntaxError> {
        self.take();
        let step = match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.index()?,
        };
        match self.peek() {
            Some(']') => self.take(),
            _ => return Err(self.error("expected `]` here")),
        };
        Ok(step)
    }

    fn quoted(&mut self, quote: char) -> Result<Step, PathSyntaxError> {
        self.take();
        let mut key = String::new();
        loop {
            let next = match self.take() {
                Some(c) if c == quote => return Ok(Step::Key(key.into())),
                Some('\\') => self.take(),
                other => other,
            };
            key.push(next.ok_or_else(|| self.error("this key has no closing quote"))?);
        }
    }

    fn index(&mut self) -> Result<Step, PathSyntaxError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest.get(..digits).and_then(|text| text.parse().ok()) {
            Some(index) => {
                self.at += digits;
                Ok(Step::Index(index))
            }
            None => Err(self.error("expected a quoted key or an index here")),
        }
    }
}
