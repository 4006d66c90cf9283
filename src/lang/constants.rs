//! Constants of a program.
//!
//! Promises that each is stored once, and that a set is searched as its size
//! asks. Deliberately knows nothing of instructions.

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use super::pattern::Pattern;

/// Up to this many members a set is searched one by one: comparing lengths
/// first, that beats hashing.
const FEW: usize = 8;

/// A set of strings, searched as its size asks.
#[derive(Clone, Debug)]
pub enum Set {
    /// A handful, in sorted order.
    Few(Box<[Box<str>]>),
    /// Many, hashed; and sorted for listings.
    Many {
        /// For looking up.
        hashed: HashSet<Box<str>, DefaultHashBuilder>,
        /// For people.
        sorted: Box<[Box<str>]>,
    },
}

impl Set {
    /// The set of `members`, each counted once.
    pub fn new(members: &[Box<str>]) -> Set {
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() <= FEW {
            return Set::Few(sorted.into());
        }
        Set::Many {
            hashed: sorted.iter().cloned().collect(),
            sorted: sorted.into(),
        }
    }

    /// Whether `text` is a member.
    pub fn contains(&self, text: &str) -> bool {
        match self {
            Set::Few(members) => members.iter().any(|member| **member == *text),
            Set::Many { hashed, .. } => hashed.contains(text),
        }
    }

    /// The members in sorted order.
    pub fn members(&self) -> &[Box<str>] {
        match self {
            Set::Few(members) => members,
            Set::Many { sorted, .. } => sorted,
        }
    }
}

/// The constants of a program while it is being generated.
#[derive(Debug, Default)]
pub struct Constants {
    pub(super) strings: Vec<Box<str>>,
    pub(super) sets: Vec<Set>,
    pub(super) patterns: Vec<Pattern>,
    string_ids: HashMap<Box<str>, usize>,
    set_ids: HashMap<Vec<Box<str>>, usize>,
    pattern_ids: HashMap<Pattern, usize>,
}

impl Constants {
    /// The number of the string `text`.
    pub(super) fn string(&mut self, text: &str) -> usize {
        intern(
            &mut self.string_ids,
            &mut self.strings,
            text.into(),
            Box::clone,
        )
    }

    /// The number of the set of `members`.
    pub(super) fn set(&mut self, members: &[Box<str>]) -> usize {
        let set = Set::new(members);
        let key = set.members().to_vec();
        intern(&mut self.set_ids, &mut self.sets, key, |_| set)
    }

    /// The number of `pattern`.
    pub(super) fn pattern(&mut self, pattern: &Pattern) -> usize {
        intern(
            &mut self.pattern_ids,
            &mut self.patterns,
            pattern.clone(),
            Pattern::clone,
        )
    }
}

fn intern<K: std::hash::Hash + Eq, V>(
    ids: &mut HashMap<K, usize>,
    values: &mut Vec<V>,
    key: K,
    make: impl FnOnce(&K) -> V,
) -> usize {
    if let Some(&id) = ids.get(&key) {
        return id;
    }
    let id = values.len();
    values.push(make(&key));
    ids.insert(key, id);
    id
}
