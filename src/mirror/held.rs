//! Keys that are held: neither written nor deleted until they can be judged.
//!
//! Promises to name each with its reason, up to a bound. Deliberately keeps no
//! values.

use std::collections::BTreeMap;

use crate::rules::RuleId;
use crate::rules::decide::KeyRange;

/// How many are remembered by name.
const MAX_NAMED: usize = 100_000;

/// Why a key is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The rule that could not say, where one is known.
    pub rule: Option<RuleId>,
    /// In words.
    pub reason: String,
}

/// All held keys.
#[derive(Debug, Default)]
pub struct Held {
    keys: BTreeMap<Vec<u8>, Why>,
}

impl Held {
    /// Holds a key; true the first time.
    pub fn hold(&mut self, key: Vec<u8>, why: Why) -> bool {
        if self.keys.len() >= MAX_NAMED && !self.keys.contains_key(&key) {
            return false;
        }
        self.keys.insert(key, why).is_none()
    }

    /// The key was judged.
    pub fn release(&mut self, key: &[u8]) -> bool {
        !self.keys.is_empty() && self.keys.remove(key).is_some()
    }

    /// All keys of `range` are about to be judged again.
    /// Says which were held.
    pub fn release_range(&mut self, range: &KeyRange) -> Vec<Vec<u8>> {
        let held = self.keys.range(range.start.clone()..).map(|(key, _)| key);
        let within: Vec<Vec<u8>> = held
            .take_while(|key| range.contains(key))
            .cloned()
            .collect();
        for key in &within {
            self.keys.remove(key);
        }
        within
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}
