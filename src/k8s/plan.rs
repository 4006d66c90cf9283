//! The fields that a query wants, as a tree over names and indexes.
//! Deliberately without a schema: JSON and CBOR say what they hold.

use super::path::{Path, Step};

/// A compiled set of paths: what is wanted of one value.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    slot: Option<u32>,
    members: Vec<(Box<str>, Plan)>,
    items: Vec<(u32, Plan)>,
    /// The slots of the whole subtree: a key that comes again replaces them.
    slots: Vec<u32>,
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

    /// Where the value itself goes, if it is wanted as a whole.
    pub fn slot(&self) -> Option<u32> {
        self.slot
    }

    /// What is wanted of an object's members, by name.
    pub fn members(&self) -> &[(Box<str>, Plan)] {
        &self.members
    }

    /// What is wanted of a list's items: of the item at `index`.
    pub fn item(&self, index: u32) -> Option<&Plan> {
        let mut items = self.items.iter();
        items
            .find(|(wanted, _)| *wanted == index)
            .map(|(_, plan)| plan)
    }

    /// Whether anything is wanted of a list's items.
    pub fn wants_items(&self) -> bool {
        !self.items.is_empty()
    }

    /// The slots of everything that is wanted of the value.
    pub fn slots(&self) -> &[u32] {
        &self.slots
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
