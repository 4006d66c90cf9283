//! Looks at the destination's CustomResourceDefinitions, and at their objects.
//!
//! Promises that a definition that loses a version is looked at together with
//! all objects of it there, and that while objects come in between again and
//! again, those that carry itself writes wait for it. Deliberately judges nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};
use tokio::time::Instant;

use super::judging::Judging;
use super::landing::Lander;
use super::pipeline::{Batch, op_key};
use super::sealing::blocking;
use super::world::World;
use crate::destination::{Destination, Entry, Guard, There};
use crate::etcd::EtcdError;
use crate::rules::decide::KeyRange;
use crate::rules::landing::{CrdTable, Definition, StoredObjects};

/// How long a list of definitions counts as fresh.
const A_MOMENT: Duration = Duration::from_secs(1);

impl<W: World> Lander<W> {
    /// Held while objects of definitions are written.
    pub(super) async fn beside_definitions(
        &self,
        batch: &Batch,
    ) -> Option<RwLockReadGuard<'_, ()>> {
        let mut keys = batch.ops.iter().map(op_key);
        match keys.any(|key| self.parts.judge.is_custom(key)) {
            true => Some(self.definitions.objects.read().await),
            false => None,
        }
    }

    /// Held while a definition is looked at anew and written that was not since
    /// an object of it had come: carry itself writes none meanwhile.
    pub(super) async fn without_objects(
        &self,
        guards: &[Guard],
    ) -> Option<RwLockWriteGuard<'_, ()>> {
        let is_ranged = |guard: &Guard| matches!(guard, Guard::NoneNewer { .. });
        match guards.iter().any(is_ranged) {
            true => Some(self.definitions.objects.write().await),
            false => None,
        }
    }

    /// What the destination has of a definition's objects, which are in `range`.
    pub(super) async fn stored_objects(&self, range: KeyRange) -> Result<StoredObjects, EtcdError> {
        let judge = &self.parts.judge;
        let status = self.parts.destination.status().await?;
        let mut objects = StoredObjects::seen_from(status.revision.0);
        let add = |page: Vec<Entry>| {
            blocking(judge.may_block(), || {
                for (key, there) in &page {
                    judge.add_stored(&mut objects, key, &there.value);
                }
            });
        };
        self.go_through(range, add).await?;
        Ok(objects)
    }

    /// What was seen of a definition, for those who come next.
    pub(super) fn learn(&self, key: &[u8], there: Option<&There>) {
        let judge = &self.parts.judge;
        if judge.crd_range().is_some_and(|range| range.contains(key)) {
            let read = |there: &There| judge.definition(key, there);
            let definition = blocking(judge.may_block(), || there.and_then(read));
            if let Some((at, crds)) = &mut *self.definitions.table() {
                let older = |known: &Definition| {
                    let now = definition.as_ref().map(|own| own.mod_revision);
                    now.is_some_and(|now| now < known.mod_revision)
                };
                if crds.get(key).is_some_and(older) {
                    return;
                }
                // What is gone may be there anew: this look may be an old one.
                if definition.is_none() && crds.get(key).is_some() {
                    *at -= A_MOMENT;
                }
                Arc::make_mut(crds).insert(key.to_vec(), definition);
            }
        }
    }

    /// Those of the last moment, or of now: a definition that has come since is
    /// waited for by whoever needs it.
    pub(super) async fn fresh_crds(&self) -> Result<Arc<CrdTable>, EtcdError> {
        let _turn = self.definitions.turn.lock().await;
        let known = self.definitions.table().clone();
        if let Some((at, crds)) = known
            && at.elapsed() < A_MOMENT
        {
            return Ok(crds);
        }
        let began = Instant::now();
        let crds = Arc::new(self.list_crds().await?);
        *self.definitions.table() = Some((began, crds.clone()));
        Ok(crds)
    }

    async fn list_crds(&self) -> Result<CrdTable, EtcdError> {
        let judge = &self.parts.judge;
        let items = match judge.crd_range() {
            Some(range) => self.all(&range).await?,
            None => Vec::new(),
        };
        Ok(blocking(judge.may_block(), || judge.crd_table(&items)))
    }
}
