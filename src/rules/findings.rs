//! Collects what is wrong with a rules file, so that reading goes on.
//!
//! Promises the order of the file. Deliberately knows nothing of rules.

use super::codes;
use super::source_map::SourceMap;
use crate::diagnostic::{Diagnostic, Fix, Level, Span, Spanned};

/// Longer texts are no slips of the finger; comparing them would take long.
const MAX_COMPARED: usize = 64;

/// All that was found so far.
#[derive(Debug)]
pub struct Findings<'a> {
    text: &'a str,
    list: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet in the file with this text.
    pub fn new(text: &'a str) -> Findings<'a> {
        Findings {
            text,
            list: Vec::new(),
        }
    }

    /// Adds one whose places are offsets in the value of `scalar`.
    pub fn push_within(&mut self, scalar: &Spanned<String>, mut diagnostic: Diagnostic) {
        let map = self.source_map(scalar);
        for label in &mut diagnostic.labels {
            label.span = map.as_ref().map_or(scalar.span, |map| map.span(label.span));
        }
        diagnostic.fix = diagnostic.fix.and_then(|fix| {
            let map = map.as_ref()?;
            Some(self.placed(fix, scalar.span, map))
        });
        self.push(diagnostic);
    }

    /// A fix of a scalar's value as one of the file.
    fn placed(&self, mut fix: Fix, scalar: Span, map: &SourceMap) -> Fix {
        let quote = self.written(scalar).chars().next();
        for edit in &mut fix.edits {
            edit.span = map.span(edit.span);
            edit.text = match quote {
                Some('\'') => edit.text.replace('\'', "''"),
                Some('"') => edit.text.replace('\\', "\\\\").replace('"', "\\\""),
                _ => std::mem::take(&mut edit.text),
            };
        }
        fix
    }

    /// Takes an entry out of its list, where that changes nothing else: its
    /// line, or what stands between commas.
    pub fn without_entry(&self, entry: Span) -> Option<Fix> {
        let (start, end) = (entry.start as usize, entry.end as usize);
        let (before, after) = (self.text.get(..start)?, self.text.get(end..)?);
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = after.find('\n').map_or(after.len(), |at| at + 1);
        let dash = before.get(line..)?.trim();
        if dash == "-" && after.get(..rest)?.trim().is_empty() {
            return Some(Fix::replace(Span::new(line, end + rest), ""));
        }
        let comma = before.trim_end_matches(' ').strip_suffix(',')?;
        Some(Fix::replace(Span::new(comma.len(), end), ""))
    }

    /// A line that says what a mapping left out, before its first field.
    pub fn with_field(&self, whole: Span, head: Span, field: &str) -> Option<Fix> {
        let at = head.start as usize;
        if self.written(whole).starts_with('{') {
            return Some(Fix::replace(Span::new(at, at), format!("{field}, ")));
        }
        let before = self.text.get(..at)?;
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let indent = " ".repeat(before.get(line..)?.chars().count());
        let end = self.line_break();
        Some(Fix::replace(
            Span::new(at, at),
            format!("{field}{end}{indent}"),
        ))
    }

    /// How lines end in this file.
    fn line_break(&self) -> &'static str {
        match self.text.contains("\r\n") {
            true => "\r\n",
            false => "\n",
        }
    }

    /// Where the characters of `scalar`'s value stand in the file.
    pub fn source_map(&self, scalar: &Spanned<String>) -> Option<SourceMap> {
        SourceMap::new(self.text, scalar.span, &scalar.value)
    }

    /// The file's text at `span`.
    pub fn written(&self, span: Span) -> &'a str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// What follows `span` in its last line.
    pub fn rest_of_line(&self, span: Span) -> &'a str {
        let rest = self.text.get(span.end as usize..).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Says that an entry of a list repeats an earlier one.
    pub fn push_twice(&mut self, what: &str, entry: &Spanned<String>, first: Span) {
        let message = format!("{what} `{}` is written twice", entry.value);
        let found = codes::WRITTEN_TWICE
            .at(entry.span, message)
            .also(first, "first written here")
            .help("remove one of them");
        let fix = self.without_entry(entry.span);
        self.push(Diagnostic { fix, ..found });
    }

    /// Adds what there is.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(diagnostics);
    }

    /// Whether one of them points into `span`, so that what is missing there
    /// may be a consequence of it.
    pub fn touch(&self, span: Span) -> bool {
        let primary = self
            .list
            .iter()
            .filter_map(|diagnostic| diagnostic.labels.first());
        primary
            .map(|label| label.span)
            .any(|at| span.start <= at.start && at.end <= span.end)
    }

    /// Whether any of them refuses the file.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|diagnostic| diagnostic.level == Level::Error)
    }

    /// All of them in the order of their primary places.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.place().start);
        self.list
    }
}

/// The one of `names` that `text` was probably meant to be.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > MAX_COMPARED {
        return None;
    }
    let lower = text.to_lowercase();
    let limit = (lower.chars().count() / 3).clamp(1, 4);
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `names` in backticks with commas between them.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
