//! What two rules files make of the same keys: gained, lost, and written by
//! another rule.
//!
//! Promises that what one file gains over another is what that one loses over
//! it. A key that is held is not written: it is counted as such within its
//! group. Deliberately remembers a few keys of a group, and no value.

use std::collections::HashMap;

use super::{Stored, Tally, within};
use crate::k8s::{Key, KeyResource};
use crate::rules::decide::{Decision, Judge, Scratch};
use crate::rules::namespaces::Namespaces;

/// How many keys of a group are named.
const EXAMPLES: usize = 3;

/// Keys that change alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The rule that writes them, or wrote them where that is over.
    pub rule: String,
    /// The rule that wrote them before, where both do.
    pub before: Option<String>,
    /// The resource, as in `deployments.apps`; `None` outside of Kubernetes.
    pub resource: Option<String>,
    /// The namespace; `None` where they are in none.
    pub namespace: Option<String>,
    /// How many.
    pub tally: Tally,
    /// How many of them are held by the file that does not write them.
    pub held: u64,
    /// The first few, in order.
    pub examples: Vec<String>,
}

/// One sort of change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// All of it.
    pub total: Tally,
    /// By rule, resource and namespace, the largest first.
    pub groups: Vec<Group>,
}

/// What becomes different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Written now, and not before.
    pub gained: Change,
    /// Written before, and no longer.
    pub lost: Change,
    /// Written by both, by rules of other names.
    pub moved: Change,
    /// Written by both, by rules of one name.
    pub kept: Tally,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Sort {
    Gained,
    Lost,
    Moved,
}

/// Sort, the rule, the one before, resource and namespace.
type GroupKey = (Sort, u32, Option<u32>, Option<String>, Option<String>);

/// Compares, key by key.
pub struct Comparison<'a> {
    now: Side<'a>,
    before: Side<'a>,
    groups: HashMap<GroupKey, Group>,
    kept: Tally,
}

struct Side<'a> {
    judge: &'a Judge,
    scratch: Scratch,
}

/// What one file makes of a key.
enum Fate {
    Written(u32),
    Held,
    Not,
}

impl<'a> Side<'a> {
    fn fate(&mut self, stored: &Stored<'_>, namespaces: &Namespaces) -> Fate {
        if !within(self.judge.ranges(), stored.key) {
            return Fate::Not;
        }
        let decision = self
            .judge
            .decide(&stored.event(), namespaces, &mut self.scratch);
        match decision {
            Decision::Put { rule } => Fate::Written(rule.0),
            Decision::Hold { .. } => Fate::Held,
            Decision::Skip(_) | Decision::Delete(_) | Decision::Disown(_) => Fate::Not,
        }
    }

    fn name(&self, rule: u32) -> &'a str {
        self.judge.rule_name(crate::rules::RuleId(rule))
    }
}

impl<'a> Comparison<'a> {
    /// What becomes different when `now` takes the place of `before`.
    pub fn new(now: &'a Judge, before: &'a Judge) -> Comparison<'a> {
        let side = |judge| Side {
            judge,
            scratch: Scratch::default(),
        };
        Comparison {
            now: side(now),
            before: side(before),
            groups: HashMap::new(),
            kept: Tally::default(),
        }
    }

    /// Compares one key, given the Namespaces as either file reads them.
    pub fn add(&mut self, stored: &Stored<'_>, now: &Namespaces, before: &Namespaces) {
        let now = self.now.fate(stored, now);
        let before = self.before.fate(stored, before);
        let held = matches!((&now, &before), (Fate::Held, _) | (_, Fate::Held));
        let (sort, rule, old) = match (now, before) {
            (Fate::Written(own), Fate::Written(other))
                if self.now.name(own) == self.before.name(other) =>
            {
                self.kept.add(stored.bytes());
                return;
            }
            (Fate::Written(own), Fate::Written(other)) => (Sort::Moved, own, Some(other)),
            (Fate::Written(own), _) => (Sort::Gained, own, None),
            (_, Fate::Written(other)) => (Sort::Lost, other, None),
            _ => return,
        };
        let place = Key::parse(self.now.judge.plan().prefix(), stored.key).ok();
        let resource = place.map(|place| resource(&place));
        let namespace = place.and_then(|place| place.namespace.map(str::to_owned));
        let name = match sort {
            Sort::Lost => self.before.name(rule),
            _ => self.now.name(rule),
        };
        let group = (sort, rule, old, resource, namespace);
        let group = match self.groups.entry(group) {
            std::collections::hash_map::Entry::Occupied(own) => own.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let (_, _, _, resource, namespace) = free.key().clone();
                free.insert(Group {
                    rule: name.to_owned(),
                    before: old.map(|old| self.before.name(old).to_owned()),
                    resource,
                    namespace,
                    ..Group::default()
                })
            }
        };
        group.tally.add(stored.bytes());
        group.held += u64::from(held);
        if group.examples.len() < EXAMPLES {
            let key = String::from_utf8_lossy(stored.key);
            group.examples.push(key.into_owned());
        }
    }

    /// All that is different.
    pub fn finish(self) -> Changes {
        let mut changes = Changes {
            kept: self.kept,
            ..Changes::default()
        };
        for ((sort, ..), group) in self.groups {
            let change = match sort {
                Sort::Gained => &mut changes.gained,
                Sort::Lost => &mut changes.lost,
                Sort::Moved => &mut changes.moved,
            };
            change.total.keys += group.tally.keys;
            change.total.bytes += group.tally.bytes;
            change.groups.push(group);
        }
        for change in [&mut changes.gained, &mut changes.lost, &mut changes.moved] {
            change.groups.sort_by(|a, b| {
                let size = |own: &Group| (own.tally.keys, own.tally.bytes);
                let names = |own: &Group| {
                    (
                        own.rule.clone(),
                        own.before.clone(),
                        own.resource.clone(),
                        own.namespace.clone(),
                    )
                };
                size(b).cmp(&size(a)).then_with(|| names(a).cmp(&names(b)))
            });
        }
        changes
    }
}

/// As the API names it: `secrets`, `deployments.apps`.
fn resource(place: &Key<'_>) -> String {
    let group = match place.resource {
        KeyResource::Unknown(_) => "",
        _ => place.group(),
    };
    match group {
        "" => place.plural().to_owned(),
        group => format!("{}.{group}", place.plural()),
    }
}
