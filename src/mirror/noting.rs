//! What the ledger is told before something is sent.
//!
//! Promises that a key which may arrive is known there first, with what will
//! tell whether it has, and that nobody believes it to have what is about to be
//! deleted. Deliberately sends nothing.

use super::error::MirrorError;
use super::judging::Judging;
use super::outcome::WriteEnd;
use super::pipeline::{Batch, Known, Write, op_key};
use super::sealing::blocking;
use super::world::World;
use super::writer::Writer;
use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::rules::RuleId;
use crate::rules::identity::{Identity, Side};
use crate::rules::policy::OnConflict;
use crate::state::{LedgerChange, LedgerEntry};

impl<W: World> Writer<W> {
    /// Notes intents for many writes at a time, before they are submitted.
    pub fn note_intents<'w>(
        &mut self,
        writes: impl Iterator<Item = &'w mut Write>,
    ) -> Result<(), MirrorError> {
        let mut intents = Vec::new();
        for write in writes.filter(|write| write.known == Known::No && write.op.is_put()) {
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
    pub(super) fn note_batches(&mut self, batches: &mut [Batch]) -> Result<(), MirrorError> {
        let mut intents = Vec::new();
        let before = self.lander.newest(&self.term.fence);
        for batch in batches {
            for (op, note) in batch.ops.iter().zip(&mut batch.notes) {
                if let Op::Delete { key } = op {
                    intents.extend(self.ledger.deleting(key, before)?);
                    continue;
                }
                match note.known {
                    Known::No => {
                        (note.known, note.was) = (Known::Intent, Known::Intent);
                        intents.push(self.intent(op, note.rule));
                    }
                    // Also where it changes nothing but the lease: a value says
                    // nothing of it.
                    Known::Yes | Known::Borrowed if op.lease() != 0 => {
                        let mut change = self.intent(op, note.rule);
                        if let Some(entry) = &mut change.entry {
                            entry.intent = None;
                            entry.borrowed = note.known == Known::Borrowed;
                        }
                        intents.push(change);
                    }
                    _ => {}
                }
            }
        }
        self.ledger.intend(&intents)
    }

    /// Something of `batch` is about to be written over what is not ours: if we
    /// die between the destination's commit and the ledger's, it must not count
    /// as a copy.
    pub(super) fn tell_borrowed(&mut self, mut batch: Batch) -> Result<(), WriteEnd> {
        let mut intents = Vec::new();
        for (op, note) in batch.ops.iter().zip(&mut batch.notes) {
            if !note.borrows_untold() {
                continue;
            }
            note.told = true;
            let mut change = self.intent(op, note.rule);
            if let Some(entry) = &mut change.entry {
                entry.borrowed = true;
            }
            intents.push(change);
        }
        self.ledger.intend(&intents)?;
        batch.note_unsent();
        self.parked.push(batch);
        Ok(())
    }

    fn intent(&self, op: &Op, rule: Option<RuleId>) -> LedgerChange {
        let entry = self.entry(SourceRevision(0), rule).leased(op.lease());
        let entry = LedgerEntry {
            intent: self.object_of(op, rule),
            ..entry
        };
        LedgerChange {
            key: op_key(op).to_vec(),
            entry: Some(entry),
        }
    }

    /// By what it will be known whether the destination's is ours, where not all
    /// of it is.
    fn object_of(&self, op: &Op, rule: Option<RuleId>) -> Option<Identity> {
        let judge = &self.parts.judge;
        let (Op::Put { key, value } | Op::PutLeased { key, value, .. }) = op else {
            return None;
        };
        if judge.on_conflict(rule, key) == OnConflict::Adopt {
            return None;
        }
        let object = blocking(judge.may_block(), || {
            judge.identity(key, value, Side::Source)
        });
        // What cannot be read is not written.
        Some(object.unwrap_or(Identity(0)))
    }
}
