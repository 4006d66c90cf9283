//! Keys that are held: neither written nor deleted until they can be judged.
//!
//! Promises to name each with its reason, up to a bound, and to say when there
//! were more. Deliberately keeps no values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::rules::RuleId;
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::Unfit;
use crate::rules::policy::Policy;
use crate::state::HeldKey;

/// How many are remembered by name.
pub const MAX_NAMED: usize = 100_000;

/// An older carry has not written down why.
const NOT_NOTED: &str = "it could not be judged before the last start";

/// Why a key is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The rule that could not say, where one is known.
    pub rule: Option<RuleId>,
    /// In words, and whether it may pass by itself.
    pub unfit: Unfit,
    /// The policy that leaves it out until that passes: nobody need be told.
    pub left_out: Option<Policy>,
}

impl Why {
    /// Not fit to be written, which people are told.
    pub fn of(rule: Option<RuleId>, unfit: Unfit) -> Why {
        Why {
            rule,
            unfit,
            left_out: None,
        }
    }

    /// As the ledger has noted it.
    pub fn recalled(noted: HeldKey) -> (Vec<u8>, Why) {
        let HeldKey {
            key,
            reason,
            left_out,
        } = noted;
        let reason = reason.unwrap_or_else(|| NOT_NOTED.to_owned());
        let unfit = Unfit::new(reason, false);
        let rule = None;
        let why = Why {
            rule,
            unfit,
            left_out,
        };
        (key, why)
    }

    /// What the ledger notes of a `key` that is held for this.
    pub fn noted(&self, key: &[u8]) -> HeldKey {
        HeldKey {
            key: key.to_vec(),
            reason: Some(self.unfit.reason.clone()),
            left_out: self.left_out,
        }
    }

    /// Whether the ledger notes the same of both.
    pub fn is_noted_as(&self, other: &Why) -> bool {
        (self.left_out, &self.unfit.reason) == (other.left_out, &other.unfit.reason)
    }

    /// The policy that has it wait, or leaves it out since nothing that could
    /// change that is about to come.
    pub fn acting(&self) -> Option<Policy> {
        self.unfit.policy
    }

    /// Whether it is left out, and stays so unless the destination changes.
    pub fn is_settled(&self) -> bool {
        self.left_out.is_some() && self.acting().is_some()
    }
}

/// All held keys.
#[derive(Debug, Default)]
pub struct Held {
    keys: BTreeMap<Vec<u8>, Why>,
    transient: usize,
    left_out: usize,
    settled: usize,
    /// By what is waited for at the destination: who waits.
    waiting: HashMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// What these wait for may be there now.
    woken: BTreeSet<Vec<u8>>,
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
        self.left_out += usize::from(why.left_out.is_some());
        self.settled += usize::from(why.is_settled());
        let awaited = why.unfit.awaits.clone();
        let before = self.keys.insert(key.clone(), why);
        self.leave(&key, before.as_ref());
        if let Some(awaited) = awaited {
            self.waiting.entry(awaited).or_default().insert(key);
        }
        before.is_none()
    }

    /// The key was judged.
    pub fn release(&mut self, key: &[u8]) -> bool {
        let before = self.keys.remove(key);
        self.leave(key, before.as_ref());
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
                self.leave(&key, Some(&why));
                taken.push((key, why));
            }
        }
        taken
    }

    /// A key is no longer held for this reason.
    fn leave(&mut self, key: &[u8], why: Option<&Why>) {
        let Some(why) = why else { return };
        self.transient -= usize::from(why.unfit.transient);
        self.left_out -= usize::from(why.left_out.is_some());
        self.settled -= usize::from(why.is_settled());
        self.woken.remove(key);
        if let Some(awaited) = &why.unfit.awaits
            && let Some(waiting) = self.waiting.get_mut(awaited)
        {
            waiting.remove(key);
            if waiting.is_empty() {
                self.waiting.remove(awaited);
            }
        }
    }

    /// Something was written at the destination: who waits for it can be judged
    /// again.
    pub fn arrived(&mut self, awaited: &[u8]) {
        if let Some(waiting) = self.waiting.get(awaited) {
            self.woken.extend(waiting.iter().cloned());
        }
    }

    /// Whether any key waits for this one.
    pub fn is_awaited(&self, key: &[u8]) -> bool {
        self.waiting.contains_key(key)
    }

    /// A held key can be judged again.
    pub fn wake(&mut self, key: &[u8]) {
        if self.keys.contains_key(key) {
            self.woken.insert(key.to_vec());
        }
    }

    /// Whether any key can be judged again since something has arrived.
    pub fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// The first `limit` of those.
    pub fn woken(&self, limit: usize) -> Vec<Vec<u8>> {
        self.woken.iter().take(limit).cloned().collect()
    }

    /// The first `limit` of them.
    pub fn names(&self, limit: usize) -> Vec<Vec<u8>> {
        self.keys.keys().take(limit).cloned().collect()
    }

    /// Up to `limit` that are held for a reason that may pass by itself: those
    /// after `key` first, then from the beginning. Who waits for what is held too
    /// is not among them, unless the destination has that in some state
    /// (`is_there`).
    pub fn transient_after(
        &self,
        key: &[u8],
        limit: usize,
        is_there: impl Fn(&[u8]) -> bool,
    ) -> Vec<Vec<u8>> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        let before = (Bound::Unbounded, Bound::Included(key));
        let around = self.keys.range::<[u8], _>(after);
        let around = around.chain(self.keys.range::<[u8], _>(before));
        // It may come as soon as what it waits for is judged, and then wakes this.
        // But what is there is changed by others, too, and not everybody hears of
        // that.
        let is_to_come = |why: &Why| {
            let name = why.unfit.awaits.as_ref();
            let awaited = name.and_then(|name| Some((name, self.keys.get(name)?)));
            awaited.is_some_and(|(name, own)| !own.is_settled() && !is_there(name))
        };
        let chosen = around.filter(|(_, why)| why.unfit.transient && !is_to_come(why));
        chosen.take(limit).map(|(key, _)| key.clone()).collect()
    }

    /// Why it is held.
    pub fn get(&self, key: &[u8]) -> Option<&Why> {
        self.keys.get(key)
    }

    /// Whether it is held.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many of them somebody is told of.
    pub fn told(&self) -> usize {
        self.keys.len() - self.left_out
    }

    /// How many of them may yet turn out otherwise while nothing changes: they
    /// are not known to be left out.
    pub fn open(&self) -> usize {
        self.keys.len() - self.settled
    }

    /// How many each policy leaves out.
    pub fn left_out(&self) -> BTreeMap<Policy, usize> {
        let mut all = BTreeMap::new();
        for policy in self.keys.values().filter_map(|why| why.left_out) {
            *all.entry(policy).or_default() += 1;
        }
        all
    }

    /// How many of them are held for a reason that may pass by itself.
    pub fn transient(&self) -> usize {
        self.transient
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(awaits: Option<&str>) -> Why {
        let mut unfit = Unfit::new("its owner is not there".to_owned(), awaits.is_some());
        unfit.awaits = awaits.map(|key| key.as_bytes().to_vec());
        Why::of(None, unfit)
    }

    fn woken(held: &Held) -> Vec<String> {
        let keys = held.woken(10).into_iter();
        keys.map(|key| String::from_utf8_lossy(&key).into_owned())
            .collect()
    }

    #[test]
    fn who_waits_is_woken_by_what_it_waits_for_alone() {
        let mut held = Held::default();
        for (key, owner) in [("a", "one"), ("b", "two"), ("c", "one"), ("d", "one")] {
            assert!(held.hold(key.into(), why(Some(owner))));
        }
        assert!(held.hold("e".into(), why(None)));
        held.arrived(b"none");
        assert!(!held.has_woken());
        // Another reason, and none any more.
        assert!(!held.hold("c".into(), why(Some("two"))));
        assert!(held.release(b"d"));
        held.arrived(b"one");
        assert_eq!(woken(&held), ["a"]);
        held.arrived(b"two");
        held.wake(b"e");
        held.wake(b"f");
        assert_eq!(woken(&held), ["a", "b", "c", "e"]);
        assert_eq!(held.woken(2).len(), 2);
        // They are being judged again.
        assert_eq!(held.take_range(&KeyRange::prefix("a")).len(), 1);
        assert_eq!(woken(&held), ["b", "c", "e"]);
        assert_eq!((held.len(), held.transient()), (3, 2));
        for key in [b"b", b"c", b"e"] {
            assert!(held.release(key));
        }
        assert!(!held.has_woken());
        assert!(held.waiting.is_empty());
    }

    #[test]
    fn what_is_too_much_is_looked_for_when_there_is_room() {
        let mut held = Held::default();
        let name = |number: usize| number.to_string().into_bytes();
        for number in 0..=MAX_NAMED {
            assert_eq!(
                held.hold(name(number), why(Some("one"))),
                number < MAX_NAMED
            );
        }
        assert!(!held.has_room_again());
        for number in 0..MAX_NAMED / 2 {
            assert!(held.release(&name(number)));
        }
        assert!(held.has_room_again());
        assert!(held.take_overflowed());
        assert!(!held.has_room_again());
    }
}
