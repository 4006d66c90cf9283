//! What every counter shows before anything was counted.
//!
//! Promises that a rate can be taken from the first event on: a counter that has
//! not counted yet is 0, not absent. Deliberately counts nothing.

use super::{EventKind, Held, Metrics, ResyncKind, Side, TxnOutcome};
use crate::rules::policy::Policy;

impl Metrics {
    /// A counter that has not counted yet is 0, not absent.
    pub(super) fn show_zeros(&self) {
        let Held {
            events,
            policies,
            transactions,
            reconnects,
            reloads,
            resyncs,
            ..
        } = &*self.held;
        for outcome in ["applied", "refused"] {
            drop(reloads.get_or_create(&[("outcome", outcome)]));
        }
        for policy in Policy::ALL {
            drop(policies.get_or_create(&[("policy", policy.name())]));
        }
        for kind in ResyncKind::ALL {
            drop(resyncs.get_or_create(&[("reason", kind.label())]));
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
