//! Field paths, as `fieldSelectors` name fields.
//!
//! Promises a diagnostic at the character where a path goes wrong.
//! Deliberately does not know which fields exist (see `k8s::schema`).

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::path::{PathSyntaxError, parse_steps};
use crate::k8s::{Path, Step};

use super::codes;

/// A path through an object; holds at least one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    /// From the outermost field inwards.
    pub steps: Vec<Spanned<Step>>,
}

impl FieldPath {
    /// The path as values are read by.
    pub fn path(&self) -> Path {
        Path::new(self.steps.iter().map(|step| step.value.clone()).collect())
    }
}

/// Parses `text`, which is the value of the scalar at `span`.
pub fn parse_path(text: &str, span: Span) -> Result<FieldPath, Diagnostic> {
    let place = Place::new(text, span);
    let steps = parse_steps(text).map_err(|error| wrong(&error, &place))?;
    let spanned = |(step, bytes): (Step, std::ops::Range<usize>)| {
        Spanned::new(step, place.of(bytes.start, bytes.end))
    };
    Ok(FieldPath {
        steps: steps.into_iter().map(spanned).collect(),
    })
}

fn wrong(error: &PathSyntaxError, place: &Place) -> Diagnostic {
    let PathSyntaxError { text, at, what } = error;
    let next = text.get(*at..).and_then(|rest| rest.chars().next());
    let message = match text.as_str() {
        "" => "the field path is empty".to_owned(),
        text => format!("`{text}` is not a field path"),
    };
    let width = next.map_or(0, char::len_utf8);
    codes::BAD_FIELD_PATH
        .at(place.of(*at, at + width), message)
        .label(*what)
        .help(advice(text, *at))
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
    if before.ends_with('[') && rest.starts_with(|c: char| c.is_ascii_digit()) {
        return "lists are counted from 0; no stored list is as long".into();
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
