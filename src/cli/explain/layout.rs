//! The lines of a table, for a terminal of any width or for none.
//!
//! Promises that no key is cut, that columns hold whatever the width of the
//! characters, and that what is stored can send a terminal no commands.
//! Deliberately knows one page at a time: columns may grow from page to page,
//! and never shrink.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::row::Row;
use crate::cli::args::Only;
use crate::cli::terminal::columns;
use crate::diagnostic::wrapped;

/// Narrower than this, the reason stands beneath the key.
const WIDE: usize = 100;
/// So much is left for the reason, where it stands beside.
const LEAST_FOR_WHY: usize = 36;
const MOST_FOR_RULE: usize = 24;
const DECISION: usize = 8;

/// How lines are laid out.
pub struct Layout {
    /// Columns of the terminal; `None` where there is none: then each key has
    /// one line.
    width: Option<usize>,
    rule: usize,
    key: usize,
    begun: bool,
}

impl Layout {
    /// For this many columns.
    pub fn new(width: Option<usize>) -> Layout {
        Layout {
            width,
            rule: 4,
            key: 3,
            begun: false,
        }
    }

    /// For where stdout goes: `COLUMNS` if that is set, else the terminal.
    pub fn of_stdout() -> Layout {
        Layout::new(columns())
    }

    /// The next rows.
    pub fn page(&mut self, rows: &[Row]) -> String {
        match self.width {
            Some(width) if width < WIDE => self.stacked(rows, width),
            _ => self.beside(rows),
        }
    }

    /// A sentence below the table.
    pub fn remark(&self, text: &str) -> String {
        let lines = match self.width {
            None => vec![text.to_owned()],
            Some(width) => wrapped(text, width.max(16)),
        };
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Key and decision on one line, rule or reason beneath.
    fn stacked(&mut self, rows: &[Row], width: usize) -> String {
        let mut out = String::new();
        for row in rows {
            let _ = writeln!(out, "{:DECISION$}  {}", word(row.decided), plain(&row.key));
            let beneath = match (&row.rule, row.why.as_str()) {
                (Some(rule), "") => format!("by `{rule}`"),
                (Some(rule), why) => format!("`{rule}`: {why}"),
                (None, why) => why.to_owned(),
            };
            let room = width.saturating_sub(DECISION + 4).max(16);
            for line in wrapped(&plain(&beneath), room) {
                let _ = writeln!(out, "{:1$}{line}", "", DECISION + 4);
            }
        }
        out
    }

    /// Everything of a key on one line, as long as the key has room.
    fn beside(&mut self, rows: &[Row]) -> String {
        let mut out = String::new();
        let rules = rows.iter().filter_map(|row| row.rule.as_deref());
        let rule = rules.map(|rule| plain(rule).width()).max().unwrap_or(0);
        self.rule = self.rule.max(rule.min(MOST_FOR_RULE));
        let keys = rows.iter().map(|row| plain(&row.key).width());
        let before = DECISION + 2 + self.rule + 2;
        let most = self.width.map_or(usize::MAX, |width| {
            width.saturating_sub(before + 2 + LEAST_FOR_WHY)
        });
        self.key = self
            .key
            .max(keys.filter(|own| *own <= most).max().unwrap_or(0));
        if !std::mem::replace(&mut self.begun, true) {
            let head = [
                filled("DECISION", DECISION),
                filled("RULE", self.rule),
                filled("KEY", self.key),
            ];
            let _ = writeln!(out, "{}  WHY", head.join("  "));
        }
        for row in rows {
            self.line(row, before, &mut out);
        }
        out
    }

    fn line(&self, row: &Row, before: usize, out: &mut String) {
        let key = plain(&row.key);
        let rule = cut(&plain(row.rule.as_deref().unwrap_or("-")), self.rule);
        let start = format!(
            "{}  {}  {}",
            filled(word(row.decided), DECISION),
            filled(&rule, self.rule),
            filled(&key, self.key),
        );
        let why = plain(&row.why);
        let at = before + self.key + 2;
        let lines = match self.width {
            None => vec![why],
            Some(width) => wrapped(&why, width.saturating_sub(at).max(16)),
        };
        let fits = key.width() <= self.key || self.width.is_none();
        let mut lines = lines.into_iter();
        let first = match fits {
            true => lines.next().unwrap_or_default(),
            false => String::new(),
        };
        let _ = writeln!(out, "{}", format!("{start}  {first}").trim_end());
        for line in lines.filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "{:at$}{line}", "");
        }
    }
}

fn word(decided: Only) -> &'static str {
    match decided {
        Only::Mirrored => "mirrored",
        Only::Skipped => "skipped",
        Only::Held => "held",
    }
}

/// Followed by blanks up to this many columns.
pub fn filled(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{text}{:blanks$}", "")
}

/// Cut where it is wider.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if cut.width() + c.to_string().width() + 1 > width {
            break;
        }
        cut.push(c);
    }
    cut + "…"
}

/// Without characters that a terminal takes for commands.
pub fn plain(text: &str) -> String {
    match text.contains(char::is_control) {
        false => text.to_owned(),
        true => text
            .chars()
            .map(|c| match c.is_control() {
                true => c.escape_default().to_string(),
                false => c.to_string(),
            })
            .collect(),
    }
}
