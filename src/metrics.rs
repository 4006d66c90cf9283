//! Every metric and label of carry, in one place.
//!
//! Promises Prometheus units and the prefix `carry_`, and never a key's name
//! in a label. Updating one costs an atomic operation.

mod addresses;
mod drift;
mod labels;
mod process;
mod reading;
mod reloads;
mod zeros;

pub use addresses::Readdressed;
pub use drift::DriftAction;
pub use labels::{EventKind, Phase, ResyncKind, Side, TxnOutcome};
pub use reading::Totals;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::rules::policy::Policy;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label with a fixed set of values.
type Label = [(&'static str, &'static str); 1];

/// The label of a rule's name.
type RuleLabel = [(&'static str, String); 1];

/// All metrics. Cheap to clone; clones share the values.
#[derive(Clone)]
pub struct Metrics {
    held: Arc<Held>,
}

const VERSION: [(&str, &str); 1] = [("version", env!("CARGO_PKG_VERSION"))];

struct Held {
    registry: Registry,
    process: Registry,
    source_revision: Gauge,
    applied_revision: Gauge,
    checkpoint_revision: Gauge,
    lag_revisions: Gauge,
    progress_age: Gauge<f64, AtomicU64>,
    held_keys: Gauge,
    kept_keys: Gauge,
    service_addresses: Gauge,
    retired_keys: Gauge,
    rule_keys: Family<RuleLabel, Gauge>,
    leader: Gauge,
    ready: Gauge,
    phase: Family<Label, Gauge>,
    spool: Family<Label, Gauge>,
    db_size: Gauge,
    out_of_space: Gauge,
    resyncs: Family<Label, Counter>,
    reloaded: reloads::Reloads,
    addresses: addresses::Addresses,
    events: Family<Label, Counter>,
    policies: Family<Label, Counter>,
    drift: drift::Drift,
    transactions: Family<Label, Counter>,
    transaction_duration: Histogram,
    operations: Counter,
    bytes: Counter,
    reencrypted: Counter,
    reloads: Family<Label, Counter>,
    reconnects: Family<Label, Counter>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics {
            held: Arc::new(Held::new()),
        };
        metrics.phase(Phase::Starting);
        metrics.spool_bytes(0, 0);
        metrics.progress_age(None);
        metrics.show_zeros();
        metrics
    }
}

impl Held {
    fn new() -> Held {
        let mut held = Held {
            registry: Registry::with_prefix("carry"),
            process: process::registry(),
            source_revision: Gauge::default(),
            applied_revision: Gauge::default(),
            checkpoint_revision: Gauge::default(),
            lag_revisions: Gauge::default(),
            progress_age: Gauge::default(),
            held_keys: Gauge::default(),
            kept_keys: Gauge::default(),
            service_addresses: Gauge::default(),
            retired_keys: Gauge::default(),
            rule_keys: Family::default(),
            leader: Gauge::default(),
            ready: Gauge::default(),
            phase: Family::default(),
            spool: Family::default(),
            db_size: Gauge::default(),
            out_of_space: Gauge::default(),
            resyncs: Family::default(),
            reloaded: reloads::Reloads::default(),
            addresses: addresses::Addresses::default(),
            events: Family::default(),
            policies: Family::default(),
            drift: drift::Drift::default(),
            transactions: Family::default(),
            // From half a millisecond to 16 seconds.
            transaction_duration: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
            operations: Counter::default(),
            bytes: Counter::default(),
            reencrypted: Counter::default(),
            reloads: Family::default(),
            reconnects: Family::default(),
        };
        held.register_gauges();
        held.register_counters();
        held.drift.register(&mut held.registry);
        held.reloaded.register(&mut held.registry);
        held.addresses.register(&mut held.registry);
        held
    }

    fn register_gauges(&mut self) {
        let Held { registry, .. } = self;
        registry.register("build", "Which carry this is", Info::new(VERSION.to_vec()));
        for (name, help, gauge) in [
            (
                "source_revision",
                "Newest revision seen of the source",
                &self.source_revision,
            ),
            (
                "applied_revision",
                "Everything of the source up to this revision is applied",
                &self.applied_revision,
            ),
            (
                "checkpoint_revision",
                "Source revision of the checkpoint at the destination",
                &self.checkpoint_revision,
            ),
            (
                "lag_revisions",
                "How many revisions of the source are seen and not yet applied",
                &self.lag_revisions,
            ),
            (
                "held_keys",
                "Keys that could not be judged or wait for something at the destination, and are left alone",
                &self.held_keys,
            ),
            (
                "kept_keys",
                "Selected keys of which the destination has something else, which stays",
                &self.kept_keys,
            ),
            (
                "service_addresses",
                "Services that have other addresses at the destination than at the source",
                &self.service_addresses,
            ),
            (
                "retired_keys",
                "Keys that are kept though changed rules no longer select them",
                &self.retired_keys,
            ),
            ("leader", "1 while this carry leads, else 0", &self.leader),
            (
                "ready",
                "1 while `/readyz` answers 200, else 0",
                &self.ready,
            ),
            (
                "destination_out_of_space",
                "1 while the destination refuses writes since its database is full, else 0",
                &self.out_of_space,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "phase",
            "1 for the phase that the mirror is in",
            self.phase.clone(),
        );
        registry.register(
            "rule_keys",
            "Keys at the destination that carry has written, by the rule that selects them",
            self.rule_keys.clone(),
        );
        self.register_with_units();
    }

    fn register_with_units(&mut self) {
        let Held { registry, .. } = self;
        registry.register_with_unit(
            "progress_age",
            "Time since the source last proved that nothing is missing and all of it was applied; -1 before the first time",
            Unit::Seconds,
            self.progress_age.clone(),
        );
        registry.register_with_unit(
            "spool",
            "What the watch has delivered and no writer has taken, by where it is kept",
            Unit::Bytes,
            self.spool.clone(),
        );
        registry.register_with_unit(
            "destination_db_size",
            "Size of the database of the destination's member that we are connected to",
            Unit::Bytes,
            self.db_size.clone(),
        );
        registry.register_with_unit(
            "transaction_duration",
            "How long the destination took to answer a transaction",
            Unit::Seconds,
            self.transaction_duration.clone(),
        );
    }

    fn register_counters(&mut self) {
        let Held { registry, .. } = self;
        registry.register("events", "Events judged, by what the rules decided; what then waits for something at the destination is in carry_held_keys", self.events.clone());
        registry.register(
            "policy_actions",
            "Decisions in which a policy acted: kept a key out, had it wait, kept what the destination had or let it be written over, or changed a value that was written; by policy, each decision once",
            self.policies.clone(),
        );
        registry.register(
            "transactions",
            "Transactions at the destination, by outcome",
            self.transactions.clone(),
        );
        registry.register(
            "operations_written",
            "Puts and deletes applied at the destination",
            self.operations.clone(),
        );
        registry.register(
            "written_bytes",
            "Bytes of keys and values applied at the destination",
            self.bytes.clone(),
        );
        registry.register(
            "values_reencrypted",
            "Values applied at the destination that were encrypted anew",
            self.reencrypted.clone(),
        );
        registry.register(
            "encryption_reloads",
            "Changed encryption configurations that were read again, by outcome",
            self.reloads.clone(),
        );
        registry.register(
            "resyncs",
            "Times that everything was listed and compared, by reason",
            self.resyncs.clone(),
        );
        registry.register(
            "reconnects",
            "Connections that broke and were made again, by side",
            self.reconnects.clone(),
        );
    }
}

impl Metrics {
    /// The newest revision seen of the source.
    pub fn source_revision(&self, revision: i64) {
        self.held.source_revision.set(revision);
    }

    /// Everything of the source up to `revision` is applied.
    pub fn applied_revision(&self, revision: i64) {
        self.held.applied_revision.set(revision);
    }

    /// The checkpoint was written at `revision`.
    pub fn checkpoint_revision(&self, revision: i64) {
        self.held.checkpoint_revision.set(revision);
    }

    /// So many revisions are seen and not yet applied.
    pub fn lag_revisions(&self, revisions: i64) {
        self.held.lag_revisions.set(revisions);
    }

    /// How long ago it was last proved that nothing is missing; `None` before
    /// the first time.
    pub fn progress_age(&self, age: Option<Duration>) {
        let seconds = age.map_or(-1.0, |age| age.as_secs_f64());
        self.held.progress_age.set(seconds);
    }

    /// Whether `/readyz` answers 200.
    pub fn ready(&self, ready: bool) {
        self.held.ready.set(i64::from(ready));
    }

    /// So many keys were written by this rule and are there.
    pub fn rule_keys(&self, rule: &str, keys: u64) {
        let label = [("rule", rule.to_owned())];
        self.held.rule_keys.get_or_create(&label).set(whole(keys));
    }

    /// So many keys are kept though no rule selects them any more.
    pub fn retired_keys(&self, keys: u64) {
        self.held.retired_keys.set(whole(keys));
    }

    /// So many bytes wait between the watch and the writers.
    pub fn spool_bytes(&self, memory: u64, disk: u64) {
        for (store, bytes) in [("memory", memory), ("disk", disk)] {
            let gauge = self.held.spool.get_or_create(&[("store", store)]);
            gauge.set(whole(bytes));
        }
    }

    /// How full the destination is.
    pub fn destination_space(&self, db_size_bytes: u64, out_of_space: bool) {
        self.held.db_size.set(whole(db_size_bytes));
        self.held.out_of_space.set(i64::from(out_of_space));
    }

    /// Everything is listed and compared.
    pub fn resync(&self, kind: ResyncKind) {
        let label = [("reason", kind.label())];
        self.held.resyncs.get_or_create(&label).inc();
    }

    /// Whether this carry leads, as it last said.
    pub fn is_leader(&self) -> bool {
        self.held.leader.get() == 1
    }

    /// How many keys are held.
    pub fn held_keys(&self, count: usize) {
        self.held
            .held_keys
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Of how many selected keys the destination has something else, which
    /// stays.
    pub fn kept_keys(&self, count: usize) {
        self.held
            .kept_keys
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many Services have other addresses at the destination than at the
    /// source.
    pub fn service_addresses(&self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.held.service_addresses.set(count);
    }

    /// Whether this carry leads.
    pub fn leader(&self, leads: bool) {
        self.held.leader.set(i64::from(leads));
    }

    /// The mirror is now in `phase`.
    pub fn phase(&self, phase: Phase) {
        for each in Phase::ALL {
            let gauge = self.held.phase.get_or_create(&[("phase", each.label())]);
            gauge.set(i64::from(each == phase));
        }
    }

    /// An event was judged.
    pub fn event(&self, kind: EventKind) {
        self.held
            .events
            .get_or_create(&[("decision", kind.label())])
            .inc();
    }

    /// A policy acted: it kept a key out or had it wait, kept what the destination
    /// had or let it be written over, or changed a value that was written.
    pub fn policy(&self, policy: Policy) {
        let label = [("policy", policy.name())];
        self.held.policies.get_or_create(&label).inc();
    }

    /// Somebody else has changed a mirrored key at the destination.
    pub fn drift(&self, action: DriftAction) {
        self.held.drift.changed(action);
    }

    /// So many keys are changed so now.
    pub fn drifting_keys(&self, keys: usize) {
        self.held.drift.keys(keys);
    }

    /// A transaction ended.
    pub fn transaction(&self, outcome: TxnOutcome) {
        self.held
            .transactions
            .get_or_create(&[("outcome", outcome.label())])
            .inc();
    }

    /// The destination has answered a transaction after this long.
    pub fn transaction_took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.held.transaction_duration.observe(seconds);
    }

    /// So much was applied at the destination.
    pub fn written(&self, operations: u64, bytes: u64) {
        self.held.operations.inc_by(operations);
        self.held.bytes.inc_by(bytes);
    }

    /// So many values that were applied had been encrypted anew.
    pub fn reencrypted(&self, values: u64) {
        self.held.reencrypted.inc_by(values);
    }

    /// A changed encryption configuration was read again: it is in use now, or
    /// it was refused and the one before is still in use.
    pub fn encryption_reloaded(&self, applied: bool) {
        let outcome = if applied { "applied" } else { "refused" };
        self.held
            .reloads
            .get_or_create(&[("outcome", outcome)])
            .inc();
    }

    /// A connection broke and is made again.
    pub fn reconnected(&self, side: Side) {
        self.held
            .reconnects
            .get_or_create(&[("side", side.label())])
            .inc();
    }

    /// All of them as text, of the type [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let Held {
            registry, process, ..
        } = &*self.held;
        let encoded = text::encode_registry(&mut text, registry)
            .and_then(|()| text::encode_registry(&mut text, process))
            .and_then(|()| text::encode_eof(&mut text));
        match encoded {
            Ok(()) => text,
            // Writing to a string does not fail.
            Err(fmt::Error) => String::new(),
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
