//! Everything that is wrong with a command line.
//!
//! Promises to keep all of it, in the order in which it was found.
//! Deliberately judges nothing but paths.

use std::fmt;
use std::path::{Path, PathBuf};

/// Everything that is wrong with a command line, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Problems {
    pub(super) fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The value, or its problem noted.
    pub(super) fn take<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// `value` if nothing at all is wrong.
    pub(super) fn none_or<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

pub(super) fn path(flag: &str, text: String) -> Result<PathBuf, String> {
    match text.is_empty() {
        true => Err(format!("`{flag}` is empty: give a path")),
        false => Ok(text.into()),
    }
}

pub(super) fn existing(flag: &str, path: &Path) -> Result<(), String> {
    let missing = |error| format!("`{flag}` `{}` cannot be read: {error}", path.display());
    std::fs::metadata(path).map(drop).map_err(missing)
}
