//! The value that a variable has in a model.
//!
//! Deliberately coarse where conditions look at the size alone.

use super::super::value::Value;
use super::states::States;

/// The value of one variable.
#[derive(Clone, Debug)]
pub enum Point {
    /// It cannot be read. Of what is not understood: that it faults.
    Fault,
    /// It is not there.
    Absent,
    /// `null`, a truth value, a number or a text.
    Value(Value<'static>),
    /// So many bytes.
    Bytes(usize),
    /// A list of so many elements.
    List(usize),
    /// A map of so many entries.
    Map(usize),
}

impl Point {
    /// The state that it is.
    pub fn state(&self) -> States {
        match self {
            Point::Fault => States::FAULT,
            Point::Absent => States::ABSENT,
            Point::Value(value) => States::of(value),
            Point::Bytes(_) => States::BYTES,
            Point::List(_) => States::LIST,
            Point::Map(_) => States::MAP,
        }
    }
}
