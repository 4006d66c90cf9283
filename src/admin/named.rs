//! Keys that something is said of: the first of them by name, all counted.
//!
//! Promises bounded memory but for a hash of each key that is not named.
//! Deliberately holds no values.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::net::IpAddr;

use serde::Serialize;

use crate::metrics::Readdressed;

/// So many keys are named; the rest is counted.
pub(super) const NAMED: usize = 1000;

/// A key, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedKey {
    /// The whole key; bytes that are not UTF-8 are replaced.
    pub key: String,
    /// In words, without values.
    pub reason: String,
}

/// Keys that something is said of.
pub(super) struct Named<T = String> {
    named: BTreeMap<Vec<u8>, T>,
    /// Hashes of the others.
    unnamed: HashSet<u64>,
    hasher: RandomState,
}

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named {
            named: BTreeMap::new(),
            unnamed: HashSet::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<T> Named<T> {
    /// Says something of a key.
    pub fn say(&mut self, key: &[u8], said: T) {
        if let Some(known) = self.named.get_mut(key) {
            *known = said;
            return;
        }
        let hash = self.hasher.hash_one(key);
        if self.named.len() < NAMED {
            self.unnamed.remove(&hash);
            self.named.insert(key.to_vec(), said);
        } else {
            self.unnamed.insert(hash);
        }
    }

    /// Nothing is to be said of it any more.
    pub fn forget(&mut self, key: &[u8]) {
        if self.named.remove(key).is_none() && !self.unnamed.is_empty() {
            self.unnamed.remove(&self.hasher.hash_one(key));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len() + self.unnamed.len()
    }

    /// Those that are named, in order; bytes that are not UTF-8 are replaced.
    pub fn names(&self) -> impl Iterator<Item = (String, &T)> {
        let named = self.named.iter();
        named.map(|(key, said)| (String::from_utf8_lossy(key).into_owned(), said))
    }
}

/// An address of a Service, and the one that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AddressPair {
    /// At the source.
    pub source: IpAddr,
    /// At the destination.
    pub destination: IpAddr,
}

impl Named<Vec<AddressPair>> {
    /// The pairs that differ, of those that are named.
    pub fn differing(&self) -> impl Iterator<Item = Readdressed> {
        self.names().flat_map(|(key, pairs)| {
            let differ = pairs.iter().filter(|own| own.source != own.destination);
            differ.map(move |own| Readdressed {
                key: key.clone(),
                source: own.source,
                destination: own.destination,
            })
        })
    }
}

impl Named {
    /// The first `most` of those that are named, in order.
    pub fn first(&self, most: usize) -> Vec<NamedKey> {
        let named = self.names().take(most).map(|(key, reason)| NamedKey {
            key,
            reason: reason.clone(),
        });
        named.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_all_are_counted() {
        let mut keys = Named::default();
        let key = |n: usize| format!("/k/{n:04}").into_bytes();
        for n in 0..NAMED + 5 {
            keys.say(&key(n), "first".to_owned());
            keys.say(&key(n), "then".to_owned());
        }
        assert_eq!(keys.len(), NAMED + 5);
        let list = keys.first(NAMED);
        assert_eq!(list.len(), NAMED);
        assert_eq!(
            (list[0].key.as_str(), list[0].reason.as_str()),
            ("/k/0000", "then")
        );
        keys.forget(&key(0));
        keys.forget(&key(NAMED + 1));
        keys.forget(b"/other");
        assert_eq!(keys.len(), NAMED + 3);
        // There is room for another one by name.
        keys.say(&key(NAMED + 2), "now".to_owned());
        assert_eq!((keys.len(), keys.first(NAMED).len()), (NAMED + 3, NAMED));
    }
}
