//! Catching up after a restart: from the checkpoint to the newest revision.
//!
//! Promises that of all changes of a key only the last is applied, since the
//! destination may have any of them already, and that what it has is not
//! written again. Deliberately gives up for a full list when more has changed
//! than fits into memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use super::bootstrap::namespaces_at;
use super::error::MirrorError;
use super::judged::Judged;
use super::judging::Judging;
use super::listing::Found;
use super::numbered::numbered;
use super::pipeline::{Known, Write, op_key};
use super::ranges::union;
use super::retry::persist;
use super::sealing::blocking;
use super::session::{End, Fed, Feed, Session};
use super::spool::change_bytes;
use super::world::{Parts, World};
use crate::destination::{Destination, Op};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::{Change, WatchEvent};
use crate::state::{LedgerChange, LedgerEntry, StateStore};

/// How much may have changed.
const MAX_BYTES: usize = 64 << 20;

/// How many of the destination's values are asked for at a time.
const WIDTH: usize = 64;

/// The last change of every key.
#[derive(Default)]
struct Latest {
    changes: BTreeMap<Vec<u8>, Change>,
    /// Every change of a Namespace that rules look at.
    namespaces: Vec<Change>,
    bytes: usize,
}

impl Latest {
    fn add_namespace(&mut self, change: Change) {
        self.bytes += change_bytes(&change);
        self.namespaces.push(change);
    }

    fn add(&mut self, change: Change) {
        self.bytes += change_bytes(&change);
        if let Some(old) = self.changes.insert(change.key.clone(), change) {
            self.bytes -= change_bytes(&old);
        }
    }
}

impl<W: World> Session<W> {
    /// Applies what has changed after `from`, up to `to`.
    pub async fn replay(&mut self, from: SourceRevision, to: SourceRevision) -> Result<(), End> {
        tracing::info!("resuming at revision {from}; the source is at {to}");
        self.seen = from;
        self.following = true;
        self.learn_namespaces(from).await?;
        let latest = self.collect(from, to).await?;
        let flipped = union(self.flipped_since(&latest));
        self.namespaces_at = to;
        let judged = self.judge_all(latest)?;
        self.apply_by_stage(judged).await?;
        self.relist_flipped(flipped, to).await?;
        self.seen = to;
        self.prune().await
    }

    /// Decides about all changes; each with the stage it belongs to, deletes
    /// after all.
    fn judge_all(&mut self, latest: Latest) -> Result<Vec<(usize, Judged)>, End> {
        let last = self.parts.judge.stages().len();
        let mut all = Vec::with_capacity(latest.changes.len());
        for change in latest.changes.into_values() {
            self.go_on()?;
            if let Some(judged) = self.judge(change)? {
                let stage = judged
                    .rule()
                    .map_or(last, |rule| self.parts.judge.stage_of(rule));
                all.push((stage, judged));
            }
        }
        Ok(all)
    }

    async fn learn_namespaces(&mut self, at: SourceRevision) -> Result<(), End> {
        if !self.parts.judge.reads_namespaces() {
            return Ok(());
        }
        let read = namespaces_at(&*self.parts.source, &*self.parts.judge, at);
        let read = async {
            read.await.map_err(|error| match error {
                EtcdError::Compacted { .. } => End::Resync(error.to_string()),
                error => End::Failed(MirrorError::Source(error)),
            })
        };
        self.namespaces = Arc::new(self.unless_stopped(read).await?);
        self.namespaces_at = at;
        Ok(())
    }

    async fn collect(&mut self, from: SourceRevision, to: SourceRevision) -> Result<Latest, End> {
        let mut latest = Latest::default();
        let judge = self.parts.judge.clone();
        let is_namespace = |change: &Change| {
            judge.reads_namespaces() && judge.namespace_of_key(&change.key).is_some()
        };
        let mut reached = from;
        while reached < to {
            match self.turn(Feed::Spool).await? {
                Some(Fed::Event(WatchEvent::Progress(revision))) => reached = revision,
                Some(Fed::Event(WatchEvent::Changes(changes))) => {
                    for change in changes {
                        reached = change.revision;
                        if change.revision > to {
                            self.backlog.push(change);
                            continue;
                        }
                        if is_namespace(&change) {
                            latest.add_namespace(change.clone());
                        }
                        latest.add(change);
                    }
                }
                _ => {}
            }
            if latest.bytes > MAX_BYTES {
                let reason = "too much has changed since the checkpoint to go through it all";
                return Err(End::Resync(reason.to_owned()));
            }
        }
        Ok(latest)
    }

    /// Takes in all changes of Namespaces and says what must be judged again:
    /// also what has flipped back, since an earlier run may have acted upon it.
    fn flipped_since(&mut self, latest: &Latest) -> Vec<KeyRange> {
        let namespaces = latest.namespaces.iter();
        namespaces
            .flat_map(|change| self.take_namespace(change))
            .collect()
    }

    async fn apply_by_stage(&mut self, mut judged: Vec<(usize, Judged)>) -> Result<(), End> {
        judged.sort_by_key(|(stage, _)| *stage);
        let mut judged = judged.into_iter().peekable();
        while let Some((stage, first)) = judged.next() {
            let mut together = vec![first];
            while let Some((_, next)) = judged.next_if(|(next, _)| *next == stage) {
                together.push(next);
            }
            self.apply_compared(together).await?;
            self.settle().await?;
        }
        Ok(())
    }

    /// Submits what the destination does not have yet.
    async fn apply_compared(&mut self, judged: Vec<Judged>) -> Result<(), End> {
        let parts = self.parts.clone();
        let compare = |judged| compare(&parts, judged);
        let mut compared = futures::stream::iter(judged)
            .map(compare)
            .buffer_unordered(WIDTH);
        let mut together: BTreeMap<SourceRevision, Vec<Write>> = BTreeMap::new();
        while let Some(found) = self.unless_stopped(next(&mut compared)).await? {
            self.make_room().await?;
            match found {
                Found::Write(write) if parts.judge.is_applied_together(op_key(&write.op)) => {
                    together.entry(write.revision).or_default().push(write);
                }
                found => self.take_found(found)?,
            }
        }
        for writes in together.into_values() {
            self.make_room().await?;
            self.submit_together(writes);
        }
        Ok(())
    }

    /// Judges all keys of `ranges` again as of `at`, since labels of their
    /// Namespaces have changed.
    pub async fn relist_flipped(
        &mut self,
        ranges: Vec<KeyRange>,
        at: SourceRevision,
    ) -> Result<(), End> {
        let flipped = !ranges.is_empty();
        let listed = self.relist(ranges, at).await?;
        if flipped {
            tracing::info!(
                "labels of namespaces changed: {} judged again",
                numbered(listed, "key")
            );
        }
        Ok(())
    }
}

async fn next<S>(stream: &mut S) -> Result<Option<Found>, MirrorError>
where
    S: futures::Stream<Item = Result<Found, MirrorError>> + Unpin,
{
    stream.next().await.transpose()
}

/// A put may be there already: the ledger is written after the destination, and
/// when the machine died, what it was told last may be missing.
async fn compare<W: World>(parts: &Parts<W>, judged: Judged) -> Result<Found, MirrorError> {
    let (destination, judge) = (&parts.destination, &parts.judge);
    let write = match judged {
        Judged::Write(write) => write,
        Judged::Disown(change) => return Ok(Found::Record(change)),
        Judged::Hold { key, rule, unfit } => return Ok(Found::Hold { key, rule, unfit }),
    };
    // A value says nothing of the lease that it is under.
    if let Op::Put { key, value } = &write.op
        && parts.store.get(key)?.is_none_or(|own| own.lease == 0)
    {
        let there = persist("reading the destination", || destination.get(key)).await;
        let there = there.map_err(MirrorError::Destination)?;
        let is_there = there.is_some_and(|there| {
            blocking(judge.may_block(), || {
                judge.is_there(
                    key,
                    value,
                    &there,
                    write.rule,
                    &mut OutgoingScratch::default(),
                )
            })
        });
        if is_there {
            let rule = write.rule.map_or("", |rule| judge.rule_name(rule));
            let entry = Some(LedgerEntry {
                borrowed: write.known == Known::Borrowed,
                ..LedgerEntry::new(write.revision, rule)
            });
            return Ok(Found::Record(LedgerChange {
                key: key.clone(),
                entry,
            }));
        }
    }
    Ok(Found::Write(write))
}
