//! A rule within a set of candidates: where its slots are among the set's.
//!
//! Promises that a slot without a place reads as absent. Deliberately evaluates
//! nothing.

use crate::lang::{Program, Slots, Value};

/// A rule of a set.
#[derive(Debug)]
pub struct Member {
    /// Its place in the plan.
    pub rule: usize,
    /// The set's slot for each slot of its program.
    pub binding: Box<[u16]>,
    /// The set's conditions that it shares with other members.
    pub shared: Box<[u16]>,
    /// What it says beside those, where it shares any.
    pub rest: Option<Program>,
}

impl Member {
    /// A rule whose slots, so many, are all there are.
    pub fn alone(rule: usize, slots: usize) -> Member {
        Member {
            rule,
            binding: (0..slots).map(narrow).collect(),
            shared: Box::default(),
            rest: None,
        }
    }
}

/// A rule's own slots within those of its set.
pub struct Bound<'s, 'v> {
    values: &'s [Value<'v>],
    binding: &'s [u16],
}

/// The slots of a program, which `binding` gives the places of in a set's.
pub fn bind<'s, 'v>(values: &'s [Value<'v>], binding: &'s [u16]) -> Bound<'s, 'v> {
    Bound { values, binding }
}

impl<'v> Slots<'v> for Bound<'_, 'v> {
    fn value(&self, slot: u16) -> &Value<'v> {
        let at = self
            .binding
            .get(usize::from(slot))
            .copied()
            .unwrap_or(u16::MAX);
        self.values.get(usize::from(at)).unwrap_or(&Value::Absent)
    }
}

/// Beyond 65,535 slots a set is refused when the plan is made.
fn narrow(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
