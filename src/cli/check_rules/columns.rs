//! Tables of names and figures.
//!
//! Promises that figures stand below each other whatever the width, and that no
//! name is cut: one that is too wide has a line of its own. Deliberately knows
//! nothing of what is counted.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::cli::explain::layout::{filled, plain};
use crate::diagnostic::wrapped;

/// Where nothing says how wide lines may be.
const USUAL: usize = 100;

/// Columns between two others.
const GAP: usize = 2;

/// A name, its figures, and what stands below it.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// What is counted.
    pub name: String,
    /// To the right, one below the other.
    pub figures: Vec<String>,
    /// Further lines, as they are.
    pub beneath: Vec<String>,
}

impl Line {
    /// Without anything below.
    pub fn new(name: impl Into<String>, figures: Vec<String>) -> Line {
        Line {
            name: name.into(),
            figures,
            beneath: Vec::new(),
        }
    }
}

/// The lines below a head, for so many columns.
pub fn table(head: &Line, lines: &[Line], width: Option<usize>) -> String {
    let all = || std::iter::once(head).chain(lines);
    let count = all().map(|own| own.figures.len()).max().unwrap_or(0);
    let widest = |at: usize| {
        let cells = all().filter_map(|own| own.figures.get(at));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let figures: Vec<usize> = (0..count).map(widest).collect();
    let taken: usize = figures.iter().map(|own| own + GAP).sum();
    let room = width
        .unwrap_or(USUAL)
        .saturating_sub(GAP + taken)
        .max(head.name.width());
    let names = all().map(|own| plain(&own.name).width());
    let name = names.filter(|own| *own <= room).max().unwrap_or(0);
    let mut out = String::new();
    for line in all() {
        let shown = plain(&line.name);
        let beside = match shown.width() <= name {
            true => shown,
            false => {
                let _ = writeln!(out, "{:GAP$}{shown}", "");
                String::new()
            }
        };
        let mut text = format!("{:GAP$}{}", "", filled(&beside, name));
        for (figure, width) in line.figures.iter().zip(&figures) {
            let blanks = width.saturating_sub(figure.width()) + GAP;
            let _ = write!(text, "{:blanks$}{figure}", "");
        }
        let _ = writeln!(out, "{}", text.trim_end());
        for line in &line.beneath {
            let _ = writeln!(out, "{:1$}{line}", "", GAP * 3);
        }
    }
    out
}

/// A sentence, in as many lines as it takes; all but the first are indented.
pub fn folded(text: &str, width: Option<usize>) -> String {
    let lines = match width {
        None => vec![text.to_owned()],
        Some(width) => wrapped(text, width.saturating_sub(GAP).max(16)),
    };
    let mut out = String::new();
    for (number, line) in lines.into_iter().enumerate() {
        let indent = if number == 0 { 0 } else { GAP };
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
    out
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 key`, `1,234 keys`, `no keys`.
pub fn keys(number: u64) -> String {
    match number {
        0 => "no keys".to_owned(),
        1 => "1 key".to_owned(),
        many => format!("{} keys", grouped(many)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_groups_of_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_wide_name_has_its_own_line() {
        let head = Line::new("RULE", vec!["KEYS".to_owned()]);
        let lines = [
            Line::new("a", vec!["1".to_owned()]),
            Line::new("b".repeat(20), vec!["22".to_owned()]),
        ];
        let text = table(&head, &lines, Some(20));
        assert_eq!(
            text,
            "  RULE  KEYS\n  a        1\n  bbbbbbbbbbbbbbbbbbbb\n          22\n"
        );
    }
}
