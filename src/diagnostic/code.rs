//! Stable names of kinds of findings.
//!
//! Promises that a code's letter is its level. Deliberately knows no code: who
//! finds something declares what it is called.

use std::fmt;

use super::{Diagnostic, Level, Span};

/// The stable name of one kind of finding: a letter for its level (`E` error,
/// `W` warning, `N` note) and three digits. A code keeps its meaning for ever
/// and is never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(&'static str);

impl Code {
    /// The code of this name.
    ///
    /// # Panics
    ///
    /// Unless it is `E`, `W` or `N` and three digits. In a constant that is
    /// found when it is compiled.
    pub const fn new(name: &'static str) -> Code {
        let bytes = name.as_bytes();
        assert!(bytes.len() == 4 && matches!(bytes[0], b'E' | b'W' | b'N'));
        assert!(
            bytes[1].is_ascii_digit() && bytes[2].is_ascii_digit() && bytes[3].is_ascii_digit()
        );
        Code(name)
    }

    /// As it is written: `W012`.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// How bad such a finding is, where nothing else is asked for.
    pub const fn level(self) -> Level {
        match self.0.as_bytes()[0] {
            b'E' => Level::Error,
            b'W' => Level::Warning,
            _ => Level::Note,
        }
    }

    /// A finding of this kind at `span`.
    pub fn at(self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self, span, message)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
