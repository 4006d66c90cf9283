//! How wide the place is that results are printed to.
//!
//! Promises nothing where nothing is known: each output chooses for itself
//! then. Deliberately asks nothing of terminals but that.

use std::io::IsTerminal as _;

/// Columns of stdout: `COLUMNS` if that is set, else those of the terminal.
pub fn columns() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns
        .and_then(|text| text.parse().ok())
        .filter(|&width| width > 0);
    let terminal = || {
        let terminal = std::io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size);
        terminal.flatten().map(|(width, _)| usize::from(width.0))
    };
    columns.or_else(terminal)
}
