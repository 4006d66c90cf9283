//! Transactions on their way to the destination, and what became of them.
//!
//! Promises that nothing is sent again before its outcome is known or can no
//! longer matter (the fence is renewed first), that a put is noted in the
//! ledger before it is sent, and that the ledger is written before the
//! checkpoint passes it. Deliberately decides nothing about keys.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::definitions::separate;
use super::drift_watch::Own;
use super::error::MirrorError;
use super::held::MAX_NAMED;
use super::journal::Journal;
use super::judging::Judging;
use super::landing::Lander;
use super::leasing::Leasing;
use super::options::Widths;
use super::outcome::{Done, Refused, WriteEnd, Written, counted};
use super::pipeline::{Batch, Known, Limits, Pipeline};
use super::report::Report;
use super::retry::{Remedy, remedy};
use super::standby::{StandbyWatch, Way};
use super::starving::Starving;
use super::trouble::Trouble;
use super::world::{Parts, World};
use crate::destination::election::{Election, Term};
use crate::destination::{Fence, Op, Outcome};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::RuleId;
use crate::rules::policy::PolicySet;
use crate::state::{Checkpoint, LedgerChange, LedgerEntry};

/// The writing side of a mirror.
pub struct Writer<W: World> {
    pub(super) parts: Parts<W>,
    pub(super) lander: Arc<Lander<W>>,
    /// Where rules ask for keys under leases.
    pub(super) leasing: Option<Leasing<W>>,
    /// What waits and what is under way.
    pub pipeline: Pipeline,
    /// Where its transactions were applied.
    pub own: Arc<Own>,
    pub(super) term: Arc<Term>,
    pub(super) checkpoint_key: Vec<u8>,
    widths: Widths,
    limits: Limits,
    way: Way,
    pub(super) tasks: JoinSet<Done>,
    /// Batches that must be sent again.
    pub(super) parked: Vec<Batch>,
    /// Batches that wait for space.
    pub(super) starving: Starving,
    commits: usize,
    pub(super) checkpointing: bool,
    /// Nothing is sent while the fence is renewed.
    pub(super) renewing: bool,
    /// Why nothing is written at the moment.
    pub trouble: Trouble,
    pub(super) ledger: Journal<W::Store>,
    pub(super) last_checkpoint: Option<Checkpoint>,
    /// Under which encryption all is compared, once a checkpoint says so.
    pub(super) compared: Option<String>,
    written: Written,
    pub(super) refused: Vec<Refused>,
    /// Keys of the destination that others wait for.
    awaited: HashSet<Vec<u8>>,
    /// Those of them that were written since the last call.
    arrived: Vec<Vec<u8>>,
    /// Only what was sent before is sent again.
    closing: bool,
}

impl<W: World> Writer<W> {
    /// A writer under `term`.
    pub fn new(
        parts: Parts<W>,
        term: Term,
        checkpoint_key: Vec<u8>,
        widths: Widths,
        leasing: Option<Leasing<W>>,
        standby: Arc<StandbyWatch>,
        report: Arc<dyn Report>,
    ) -> Self {
        let leases = leasing.as_ref().map(|own| own.leases.clone());
        let lander = Arc::new(Lander::new(parts.clone(), leases, standby, report));
        let book = leasing.as_ref().map(|own| own.leases.book.clone());
        let ledger = Journal::new(parts.store.clone(), book);
        Writer {
            parts,
            lander,
            leasing,
            pipeline: Pipeline::default(),
            own: Arc::default(),
            term: Arc::new(term),
            checkpoint_key,
            widths,
            // etcd counts what is compared as it counts operations, and the
            // fence is one more.
            limits: Limits {
                ops: widths.txn_ops.saturating_sub(1).max(1),
                bytes: widths.txn_bytes,
            },
            way: Way::Live,
            tasks: JoinSet::new(),
            parked: Vec::new(),
            starving: Starving::default(),
            commits: 0,
            checkpointing: false,
            renewing: false,
            trouble: Trouble::default(),
            ledger,
            last_checkpoint: None,
            compared: None,
            written: Written::default(),
            refused: Vec::new(),
            awaited: HashSet::new(),
            arrived: Vec::new(),
            closing: false,
        }
    }

    /// Whether what is not there may be about to come.
    pub fn set_early(&self, early: bool) {
        self.lander.early.store(early, Ordering::Relaxed);
    }

    /// The leadership as it is now.
    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Changes over.
    pub fn set_way(&mut self, way: Way) {
        self.way = way;
    }

    /// What was done so far.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Whether an answer is to be waited for.
    pub fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Whether nothing waits or is under way.
    pub fn is_idle(&self) -> bool {
        self.pipeline.is_idle()
    }

    /// Something waits until this key is written.
    pub fn await_key(&mut self, key: Vec<u8>) {
        // Beyond so many the clock has to do.
        if self.awaited.len() < MAX_NAMED {
            self.awaited.insert(key);
        }
    }

    /// Keys that something waits for and that were written since the last call.
    pub fn take_arrived(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.arrived)
    }

    /// From now on only what was sent before is finished.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Whether anything that was sent has no certain outcome yet.
    pub fn is_open(&self) -> bool {
        self.commits > 0 || !self.parked.is_empty() || self.checkpointing
    }

    /// Puts a change into the ledger that needs no write at the destination.
    pub fn record(&mut self, mut change: LedgerChange) -> Result<(), MirrorError> {
        // Of a key that an earlier carry may have written under a lease it is
        // not forgotten: whoever compares values would not see it.
        if let (Some(leasing), Some(entry)) = (&self.leasing, &mut change.entry)
            && (entry.revision.0, entry.lease) == (0, 0)
        {
            entry.lease = leasing.leases.book.lease_of(&change.key);
        }
        self.ledger.push(change);
        match self.ledger.is_full() {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes what the ledger has to learn.
    pub fn flush(&mut self) -> Result<(), MirrorError> {
        self.ledger.flush()
    }

    /// Sends what may be sent.
    pub fn launch(&mut self) -> Result<(), MirrorError> {
        if self.renewing {
            return Ok(());
        }
        let ops = match self.way {
            Way::Live => 1,
            Way::Cold => self.limits.ops,
        };
        let limits = Limits { ops, ..self.limits };
        let mut batches = std::mem::take(&mut self.parked);
        if !self.closing {
            batches.extend(self.starving.probe(Instant::now()));
        }
        while !self.closing
            && self.commits + batches.len() < self.width(limits)
            && self.starving.has_room()
        {
            let Some(batch) = self.pipeline.next_batch(limits) else {
                break;
            };
            match self.starving.lets_pass(&batch) {
                true => batches.push(batch),
                false => self.starving.push(batch),
            }
        }
        self.note_batches(&mut batches)?;
        let judge = self.parts.judge.clone();
        let batches = batches
            .into_iter()
            .flat_map(|batch| separate(&*judge, batch));
        batches.for_each(|batch| self.send(batch));
        Ok(())
    }

    /// How many transactions within `limits` may be under way. Where they are
    /// not full there may be as many as of single keys: with fewer, all of
    /// them would soon be on their way, and what comes then would wait for the
    /// first to be back.
    fn width(&self, limits: Limits) -> usize {
        match limits.ops > 1 && self.pipeline.fills(limits) {
            true => self.widths.cold,
            false => self.widths.live,
        }
    }

    pub(super) fn entry(&self, revision: SourceRevision, rule: Option<RuleId>) -> LedgerEntry {
        let rule = rule.map_or("", |rule| self.parts.judge.rule_name(rule));
        LedgerEntry::new(revision, rule)
    }

    fn send(&mut self, batch: Batch) {
        self.commits += 1;
        let (lander, fence) = (self.lander.clone(), self.term.fence.clone());
        self.tasks
            .spawn(async move { Done::Commit(lander.send(batch, fence).await) });
    }

    /// Waits for an answer. Safe to cancel; only while [`Writer::is_busy`].
    pub async fn next(&mut self) -> Option<Done> {
        match self.tasks.join_next().await? {
            Ok(done) => Some(done),
            // Only a panic ends a task otherwise, and then nothing is certain.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// Takes note of an answer and of all others that are there already.
    pub fn settle(&mut self, first: Done) -> Result<(), WriteEnd> {
        self.settle_one(first)?;
        while let Some(Ok(done)) = self.tasks.try_join_next() {
            self.settle_one(done)?;
        }
        // Of a put that is not the first the ledger knows enough, so it may
        // wait for others. A key that was deleted must be gone from it before
        // it is put again.
        if self.ledger.is_urgent() || self.ledger.is_full() || self.is_idle() {
            self.flush()?;
        }
        Ok(())
    }

    fn settle_one(&mut self, done: Done) -> Result<(), WriteEnd> {
        match done {
            Done::Commit(committed) => {
                self.commits -= 1;
                let prepared = committed.prepared;
                let bytes = prepared.sent_bytes();
                for unsent in prepared.unsent {
                    self.leave_unsent(unsent)?;
                }
                if prepared.apart {
                    self.park_split(prepared.batch);
                    return Ok(());
                }
                if prepared.batch.borrows_untold() {
                    self.starving.no_answer(Instant::now());
                    return self.tell_borrowed(prepared.batch);
                }
                match committed.result {
                    Some(Ok(Outcome::Applied(_))) => {
                        self.parts.metrics.reencrypted(prepared.sealed);
                        let notes = prepared.batch.notes.iter();
                        self.count_acts(notes.map(|note| note.acts));
                    }
                    Some(Err(EtcdError::NoSpace)) => {}
                    _ => self.starving.no_answer(Instant::now()),
                }
                let size = (bytes, prepared.guards.len(), prepared.ready);
                committed.result.map_or(Ok(()), |result| {
                    self.settle_commit(prepared.batch, size, &committed.fence, result)
                })
            }
            Done::Checkpoint(checkpoint, fence, result) => {
                self.checkpointing = false;
                self.settle_checkpoint(checkpoint, &fence, result)
            }
            Done::Fence(result) => self.settle_fence(result),
        }
    }

    fn settle_commit(
        &mut self,
        mut batch: Batch,
        (bytes, guards, sent): (usize, usize, bool),
        fence: &Fence,
        result: Result<Outcome, EtcdError>,
    ) -> Result<(), WriteEnd> {
        self.parts.metrics.transaction(counted(&result));
        match result {
            Ok(Outcome::Applied(at)) => {
                let puts = batch.ops.iter().any(Op::is_put);
                self.applied(batch, bytes);
                // Deletes alone prove nothing: etcd takes them always, and where
                // they change nothing, the revision is of another's change.
                if puts {
                    self.own.note(at);
                    self.relieve();
                }
            }
            // Nothing happened, for certain.
            Err(EtcdError::NoSpace) => {
                batch.note_unsent();
                self.starve(Some(batch));
            }
            Ok(Outcome::Fenced) => {
                batch.note_unsent();
                self.parked.push(batch);
                self.renew_fence(fence);
            }
            // Looked at again when it is sent again.
            Ok(Outcome::Unmet) => {
                batch.note_unsent();
                self.parked.push(batch);
            }
            // What is compared can be too much for one batch alone.
            Err(EtcdError::TooManyOps) if batch.ops.len() > 1 => {
                if guards <= batch.ops.len() {
                    self.limits.ops = (batch.ops.len() / 2).max(1);
                }
                // Nothing happened, for certain.
                batch.note_unsent();
                self.park_split(batch);
            }
            Err(error @ EtcdError::TooManyOps) if guards > 0 => {
                self.refuse(batch, bytes, &error)?;
            }
            Err(EtcdError::TooLarge(_)) if batch.ops.len() > 1 => {
                self.limits.bytes = (batch.bytes() / 2).max(1);
                batch.note_unsent();
                self.park_split(batch);
            }
            Err(error) => match remedy(&error) {
                Remedy::Retry => {
                    self.trouble.note(&error);
                    if sent {
                        batch.note_sent();
                    }
                    self.parked.push(batch);
                    self.renew_fence(fence);
                }
                Remedy::Hold => self.refuse(batch, bytes, &error)?,
                Remedy::Resync | Remedy::Fatal => {
                    return Err(MirrorError::Destination(error).into());
                }
            },
        }
        Ok(())
    }

    fn applied(&mut self, batch: Batch, bytes: usize) {
        self.trouble.over();
        self.written.transactions += 1;
        self.parts
            .metrics
            .written(batch.ops.len() as u64, bytes as u64);
        for (op, note) in batch.ops.into_iter().zip(&batch.notes) {
            if op.is_put() && !self.awaited.is_empty() {
                self.arrived.extend(self.awaited.take(op.key()));
            }
            let borrowed = note.known == Known::Borrowed;
            self.pipeline.complete(
                &op,
                note,
                match (op.is_put(), borrowed) {
                    (false, _) => Known::No,
                    (true, true) => Known::Borrowed,
                    (true, false) => Known::Yes,
                },
            );
            let lease = op.lease();
            let change = match op {
                Op::Put { key, .. } | Op::PutLeased { key, .. } => {
                    self.written.puts += 1;
                    let entry = self.entry(note.revision, note.rule).leased(lease);
                    LedgerChange {
                        key,
                        entry: Some(LedgerEntry { borrowed, ..entry }),
                    }
                }
                Op::Delete { key } => {
                    self.written.deletes += 1;
                    LedgerChange { key, entry: None }
                }
            };
            match note.first {
                true => self.ledger.push_first(change),
                false => self.ledger.push(change),
            }
        }
    }

    /// Counts what policies did to what has arrived.
    pub(super) fn count_acts(&self, of_each: impl IntoIterator<Item = PolicySet>) {
        for policy in of_each.into_iter().flat_map(PolicySet::iter) {
            self.parts.metrics.policy(policy);
        }
    }

    fn park_split(&mut self, batch: Batch) {
        let (first, second) = batch.split();
        self.parked.extend([first, second]);
    }

    /// Rewrites the leader key, unless that has happened since `used`: then
    /// what was sent under `used` can no longer arrive.
    pub(super) fn renew_fence(&mut self, used: &Fence) {
        if self.renewing || *used != self.term.fence {
            return;
        }
        self.renewing = true;
        let wait = self.trouble.next_wait();
        let destination = self.parts.destination.clone();
        let term = self.term.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            Done::Fence(destination.renew_fence(&term).await)
        });
    }

    fn settle_fence(&mut self, result: Result<Option<Fence>, EtcdError>) -> Result<(), WriteEnd> {
        self.renewing = false;
        match result {
            Ok(Some(fence)) => {
                self.trouble.ease();
                self.term = Arc::new(Term {
                    fence,
                    ..(*self.term).clone()
                });
                Ok(())
            }
            Ok(None) => Err(WriteEnd::Deposed),
            Err(error) if remedy(&error) == Remedy::Retry => {
                self.trouble.note(&error);
                let fence = self.term.fence.clone();
                self.renew_fence(&fence);
                Ok(())
            }
            Err(error) => Err(MirrorError::Destination(error).into()),
        }
    }
}
