//! What is printed to stdout.
//!
//! Promises to end quietly where nobody reads on: `| head` is no error.
//! Deliberately keeps nothing back: what was said is written.

use std::io::{self, ErrorKind, Write as _};

/// Writes to stdout.
///
/// # Errors
///
/// When it cannot be written, but for nobody reading it.
pub fn say(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match said {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to stdout: {error}"))
        }
        _ => Ok(()),
    }
}
