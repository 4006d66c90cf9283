//! Reading ranges of the source at one revision and deciding about every key
//! in them: the ledger, and where needed the destination, are read alongside
//! in key order.
//!
//! Promises that pages are fetched while earlier ones are judged, that what is
//! already so is recorded and not written, and that an owned key that is gone
//! is deleted. Deliberately writes nothing: what it finds goes to whoever
//! reads the channel.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cursor::{DestinationCursor, LedgerCursor, PageSize};
use super::cuts::Cuts;
use super::error::MirrorError;
use super::journal::in_doubt;
use super::judging::{Judging, count, empty_value, is_sequential};
use super::leftovers::{Leftovers, disowned, retired};
use super::pages::newest;
use super::pipeline::{Known, Write};
use super::ranges::after;
use super::retry::persist;
use super::sealing::blocking;
use super::world::{Parts, World};
use crate::destination::Op;
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Event, KeyRange, Scratch};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::source::{Item, Source};
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
    /// A part of a range that had to be listed at a newer revision.
    pub newer: Option<(KeyRange, SourceRevision)>,
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

/// One page, and where the next one begins.
struct Page {
    items: Vec<Item>,
    at: SourceRevision,
    newer: Option<(KeyRange, SourceRevision)>,
    /// Where the next one begins; `None` at the end of the range.
    rest: Option<Vec<u8>>,
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
        let mut chunk = Chunk {
            found,
            judged: page.items.len(),
            newer: page.newer,
        };
        for item in page.items {
            self.delete_owned_below(&item.key, page.at, &mut chunk)?;
            let entry = self.ledger.take(&item.key)?;
            let doubted = entry.as_ref().filter(|_| self.job.compare).cloned();
            let Some(found) = self.judge(item, entry, page.at).await? else {
                continue;
            };
            // It could not be compared: whoever judges it again has to.
            if let (Found::Hold { key, .. }, Some(entry)) = (&found, doubted) {
                let change = in_doubt(key.clone(), entry);
                chunk.found.push(Found::Record(change));
            }
            chunk.found.push(found);
        }
        self.delete_owned_below(until, page.at, &mut chunk)?;
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
                chunk.found.push(Found::Write(Write::delete(key, at)));
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
        count(&self.parts.metrics, &decision);
        match (decision, self.job.purpose) {
            (Decision::Put { rule }, Purpose::Mirror) => self.put(item, rule, entry).await,
            (Decision::Put { rule }, Purpose::Reclaim) => {
                let rule = self.parts.judge.rule_name(rule);
                Ok(Some(record(item.key, SourceRevision(0), rule, item.lease)))
            }
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
                unfit: Unfit { reason, transient },
            })),
            _ => Ok(None),
        }
    }

    /// An owned key that the source has and no rule selects.
    fn unselected(
        &self,
        key: Vec<u8>,
        entry: Option<LedgerEntry>,
        at: SourceRevision,
    ) -> Option<Found> {
        match entry.filter(|_| self.job.leftovers.retire) {
            Some(entry) => retired(key, entry).map(Found::Record),
            None => Some(Found::Write(Write::delete(key, at))),
        }
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
            return Ok((!same).then(|| record(item.key, item.revision, name, item.lease)));
        }
        if item.value.is_empty() && !judge.may_be_empty(&item.key) {
            return Ok(Some(Found::Hold {
                key: item.key,
                rule: Some(rule),
                unfit: empty_value(),
            }));
        }
        // A value says nothing of the lease that it is under.
        let leased = item.lease != 0 || entry.as_ref().is_some_and(|own| own.lease != 0);
        let there = match leased {
            true => None,
            false => self.destination.value_of(&item.key).await?,
        };
        let is_there = there.is_some_and(|there| {
            blocking(judge.may_block(), || {
                judge.is_there(
                    &item.key,
                    &item.value,
                    there,
                    Some(rule),
                    &mut self.outgoing,
                )
            })
        });
        if is_there {
            let known = entry.as_ref() == Some(&LedgerEntry::new(item.revision, name));
            return Ok((!known).then(|| record(item.key, item.revision, name, 0)));
        }
        Ok(Some(Found::Write(Write {
            op: Op::put(item.key, item.value, item.lease),
            revision: item.revision,
            rule: Some(rule),
            // Stages are finished one by one: no barrier within one.
            barrier: self.job.stage.is_none() && is_sequential(&**judge, rule),
            known: Known::by(entry.is_some()),
        })))
    }
}

fn record(key: Vec<u8>, revision: SourceRevision, rule: &str, lease: i64) -> Found {
    let entry = Some(LedgerEntry::new(revision, rule).leased(lease));
    Found::Record(LedgerChange { key, entry })
}

/// Fetches one page; where `at` is compacted, as of now.
async fn fetch<S: Source>(
    source: &S,
    cuts: &mut Cuts,
    start: Vec<u8>,
    at: SourceRevision,
    limit: usize,
) -> Result<Page, MirrorError> {
    let range = cuts.next(source, start, at, limit).await?;
    let page = persist("listing the source", || source.list(&range, at, limit)).await;
    let (items, more, at, newer) = match page {
        Ok((items, more)) => (items, more, at, None),
        Err(EtcdError::Compacted { .. }) => {
            let (items, more, now) = fetch_now(source, &range, limit).await?;
            // And with it all pages that follow.
            let rest = KeyRange {
                start: range.start.clone(),
                end: cuts.end().to_vec(),
            };
            (items, more, now, Some((rest, now)))
        }
        Err(error) => return Err(MirrorError::Source(error)),
    };
    let rest = match items.last().filter(|_| more) {
        Some(last) => after(&last.key, &range).start,
        None => range.end,
    };
    Ok(Page {
        items,
        at,
        newer,
        rest: (rest.as_slice() < cuts.end()).then_some(rest),
    })
}

async fn fetch_now<S: Source>(
    source: &S,
    range: &KeyRange,
    limit: usize,
) -> Result<(Vec<Item>, bool, SourceRevision), MirrorError> {
    loop {
        let now = newest(source).await?;
        tracing::info!("the source was compacted while it was listed: going on at revision {now}");
        match persist("listing the source", || source.list(range, now, limit)).await {
            Ok((items, more)) => return Ok((items, more, now)),
            // Compacted once more, in between.
            Err(EtcdError::Compacted { .. }) => {}
            Err(error) => return Err(MirrorError::Source(error)),
        }
    }
}
