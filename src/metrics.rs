//! Every metric and label of carry, in one place.
//!
//! Promises Prometheus units and the prefix `carry_`, and never a key's name
//! in a label. Updating one costs an atomic operation.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the mirror is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Connecting, reading rules and local state.
    #[default]
    Starting,
    /// The first full copy, or one again after lost history.
    Bootstrap,
    /// Following the source.
    Tail,
    /// Ending: what is under way is finished.
    Draining,
    /// Ended.
    Stopped,
}

impl Phase {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Bootstrap => "bootstrap",
            Phase::Tail => "tail",
            Phase::Draining => "draining",
            Phase::Stopped => "stopped",
        }
    }
}

impl Phase {
    const ALL: [Phase; 5] = [
        Phase::Starting,
        Phase::Bootstrap,
        Phase::Tail,
        Phase::Draining,
        Phase::Stopped,
    ];
}

/// What was decided about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Written.
    Put,
    /// Removed.
    Delete,
    /// Left alone.
    Skip,
    /// It could not be judged.
    Hold,
}

impl EventKind {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            EventKind::Put => "put",
            EventKind::Delete => "delete",
            EventKind::Skip => "skip",
            EventKind::Hold => "hold",
        }
    }
}

/// How a transaction at the destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TxnOutcome {
    /// Applied.
    Applied,
    /// Refused since we no longer lead.
    Fenced,
    /// Refused for what it holds or how large it is.
    Refused,
    /// No answer: it may have been applied.
    Unknown,
    /// Not applied, and sent again.
    Retried,
}

impl TxnOutcome {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            TxnOutcome::Applied => "applied",
            TxnOutcome::Fenced => "fenced",
            TxnOutcome::Refused => "refused",
            TxnOutcome::Unknown => "unknown",
            TxnOutcome::Retried => "retried",
        }
    }
}

/// Which etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that is mirrored from.
    Source,
    /// The one that is mirrored into.
    Destination,
}

impl Side {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

/// One label with a fixed set of values.
type Label = [(&'static str, &'static str); 1];

/// All metrics. Cheap to clone; clones share the values.
#[derive(Clone)]
pub struct Metrics {
    held: Arc<Held>,
}

struct Held {
    registry: Registry,
    source_revision: Gauge,
    applied_revision: Gauge,
    checkpoint_revision: Gauge,
    held_keys: Gauge,
    leader: Gauge,
    phase: Family<Label, Gauge>,
    events: Family<Label, Counter>,
    transactions: Family<Label, Counter>,
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
        metrics.show_zeros();
        metrics
    }
}

impl Held {
    fn new() -> Held {
        let mut held = Held {
            registry: Registry::with_prefix("carry"),
            source_revision: Gauge::default(),
            applied_revision: Gauge::default(),
            checkpoint_revision: Gauge::default(),
            held_keys: Gauge::default(),
            leader: Gauge::default(),
            phase: Family::default(),
            events: Family::default(),
            transactions: Family::default(),
            operations: Counter::default(),
            bytes: Counter::default(),
            reencrypted: Counter::default(),
            reloads: Family::default(),
            reconnects: Family::default(),
        };
        held.register_gauges();
        held.register_counters();
        held
    }

    fn register_gauges(&mut self) {
        let Held { registry, .. } = self;
        let mut add = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(name, help, gauge.clone());
        };
        add(
            "source_revision",
            "Newest revision seen of the source",
            &self.source_revision,
        );
        add(
            "applied_revision",
            "Everything of the source up to this revision is applied",
            &self.applied_revision,
        );
        add(
            "checkpoint_revision",
            "Source revision of the checkpoint at the destination",
            &self.checkpoint_revision,
        );
        add(
            "held_keys",
            "Keys that could not be judged and are left alone",
            &self.held_keys,
        );
        add("leader", "1 while this carry leads, else 0", &self.leader);
        registry.register(
            "phase",
            "1 for the phase that the mirror is in",
            self.phase.clone(),
        );
    }

    fn register_counters(&mut self) {
        let Held { registry, .. } = self;
        registry.register("events", "Events judged, by decision", self.events.clone());
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

    /// How many keys are held.
    pub fn held_keys(&self, count: usize) {
        self.held
            .held_keys
            .set(i64::try_from(count).unwrap_or(i64::MAX));
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

    /// A transaction ended.
    pub fn transaction(&self, outcome: TxnOutcome) {
        self.held
            .transactions
            .get_or_create(&[("outcome", outcome.label())])
            .inc();
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
        match text::encode(&mut text, &self.held.registry) {
            Ok(()) => text,
            // Writing to a string does not fail.
            Err(fmt::Error) => String::new(),
        }
    }

    /// A counter that has not counted yet is 0, not absent.
    fn show_zeros(&self) {
        let Held {
            events,
            transactions,
            reconnects,
            reloads,
            ..
        } = &*self.held;
        for outcome in ["applied", "refused"] {
            drop(reloads.get_or_create(&[("outcome", outcome)]));
        }
        for kind in [
            EventKind::Put,
            EventKind::Delete,
            EventKind::Skip,
            EventKind::Hold,
        ] {
            drop(events.get_or_create(&[("decision", kind.label())]));
        }
        for outcome in [TxnOutcome::Applied, TxnOutcome::Fenced, TxnOutcome::Refused] {
            drop(transactions.get_or_create(&[("outcome", outcome.label())]));
        }
        for outcome in [TxnOutcome::Unknown, TxnOutcome::Retried] {
            drop(transactions.get_or_create(&[("outcome", outcome.label())]));
        }
        for side in [Side::Source, Side::Destination] {
            drop(reconnects.get_or_create(&[("side", side.label())]));
        }
    }
}
