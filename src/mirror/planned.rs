//! What a mirror would do, one thing and all of it.
//!
//! Promises to count each thing once. Deliberately holds no values.

use std::collections::BTreeMap;

use crate::etcd::SourceRevision;
use crate::rules::policy::Policy;

/// One thing that would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The key would be written.
    Put {
        /// The whole key.
        key: Vec<u8>,
        /// The rule that selects it.
        rule: String,
        /// The size of the value that would be written.
        bytes: usize,
        /// How it would be encrypted, where it is not written as it is.
        reencrypted: Option<String>,
        /// The policies that would change something in it.
        acts: Vec<Policy>,
        /// The fields that `deletion` would change in it.
        of_deletion: OfDeletion,
        /// How many other keys would be written or deleted in its transaction.
        also: usize,
        /// Whether it would be written over an object that is not carry's.
        over: bool,
    },
    /// The key would be deleted.
    Delete {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The rules no longer select the key: it would be kept as it is.
    Retire {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The destination has something else under the key: it would be kept.
    Keep {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The destination has something else under the key: carry would end.
    Stop {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The key would be held.
    Hold {
        /// The whole key.
        key: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A policy would leave the key out, by what the destination has.
    LeaveOut {
        /// The whole key.
        key: Vec<u8>,
        /// The policy.
        policy: Policy,
        /// Why.
        reason: Option<String>,
    },
}

/// What the policy `deletion` changes in a value: by its name alone it would be
/// taken for a delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfDeletion {
    /// Fields that are left out.
    pub left_out: Vec<String>,
    /// Fields that are set.
    pub set: Vec<String>,
}

impl Planned {
    /// The key that it is about.
    pub fn key(&self) -> &[u8] {
        match self {
            Planned::Put { key, .. }
            | Planned::Delete { key }
            | Planned::Retire { key }
            | Planned::Keep { key }
            | Planned::Stop { key }
            | Planned::Hold { key, .. }
            | Planned::LeaveOut { key, .. } => key,
        }
    }
}

/// How much would be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DryRun {
    /// The source revision that was looked at.
    pub revision: SourceRevision,
    /// Keys looked at.
    pub judged: usize,
    /// Keys that would be written.
    pub puts: usize,
    /// How many of them would be encrypted anew.
    pub reencrypted: usize,
    /// How many of them would be written over what is not carry's.
    pub over: usize,
    /// Keys that would be deleted.
    pub deletes: usize,
    /// Keys that no rule selects any more and that would be kept as they are.
    pub retired: usize,
    /// Keys that have been kept so since before.
    pub retired_before: usize,
    /// Keys of which the destination has something else, which would be kept.
    pub kept: usize,
    /// Keys of which it has something else that would end carry.
    pub stops: usize,
    /// The first of them.
    pub first_stop: Option<Vec<u8>>,
    /// Keys that would be held.
    pub held: usize,
    /// The same by reason, without the names in it.
    pub held_by: BTreeMap<String, usize>,
    /// Keys that policies would leave out by what the destination has.
    pub left_out: BTreeMap<Policy, usize>,
    /// Keys that policies keep out by what the source has.
    pub kept_out: BTreeMap<Policy, usize>,
}

impl DryRun {
    /// Takes one thing in.
    pub fn count(&mut self, planned: &Planned) {
        match planned {
            Planned::Put {
                reencrypted, over, ..
            } => {
                self.puts += 1;
                self.reencrypted += usize::from(reencrypted.is_some());
                self.over += usize::from(*over);
            }
            Planned::Delete { .. } => self.deletes += 1,
            Planned::Retire { .. } => self.retired += 1,
            Planned::Keep { .. } => self.kept += 1,
            Planned::Stop { key } => {
                self.stops += 1;
                self.first_stop.get_or_insert_with(|| key.clone());
            }
            Planned::Hold { reason, .. } => {
                self.held += 1;
                *self.held_by.entry(unnamed(reason)).or_default() += 1;
            }
            Planned::LeaveOut { policy, .. } => *self.left_out.entry(*policy).or_default() += 1,
        }
    }
}

/// A reason without the names in it.
fn unnamed(reason: &str) -> String {
    let parts = reason.split('`').enumerate();
    // Those between two marks are names.
    let parts = parts.map(|(at, part)| if at % 2 == 1 { "…" } else { part });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_without_their_names() {
        let mut seen = DryRun::default();
        for name in ["a", "b"] {
            let reason = format!("its owner, ConfigMap `{name}`, is not at the destination");
            let key = name.into();
            seen.count(&Planned::Hold { key, reason });
        }
        let reason = "its owner, ConfigMap `…`, is not at the destination".to_owned();
        assert_eq!(seen.held_by, BTreeMap::from([(reason, 2)]));
        assert_eq!(seen.held, 2);
    }
}
