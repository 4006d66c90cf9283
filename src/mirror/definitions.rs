//! What is known of the destination's CustomResourceDefinitions.
//!
//! Promises that no batch has a definition beside other keys ([`separate`]): what
//! a custom resource relies on is compared before anything of its transaction is
//! written. Deliberately looks at nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::RwLock;
use tokio::time::Instant;

use super::judging::Judging;
use super::pipeline::Batch;
use crate::rules::landing::CrdTable;

/// What is known of the destination's definitions.
#[derive(Default)]
pub struct Definitions {
    table: Mutex<Option<(Instant, Arc<CrdTable>)>>,
    /// One list at a time does for all who ask.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Read by who writes objects, as long as it takes.
    pub(super) objects: RwLock<()>,
}

impl Definitions {
    /// Those of the last look, which may be an old one.
    pub fn known(&self) -> Option<Arc<CrdTable>> {
        self.table().as_ref().map(|(_, crds)| crds.clone())
    }

    /// Them, and when they were listed.
    pub(super) fn table(&self) -> MutexGuard<'_, Option<(Instant, Arc<CrdTable>)>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batches that are sent for one: what goes alone by itself, as definitions
/// do.
pub fn separate(judge: &impl Judging, batch: Batch) -> Vec<Batch> {
    let definitions = judge.crd_range();
    let is_definition = |key: &[u8]| definitions.as_ref().is_some_and(|own| own.contains(key));
    batch.apart(|key| judge.goes_alone(key) || is_definition(key))
}
