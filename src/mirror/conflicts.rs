//! Keys that the rules select and of which the destination has something else,
//! which stays.
//!
//! Promises to name each once, up to as many as of held keys. Deliberately keeps
//! no values.

use std::collections::BTreeSet;

use super::held::MAX_NAMED;
use crate::rules::decide::KeyRange;

/// All kept keys.
#[derive(Debug, Default)]
pub struct Conflicts {
    keys: BTreeSet<Vec<u8>>,
    overflowed: bool,
}

impl Conflicts {
    /// Takes in a key; true the first time.
    pub fn keep(&mut self, key: &[u8]) -> bool {
        if self.keys.len() >= MAX_NAMED && !self.keys.contains(key) {
            self.overflowed = true;
            return false;
        }
        self.keys.insert(key.to_vec())
    }

    /// Whether there were more than are remembered, and there is room for them
    /// by now.
    pub fn has_room_again(&self) -> bool {
        self.overflowed && self.keys.len() <= MAX_NAMED / 2
    }

    /// Whether there were more than are remembered, since the last call.
    pub fn take_overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    /// Whether it is kept.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.keys.iter()
    }

    /// Takes out a key; true if it was there.
    pub fn release(&mut self, key: &[u8]) -> bool {
        self.keys.remove(key)
    }

    /// Takes out those within `range`.
    pub fn take_range(&mut self, range: &KeyRange) -> Vec<Vec<u8>> {
        let from = self.keys.range(range.start.clone()..);
        let within = from.take_while(|key| range.contains(key)).cloned();
        let within: Vec<Vec<u8>> = within.collect();
        for key in &within {
            self.keys.remove(key);
        }
        within
    }
}
