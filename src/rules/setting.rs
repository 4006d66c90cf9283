//! What becomes of findings of one code.
//!
//! Deliberately without a say of who asks for it (see `levels`).

use crate::diagnostic::Level;

/// What becomes of findings of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// They are not shown.
    Allow,
    /// They are notes.
    Note,
    /// They are warnings.
    Warn,
    /// They are errors.
    Deny,
}

impl Setting {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Setting::Allow => "allow",
            Setting::Note => "note",
            Setting::Warn => "warn",
            Setting::Deny => "deny",
        }
    }

    /// All of them.
    pub const ALL: [Setting; 4] = [Setting::Allow, Setting::Note, Setting::Warn, Setting::Deny];

    /// The level; `None` where nothing is shown.
    pub fn level(self) -> Option<Level> {
        match self {
            Setting::Allow => None,
            Setting::Note => Some(Level::Note),
            Setting::Warn => Some(Level::Warning),
            Setting::Deny => Some(Level::Error),
        }
    }
}
