//! Diagnostics for people and for programs.
//!
//! Promises that any span over any text renders: spans that do not fit are
//! clamped to the text and to whole characters. Deliberately leaves layout to
//! the `annotate-snippets` crate, and does not print.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Heading, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Fix, Label, Level, SourceText, Span};

/// What the library shows of a tab.
const TAB: &str = "    ";

/// How diagnostics look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Columns of the terminal, where known.
    pub width: Option<usize>,
}

/// All `diagnostics` about `source`, one after the other with an empty line
/// between them; empty without any.
pub fn render(source: &SourceText, diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = renderer(style);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        let fitted = fitted(diagnostic, style.width);
        out.push_str(&renderer.render(&[group(source, &fitted)]));
        out.push('\n');
    }
    out
}

/// The same as data: one object for each diagnostic, with lines and columns
/// from 1, columns in characters, and ends that are exclusive.
pub fn to_json(source: &SourceText, diagnostics: &[Diagnostic]) -> Value {
    diagnostics
        .iter()
        .map(|diagnostic| object(source, diagnostic))
        .collect()
}

/// `text` in lines of at most `width` columns, broken at blanks alone; a word
/// that is wider has a line of its own. Code is not broken at its `-` and `?`,
/// so that it can be copied.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options).into_iter();
    lines.map(std::borrow::Cow::into_owned).collect()
}

/// The same with its sentences in lines that fit: the library cuts the lines
/// of the file, but leaves all else to the terminal, which breaks words.
fn fitted(diagnostic: &Diagnostic, width: Option<usize>) -> Diagnostic {
    let mut fitted = diagnostic.clone();
    let Some(width) = width else {
        return fitted;
    };
    let fill = |text: &str, taken: usize| {
        let width = width.saturating_sub(taken).max(20);
        wrapped(&text.replace('\t', TAB), width).join("\n")
    };
    let heading = diagnostic.level.name().len() + "[E000]: ".len();
    fitted.message = fill(&diagnostic.message, heading);
    // What stands before it is as wide as the number of the line.
    fitted.help = diagnostic.help.as_ref().map(|help| fill(help, 16));
    fitted
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    match style.width {
        Some(width) => renderer.term_width(width),
        None => renderer,
    }
}

fn group<'a>(source: &'a SourceText, diagnostic: &'a Diagnostic) -> Group<'a> {
    let snippet = Snippet::source(source.text.as_str())
        .path(source.name.as_str())
        .annotations(diagnostic.labels.iter().enumerate().map(|(i, label)| {
            let kind = if i == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let text = (!label.text.is_empty()).then_some(label.text.as_str());
            kind.span(first_line(&source.text, clamp(&source.text, label.span)))
                .label(text)
        }));
    let group = heading(diagnostic.level)
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.as_str())
        .element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Heading::HELP.message(help.as_str())),
        None => group,
    }
}

fn heading(level: Level) -> Heading<'static> {
    match level {
        Level::Note => Heading::NOTE,
        Level::Warning => Heading::WARNING,
        Level::Error => Heading::ERROR,
    }
}

/// What `range` covers of the line that it starts on: a whole list, marked
/// line by line, would hide what is said of it.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let covered = text.get(range.clone()).unwrap_or("");
    let line = covered.split(['\r', '\n']).next().unwrap_or("");
    range.start..range.start + line.len()
}

/// The part of `text` that `span` covers, in whole characters.
fn clamp(text: &str, span: Span) -> Range<usize> {
    let start = boundary(text, span.start as usize);
    let mut end = (span.end as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end.max(start)
}

/// The start of the character at `offset`.
fn boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn object(source: &SourceText, diagnostic: &Diagnostic) -> Value {
    let mut labels = diagnostic.labels.iter();
    let primary = labels.next().map(|label| place(source, label));
    let mut object = json!({
        "file": source.name,
        "code": diagnostic.code.as_str(),
        "level": diagnostic.level.name(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "fix": diagnostic.fix.as_ref().map(|fix| edits(source, fix)),
        "labels": labels.map(|label| place(source, label)).collect::<Vec<_>>(),
    });
    if let (Value::Object(object), Some(Value::Object(primary))) = (&mut object, primary) {
        object.extend(primary);
    }
    object
}

/// What `--fix` would write, and where.
fn edits(source: &SourceText, fix: &Fix) -> Value {
    let edits = fix.edits.iter().map(|edit| {
        let mut object = range(source, edit.span);
        object["text"] = edit.text.as_str().into();
        object
    });
    edits.collect()
}

fn place(source: &SourceText, label: &Label) -> Value {
    let mut object = range(source, label.span);
    object["label"] = label.text.as_str().into();
    object
}

/// Lines and columns from 1, the end exclusive.
fn range(source: &SourceText, span: Span) -> Value {
    let range = clamp(&source.text, span);
    let (line, column) = source.line_column(Span::new(range.start, range.end).start);
    let (end_line, end_column) = source.line_column(Span::new(range.start, range.end).end);
    json!({
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}
