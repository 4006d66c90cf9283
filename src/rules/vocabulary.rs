//! Field paths, as `fieldSelectors` name fields.
//!
//! Promises a diagnostic at the character where a path goes wrong.
//! Deliberately does not know which fields exist (see `k8s::schema`).

use pest::Parser as _;
use pest::error::InputLocation;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::diagnostic::{Diagnostic, Span, Spanned};

/// A path through an object; holds at least one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    /// From the outermost field inwards.
    pub steps: Vec<Spanned<Step>>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `.name`: a field, or a key of a map.
    Field(String),
    /// `["name"]`: a key of a map, or a field.
    Key(String),
    /// `[0]`: an element of a list.
    Index(u32),
}

// The derive makes an enum of the grammar's rules; its own module keeps the
// name `Rule` from meaning two things.
#[allow(missing_docs)]
mod grammar {
    #[derive(super::Parser)]
    #[grammar = "../grammar/path.pest"]
    pub struct Grammar;
}

/// Parses `text`, which is the value of the scalar at `span`.
pub fn parse_path(text: &str, span: Span) -> Result<FieldPath, Diagnostic> {
    let place = Place::new(text, span);
    let mut pairs = grammar::Grammar::parse(grammar::Rule::path, text)
        .map_err(|error| wrong(text, start_of(&error.location), &place))?;
    let steps = pairs.next().into_iter().flat_map(Pair::into_inner);
    let steps = steps.filter(|pair| pair.as_rule() != grammar::Rule::EOI);
    let steps = steps
        .map(|pair| step(&pair, &place))
        .collect::<Result<_, _>>()?;
    Ok(FieldPath { steps })
}

fn step(pair: &Pair<'_, grammar::Rule>, place: &Place) -> Result<Spanned<Step>, Diagnostic> {
    let written = pair.as_str();
    let span = place.of(pair.as_span().start(), pair.as_span().end());
    let step = match pair.as_rule() {
        grammar::Rule::index => Step::Index(written.parse().map_err(|_| {
            Diagnostic::error(span, format!("the index `{written}` is too large"))
                .help("lists are counted from 0; no stored list is as long")
        })?),
        grammar::Rule::double | grammar::Rule::single => Step::Key(written.to_owned()),
        _ => Step::Field(written.to_owned()),
    };
    Ok(Spanned::new(step, span))
}

fn start_of(location: &InputLocation) -> usize {
    match *location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

fn wrong(text: &str, at: usize, place: &Place) -> Diagnostic {
    let (before, rest) = (text.get(..at).unwrap_or(""), text.get(at..).unwrap_or(""));
    let width = rest.chars().next().map_or(0, char::len_utf8);
    let found = match rest.chars().next() {
        Some('[') if at == 0 => "a path begins with the name of a field".to_owned(),
        Some('[') => "this bracket is not closed".to_owned(),
        Some('"' | '\'') if before.ends_with('[') => {
            "the quote or the bracket is not closed".to_owned()
        }
        Some(c) => format!("`{c}` is not expected here"),
        None => "it ends too early".to_owned(),
    };
    let message = match text {
        "" => "the field path is empty".to_owned(),
        text => format!("`{text}` is not a field path"),
    };
    Diagnostic::error(place.of(at, at + width), message)
        .label(found)
        .help(advice(text, at))
}

fn advice(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or("");
    let rest = text.get(at..).unwrap_or("");
    if text.is_empty() {
        return "name a field: `type`, `spec.type`, `metadata.name`".into();
    }
    if before.is_empty() && rest.starts_with('.') {
        return format!(
            "leave out the `.` at the start: `{}`",
            rest.trim_start_matches('.')
        );
    }
    if rest.starts_with('/') {
        return "a key with `/` in it is written in brackets: `metadata.labels[\"example.com/name\"]`".into();
    }
    if before.ends_with('[') && rest.starts_with(['*', ':', '-', ']']) {
        return "name one element, counted from 0: `containers[0]`".into();
    }
    if before.ends_with('[') && !rest.starts_with(['"', '\'']) {
        return "put the key in quotes: `labels[\"name\"]`".into();
    }
    "write fields with `.` between them, `[0]` for list elements and `[\"key\"]` for keys: `spec.ports[0].name`".into()
}

/// Where the characters of a scalar's value stand in the file.
struct Place {
    whole: Span,
    /// The file's offset of the value's first byte, where the two run in
    /// parallel: without escapes and folding.
    start: Option<usize>,
}

impl Place {
    fn new(text: &str, whole: Span) -> Place {
        let written = whole.end.saturating_sub(whole.start) as usize;
        let start = match written.checked_sub(text.len()) {
            Some(0) => Some(whole.start as usize),
            Some(2) => Some(whole.start as usize + 1),
            _ => None,
        };
        Place { whole, start }
    }

    fn of(&self, from: usize, to: usize) -> Span {
        self.start
            .map_or(self.whole, |start| Span::new(start + from, start + to))
    }
}
