//! A condition in CEL with its values below it.
//!
//! Promises the text as it was written, with the numbers of its lines in the
//! rules file. Deliberately leaves out the value of the whole, which stands
//! with the condition, and lines of long texts that nothing is said of.

use crate::diagnostic::{Note, Row, SourceText, below};
use crate::lang::FaultKind;
use crate::lang::inspect::{Found, Part};
use crate::rules::trace::Expression;

/// What stands behind a condition that decided by itself.
pub(super) const DECIDES: &str = "← decides";

/// Of more lines one after the other without notes only the ends are shown.
const QUIET: usize = 6;

/// An expression in `width` columns, line by line.
pub(super) fn draw(of: &Expression, source: &SourceText, width: usize) -> Vec<String> {
    let numbers: Vec<String> = of
        .lines
        .iter()
        .map(|span| source.line_column(span.start).0.to_string())
        .collect();
    let gutter = numbers.iter().map(String::len).max().unwrap_or(0);
    let width = width.saturating_sub(gutter + 3).max(MIN_WIDTH);
    let text = of.text.trim_end();
    let breaks = of.breaks.iter();
    let breaks: Vec<_> = breaks.map(|(at, cost)| (*at as usize, *cost)).collect();
    let rows = below(text, &notes(of), &breaks, width);
    let quiet = quiet(&rows);
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let (number, text) = match row {
            _ if quiet.contains(&at) => {
                let first = at == 0 || !quiet.contains(&(at - 1));
                match first {
                    true => ("", "…"),
                    false => continue,
                }
            }
            Row::Text {
                line,
                continues,
                text,
            } => {
                let number = numbers.get(*line).filter(|_| !continues);
                (number.map_or("", String::as_str), text.as_str())
            }
            Row::Notes(text) => ("", text.as_str()),
        };
        let line = format!("{number:>gutter$} | {text}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// However narrow it gets: fewer columns would only make it longer.
const MIN_WIDTH: usize = 30;

/// Which rows are within a long run of text that nothing is said of.
fn quiet(rows: &[Row]) -> Vec<usize> {
    let mut quiet = Vec::new();
    let mut run = Vec::new();
    let ends = rows.iter().map(Some).chain([None]).enumerate();
    for (at, row) in ends {
        let next = rows.get(at + 1);
        let silent = matches!(row, Some(Row::Text { .. })) && !matches!(next, Some(Row::Notes(_)));
        if silent {
            run.push(at);
            continue;
        }
        if run.len() > QUIET {
            quiet.extend(run.iter().skip(2).take(run.len() - 3));
        }
        run.clear();
    }
    quiet
}

fn notes(of: &Expression) -> Vec<Note> {
    let parts = of.parts.iter().map(|own| &own.part);
    let parts = parts.filter(|part| !(part.whole && part.joins));
    let note = |part: &Part| Note {
        at: part.at as usize,
        text: text(of, part),
    };
    parts.map(note).collect()
}

fn text(of: &Expression, part: &Part) -> String {
    let because = |text: &str, why: &Option<String>| match why {
        Some(why) => format!("{text}: {why}"),
        None => text.to_owned(),
    };
    let mut text = match &part.found {
        Found::Truth(holds, why) => because(if *holds { "true" } else { "false" }, why),
        Found::Value(text) => text.clone(),
        Found::Fault(kind, at) => because(&fault(of, part, *kind), at),
        Found::NotLookedAt => "not looked at".to_owned(),
        Found::Private => "(not shown)".to_owned(),
    };
    if part.decides {
        text.push(' ');
        text.push_str(DECIDES);
    }
    text
}

/// Why it has no value, where it is the first to have none.
fn fault(of: &Expression, part: &Part, kind: FaultKind) -> String {
    let within = of.parts.iter().map(|own| &own.part);
    let mut within = within.filter(|own| {
        own.span != part.span && part.span.start <= own.span.start && own.span.end <= part.span.end
    });
    let inner = within.any(|own| matches!(own.found, Found::Fault(..) | Found::Private));
    match (inner, kind) {
        (true, _) => "no value".to_owned(),
        (false, FaultKind::NoSuchKey) => "not there".to_owned(),
        (false, kind) => format!("no value: {kind}"),
    }
}
