//! Reading ranges of the source at one revision and deciding about every key
//! in them: the ledger, and where needed the destination, are read alongside
//! in key order.
//!
//! Promises that pages are fetched while earlier ones are judged, that what is
//! already so is recorded and not written, and that an owned key that is gone
//! is deleted. Deliberately writes nothing: what it finds goes to whoever
//! reads the channel.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cursor::{DestinationCursor, LedgerCursor, PageSize};
use super::cuts::Cuts;
use super::error::MirrorError;
use super::fetching::{Page, fetch};
use super::journal::in_doubt;
use super::judging::{Judging, count, empty_value, is_copy, is_sequential, kept_out};
use super::leftovers::{Leftovers, disowned, retired};
use super::pipeline::{Known, Write};
use super::ranges::is_within;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Event, KeyRange, Scratch};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::rules::policy::{OnConflict, Policy};
use crate::source::Item;
use crate::state::{LedgerChange, LedgerEntry};

/// How many ranges are read at a time.
const WIDTH: usize = 4;

/// How many chunks wait for whoever reads them.
const CHUNKS: usize = 1;

/// What is listed, and how it is judged.
#[derive(Clone)]
pub struct Job {
    /// Sorted, disjoint.
    pub ranges: Vec<KeyRange>,
    /// The revision to list at; a newer one where that is compacted.
    pub at: SourceRevision,
    /// Keys of later stages are left for those; `None` for any. A key of an
    /// earlier one is as it has to be, unless that was listed at an older
    /// revision.
    pub stage: Option<usize>,
    /// The Namespaces as of `at`.
    pub namespaces: Arc<Namespaces>,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether what the ledger says is true.
    pub believe_ledger: bool,
    /// Whether the destination is asked also where the ledger says that it has
    /// the value.
    pub compare: bool,
    /// Whether what goes alone, with all that goes along with it, is left to
    /// whoever writes it, also where the destination has the value.
    pub lands: bool,
    /// What becomes of owned keys that no rule selects.
    pub leftovers: Leftovers,
}

/// What a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To bring the destination up to it.
    Mirror,
    /// To learn which keys an earlier carry must have written, after the
    /// ledger was lost.
    Reclaim,
}

/// What was found out about one key.
#[derive(Debug)]
pub enum Found {
    /// It must be written or deleted.
    Write(Write),
    /// Only the ledger has to learn of it.
    Record(LedgerChange),
    /// The destination has something else under it, which stays.
    Keep {
        /// The whole key.
        key: Vec<u8>,
    },
    /// It could not be judged.
    Hold {
        /// The whole key.
        key: Vec<u8>,
        /// The rule that could not say.
        rule: Option<RuleId>,
        /// Why.
        unfit: Unfit,
    },
}

/// What was found in a stretch of a range.
#[derive(Debug, Default)]
pub struct Chunk {
    /// In key order.
    pub found: Vec<Found>,
    /// How many keys were looked at.
    pub judged: usize,
    /// How many of them no list of an earlier stage has.
    pub anew: usize,
    /// A part of a range that had to be listed at a newer revision.
    pub newer: Option<(KeyRange, SourceRevision)>,
    /// How many keys each policy keeps out, by what the rules say.
    pub kept_out: BTreeMap<Policy, usize>,
}

/// A list under way. Dropping it ends it.
pub struct Listing {
    chunks: mpsc::Receiver<Result<Chunk, MirrorError>>,
    _readers: JoinSet<()>,
}

impl Listing {
    /// Begins to read.
    pub fn start<W: World>(parts: &Parts<W>, job: Job) -> Listing {
        let (send, chunks) = mpsc::channel(CHUNKS);
        let queue = Arc::new(Mutex::new(VecDeque::from(job.ranges.clone())));
        let mut readers = JoinSet::new();
        for _ in 0..WIDTH.min(job.ranges.len()) {
            readers.spawn(read_ranges(
                parts.clone(),
                job.clone(),
                queue.clone(),
                send.clone(),
            ));
        }
        Listing {
            chunks,
            _readers: readers,
        }
    }

    /// The next chunk, `None` at the end. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Chunk, MirrorError>> {
        self.chunks.recv().await
    }
}

type Sender = mpsc::Sender<Result<Chunk, MirrorError>>;

async fn read_ranges<W: World>(
    parts: Parts<W>,
    job: Job,
    queue: Arc<Mutex<VecDeque<KeyRange>>>,
    send: Sender,
) {
    loop {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(range) = next else { return };
        let mut reader = RangeReader::new(&parts, &job, range, &send);
        if let Err(error) = reader.read().await {
            // Nobody listens any more if this fails: all is over anyway.
            let _ = send.send(Err(error)).await;
            return;
        }
    }
}

/// What the destination has under a selected key.
enum Held {
    /// What it should have.
    Same,
    /// An object of its own, which stays.
    Foreign,
    /// Nothing, or something else.
    Other,
    /// It cannot be said now.
    Unclear(Unfit),
}

struct RangeReader<'a, W: World> {
    parts: &'a Parts<W>,
    job: &'a Job,
    range: KeyRange,
    send: &'a Sender,
    ledger: LedgerCursor<W::Store>,
    destination: DestinationCursor<W::Destination>,
    scratch: Scratch,
    outgoing: OutgoingScratch,
    /// Of the page that is judged.
    kept_out: BTreeMap<Policy, usize>,
}

impl<'a, W: World> RangeReader<'a, W> {
    fn new(parts: &'a Parts<W>, job: &'a Job, range: KeyRange, send: &'a Sender) -> Self {
        let ledger = match job.believe_ledger {
            true => LedgerCursor::new(parts.store.clone(), range.clone()),
            false => LedgerCursor::empty(parts.store.clone()),
        };
        let destination = DestinationCursor::new(parts.destination.clone(), range.clone());
        let (scratch, outgoing) = (Scratch::default(), OutgoingScratch::default());
        RangeReader {
            parts,
            job,
            range,
            send,
            ledger,
            destination,
            scratch,
            outgoing,
            kept_out: BTreeMap::new(),
        }
    }

    async fn read(&mut self) -> Result<(), MirrorError> {
        let source = self.parts.source.clone();
        let mut size = PageSize::default();
        let end = self.range.end.clone();
        let mut cuts = Cuts::new(end.clone());
        let start = self.range.start.clone();
        let mut page = fetch(&*source, &mut cuts, start, self.job.at, size.limit()).await?;
        loop {
            size.observe(
                page.items
                    .iter()
                    .map(|item| item.key.len() + item.value.len()),
            );
            let (rest, at) = (page.rest.take(), page.at);
            let Some(rest) = rest else {
                return self.judge_page(page, &end).await;
            };
            // The next page is on its way while this one is judged.
            let next = fetch(&*source, &mut cuts, rest.clone(), at, size.limit());
            let (next, judged) = tokio::join!(next, self.judge_page(page, &rest));
            judged?;
            page = next?;
        }
    }

    /// Judges all keys of a page, and all owned keys below `until` that it
    /// does not have.
    async fn judge_page(&mut self, page: Page, until: &[u8]) -> Result<(), MirrorError> {
        self.destination.look_until(until);
        let found = Vec::with_capacity(page.items.len());
        let anew = page
            .items
            .iter()
            .filter(|item| self.is_listed_first(&item.key));
        let mut chunk = Chunk {
            found,
            judged: page.items.len(),
            anew: anew.count(),
            newer: page.newer,
            kept_out: BTreeMap::new(),
        };
        for item in page.items {
            self.delete_owned_below(&item.key, page.at, &mut chunk)?;
            let entry = self.ledger.take(&item.key)?;
            let doubted = entry.as_ref().filter(|_| self.job.compare).cloned();
            let Some(found) = self.judge(item, entry, page.at).await? else {
                continue;
            };
            // It could not be compared: whoever judges it again has to.
            let doubt = match (&found, doubted) {
                (Found::Hold { key, .. }, Some(entry)) => Some(in_doubt(key.clone(), entry)),
                _ => None,
            };
            // What becomes of a key comes first.
            chunk.found.push(found);
            chunk.found.extend(doubt.map(Found::Record));
        }
        self.delete_owned_below(until, page.at, &mut chunk)?;
        chunk.kept_out = std::mem::take(&mut self.kept_out);
        // Nobody listens any more if this fails: the list was given up.
        let _ = self.send.send(Ok(chunk)).await;
        Ok(())
    }

    fn delete_owned_below(
        &mut self,
        key: &[u8],
        at: SourceRevision,
        chunk: &mut Chunk,
    ) -> Result<(), MirrorError> {
        while let Some((key, entry)) = self.ledger.take_below(key)? {
            if self.job.purpose == Purpose::Mirror && self.job.leftovers.owns(&entry) {
                let known = Known::of(Some(&entry));
                chunk
                    .found
                    .push(Found::Write(Write::delete(key, at, known)));
            }
        }
        Ok(())
    }

    async fn judge(
        &mut self,
        item: Item,
        entry: Option<LedgerEntry>,
        at: SourceRevision,
    ) -> Result<Option<Found>, MirrorError> {
        let event = Event {
            key: &item.key,
            value: Some(&item.value),
            leased: item.lease != 0,
            owned: self.job.leftovers.owned(entry.as_ref()),
        };
        let judge = &self.parts.judge;
        let decision = blocking(judge.may_block(), || {
            judge.decide(&event, &self.job.namespaces, &mut self.scratch)
        });
        if self.is_decided_here(&item.key, &decision) {
            count(&self.parts.metrics, &decision);
            if let Some(policy) = kept_out(&decision) {
                *self.kept_out.entry(policy).or_default() += 1;
            }
        }
        match (decision, self.job.purpose) {
            (Decision::Put { rule }, Purpose::Mirror) => self.put(item, rule, entry).await,
            (Decision::Put { rule }, Purpose::Reclaim) => self.claim(item, rule).await,
            (Decision::Delete(_), Purpose::Mirror) => Ok(self.unselected(item.key, entry, at)),
            (Decision::Disown(_), Purpose::Mirror) => Ok(Some(Found::Record(disowned(item.key)))),
            (
                Decision::Hold {
                    rule,
                    reason,
                    transient,
                },
                Purpose::Mirror,
            ) => Ok(Some(Found::Hold {
                key: item.key,
                rule,
                unfit: Unfit::new(reason, transient),
            })),
            _ => Ok(None),
        }
    }

    /// Whether that is decided by this list, and not by another one that has the
    /// key as well: what is selected, by that of its rule's stage, anything else
    /// by the first.
    fn is_decided_here(&self, key: &[u8], decision: &Decision) -> bool {
        let judge = &self.parts.judge;
        match (self.job.purpose, self.job.stage, decision) {
            (Purpose::Reclaim, ..) => false,
            (Purpose::Mirror, Some(stage), Decision::Put { rule }) => {
                judge.stage_of(*rule) == stage
            }
            (Purpose::Mirror, ..) => self.is_listed_first(key),
        }
    }

    /// Whether no list of an earlier stage has the key.
    fn is_listed_first(&self, key: &[u8]) -> bool {
        let stages = self.parts.judge.stages().iter();
        let mut earlier = stages.take(self.job.stage.unwrap_or(0));
        !earlier.any(|own| is_within(&own.ranges, key))
    }

    /// What was selected was written, unless the destination has something else
    /// that stays.
    async fn claim(&mut self, item: Item, rule: RuleId) -> Result<Option<Found>, MirrorError> {
        let judge = &self.parts.judge;
        if judge.on_conflict(Some(rule), &item.key) != OnConflict::Adopt {
            let Some(there) = self.destination.value_of(&item.key).await? else {
                return Ok(None);
            };
            let is_ours = blocking(judge.may_block(), || {
                is_copy(&**judge, &item.key, &item.value, there).unwrap_or(false)
            });
            if !is_ours {
                return Ok(None);
            }
        }
        let name = judge.rule_name(rule);
        let entry = LedgerEntry::new(SourceRevision(0), name).leased(item.lease);
        Ok(Some(record(item.key, entry)))
    }

    /// An owned key that the source has and no rule selects.
    fn unselected(
        &self,
        key: Vec<u8>,
        entry: Option<LedgerEntry>,
        at: SourceRevision,
    ) -> Option<Found> {
        let known = Known::of(entry.as_ref());
        match entry.filter(|_| self.job.leftovers.retire) {
            Some(entry) => retired(key, entry).map(Found::Record),
            None => Some(Found::Write(Write::delete(key, at, known))),
        }
    }

    /// What the destination has for an item that `rule` selects.
    async fn there(
        &mut self,
        item: &Item,
        rule: RuleId,
        entry: Option<&LedgerEntry>,
    ) -> Result<Held, MirrorError> {
        // A value says nothing of the lease that it is under.
        if item.lease != 0 || entry.is_some_and(|own| own.lease != 0) {
            return Ok(Held::Other);
        }
        let Some(there) = self.destination.value_of(&item.key).await? else {
            return Ok(Held::Other);
        };
        let (key, value) = (&item.key, &item.value);
        let (judge, outgoing) = (&*self.parts.judge, &mut self.outgoing);
        let lands = self.job.lands && judge.goes_alone(key);
        Ok(blocking(judge.may_block(), || match () {
            () if !lands && judge.is_there(key, value, there, Some(rule), outgoing) => Held::Same,
            () if entry.is_none()
                && judge.on_conflict(Some(rule), &item.key) == OnConflict::Keep =>
            {
                match is_copy(judge, key, value, there) {
                    Ok(true) => Held::Other,
                    Ok(false) => Held::Foreign,
                    Err(unfit) => Held::Unclear(unfit),
                }
            }
            () => Held::Other,
        }))
    }

    async fn put(
        &mut self,
        item: Item,
        rule: RuleId,
        entry: Option<LedgerEntry>,
    ) -> Result<Option<Found>, MirrorError> {
        let judge = &self.parts.judge;
        if self
            .job
            .stage
            .is_some_and(|stage| judge.stage_of(rule) > stage)
        {
            return Ok(None);
        }
        let name = judge.rule_name(rule);
        // Nobody has renewed the lease of one that was retired.
        if let Some(entry) = entry.as_ref().filter(|own| !own.retired || own.lease == 0)
            && (entry.revision, entry.lease) == (item.revision, item.lease)
            && !self.job.compare
        {
            let same = entry.rule == name && !entry.retired;
            let borrowed = entry.borrowed;
            return Ok((!same).then(|| {
                let entry = LedgerEntry::new(item.revision, name).leased(item.lease);
                record(item.key, LedgerEntry { borrowed, ..entry })
            }));
        }
        if item.value.is_empty() && !judge.may_be_empty(&item.key) {
            return Ok(Some(Found::Hold {
                key: item.key,
                rule: Some(rule),
                unfit: empty_value(),
            }));
        }
        match self.there(&item, rule, entry.as_ref()).await? {
            Held::Same => {
                let now = LedgerEntry {
                    borrowed: entry.as_ref().is_some_and(|entry| entry.borrowed),
                    ..LedgerEntry::new(item.revision, name)
                };
                let known = entry.as_ref() == Some(&now);
                return Ok((!known).then(|| record(item.key, now)));
            }
            Held::Unclear(unfit) => {
                return Ok(Some(Found::Hold {
                    key: item.key,
                    rule: Some(rule),
                    unfit,
                }));
            }
            Held::Foreign => return Ok(Some(Found::Keep { key: item.key })),
            Held::Other => {}
        }
        Ok(Some(Found::Write(Write {
            op: Op::put(item.key, item.value, item.lease),
            revision: item.revision,
            rule: Some(rule),
            // Stages are finished one by one: no barrier within one.
            barrier: self.job.stage.is_none() && is_sequential(&**judge, rule),
            known: Known::of(entry.as_ref()),
        })))
    }
}

fn record(key: Vec<u8>, entry: LedgerEntry) -> Found {
    let entry = Some(entry);
    Found::Record(LedgerChange { key, entry })
}
