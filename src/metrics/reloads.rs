//! What is counted of files that were read again because they had changed.
//!
//! Promises a sample for each outcome from the start. Deliberately counts no
//! file by its name.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Metrics, Side};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// All of it.
#[derive(Default)]
pub(super) struct Reloads {
    rules: Family<Labels<1>, Counter>,
    tls: Family<Labels<2>, Counter>,
}

impl Reloads {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rules_reloads",
            "Changed rules files that were read again, by outcome",
            self.rules.clone(),
        );
        registry.register(
            "tls_reloads",
            "Changed certificates, keys and authorities that were read again, by side and outcome",
            self.tls.clone(),
        );
        for outcome in [true, false].map(outcome) {
            drop(self.rules.get_or_create(&[outcome]));
            for side in [Side::Source, Side::Destination] {
                drop(self.tls.get_or_create(&[("side", side.label()), outcome]));
            }
        }
    }
}

fn outcome(applied: bool) -> (&'static str, &'static str) {
    ("outcome", if applied { "applied" } else { "refused" })
}

impl Metrics {
    /// A changed rules file was read again: it is in use now, or it was refused
    /// and the one before is still in use.
    pub fn rules_reloaded(&self, applied: bool) {
        let rules = &self.held.reloaded.rules;
        rules.get_or_create(&[outcome(applied)]).inc();
    }

    /// The same of the files for TLS to one side.
    pub fn tls_reloaded(&self, side: Side, applied: bool) {
        let label = [("side", side.label()), outcome(applied)];
        self.held.reloaded.tls.get_or_create(&label).inc();
    }
}
