//! What a condition over one slot says of a value: the oracle's word.
//!
//! Promises exactly the meaning that programs have, since it is the oracle
//! that is asked. Deliberately asks only about values that it is given.

use super::super::hir::{Node, SlotId};
use super::super::oracle;
use super::super::value::{Slots, Value};
use super::outcome::Wanted;

/// A condition over one slot, and the constants that it compares it with.
#[derive(Clone, Debug)]
pub struct Probe {
    node: Node,
    slot: SlotId,
    /// Between two neighbours of these, all numbers of one type come out alike.
    pub constants: Vec<Value<'static>>,
}

impl Probe {
    /// A condition that reads no slot but this.
    pub fn new(node: Node, slot: SlotId, constants: Vec<Value<'static>>) -> Probe {
        Probe {
            node,
            slot,
            constants,
        }
    }

    /// How it comes out.
    pub fn outcome(&self, value: &Value<'static>) -> Wanted {
        let only = Only {
            slot: self.slot,
            value,
        };
        match oracle::truth(&self.node, &only) {
            Ok(true) => Wanted::HOLDS,
            Ok(false) => Wanted::FAILS,
            Err(_) => Wanted::FAULTS,
        }
    }
}

struct Only<'v> {
    slot: SlotId,
    value: &'v Value<'static>,
}

impl Slots<'static> for Only<'_> {
    fn value(&self, slot: u16) -> &Value<'static> {
        match slot == self.slot.0 {
            true => self.value,
            false => &Value::Absent,
        }
    }
}
