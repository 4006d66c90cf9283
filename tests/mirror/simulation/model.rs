//! What the destination has to be, by the book: a few lines over the history
//! of the source.

use std::collections::BTreeMap;

use super::rules::{Labels, Verdict, Version, fit, judge, namespace_of};
use super::scenario::Edit;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub value: String,
    pub leased: bool,
    pub revision: i64,
}

/// What is wanted of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want<'a> {
    /// This value, for this rule.
    Value(&'a Stored, u32),
    /// That it is not there, unless it is another's.
    Nothing,
    /// That it stays as it is.
    AsItIs,
}

/// The source at every revision.
pub struct History {
    states: Vec<BTreeMap<String, Stored>>,
    max_bytes: usize,
}

impl History {
    pub fn new(max_bytes: usize) -> History {
        History {
            states: vec![BTreeMap::new(); 2],
            max_bytes,
        }
    }

    pub fn newest(&self) -> i64 {
        self.states.len() as i64 - 1
    }

    /// A transaction that made the source's newest revision `revision`.
    pub fn write(&mut self, edits: &[Edit], revision: i64) {
        if revision == self.newest() {
            return;
        }
        let mut state = self.states[self.states.len() - 1].clone();
        for Edit { key, value, leased } in edits {
            match value.clone() {
                None => drop(state.remove(key)),
                Some(value) => {
                    let leased = *leased;
                    let stored = Stored {
                        value,
                        leased,
                        revision,
                    };
                    state.insert(key.clone(), stored);
                }
            }
        }
        self.states.push(state);
    }

    fn state(&self, revision: i64) -> &BTreeMap<String, Stored> {
        let at = usize::try_from(revision).unwrap_or(0);
        &self.states[at.min(self.states.len() - 1)]
    }

    fn judged(
        &self,
        version: Version,
        mended: bool,
        revision: i64,
        key: &str,
    ) -> Option<(&Stored, Verdict)> {
        let state = self.state(revision);
        let stored = state.get(key).filter(|stored| !stored.leased)?;
        let labels = |name: &str| match state.get(&format!("/r/namespaces/{name}")) {
            None => Labels::None,
            Some(labels) if labels.value.split(' ').any(|word| word == "garbage") => {
                Labels::Unreadable
            }
            Some(labels) => Labels::Some(&labels.value),
        };
        let verdict = judge(version, mended, key, &stored.value, labels);
        Some((stored, verdict))
    }

    pub fn want(&self, version: Version, mended: bool, revision: i64, key: &str) -> Want<'_> {
        match self.judged(version, mended, revision, key) {
            None | Some((_, Verdict::No)) => Want::Nothing,
            Some((_, Verdict::Hold { .. })) => Want::AsItIs,
            Some((stored, Verdict::Put(rule))) => {
                match fit(mended, key, &stored.value, self.max_bytes) {
                    Ok(()) => Want::Value(stored, rule),
                    Err(_) => Want::AsItIs,
                }
            }
        }
    }

    /// Whether the rules select a key, fit to be written or not.
    pub fn selects(&self, version: Version, revision: i64, key: &str) -> bool {
        let fits = self.judged(version, true, revision, key);
        matches!(fits, Some((_, Verdict::Put(_))))
    }

    /// The revisions at which a key was given this value.
    pub fn revisions(&self, key: &str, value: &str) -> Vec<i64> {
        let at = |revision: &i64| {
            let stored = self.state(*revision).get(key);
            stored.is_some_and(|stored| stored.value == value && stored.revision == *revision)
        };
        (0..=self.newest()).filter(at).collect()
    }

    /// All values that a key has had, the newest last.
    pub fn values(&self, key: &str) -> Vec<&str> {
        let states = self.states.iter().filter_map(|state| state.get(key));
        let mut values: Vec<&str> = states.map(|stored| &*stored.value).collect();
        values.dedup();
        values
    }

    /// Whether a key has had this value at any time from `from` on.
    pub fn has_since(&self, key: &str, value: &str, from: i64) -> bool {
        let has = |at: i64| {
            let stored = self.state(at).get(key);
            stored.is_some_and(|stored| stored.value == value)
        };
        (from..=self.newest()).any(has)
    }

    /// Whether anything that decides about a key was written within
    /// `from..=to`.
    pub fn is_touched(&self, key: &str, from: i64, to: i64) -> bool {
        let namespace = namespace_of(key).map(|name| format!("/r/namespaces/{name}"));
        let changed = |key: &str, at: i64| self.state(at).get(key) != self.state(at - 1).get(key);
        (from.max(1)..=to.min(self.newest())).any(|at| {
            changed(key, at) || namespace.as_deref().is_some_and(|name| changed(name, at))
        })
    }

    /// Whether a key has had one value alone from `from` to `to`.
    pub fn is_same(&self, key: &str, from: i64, to: i64) -> bool {
        let value = |at: i64| self.state(at).get(key).map(|stored| &stored.value);
        (from..=to).all(|at| value(at) == value(from))
    }
}
