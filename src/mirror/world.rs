//! The four things that a mirror works with, so that each can be scripted.
//!
//! Promises nothing of its own. Deliberately without logic.

use std::sync::Arc;

use super::judging::Judging;
use crate::destination::Destination;
use crate::destination::election::Election;
use crate::metrics::Metrics;
use crate::source::Source;
use crate::state::StateStore;

/// Which source, destination, store and rules a mirror has.
pub trait World: Send + Sync + 'static {
    /// What is mirrored from.
    type Source: Source;
    /// What is mirrored into.
    type Destination: Destination + Election;
    /// Where the ledger is.
    type Store: StateStore;
    /// What decides.
    type Judge: Judging;
}

/// The four, shared between tasks.
pub struct Parts<W: World> {
    /// What is mirrored from.
    pub source: Arc<W::Source>,
    /// What is mirrored into.
    pub destination: Arc<W::Destination>,
    /// Where the ledger is.
    pub store: Arc<W::Store>,
    /// What decides.
    pub judge: Arc<W::Judge>,
    /// What is counted.
    pub metrics: Metrics,
}

impl<W: World> Clone for Parts<W> {
    fn clone(&self) -> Self {
        Parts {
            source: self.source.clone(),
            destination: self.destination.clone(),
            store: self.store.clone(),
            judge: self.judge.clone(),
            metrics: self.metrics.clone(),
        }
    }
}
