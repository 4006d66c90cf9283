//! What a slot may hold, as far as its type tells.
//!
//! Promises a state for whatever a slot of stored data can hold. Deliberately
//! says nothing of numbers, texts and sizes, nor of types that only expressions
//! make, such as timestamps.

use std::ops::{BitAnd, BitOr, Not};

use super::super::value::Value;
use super::outcome::Wanted;

/// A set of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct States(u16);

impl States {
    /// None.
    pub const NONE: States = States(0);
    /// It cannot be read.
    pub const FAULT: States = States(1);
    /// It is not there.
    pub const ABSENT: States = States(1 << 1);
    /// `null`.
    pub const NULL: States = States(1 << 2);
    /// `true`. Of what is not understood: that it holds.
    pub const TRUE: States = States(1 << 3);
    /// `false`. Of what is not understood: that it does not hold.
    pub const FALSE: States = States(1 << 4);
    /// An `int`.
    pub const INT: States = States(1 << 5);
    /// A `uint`.
    pub const UINT: States = States(1 << 6);
    /// A `double`.
    pub const DOUBLE: States = States(1 << 7);
    /// A text.
    pub const TEXT: States = States(1 << 8);
    /// Bytes.
    pub const BYTES: States = States(1 << 9);
    /// A list.
    pub const LIST: States = States(1 << 10);
    /// A map or object.
    pub const MAP: States = States(1 << 11);
    /// All.
    pub const ANY: States = States((1 << 12) - 1);
    /// `true` and `false`.
    pub const BOOL: States = States(1 << 3 | 1 << 4);
    /// Numbers of every type.
    pub const NUMBER: States = States(1 << 5 | 1 << 6 | 1 << 7);
    /// What has a size, but for texts.
    pub const SIZED: States = States(1 << 9 | 1 << 10 | 1 << 11);
    /// Where there is nothing to read.
    pub const NOTHING: States = States(1 | 1 << 1);
    /// States of one value each.
    pub const SINGLE: States = States(0b1_1111);

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any of `other` is among them.
    pub fn meets(self, other: States) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of `other` are among them.
    pub fn has(self, other: States) -> bool {
        self.0 & other.0 == other.0
    }

    /// The state of a value of a simple type; none of any other.
    pub fn of(value: &Value<'_>) -> States {
        match value {
            Value::Fault(_) => States::FAULT,
            Value::Absent => States::ABSENT,
            Value::Null => States::NULL,
            Value::Bool(true) => States::TRUE,
            Value::Bool(false) => States::FALSE,
            Value::Int(_) => States::INT,
            Value::Uint(_) => States::UINT,
            Value::Double(_) => States::DOUBLE,
            Value::String(_) => States::TEXT,
            _ => States::NONE,
        }
    }

    /// The states that stand for outcomes of what is not understood.
    pub fn of_outcomes(wanted: Wanted) -> States {
        let mut states = States::NONE;
        for (outcome, state) in [
            (Wanted::HOLDS, States::TRUE),
            (Wanted::FAILS, States::FALSE),
            (Wanted::FAULTS, States::FAULT),
        ] {
            if wanted.has(outcome) {
                states = states | state;
            }
        }
        states
    }
}

impl BitAnd for States {
    type Output = States;

    fn bitand(self, other: States) -> States {
        States(self.0 & other.0)
    }
}

impl BitOr for States {
    type Output = States;

    fn bitor(self, other: States) -> States {
        States(self.0 | other.0)
    }
}

impl Not for States {
    type Output = States;

    fn not(self) -> States {
        States(!self.0 & States::ANY.0)
    }
}
