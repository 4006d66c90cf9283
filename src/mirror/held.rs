//! Keys that are held: neither written nor deleted until they can be judged.
//!
//! Promises to name each with its reason, up to a bound, and to say when there
//! were more. Deliberately keeps no values.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::rules::RuleId;
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::Unfit;

/// How many are remembered by name.
pub const MAX_NAMED: usize = 100_000;

/// Why a key is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The rule that could not say, where one is known.
    pub rule: Option<RuleId>,
    /// In words, and whether it may pass by itself.
    pub unfit: Unfit,
}

/// All held keys.
#[derive(Debug, Default)]
pub struct Held {
    keys: BTreeMap<Vec<u8>, Why>,
    transient: usize,
    overflowed: bool,
}

impl Held {
    /// Holds a key; true the first time.
    pub fn hold(&mut self, key: Vec<u8>, why: Why) -> bool {
        if self.keys.len() >= MAX_NAMED && !self.keys.contains_key(&key) {
            self.overflowed = true;
            return false;
        }
        self.transient += usize::from(why.unfit.transient);
        let before = self.keys.insert(key, why);
        self.uncount(before.as_ref());
        before.is_none()
    }

    /// The key was judged.
    pub fn release(&mut self, key: &[u8]) -> bool {
        let before = self.keys.remove(key);
        self.uncount(before.as_ref());
        before.is_some()
    }

    /// Takes out those within `range`, which are about to be judged again.
    pub fn take_range(&mut self, range: &KeyRange) -> Vec<(Vec<u8>, Why)> {
        let held = self.keys.range(range.start.clone()..).map(|(key, _)| key);
        let within: Vec<Vec<u8>> = held
            .take_while(|key| range.contains(key))
            .cloned()
            .collect();
        let mut taken = Vec::with_capacity(within.len());
        for key in within {
            if let Some(why) = self.keys.remove(&key) {
                self.uncount(Some(&why));
                taken.push((key, why));
            }
        }
        taken
    }

    fn uncount(&mut self, why: Option<&Why>) {
        self.transient -= usize::from(why.is_some_and(|why| why.unfit.transient));
    }

    /// The first `limit` of them.
    pub fn names(&self, limit: usize) -> Vec<Vec<u8>> {
        self.keys.keys().take(limit).cloned().collect()
    }

    /// Up to `limit` that are held for a reason that may pass by itself: those
    /// after `key` first, then from the beginning.
    pub fn transient_after(&self, key: &[u8], limit: usize) -> Vec<Vec<u8>> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        let before = (Bound::Unbounded, Bound::Included(key));
        let around = self.keys.range::<[u8], _>(after);
        let around = around.chain(self.keys.range::<[u8], _>(before));
        let chosen = around.filter(|(_, why)| why.unfit.transient);
        chosen.take(limit).map(|(key, _)| key.clone()).collect()
    }

    /// Whether it is held.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many of them are held for a reason that may pass by itself.
    pub fn transient(&self) -> usize {
        self.transient
    }

    /// Whether there were more than are remembered, since the last call.
    pub fn take_overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }
}
