//! The fields that a query wants, as a tree over names and indexes.
//! Deliberately without a schema: JSON says what it holds.

use super::super::path::{Path, Step};

/// A compiled set of paths: what is wanted of one value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(super) slot: Option<u32>,
    pub(super) members: Vec<(Box<str>, Plan)>,
    pub(super) items: Vec<(u32, Plan)>,
    /// The slots of the whole subtree: a key that comes again replaces them.
    pub(super) slots: Vec<u32>,
}

impl Plan {
    /// Lets the value at `path` go to `slot`.
    pub fn add(&mut self, path: &Path, slot: u32) {
        self.add_steps(path.steps(), slot);
    }

    fn add_steps(&mut self, steps: &[Step], slot: u32) {
        self.slots.push(slot);
        let Some((step, rest)) = steps.split_first() else {
            self.slot = Some(slot);
            return;
        };
        let child = match step {
            Step::Field(name) | Step::Key(name) => child(&mut self.members, name),
            Step::Index(index) => child(&mut self.items, index),
        };
        child.add_steps(rest, slot);
    }
}

fn child<'p, K: PartialEq + Clone>(plans: &'p mut Vec<(K, Plan)>, key: &K) -> &'p mut Plan {
    let place = plans
        .iter()
        .position(|(known, _)| known == key)
        .unwrap_or(plans.len());
    if place == plans.len() {
        plans.push((key.clone(), Plan::default()));
    }
    &mut plans[place].1
}
