//! The destination as it would be, had a mirror done what it would do.
//!
//! Promises that nothing is written: what would be is remembered, and shown to
//! whoever looks afterwards. Deliberately keeps values of those keys alone that
//! are listed as a whole, definitions and addresses: what else would be written
//! is read from the source again where somebody looks at it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::judging::Judging;
use super::retry::persist;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::destination::election::{Campaign, Election, Leader, LeaseId, Term};
use crate::destination::{DestStatus, Destination, Entry, Fence, Guard, Op, Outcome, There};
use crate::etcd::EtcdError;
use crate::rules::RuleId;
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::Source;

/// A world with such a destination.
pub struct Foresight<W>(PhantomData<fn() -> W>);

impl<W: World> World for Foresight<W> {
    type Source = W::Source;
    type Destination = Foreseen<W>;
    type Store = W::Store;
    type Judge = W::Judge;
}

/// The destination with what would be written there.
pub struct Foreseen<W: World> {
    parts: Parts<W>,
    /// Of the rules' ranges those in which the destination has nothing.
    empty: Vec<KeyRange>,
    changes: Mutex<BTreeMap<Vec<u8>, Change>>,
    /// No revision of the destination is newer.
    newest: AtomicI64,
}

/// What would become of a key.
#[derive(Clone)]
enum Change {
    /// It would hold this.
    Value(There),
    /// It would hold what the source has, which this rule selects.
    OfSource(Option<RuleId>, i64),
    /// It would be deleted.
    Gone,
}

impl<W: World> Foreseen<W> {
    /// The destination as it is.
    pub async fn now(parts: Parts<W>) -> Result<Foreseen<W>, EtcdError> {
        let destination = &*parts.destination;
        let status = persist("asking the destination", || destination.status()).await?;
        let mut empty = Vec::new();
        for range in parts.judge.ranges() {
            let count = || destination.count(range);
            if persist("counting at the destination", count).await? == 0 {
                empty.push(range.clone());
            }
        }
        Ok(Foreseen {
            empty,
            changes: Mutex::default(),
            newest: AtomicI64::new(status.revision.0),
            parts,
        })
    }

    /// A key would hold `value`.
    pub fn hold(&self, key: &[u8], value: Vec<u8>) -> There {
        let revision = self.next_revision();
        let there = There {
            value,
            create_revision: revision,
            mod_revision: revision,
        };
        let change = Change::Value(there.clone());
        self.changes().insert(key.to_vec(), change);
        there
    }

    /// A key would be written for what the source has.
    pub fn follow(&self, key: &[u8], rule: Option<RuleId>) {
        let change = Change::OfSource(rule, self.next_revision());
        self.changes().insert(key.to_vec(), change);
    }

    /// A key would be deleted.
    pub fn forget(&self, key: &[u8]) {
        self.changes().insert(key.to_vec(), Change::Gone);
    }

    /// Whether a key would be written.
    pub fn is_written(&self, key: &[u8]) -> bool {
        let change = self.changes().get(key).cloned();
        matches!(change, Some(Change::Value(_) | Change::OfSource(..)))
    }

    /// The revision of the next write.
    pub fn next_revision(&self) -> i64 {
        self.newest.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn changes(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What would be there; nothing of what could not be written.
    async fn read(&self, key: &[u8], change: Change) -> Result<Option<There>, EtcdError> {
        let (rule, revision) = match change {
            Change::Gone => return Ok(None),
            Change::Value(there) => return Ok(Some(there)),
            Change::OfSource(rule, revision) => (rule, revision),
        };
        let source = &self.parts.source;
        let item = persist("reading a key of the source", || source.get(key)).await?;
        let judge = &self.parts.judge;
        Ok(item.and_then(|item| {
            let value = blocking(judge.may_block(), || {
                let mut scratch = OutgoingScratch::default();
                let outgoing = judge.outgoing(key, &item.value, rule, &mut scratch).ok()?;
                Some(outgoing.value.stored(&item.value))
            })?;
            Some(There {
                value,
                create_revision: revision,
                mod_revision: revision,
            })
        }))
    }

    /// A page of the destination with what would be in its place.
    async fn mended(&self, page: Vec<Entry>, range: &KeyRange) -> Result<Vec<Entry>, EtcdError> {
        let changes: Vec<(Vec<u8>, Change)> = {
            let changes = self.changes();
            let from = changes.range(range.start.clone()..);
            let within = from.take_while(|(key, _)| range.contains(key));
            within
                .map(|(key, change)| (key.clone(), change.clone()))
                .collect()
        };
        let mut all: BTreeMap<Vec<u8>, There> = page.into_iter().collect();
        for (key, change) in changes {
            match self.read(&key, change).await? {
                Some(there) => all.insert(key, there),
                None => all.remove(&key),
            };
        }
        Ok(all.into_iter().collect())
    }
}

impl<W: World> Destination for Foreseen<W> {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        self.parts.destination.status().await
    }

    async fn commit(&self, _: &Fence, _: &[Guard], _: &[Op]) -> Result<Outcome, EtcdError> {
        Err(nothing_is_written())
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        let change = self.changes().get(key).cloned();
        match change {
            Some(change) => self.read(key, change).await,
            None if self.empty.iter().any(|range| range.contains(key)) => Ok(None),
            None => {
                let destination = &self.parts.destination;
                persist("reading a key of the destination", || destination.look(key)).await
            }
        }
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let destination = &self.parts.destination;
        let mut range = range.clone();
        loop {
            let list = || destination.entries(&range, limit);
            let (page, more) = persist("listing the destination", list).await?;
            let last = page.last().filter(|_| more);
            let rest = last.map(|(last, _)| [last.as_slice(), &[0]].concat());
            let end = rest.clone().unwrap_or_else(|| range.end.clone());
            let start = range.start.clone();
            let page = self.mended(page, &KeyRange { start, end }).await?;
            match rest {
                // Nobody takes an empty page for one with more after it.
                Some(rest) if page.is_empty() => range.start = rest,
                rest => return Ok((page, rest.is_some())),
            }
        }
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        self.parts.destination.count(range).await
    }
}

/// Nobody leads where nothing is written.
impl<W: World> Election for Foreseen<W> {
    async fn campaign(&self, _: &[u8], _: &[u8], _: Duration) -> Result<Campaign, EtcdError> {
        Err(nothing_is_written())
    }

    async fn keep_alive(&self, _: LeaseId) -> Result<bool, EtcdError> {
        Err(nothing_is_written())
    }

    async fn renew_fence(&self, _: &Term) -> Result<Option<Fence>, EtcdError> {
        Err(nothing_is_written())
    }

    async fn evict(&self, _: &[u8], _: &Leader) -> Result<(), EtcdError> {
        Err(nothing_is_written())
    }

    async fn resign(&self, _: &Term) -> Result<(), EtcdError> {
        Err(nothing_is_written())
    }
}

fn nothing_is_written() -> EtcdError {
    EtcdError::Refused("nothing is written in a dry run".to_owned())
}
