//! What is counted of changes that others make at the destination.
//!
//! Promises a sample for each action from the start. Deliberately counts no
//! key by its name.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What became of a change that somebody else made to a mirrored key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriftAction {
    /// It is reported, and stays until the source changes.
    Kept,
    /// The source's value is written again.
    Mended,
}

impl DriftAction {
    const ALL: [DriftAction; 2] = [DriftAction::Kept, DriftAction::Mended];

    /// As labels spell it.
    pub fn label(self) -> &'static str {
        match self {
            DriftAction::Kept => "kept",
            DriftAction::Mended => "mended",
        }
    }
}

/// All of it.
#[derive(Default)]
pub(super) struct Drift {
    changes: Family<[(&'static str, &'static str); 1], Counter>,
    keys: Gauge,
}

impl Drift {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "drift",
            "Changes of mirrored keys that others made at the destination, by what became of them",
            self.changes.clone(),
        );
        registry.register(
            "drifting_keys",
            "Mirrored keys that others have changed at the destination and that are not mended",
            self.keys.clone(),
        );
        for action in DriftAction::ALL {
            drop(self.changes.get_or_create(&[("action", action.label())]));
        }
    }

    pub(super) fn changed(&self, action: DriftAction) {
        let label = [("action", action.label())];
        self.changes.get_or_create(&label).inc();
    }

    pub(super) fn keys(&self, keys: usize) {
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }
}
