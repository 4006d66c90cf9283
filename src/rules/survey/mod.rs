//! What the rules make of stored keys: how many each rule writes and selects,
//! and what each exclude takes away.
//!
//! Promises that a key is counted as written exactly where `decide` says so.
//! Deliberately keeps counts alone: no key and no value outlives its turn.

mod changes;
mod findings;
mod lens;

use std::collections::{BTreeMap, HashMap};

use super::candidates::Found;
use super::decide::{Decision, Event, Judge, KeyRange, Scratch, SkipReason};
use super::evaluate::{Gates, fill};
use super::key_range::normalize;
use super::member::bind;
use super::namespaces::Namespaces;
use super::plain::{self, Document};
use super::policy::Policy;
use super::rule_set::RuleSet;
use super::shared;
use crate::diagnostic::Diagnostic;
use crate::k8s::{Key, Record};
use crate::lang::Verdict;
use lens::{Lens, Seen};

pub use changes::{Change, Changes, Comparison, Group};

/// How many different reasons are told apart.
const REASONS: usize = 100;

/// What those of the rest are counted under.
const OTHER_REASONS: &str = "other reasons";

/// One stored key.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The whole etcd key.
    pub key: &'a [u8],
    /// The stored bytes.
    pub value: &'a [u8],
    /// Whether it is attached to an etcd lease.
    pub leased: bool,
}

impl Stored<'_> {
    fn bytes(&self) -> u64 {
        u64::try_from(self.key.len() + self.value.len()).unwrap_or(u64::MAX)
    }

    fn event(&self) -> Event<'_> {
        Event {
            key: self.key,
            value: Some(self.value),
            leased: self.leased,
            owned: false,
        }
    }
}

/// So many keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub keys: u64,
    /// The bytes of the keys themselves and of their stored values.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64) {
        self.keys += 1;
        self.bytes += bytes;
    }
}

/// What one rule makes of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Its name.
    pub name: String,
    /// What is written by it: it is the first rule that selects the key.
    pub writes: Tally,
    /// What its own conditions select, whichever rule comes first.
    pub selects: Tally,
    /// Keys that are held because it cannot be evaluated.
    pub held: u64,
    /// Keys that are held because nothing can be read of them, and that it may
    /// select for all that the key says.
    pub may_select: u64,
    /// What each exclude takes away from it: all other conditions hold, and
    /// the exclude does. Of a key that several take away, each has it.
    pub excludes: Vec<Tally>,
    /// What it would select without its excludes.
    pub without_excludes: Tally,
    /// What policies take away of what its conditions select; of a key that
    /// several take away, the first has it.
    pub kept_out: BTreeMap<Policy, Tally>,
}

/// Keys that are held for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The rule that cannot be evaluated, where it is a rule.
    pub rule: Option<String>,
    /// Why; never holds values.
    pub reason: String,
    /// How many.
    pub keys: u64,
}

/// Objects of one kind that are stored in one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredVersion {
    /// The API group; the core group is the empty name.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The version that their own apiVersion names.
    pub version: String,
    /// How many.
    pub keys: u64,
}

/// What the rules make of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// All keys in the ranges that the rules can select from.
    pub read: Tally,
    /// What is written, whichever rule does.
    pub written: Tally,
    /// Keys among them that no rule selects.
    pub unselected: Tally,
    /// Keys among them that a rule selects, and policies keep out.
    pub kept_out: BTreeMap<Policy, Tally>,
    /// Each rule, in the order in which they are tried.
    pub rules: Vec<RuleCounts>,
    /// What is held, the most frequent reason first.
    pub held: Vec<Held>,
    /// By group, kind and version; of what can be read, and some rule is for.
    pub versions: Vec<StoredVersion>,
}

impl Surveyed {
    /// What policies keep out, whichever does.
    pub fn all_kept_out(&self) -> Tally {
        let each = self.kept_out.values();
        each.fold(Tally::default(), |all, own| Tally {
            keys: all.keys + own.keys,
            bytes: all.bytes + own.bytes,
        })
    }

    /// How many keys are held.
    pub fn held_keys(&self) -> u64 {
        self.held.iter().map(|own| own.keys).sum()
    }

    /// What is conspicuous about the rules in the light of the data.
    pub fn findings(&self, rules: &RuleSet) -> Vec<Diagnostic> {
        findings::of(self, rules)
    }
}

/// Every range that one of the judges can select from: sorted, disjoint.
pub fn ranges(judges: &[&Judge]) -> Vec<KeyRange> {
    let all = judges.iter().flat_map(|judge| judge.ranges());
    normalize(all.cloned().collect())
}

/// Whether `key` lies in one of `ranges`, which are sorted and disjoint.
fn within(ranges: &[KeyRange], key: &[u8]) -> bool {
    let after = ranges.partition_point(|range| range.start.as_slice() <= key);
    let before = after.checked_sub(1).and_then(|at| ranges.get(at));
    before.is_some_and(|range| range.contains(key))
}

/// Counts, key by key.
pub struct Survey<'a> {
    judge: &'a Judge,
    lenses: Vec<Lens>,
    /// Rules that no index may leave out.
    always: bool,
    counts: Surveyed,
    held: BTreeMap<(Option<u32>, String), u64>,
    /// By apiVersion and kind.
    versions: HashMap<String, HashMap<String, u64>>,
    scratch: Scratch,
    found: Found,
    concerned: Vec<u32>,
}

impl<'a> Survey<'a> {
    /// Nothing counted yet.
    pub fn new(judge: &'a Judge) -> Survey<'a> {
        let rules = judge.plan().rules();
        let lenses: Vec<Lens> = rules.iter().map(Lens::of).collect();
        let counts = rules.iter().zip(&lenses).map(|(rule, lens)| RuleCounts {
            name: rule.name.clone(),
            excludes: vec![Tally::default(); lens.excludes()],
            ..RuleCounts::default()
        });
        Survey {
            judge,
            counts: Surveyed {
                rules: counts.collect(),
                ..Surveyed::default()
            },
            always: lenses.iter().any(|lens| lens.always),
            lenses,
            held: BTreeMap::new(),
            versions: HashMap::new(),
            scratch: Scratch::default(),
            found: Found::new(),
            concerned: Vec::new(),
        }
    }

    /// Counts one key, if any rule can select from where it is.
    pub fn add(&mut self, stored: &Stored<'_>, namespaces: &Namespaces) {
        if !within(self.judge.ranges(), stored.key) {
            return;
        }
        let bytes = stored.bytes();
        self.counts.read.add(bytes);
        let event = stored.event();
        match self.judge.decide(&event, namespaces, &mut self.scratch) {
            Decision::Put { rule } => {
                self.counts.written.add(bytes);
                if let Some(own) = self.counts.rules.get_mut(rule.0 as usize) {
                    own.writes.add(bytes);
                }
            }
            Decision::Hold { rule, reason, .. } => {
                let rule = rule.map(|rule| rule.0);
                if let Some(own) = rule.and_then(|at| self.counts.rules.get_mut(at as usize)) {
                    own.held += 1;
                }
                if rule.is_none() {
                    self.count_unread(stored, namespaces);
                }
                let full = self.held.len() >= REASONS;
                let reason = match full && !self.held.contains_key(&(rule, reason.clone())) {
                    true => (None, OTHER_REASONS.to_owned()),
                    false => (rule, reason),
                };
                *self.held.entry(reason).or_default() += 1;
            }
            Decision::Skip(SkipReason::KeptOut(policy)) | Decision::Disown(policy) => {
                let kept_out = &mut self.counts.kept_out;
                kept_out.entry(policy).or_default().add(bytes);
            }
            Decision::Skip(_) | Decision::Delete(_) => self.counts.unselected.add(bytes),
        }
        if self.judge.barred(&event).is_some() {
            return;
        }
        if self.judge.is_outside_kubernetes(stored.key) {
            self.look_at_plain(stored);
        } else if let Ok(place) = self.judge.place(stored.key) {
            self.look_at_object(&place, stored, namespaces);
        }
    }

    /// What cannot be read says nothing but by its key.
    fn count_unread(&mut self, stored: &Stored<'_>, namespaces: &Namespaces) {
        let evaluator = self.judge.evaluator_of(stored.leased);
        let bars = self.judge.bars(stored.key, namespaces);
        for ((rule, bar), own) in bars.zip(&mut self.counts.rules) {
            own.may_select += u64::from(bar.is_none() && evaluator.may_select(rule));
        }
    }

    /// What each rule's own conditions say of an object.
    fn look_at_object(&mut self, place: &Key<'_>, stored: &Stored<'_>, namespaces: &Namespaces) {
        let rules = self.judge.plan().rules();
        let candidates = &self.judge.plan().candidates;
        let set = candidates.of(&place.resource, rules, &mut self.found);
        if set.members.is_empty() {
            return;
        }
        let judge = self.judge;
        let evaluator = judge.evaluator_of(stored.leased);
        let gates = Gates::new(&evaluator, &set, place, namespaces);
        let mut concerned = std::mem::take(&mut self.concerned);
        set.index
            .by_key(place.namespace.unwrap_or(""), &mut concerned);
        // What cannot be read is held, and counted as that.
        let _ = judge.with_record(stored.key, stored.value, |_, record, _| {
            self.count_version(record);
            let (mut fields, mut values, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
            fill(
                &set,
                (stored.key, record),
                namespaces,
                &mut fields,
                &mut values,
            )?;
            set.index.by_value(&values, &mut concerned);
            if self.always {
                let members = (0_u32..).zip(&set.members);
                let always = members.filter(|(_, own)| self.lenses[own.rule].always);
                concerned.extend(always.map(|(number, _)| number));
                concerned.sort_unstable();
                concerned.dedup();
            }
            for &number in concerned.iter().filter(|number| gates.pass(**number)) {
                let member = &set.members[number as usize];
                let rule = &rules[member.rule];
                let mut verdict =
                    shared::verdict(rule, member, &set.shared, &values, &mut outcomes);
                if verdict == Ok(Verdict::Match) {
                    match evaluator.kept_out(rule, &set, &values) {
                        Ok(None) => {}
                        Ok(Some(policy)) => {
                            let counts = &mut self.counts.rules[member.rule];
                            counts
                                .kept_out
                                .entry(policy)
                                .or_default()
                                .add(stored.bytes());
                            continue;
                        }
                        Err(fault) => verdict = Err(fault),
                    }
                }
                let lens = &self.lenses[member.rule];
                let seen = lens.look(verdict, &bind(&values, &member.binding));
                count(&mut self.counts.rules[member.rule], &seen, stored.bytes());
            }
            Ok(())
        });
        self.concerned = concerned;
    }

    /// The same of a value outside of Kubernetes.
    fn look_at_plain(&mut self, stored: &Stored<'_>) {
        let evaluator = self.judge.evaluator_of(stored.leased);
        let rules: Vec<_> = evaluator.over_key(stored.key).collect();
        let document = Document::of(stored.value, rules.iter().map(|(_, rule)| *rule));
        for (at, rule) in rules {
            if !evaluator.may_select(rule) {
                continue;
            }
            let slots = plain::values(rule, stored.key, stored.value, &document);
            let verdict = crate::vm::eval(&rule.program, &slots[..]);
            let seen = self.lenses[at].look(verdict, &slots[..]);
            count(&mut self.counts.rules[at], &seen, stored.bytes());
        }
    }

    fn count_version(&mut self, record: &Record<'_>) {
        let (api_version, kind) = (record.api_version(), record.kind());
        if !self.versions.contains_key(api_version) {
            self.versions.insert(api_version.to_owned(), HashMap::new());
        }
        if let Some(kinds) = self.versions.get_mut(api_version) {
            match kinds.get_mut(kind) {
                Some(keys) => *keys += 1,
                None => {
                    kinds.insert(kind.to_owned(), 1);
                }
            }
        }
    }

    /// All that was counted.
    pub fn finish(self) -> Surveyed {
        let mut counts = self.counts;
        let name = |at: u32| counts.rules.get(at as usize).map(|own| own.name.clone());
        let held = self.held.into_iter().map(|((rule, reason), keys)| Held {
            rule: rule.and_then(name),
            reason,
            keys,
        });
        let mut held: Vec<Held> = held.collect();
        held.sort_by_key(|own| std::cmp::Reverse(own.keys));
        counts.held = held;
        for (api_version, kinds) in self.versions {
            let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
            let of_kinds = kinds.into_iter().map(|(kind, keys)| StoredVersion {
                group: group.to_owned(),
                version: version.to_owned(),
                kind,
                keys,
            });
            counts.versions.extend(of_kinds);
        }
        counts.versions.sort_unstable();
        counts
    }
}

fn count(counts: &mut RuleCounts, seen: &Seen, bytes: u64) {
    let excluded = match seen {
        Seen::Not => return,
        Seen::Selected => {
            counts.selects.add(bytes);
            &[][..]
        }
        Seen::Excluded(by) => by,
    };
    counts.without_excludes.add(bytes);
    for &at in excluded {
        if let Some(exclude) = counts.excludes.get_mut(at) {
            exclude.add(bytes);
        }
    }
}
