//! The state that the mirror keeps up to date and the routes show.
//!
//! Promises to count every held key, and to name so many of them that memory
//! stays bounded. Deliberately holds no values.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::metrics::{Metrics, Phase};

/// So many held keys are named; the rest is counted.
const NAMED: usize = 1000;

/// What the mirror says of itself. Cheap to clone; clones share it. Sets the
/// metrics of the same names along.
#[derive(Clone)]
pub struct Status {
    state: Arc<Mutex<State>>,
    metrics: Metrics,
}

struct State {
    name: String,
    phase: Phase,
    not_ready: Option<String>,
    source_revision: i64,
    applied_revision: i64,
    progress: Option<Instant>,
    rules_digest: String,
    held: BTreeMap<Vec<u8>, String>,
    /// Hashes of the held keys that are not named.
    unnamed: HashSet<u64>,
    hasher: RandomState,
}

/// `/status` as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// `--name`.
    pub name: String,
    /// What the mirror is doing.
    pub phase: &'static str,
    /// Whether it is caught up and leads.
    pub ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The newest revision seen of the source.
    pub source_revision: i64,
    /// Everything of the source up to this revision is applied.
    pub applied_revision: i64,
    /// How long ago the source last proved that nothing is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_since_progress: Option<u64>,
    /// The digest of the rules file.
    pub rules_digest: String,
    /// How many keys could not be judged.
    pub held_keys: usize,
    /// The first of them in key order, each with its reason.
    pub held: Vec<HeldKey>,
}

/// A key that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldKey {
    /// The whole key; bytes that are not UTF-8 are replaced.
    pub key: String,
    /// Why.
    pub reason: String,
}

impl Status {
    /// For the mirror of this `--name`: starting, and not ready.
    pub fn new(name: impl Into<String>, metrics: Metrics) -> Status {
        let state = State {
            name: name.into(),
            phase: Phase::Starting,
            not_ready: Some("starting".to_owned()),
            source_revision: 0,
            applied_revision: 0,
            progress: None,
            rules_digest: String::new(),
            held: BTreeMap::new(),
            unnamed: HashSet::new(),
            hasher: RandomState::new(),
        };
        Status {
            state: Arc::new(Mutex::new(state)),
            metrics,
        }
    }

    /// The metrics that go along.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The mirror is now in `phase`; only in [`Phase::Tail`] can it be ready.
    pub fn set_phase(&self, phase: Phase) {
        self.metrics.phase(phase);
        let mut state = self.state();
        state.phase = phase;
        if phase != Phase::Tail {
            state.not_ready = Some(format!("the mirror is in phase `{}`", phase.label()));
        }
    }

    /// The mirror has caught up.
    pub fn set_ready(&self) {
        self.state().not_ready = None;
    }

    /// The mirror has not caught up, or cannot write, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.state().not_ready = Some(reason.into());
    }

    /// The newest revision seen of the source; an older one changes nothing.
    pub fn saw_source(&self, revision: i64) {
        let mut state = self.state();
        state.source_revision = state.source_revision.max(revision);
        self.metrics.source_revision(state.source_revision);
    }

    /// Everything of the source up to `revision` is applied.
    pub fn applied(&self, revision: i64) {
        self.state().applied_revision = revision;
        self.metrics.applied_revision(revision);
    }

    /// The source has just proved that nothing is missing.
    pub fn progressed(&self) {
        self.state().progress = Some(Instant::now());
    }

    /// The digest of the rules in use.
    pub fn set_rules_digest(&self, digest: impl Into<String>) {
        self.state().rules_digest = digest.into();
    }

    /// `key` could not be judged; `reason` must not hold values.
    pub fn hold(&self, key: &[u8], reason: impl Into<String>) {
        let mut state = self.state();
        state.hold(key, reason.into());
        self.metrics.held_keys(state.held_count());
    }

    /// `key` was judged, or is gone.
    pub fn release(&self, key: &[u8]) {
        let mut state = self.state();
        state.release(key);
        self.metrics.held_keys(state.held_count());
    }

    /// No key is held: everything will be judged anew.
    pub fn release_all(&self) {
        let mut state = self.state();
        state.held.clear();
        state.unnamed.clear();
        self.metrics.held_keys(0);
    }

    /// Everything as `/status` shows it.
    pub fn report(&self) -> StatusReport {
        self.state().report()
    }

    /// Why it is not ready, if it is not.
    pub fn not_ready(&self) -> Option<String> {
        self.state().not_ready.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn held_count(&self) -> usize {
        self.held.len() + self.unnamed.len()
    }

    fn hold(&mut self, key: &[u8], reason: String) {
        if let Some(known) = self.held.get_mut(key) {
            *known = reason;
            return;
        }
        let hash = self.hasher.hash_one(key);
        if self.held.len() < NAMED {
            self.unnamed.remove(&hash);
            self.held.insert(key.to_vec(), reason);
        } else {
            self.unnamed.insert(hash);
        }
    }

    fn release(&mut self, key: &[u8]) {
        if self.held.remove(key).is_none() && !self.unnamed.is_empty() {
            self.unnamed.remove(&self.hasher.hash_one(key));
        }
    }

    fn report(&self) -> StatusReport {
        let named = |(key, reason): (&Vec<u8>, &String)| HeldKey {
            key: String::from_utf8_lossy(key).into_owned(),
            reason: reason.clone(),
        };
        StatusReport {
            name: self.name.clone(),
            phase: self.phase.label(),
            ready: self.not_ready.is_none(),
            reason: self.not_ready.clone(),
            source_revision: self.source_revision,
            applied_revision: self.applied_revision,
            seconds_since_progress: self.progress.map(|at| at.elapsed().as_secs()),
            rules_digest: self.rules_digest.clone(),
            held_keys: self.held_count(),
            held: self.held.iter().map(named).collect(),
        }
    }
}
