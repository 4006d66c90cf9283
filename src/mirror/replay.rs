//! Catching up after a restart: from the checkpoint to the newest revision.
//!
//! Promises that of all changes of a key only the last is applied, since the
//! destination may have any of them already, and that what it has is not
//! written again. Deliberately gives up for a full list when more has changed
//! than fits into memory.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;

use super::bootstrap::{namespaces_at, view_of};
use super::error::MirrorError;
use super::judged::Judged;
use super::judging::Judging;
use super::listing::Found;
use super::pipeline::Known;
use super::ranges::union;
use super::retry::persist;
use super::sealing::blocking;
use super::session::{End, Fed, Feed, Session};
use super::spool::change_bytes;
use super::world::World;
use crate::destination::{Destination, Op};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::{Change, WatchEvent};
use crate::state::{LedgerChange, LedgerEntry};

/// How much may have changed.
const MAX_BYTES: usize = 64 << 20;

/// How many of the destination's values are asked for at a time.
const WIDTH: usize = 64;

/// The last change of every key.
#[derive(Default)]
struct Latest {
    changes: HashMap<Vec<u8>, Change>,
    bytes: usize,
}

impl Latest {
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
        let flipped = self.renew_namespaces(&latest, to);
        let judged = self.judge_all(latest)?;
        self.apply_by_stage(judged).await?;
        self.relist_flipped(flipped, to).await?;
        self.seen = to;
        Ok(())
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
        let mut reached = from;
        while reached < to {
            match self.turn(Feed::Spool).await? {
                Some(Fed::Event(WatchEvent::Progress(revision))) => reached = revision,
                Some(Fed::Event(WatchEvent::Changes(changes))) => {
                    for change in changes {
                        reached = change.revision;
                        match change.revision <= to {
                            true => latest.add(change),
                            false => self.backlog.push(change),
                        }
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

    /// Takes in all changes of Namespaces and says what must be judged again.
    fn renew_namespaces(&mut self, latest: &Latest, to: SourceRevision) -> Vec<KeyRange> {
        let judge = self.parts.judge.clone();
        if !judge.reads_namespaces() {
            return Vec::new();
        }
        let namespaces = Arc::make_mut(&mut self.namespaces);
        let mut flipped = Vec::new();
        for change in latest.changes.values() {
            let Some(name) = judge.namespace_of_key(&change.key) else {
                continue;
            };
            let after = view_of(&*judge, &change.key, change.value.as_deref());
            let before = namespaces.set(name, after.clone());
            flipped.extend(judge.flipped_by(name, &before, &after));
        }
        self.namespaces_at = to;
        union(flipped)
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
        let compare = |judged| compare(&*parts.destination, &*parts.judge, judged);
        let mut compared = futures::stream::iter(judged)
            .map(compare)
            .buffer_unordered(WIDTH);
        while let Some(found) = self.unless_stopped(next(&mut compared)).await? {
            self.make_room().await?;
            self.take_found(found)?;
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
            tracing::info!("labels of namespaces changed: {listed} keys judged again");
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

/// A put of a key that is ours may be there already: the ledger is written
/// after the destination.
async fn compare<D: Destination, J: Judging>(
    destination: &D,
    judge: &J,
    judged: Judged,
) -> Result<Found, MirrorError> {
    let write = match judged {
        Judged::Write(write) => write,
        Judged::Hold { key, rule, unfit } => return Ok(Found::Hold { key, rule, unfit }),
    };
    if let (Op::Put { key, value }, Known::Yes) = (&write.op, write.known) {
        let there = persist("reading the destination", || destination.get(key)).await;
        let there = there.map_err(MirrorError::Destination)?;
        let is_there = there.is_some_and(|there| {
            blocking(judge.may_block(), || {
                judge.is_there(key, value, &there, &mut OutgoingScratch::default())
            })
        });
        if is_there {
            let rule = write
                .rule
                .map_or("", |rule| judge.rule_name(rule))
                .to_owned();
            let entry = Some(LedgerEntry {
                revision: write.revision,
                rule,
            });
            return Ok(Found::Record(LedgerChange {
                key: key.clone(),
                entry,
            }));
        }
    }
    Ok(Found::Write(write))
}
