//! How text looks where it goes: colours and columns.
//!
//! Promises plain text wherever no terminal is, and where NO_COLOR is set.
//! Deliberately asks nothing but the terminal.

use std::io::IsTerminal as _;

use super::check_rules::args::Color;
use super::terminal;
use crate::diagnostic::Style;

/// For what goes to stderr.
pub fn stderr(color: Color) -> Style {
    let width = terminal_size::terminal_size_of(std::io::stderr());
    let width = width.map(|(width, _)| usize::from(width.0));
    style(color, std::io::stderr().is_terminal(), width)
}

/// For what goes to stdout.
pub fn stdout(color: Color) -> Style {
    style(color, std::io::stdout().is_terminal(), terminal::columns())
}

fn style(color: Color, terminal: bool, width: Option<usize>) -> Style {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style {
        color: match color {
            Color::Auto => terminal && wanted,
            Color::Always => true,
            Color::Never => false,
        },
        width,
    }
}
