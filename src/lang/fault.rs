//! Verdicts, and why a predicate or expression has none.
//!
//! Promises that a fault is never mistaken for a verdict: they are different
//! types. Deliberately carries no values, which might be secret.

use std::fmt;

use crate::diagnostic::Span;

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

/// A predicate that has no verdict, or an expression without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// The instruction that met it (of the VM); the oracle has none and says 0.
    pub at: u32,
    /// What was being evaluated, as offsets in the text it was written in.
    pub span: Span,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The value exists but could not be read.
    Unreadable,
    /// Stored bytes that are malformed, or of a kind without a schema.
    Undecodable,
    /// A field or key that is not there.
    NoSuchKey,
    /// An operator or function that does not take values of these types.
    NoSuchOverload,
    /// An index outside of a list or text.
    IndexOutOfRange,
    /// Division of an integer by zero.
    DivideByZero,
    /// The remainder of a division by zero.
    ModuloByZero,
    /// An integer beyond 64 bits.
    Overflow,
    /// A conversion, timestamp or duration that leaves its type's range.
    OutOfRange,
    /// A text or value that does not convert to the type.
    BadConversion,
    /// An argument that a function cannot use: a malformed pattern, format
    /// clause, address or version, a negative offset.
    InvalidArgument,
    /// A map literal that has one key twice.
    DuplicateKey,
    /// A key that is neither a bool, an integer nor a string.
    UnsupportedKey,
    /// The value of an optional that has none.
    NoValue,
    /// A name or function that nobody has declared.
    Undeclared,
    /// A list, map or text beyond the bounds of evaluation.
    TooLarge,
    /// Evaluation took more steps than it may.
    OutOfFuel,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::Unreadable => "a value that it depends on could not be read",
            FaultKind::Undecodable => "a part of the stored value cannot be decoded",
            FaultKind::NoSuchKey => "it reads a field or key that is not there",
            FaultKind::NoSuchOverload => {
                "an operator or function does not take values of this type"
            }
            FaultKind::IndexOutOfRange => "an index is out of range",
            FaultKind::DivideByZero => "it divides by zero",
            FaultKind::ModuloByZero => "it takes the remainder of a division by zero",
            FaultKind::Overflow => "a number leaves the range of 64 bits",
            FaultKind::OutOfRange => "a conversion leaves the range of its type",
            FaultKind::BadConversion => "a value cannot be converted to the type",
            FaultKind::InvalidArgument => "a function cannot use one of its arguments",
            FaultKind::DuplicateKey => "a map has one key twice",
            FaultKind::UnsupportedKey => {
                "a key of a map is neither a bool, an integer nor a string"
            }
            FaultKind::NoValue => "an optional has no value",
            FaultKind::Undeclared => "a name is not declared",
            FaultKind::TooLarge => "a list, map or text grows beyond its bounds",
            FaultKind::OutOfFuel => "it takes too many steps",
        })
    }
}

/// What an evaluation may still do.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    fuel: u64,
}

/// The fuel of one evaluation. A step costs 1, and so do 16 bytes or one
/// element that a function touches, 64 bytes of a stored value in which a field
/// is looked for, and 4 instructions of each round of a loop: some 10
/// milliseconds at the worst.
pub const FUEL: u64 = 1_000_000;

/// The largest text that an evaluation may make, in bytes.
pub const MAX_TEXT: usize = 1 << 22;

impl Default for Budget {
    fn default() -> Budget {
        Budget { fuel: FUEL }
    }
}

impl Budget {
    /// A budget of `fuel`.
    pub fn new(fuel: u64) -> Budget {
        Budget { fuel }
    }

    /// Takes `cost` steps.
    ///
    /// # Errors
    ///
    /// [`FaultKind::OutOfFuel`] where fewer are left.
    #[inline]
    pub fn spend(&mut self, cost: u64) -> Result<(), FaultKind> {
        match self.fuel.checked_sub(cost) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                self.fuel = 0;
                Err(FaultKind::OutOfFuel)
            }
        }
    }

    /// Takes the steps for touching `bytes` bytes.
    ///
    /// # Errors
    ///
    /// As [`Budget::spend`].
    #[inline]
    pub fn spend_bytes(&mut self, bytes: usize) -> Result<(), FaultKind> {
        self.spend(1 + bytes as u64 / 16)
    }
}
