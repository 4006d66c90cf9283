//! What is wrong, where, and what to do: diagnostics over named source texts.
//!
//! Promises that every rendered diagnostic has file:line:column, the source
//! line and a caret. Deliberately knows nothing of rules or Kubernetes.

mod below;
mod code;
mod fix;
mod render;

pub use below::{Note, Row, below};
pub use code::Code;
pub use fix::{Edit, Fix, apply};
pub use render::{Style, render, to_json, wrapped};

/// A half-open range of byte offsets in a [`SourceText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte; never less than `start`.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`, which is at least `start`.
    pub fn new(start: usize, end: usize) -> Span {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            start: clamp(start),
            end: clamp(end.max(start)),
        }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// A value and the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value` as written at `span`.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing; nothing to do.
    Note,
    /// Accepted, but probably not what was meant.
    Warning,
    /// Refused.
    Error,
}

impl Level {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A place and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said there; may be empty.
    pub text: String,
}

/// How much of a user's text a message repeats: its place shows the rest.
const MAX_QUOTED: usize = 64;

/// A message whose longest texts in backticks are cut short.
fn shortened(message: String) -> String {
    if message.len() <= MAX_QUOTED {
        return message;
    }
    let parts = message.split('`').enumerate().map(|(at, part)| {
        let long = at % 2 == 1 && part.chars().nth(MAX_QUOTED).is_some();
        match long {
            true => part.chars().take(MAX_QUOTED - 1).chain(['…']).collect(),
            false => part.to_owned(),
        }
    });
    parts.collect::<Vec<String>>().join("`")
}

/// One finding. Messages start in lower case, end without a period, and put
/// the user's text in backticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How bad it is: as the code says, or as it was asked for.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// Where; the first is the primary place.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// A change that mends it without changing what the file means, or where
    /// only one thing can have been meant.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        let labels = vec![Label {
            span,
            text: String::new(),
        }];
        Diagnostic {
            code,
            level: code.level(),
            message: shortened(message.into()),
            labels,
            help: None,
            fix: None,
        }
    }

    /// The primary place.
    pub fn place(&self) -> Span {
        self.labels
            .first()
            .map(|label| label.span)
            .unwrap_or_default()
    }

    /// Says what stands at the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.labels[0].text = text.into();
        self
    }

    /// Points at a further place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// Says how it is mended.
    pub fn fix(mut self, fix: Fix) -> Diagnostic {
        self.fix = Some(fix);
        self
    }
}

/// A named text that spans point into.
#[derive(Clone, Debug)]
pub struct SourceText {
    /// The file's name as the user gave it.
    pub name: String,
    /// Its whole content.
    pub text: String,
}

impl SourceText {
    /// `text` under `name`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> SourceText {
        SourceText {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let mut end = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }
}
