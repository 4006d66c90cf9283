//! Findings in one line each: `--output short` and `--output github`.
//!
//! Promises that no text of a user's can end a line early. Deliberately
//! without the lines of the file.

use std::fmt::Write as _;

use crate::cli::rules_file::CheckedFile;
use crate::diagnostic::{Level, Span};

/// `rules.yaml:3:7: warning[W012]: …`
pub fn short(file: &CheckedFile) -> String {
    let mut out = String::new();
    for found in &file.checked.diagnostics {
        let at = found.place();
        let (line, column) = file.source.line_column(at.start);
        let message = found.message.replace(['\r', '\n'], " ");
        let (level, code) = (found.level.name(), found.code);
        let _ = writeln!(
            out,
            "{}:{line}:{column}: {level}[{code}]: {message}",
            file.source.name
        );
    }
    out
}

/// Workflow commands that GitHub shows beside the lines of a change.
pub fn github(file: &CheckedFile) -> String {
    let mut out = String::new();
    for found in &file.checked.diagnostics {
        let at = found.place();
        let (line, column) = file.source.line_column(at.start);
        let (end_line, end_column) = end(file, at);
        let command = match found.level {
            Level::Note => "notice",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let text = match &found.help {
            Some(help) => format!("{}\n{help}", found.message),
            None => found.message.clone(),
        };
        let _ = writeln!(
            out,
            "::{command} file={},line={line},endLine={end_line},col={column},endColumn={end_column},title={}::{}",
            property(&file.source.name),
            found.code,
            escaped(&text),
        );
    }
    out
}

/// Of a place over several lines only the first one is marked: GitHub ignores
/// columns otherwise.
fn end(file: &CheckedFile, at: Span) -> (usize, usize) {
    let text = &file.source.text;
    let covered = text
        .get(at.start as usize..at.end as usize)
        .unwrap_or_default();
    let first = covered.lines().next().unwrap_or_default();
    let end = at.start + u32::try_from(first.len()).unwrap_or_default();
    file.source.line_column(end)
}

fn escaped(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
