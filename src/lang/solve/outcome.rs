//! How a condition may come out, and which outcomes are asked for.
//!
//! Deliberately without logic of conditions.

use std::ops::BitOr;

/// A set of outcomes of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted(u8);

impl Wanted {
    /// None at all.
    pub const NONE: Wanted = Wanted(0);
    /// It holds.
    pub const HOLDS: Wanted = Wanted(1);
    /// It does not hold.
    pub const FAILS: Wanted = Wanted(2);
    /// It faults.
    pub const FAULTS: Wanted = Wanted(4);
    /// It does not hold, or faults.
    pub const NOT_HOLDS: Wanted = Wanted(6);
    /// It holds, or faults.
    pub const NOT_FAILS: Wanted = Wanted(5);
    /// Any.
    pub const ANY: Wanted = Wanted(7);

    /// Whether all of `other` are among them.
    pub fn has(self, other: Wanted) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is among them.
    pub fn meets(self, other: Wanted) -> bool {
        self.0 & other.0 != 0
    }

    /// The same of the opposite condition.
    pub fn negated(self) -> Wanted {
        Wanted(self.0 & 4 | (self.0 & 1) << 1 | (self.0 & 2) >> 1)
    }
}

impl BitOr for Wanted {
    type Output = Wanted;

    fn bitor(self, other: Wanted) -> Wanted {
        Wanted(self.0 | other.0)
    }
}
