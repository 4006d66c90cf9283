//! Verdicts, and why a predicate has none.
//!
//! Promises that a fault is never mistaken for a verdict: they are different
//! types. Deliberately carries no values, which might be secret.

use std::fmt;

/// What a predicate says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Match,
    /// It does not.
    NoMatch,
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Verdict {
        if holds {
            Verdict::Match
        } else {
            Verdict::NoMatch
        }
    }
}

/// A predicate that has no verdict: something it depends on could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// The instruction (of the VM) or the test in order of evaluation (of the
    /// oracle) that met it.
    pub at: u32,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The slot's value exists but could not be read.
    Unreadable,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Unreadable => f.write_str("a value that it depends on could not be read"),
        }
    }
}
