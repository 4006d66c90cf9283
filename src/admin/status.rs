//! The state that the mirror keeps up to date and the routes show.
//!
//! Promises to count every held key, and to name so many of them that memory
//! stays bounded. Deliberately holds no values.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;

use super::limits::Limits;
use super::named::{AddressPair, NAMED, Named, NamedKey};
use super::progress::Progress;
use super::sides::Sides;
use crate::metrics::{Metrics, Phase, ResyncKind};
use crate::state::OwnedKeys;

/// Why it is not ready where it follows, but not yet from close by.
pub(super) const CATCHING_UP: &str = "catching up";

/// So many resyncs are remembered.
const RESYNCS: usize = 20;

/// What the mirror says of itself. Cheap to clone; clones share it. Sets the
/// metrics of the same names along.
#[derive(Clone)]
pub struct Status {
    state: Arc<Mutex<State>>,
    metrics: Metrics,
    pub(super) limits: Limits,
    sides: Sides,
    /// How many keys were looked at, in lists.
    pub(super) looked: Arc<AtomicU64>,
    /// Told whenever it becomes ready, or the phase changes.
    pub(super) news: Arc<Notify>,
}

struct State {
    name: String,
    phase: Phase,
    not_ready: Option<String>,
    /// Who leads while we wait, and when that was last seen.
    standing_by: Option<(String, Instant)>,
    alive: Instant,
    resyncs: VecDeque<Resync>,
    owned: Option<OwnedKeys>,
    source_revision: i64,
    applied_revision: i64,
    progress: Progress,
    rules_digest: String,
    held: Named,
    kept: Named,
    drifting: Named,
    addresses: Named<Vec<AddressPair>>,
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
    /// Whether this carry leads.
    pub leader: bool,
    /// Who leads, while we stand by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub led_by: Option<String>,
    /// The newest revision seen of the source.
    pub source_revision: i64,
    /// Everything of the source up to this revision is applied.
    pub applied_revision: i64,
    /// How many revisions are seen and not yet applied.
    pub lag_revisions: i64,
    /// How long ago the source last proved that nothing is missing, of what is
    /// all applied by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_since_progress: Option<u64>,
    /// The digest of the rules file.
    pub rules_digest: String,
    /// Why the rules file as it is now is not in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_refused: Option<String>,
    /// How many keys each rule has at the destination.
    pub rules: BTreeMap<String, u64>,
    /// How many keys are kept though no rule selects them any more.
    pub retired_keys: u64,
    /// The last times that everything was listed and compared, oldest first.
    pub resyncs: Vec<Resync>,
    /// How many keys could not be judged.
    pub held_keys: usize,
    /// The first of them in key order, each with its reason.
    pub held: Vec<NamedKey>,
    /// Of how many selected keys the destination has something else, which
    /// stays.
    pub kept_keys: usize,
    /// The first of them in key order.
    pub kept: Vec<String>,
    /// How many mirrored keys others have changed at the destination.
    pub drifting_keys: usize,
    /// Some of them, in key order, each with what was changed and what becomes of
    /// it.
    pub drifting: Vec<NamedKey>,
    /// How many Services have other addresses at the destination than at the
    /// source.
    pub readdressed_services: usize,
    /// The first of them in key order.
    pub service_addresses: Vec<ServiceAddresses>,
}

/// A Service that has other addresses at the destination than at the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceAddresses {
    /// The whole key; bytes that are not UTF-8 are replaced.
    pub key: String,
    /// One pair for each family that it has at both sides.
    pub addresses: Vec<AddressPair>,
}

/// A time that everything was listed and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resync {
    /// When, in seconds since 1970.
    pub unix_seconds: u64,
    /// Why, as the metrics count it.
    pub kind: &'static str,
    /// Why, in words.
    pub reason: String,
    /// At which source revision.
    pub revision: i64,
}

impl Status {
    /// For the mirror of this `--name`: starting, and not ready.
    pub fn new(name: impl Into<String>, metrics: Metrics) -> Status {
        Status::with_limits(name, metrics, Limits::default())
    }

    /// As [`Status::new`], with other limits.
    pub fn with_limits(name: impl Into<String>, metrics: Metrics, limits: Limits) -> Status {
        let state = State {
            name: name.into(),
            phase: Phase::Starting,
            not_ready: Some("starting".to_owned()),
            standing_by: None,
            alive: Instant::now(),
            resyncs: VecDeque::new(),
            owned: None,
            source_revision: 0,
            applied_revision: 0,
            progress: Progress::default(),
            rules_digest: String::new(),
            held: Named::default(),
            kept: Named::default(),
            drifting: Named::default(),
            addresses: Named::default(),
        };
        Status {
            state: Arc::new(Mutex::new(state)),
            metrics,
            limits,
            sides: Sides::default(),
            looked: Arc::default(),
            news: Arc::default(),
        }
    }

    /// Which etcds these are.
    pub fn sides(&self) -> &Sides {
        &self.sides
    }

    /// The metrics that go along.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The mirror is now in `phase`; only in [`Phase::Tail`] can it be ready.
    pub fn set_phase(&self, phase: Phase) {
        self.metrics.phase(phase);
        self.news.notify_one();
        let mut state = self.state();
        state.phase = phase;
        state.standing_by = None;
        state.not_ready = Some(match phase {
            Phase::Tail => CATCHING_UP.to_owned(),
            phase => format!("the mirror is in phase `{}`", phase.label()),
        });
    }

    /// The mirror has caught up.
    pub fn set_ready(&self) {
        self.news.notify_one();
        let mut state = self.state();
        state.not_ready = None;
        state.standing_by = None;
        let revision = state.source_revision;
        state.progress.proven(revision, Instant::now());
        let applied = state.applied_revision;
        state.progress.applied(applied);
    }

    /// Another one leads, and we are ready to take over. What was known when we
    /// led is over: who leads knows it.
    pub fn standing_by(&self, leader: &str) {
        let mut state = self.state();
        state.forget_mirrored(&self.metrics);
        state.standing_by = Some((leader.to_owned(), Instant::now()));
        state.alive = Instant::now();
    }

    /// The mirror's loop goes round.
    pub fn alive(&self) {
        self.state().alive = Instant::now();
    }

    /// Everything is listed and compared, at this source revision.
    pub fn resync(&self, kind: ResyncKind, reason: &str, revision: i64) {
        self.metrics.resync(kind);
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
        let mut state = self.state();
        if state.resyncs.len() >= RESYNCS {
            state.resyncs.pop_front();
        }
        state.resyncs.push_back(Resync {
            unix_seconds: since.unwrap_or_default().as_secs(),
            kind: kind.label(),
            reason: reason.to_owned(),
            revision,
        });
    }

    /// Where it is counted what carry has written.
    pub fn set_owned(&self, owned: OwnedKeys) {
        self.state().owned = Some(owned);
    }

    /// The mirror has not caught up, or cannot write, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        let mut state = self.state();
        state.not_ready = Some(reason.into());
        state.standing_by = None;
    }

    /// The newest revision seen of the source; an older one changes nothing.
    pub fn saw_source(&self, revision: i64) {
        let mut state = self.state();
        state.source_revision = state.source_revision.max(revision);
        self.metrics.source_revision(state.source_revision);
        self.metrics.lag_revisions(state.lag_revisions());
    }

    /// Everything of the source up to `revision` is applied.
    pub fn applied(&self, revision: i64) {
        let mut state = self.state();
        state.applied_revision = revision;
        state.progress.applied(revision);
        self.metrics.applied_revision(revision);
        self.metrics.lag_revisions(state.lag_revisions());
    }

    /// The source has just proved that nothing is missing.
    pub fn progressed(&self) {
        let mut state = self.state();
        let (seen, applied) = (state.source_revision, state.applied_revision);
        state.progress.proven(seen, Instant::now());
        state.progress.applied(applied);
    }

    /// The digest of the rules in use.
    pub fn set_rules_digest(&self, digest: impl Into<String>) {
        self.state().rules_digest = digest.into();
    }

    /// `key` could not be judged; `reason` must not hold values.
    pub fn hold(&self, key: &[u8], reason: impl Into<String>) {
        let mut state = self.state();
        state.held.say(key, reason.into());
        self.metrics.held_keys(state.held.len());
    }

    /// `key` was judged, or is gone.
    pub fn release(&self, key: &[u8]) {
        let mut state = self.state();
        state.held.forget(key);
        self.metrics.held_keys(state.held.len());
    }

    /// The destination has something else under `key`, which stays.
    pub fn keep(&self, key: &[u8]) {
        let mut state = self.state();
        state.kept.say(key, String::new());
        self.metrics.kept_keys(state.kept.len());
    }

    /// That is over, or to be judged again.
    pub fn unkeep(&self, key: &[u8]) {
        let mut state = self.state();
        state.kept.forget(key);
        self.metrics.kept_keys(state.kept.len());
    }

    /// Somebody has changed `key` at the destination, or (`None`) it is again as
    /// it should be; `how` must not hold values.
    pub fn drift(&self, key: &[u8], how: Option<&str>) {
        let drifting = &mut self.state().drifting;
        match how {
            Some(how) => drifting.say(key, how.to_owned()),
            None => drifting.forget(key),
        }
    }

    /// The addresses of a Service at the source and at the destination; none
    /// once it is gone.
    pub fn service_addresses(&self, key: &[u8], pairs: &[(IpAddr, IpAddr)]) {
        let mut state = self.state();
        state.address(key, pairs);
        self.metrics.service_addresses(state.addresses.len());
    }

    /// The same of all Services that carry has written.
    pub fn all_service_addresses<'a>(
        &self,
        all: impl Iterator<Item = (&'a [u8], &'a [(IpAddr, IpAddr)])>,
    ) {
        let mut state = self.state();
        state.addresses = Named::default();
        for (key, pairs) in all {
            state.address(key, pairs);
        }
        self.metrics.service_addresses(state.addresses.len());
    }

    /// No key is held: everything will be judged anew.
    pub fn release_all(&self) {
        let mut state = self.state();
        state.held = Named::default();
        self.metrics.held_keys(0);
    }

    /// Everything as `/status` shows it.
    pub fn report(&self) -> StatusReport {
        self.report_naming(NAMED)
    }

    /// The same with at most so many keys of each kind named.
    pub(super) fn report_naming(&self, most: usize) -> StatusReport {
        let leader = self.metrics.is_leader();
        let rules_refused = self.sides.told().rules_refused;
        StatusReport {
            rules_refused,
            ..self.state().report(&self.limits, leader, most)
        }
    }

    /// How long ago the destination was known to have everything.
    pub(super) fn progress_age(&self) -> Option<Duration> {
        self.state().progress.age()
    }

    /// Why it is not ready, if it is not.
    pub fn not_ready(&self) -> Option<String> {
        self.state().why_not_ready(&self.limits)
    }

    /// Why the process should be started anew, if it should.
    pub fn not_alive(&self) -> Option<String> {
        let quiet = self.state().alive.elapsed();
        (quiet > self.limits.alive_within).then(|| {
            let seconds = quiet.as_secs();
            format!("the mirror has made no step for {seconds} s")
        })
    }

    /// Brings those metrics up to date that change with time alone.
    pub fn refresh_metrics(&self) {
        let state = self.state();
        self.metrics.progress_age(state.progress.age());
        let ready = state.why_not_ready(&self.limits).is_none();
        self.metrics.ready(ready);
        self.metrics.readdressed(state.addresses.differing());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_mirrored(&mut self, metrics: &Metrics) {
        (self.source_revision, self.applied_revision) = (0, 0);
        self.progress = Progress::default();
        (self.held, self.kept) = (Named::default(), Named::default());
        (self.drifting, self.addresses) = (Named::default(), Named::default());
        metrics.lag_revisions(0);
        metrics.held_keys(0);
        metrics.kept_keys(0);
        metrics.service_addresses(0);
    }

    /// Only what differs is worth telling.
    fn address(&mut self, key: &[u8], pairs: &[(IpAddr, IpAddr)]) {
        let pair = |(source, destination): &(IpAddr, IpAddr)| AddressPair {
            source: *source,
            destination: *destination,
        };
        match pairs
            .iter()
            .any(|(source, destination)| source != destination)
        {
            true => self.addresses.say(key, pairs.iter().map(pair).collect()),
            false => self.addresses.forget(key),
        }
    }

    fn lag_revisions(&self) -> i64 {
        (self.source_revision - self.applied_revision).max(0)
    }

    fn why_not_ready(&self, limits: &Limits) -> Option<String> {
        let (most, lately) = (limits.max_lag, |at: &Instant| {
            at.elapsed() <= limits.max_lag
        });
        if let Some((leader, seen)) = &self.standing_by {
            let why = || format!("standing by for {leader}, but the destination is silent");
            return (!lately(seen)).then(why);
        }
        if let Some(reason) = &self.not_ready {
            return Some(reason.clone());
        }
        let age = self.progress.age()?;
        (age > most).then(|| {
            let (age, most, behind) = (age.as_secs(), most.as_secs(), self.lag_revisions());
            let cause = match behind {
                0 => "the source is silent".to_owned(),
                behind => format!("{behind} revisions are not applied yet"),
            };
            format!("{age} s since everything was known to be applied, more than `--max-lag` {most} s: {cause}")
        })
    }

    fn report(&self, limits: &Limits, leader: bool, most: usize) -> StatusReport {
        let readdressed = |(key, pairs): (String, &Vec<AddressPair>)| ServiceAddresses {
            key,
            addresses: pairs.clone(),
        };
        let reason = self.why_not_ready(limits);
        let owned = self.owned.as_ref().map(OwnedKeys::counts);
        let owned = owned.unwrap_or_default();
        StatusReport {
            name: self.name.clone(),
            phase: self.phase.label(),
            ready: reason.is_none(),
            reason,
            leader,
            led_by: self.standing_by.as_ref().map(|(leader, _)| leader.clone()),
            source_revision: self.source_revision,
            applied_revision: self.applied_revision,
            lag_revisions: self.lag_revisions(),
            seconds_since_progress: self.progress.age().map(|age| age.as_secs()),
            rules_digest: self.rules_digest.clone(),
            rules_refused: None,
            rules: owned.rules,
            retired_keys: owned.retired,
            resyncs: self.resyncs.iter().cloned().collect(),
            held_keys: self.held.len(),
            held: self.held.first(most),
            kept_keys: self.kept.len(),
            kept: self.kept.names().take(most).map(|(key, _)| key).collect(),
            drifting_keys: self.drifting.len(),
            drifting: self.drifting.first(most),
            readdressed_services: self.addresses.len(),
            service_addresses: self.addresses.names().take(most).map(readdressed).collect(),
        }
    }
}
