//! Transactions on their way to the destination, and what became of them.
//!
//! Promises that nothing is sent again before its outcome is known or can no
//! longer matter (the fence is renewed first), that a put is noted in the
//! ledger before it is sent, and that the ledger is written before the
//! checkpoint passes it. Deliberately decides nothing about keys.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::error::MirrorError;
use super::journal::Journal;
use super::judging::Judging;
use super::leasing::{self, Leasing};
use super::options::Widths;
use super::outcome::{Committed, Done, Refused, WriteEnd, Written, counted};
use super::pipeline::{Batch, Known, Limits, Pipeline, Write, op_key};
use super::retry::{Remedy, remedy};
use super::sealing::Sealer;
use super::standby::Way;
use super::starving::Starving;
use super::trouble::Trouble;
use super::world::{Parts, World};
use crate::destination::election::{Election, Term};
use crate::destination::{Fence, Op, Outcome};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::RuleId;
use crate::state::{Checkpoint, LedgerChange, LedgerEntry};

/// The writing side of a mirror.
pub struct Writer<W: World> {
    pub(super) parts: Parts<W>,
    sealer: Arc<Sealer<W::Judge>>,
    /// Where rules ask for keys under leases.
    pub(super) leasing: Option<Leasing<W>>,
    /// What waits and what is under way.
    pub pipeline: Pipeline,
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
    ) -> Self {
        let sealer = Arc::new(Sealer::new(parts.judge.clone()));
        let book = leasing.as_ref().map(|own| own.leases.book.clone());
        let ledger = Journal::new(parts.store.clone(), book);
        Writer {
            parts,
            sealer,
            leasing,
            pipeline: Pipeline::default(),
            term: Arc::new(term),
            checkpoint_key,
            widths,
            limits: Limits {
                ops: widths.txn_ops.max(1),
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
            closing: false,
        }
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
        batches.into_iter().for_each(|batch| self.send(batch));
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

    /// Notes intents for many writes at a time, before they are submitted.
    pub fn note_intents<'w>(
        &mut self,
        writes: impl Iterator<Item = &'w mut Write>,
    ) -> Result<(), MirrorError> {
        let mut intents = Vec::new();
        for write in writes.filter(|write| write.known == Known::No) {
            write.known = Known::Intent;
            intents.push(self.intent(&write.op, write.rule));
        }
        self.ledger.intend(&intents)
    }

    /// A key that is about to be written for the first time goes into the
    /// ledger before, without a revision: if we die between the destination's
    /// commit and the ledger's, the key is still known as ours. One that is
    /// about to be deleted loses its revision there: nobody must believe that
    /// the destination has it.
    fn note_batches(&mut self, batches: &mut [Batch]) -> Result<(), MirrorError> {
        let mut intents = Vec::new();
        for batch in batches {
            for (op, note) in batch.ops.iter().zip(&mut batch.notes) {
                if let Op::Delete { key } = op {
                    intents.extend(self.ledger.doubted(key)?);
                    continue;
                }
                let first = note.known == Known::No;
                if first {
                    note.known = Known::Intent;
                }
                // Also where it changes nothing but the lease: a value says
                // nothing of it.
                if first || op.lease() != 0 {
                    intents.push(self.intent(op, note.rule));
                }
            }
        }
        self.ledger.intend(&intents)
    }

    fn intent(&self, op: &Op, rule: Option<RuleId>) -> LedgerChange {
        let entry = self.entry(SourceRevision(0), rule).leased(op.lease());
        LedgerChange {
            key: op_key(op).to_vec(),
            entry: Some(entry),
        }
    }

    fn entry(&self, revision: SourceRevision, rule: Option<RuleId>) -> LedgerEntry {
        let rule = rule.map_or("", |rule| self.parts.judge.rule_name(rule));
        LedgerEntry::new(revision, rule)
    }

    fn send(&mut self, batch: Batch) {
        self.commits += 1;
        let destination = self.parts.destination.clone();
        let (term, sealer) = (self.term.clone(), self.sealer.clone());
        let leases = self.leasing.as_ref().map(|own| own.leases.clone());
        self.tasks.spawn(async move {
            let prepared = sealer.prepare(batch);
            let result = leasing::commit(leases.as_deref(), &*destination, &prepared, &term.fence);
            let result = result.await;
            Done::Commit(Committed {
                prepared,
                fence: term.fence.clone(),
                result,
            })
        });
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
        // Of a put the ledger has the intent, so it may wait for others. A
        // key that was deleted must be gone from it before it is put again.
        if self.ledger.forgets() || self.ledger.is_full() || self.is_idle() {
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
                    self.refuse_unsent(unsent)?;
                }
                match committed.result {
                    Some(Ok(Outcome::Applied(_))) => {
                        self.parts.metrics.reencrypted(prepared.sealed);
                        for policy in prepared.rewritten {
                            self.parts.metrics.policy(policy);
                        }
                    }
                    Some(Err(EtcdError::NoSpace)) => {}
                    _ => self.starving.no_answer(Instant::now()),
                }
                committed.result.map_or(Ok(()), |result| {
                    self.settle_commit(prepared.batch, bytes, &committed.fence, result)
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
        bytes: usize,
        fence: &Fence,
        result: Result<Outcome, EtcdError>,
    ) -> Result<(), WriteEnd> {
        self.parts.metrics.transaction(counted(&result));
        match result {
            Ok(Outcome::Applied(_)) => {
                let puts = batch.ops.iter().any(Op::is_put);
                self.applied(batch, bytes);
                // A delete proves nothing: etcd takes those always.
                if puts {
                    self.relieve();
                }
            }
            // Nothing happened, for certain.
            Err(EtcdError::NoSpace) => self.starve(Some(batch)),
            Ok(Outcome::Fenced) => {
                self.parked.push(batch);
                self.renew_fence(fence);
            }
            Err(EtcdError::TooManyOps) if batch.ops.len() > 1 => {
                self.limits.ops = (batch.ops.len() / 2).max(1);
                self.park_split(batch);
            }
            Err(EtcdError::TooLarge(_)) if batch.ops.len() > 1 => {
                self.limits.bytes = (batch.bytes() / 2).max(1);
                self.park_split(batch);
            }
            Err(error) => match remedy(&error) {
                Remedy::Retry => {
                    self.trouble.note(&error);
                    batch.note_sent();
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
            let known = Known::by(op.is_put());
            self.pipeline.complete(&op, note, known);
            let lease = op.lease();
            let change = match op {
                Op::Put { key, .. } | Op::PutLeased { key, .. } => {
                    self.written.puts += 1;
                    let entry = self.entry(note.revision, note.rule).leased(lease);
                    LedgerChange {
                        key,
                        entry: Some(entry),
                    }
                }
                Op::Delete { key } => {
                    self.written.deletes += 1;
                    LedgerChange { key, entry: None }
                }
            };
            self.ledger.push(change);
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
