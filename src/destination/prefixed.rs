//! A destination whose Kubernetes keys lie under another prefix than the
//! source's.
//!
//! Promises that everyone above speaks of keys as the source has them: they
//! are mapped on the way in, and mapped back where they are listed. carry's own
//! keys stay as they are. Deliberately touches no values: that some are bound
//! to their key is known to whoever encrypts them.

use std::borrow::Cow;
use std::time::Duration;

use super::election::{Campaign, Election, Leader, LeaseId, Term};
use super::{DestStatus, Destination, Entry, Fence, Granted, Guard, Op, Outcome, There, Watch};
use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::{KeyMap, KeyRange};

/// A destination under another key prefix.
#[derive(Clone)]
pub struct Prefixed<D> {
    inner: D,
    map: KeyMap,
}

impl<D> Prefixed<D> {
    /// `inner`, with the source's keys where `map` says.
    pub fn new(inner: D, map: KeyMap) -> Prefixed<D> {
        Prefixed { inner, map }
    }

    fn mapped(&self, op: &Op) -> Op {
        let there = |key: &[u8]| self.map.to_destination(key).into_owned();
        match op {
            Op::Put { key, value } => Op::Put {
                key: there(key),
                value: value.clone(),
            },
            Op::PutLeased { key, value, lease } => Op::PutLeased {
                key: there(key),
                value: value.clone(),
                lease: *lease,
            },
            Op::Delete { key } => Op::Delete { key: there(key) },
        }
    }

    fn mapped_guard(&self, guard: &Guard) -> Guard {
        let mut guard = guard.clone();
        match &mut guard {
            Guard::Absent(key) | Guard::Unchanged { key, .. } | Guard::Lives { key, .. } => {
                *key = self.map.to_destination(key).into_owned();
            }
            Guard::NoneNewer { range, .. } => *range = self.range(range).into_owned(),
        }
        guard
    }

    fn range<'r>(&self, range: &'r KeyRange) -> Cow<'r, KeyRange> {
        match self.map.is_identity() {
            true => Cow::Borrowed(range),
            false => self
                .map
                .range_to_destination(range)
                .map_or(Cow::Borrowed(range), Cow::Owned),
        }
    }
}

impl<D: Destination> Destination for Prefixed<D> {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        self.inner.status().await
    }

    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        if self.map.is_identity() {
            return self.inner.commit(fence, guards, ops).await;
        }
        let ops: Vec<Op> = ops.iter().map(|op| self.mapped(op)).collect();
        let guards = guards.iter().map(|guard| self.mapped_guard(guard));
        let guards: Vec<Guard> = guards.collect();
        self.inner.commit(fence, &guards, &ops).await
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        self.inner.look(&self.map.to_destination(key)).await
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let there = self.range(range);
        let (mut page, more) = self.inner.entries(&there, limit).await?;
        if let Cow::Owned(_) = there {
            for (key, _) in &mut page {
                *key = self.map.to_source(key).into_owned();
            }
        }
        Ok((page, more))
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        self.inner.count(&self.range(range)).await
    }

    async fn grant(&self, lease: LeaseId, ttl: Duration) -> Result<Granted, EtcdError> {
        self.inner.grant(lease, ttl).await
    }

    async fn watch(&self, ranges: &[KeyRange], from: DestRevision) -> Result<Watch, EtcdError> {
        let there = ranges.iter().map(|range| self.range(range).into_owned());
        let mut there: Vec<KeyRange> = there.collect();
        there.sort_unstable();
        let watch = self.inner.watch(&there, from).await?;
        Ok(watch.mapped(self.map.clone()))
    }
}

/// The leader key is carry's own.
impl<D: Election> Election for Prefixed<D> {
    async fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        ttl: Duration,
    ) -> Result<Campaign, EtcdError> {
        self.inner.campaign(key, holder, ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        self.inner.keep_alive(lease).await
    }

    async fn renew_fence(&self, term: &Term) -> Result<Option<Fence>, EtcdError> {
        self.inner.renew_fence(term).await
    }

    async fn evict(&self, key: &[u8], leader: &Leader) -> Result<(), EtcdError> {
        self.inner.evict(key, leader).await
    }

    async fn resign(&self, term: &Term) -> Result<(), EtcdError> {
        self.inner.resign(term).await
    }
}
