//! What the destination does not take: now, since it has no space, or ever.
//!
//! What is left out, too: by a policy, or since it is not ours.
//!
//! Promises that a key that never got there is not ours, and that one which is
//! ours is compared before it is believed again. Deliberately decides nothing
//! about when to try again.

use tokio::time::Instant;

use super::error::MirrorError;
use super::numbered::numbered;
use super::outcome::{Refusal, Refused, WriteEnd};
use super::pipeline::{Batch, Known, Note, op_key};
use super::sealing::{Unsent, Unwritten};
use super::world::World;
use super::writer::Writer;
use crate::destination::Op;
use crate::etcd::EtcdError;
use crate::rules::outgoing::Unfit;
use crate::rules::policy::Policy;
use crate::state::{LedgerChange, LedgerEntry};

impl<W: World> Writer<W> {
    /// Takes the keys that were refused for good since the last call.
    pub fn take_refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }

    pub(super) fn refuse(
        &mut self,
        batch: Batch,
        bytes: usize,
        error: &EtcdError,
    ) -> Result<(), WriteEnd> {
        for (op, note) in batch.ops.into_iter().zip(batch.notes) {
            let size = numbered(bytes, "byte");
            let reason = format!("the destination refuses its {size}: {error}");
            let why = Unwritten::Unfit(Unfit::new(reason, false));
            self.leave_unsent(Unsent { op, note, why })?;
        }
        Ok(())
    }

    /// What becomes of a key that is not written, in the ledger and for whoever
    /// asks.
    pub(super) fn leave_unsent(&mut self, unsent: Unsent) -> Result<(), WriteEnd> {
        let Unsent { op, note, why } = unsent;
        let key = op_key(&op).to_vec();
        let refusal = match why {
            Unwritten::There => {
                self.count_acts([note.acted]);
                self.found_there(&op, &note);
                return Ok(());
            }
            Unwritten::Stop => {
                self.parts.metrics.policy(Policy::OnConflict);
                let key = String::from_utf8_lossy(&key).into_owned();
                return Err(MirrorError::Conflict { key }.into());
            }
            Unwritten::NotOurs => None,
            Unwritten::Kept => Some(Refusal::Kept),
            Unwritten::LeftOut(policy, Some(unfit)) => Some(Refusal::LeftOut(policy, unfit)),
            Unwritten::LeftOut(policy, None) => {
                self.parts.metrics.policy(policy);
                None
            }
            Unwritten::Unfit(unfit) => Some(Refusal::Unfit(unfit)),
        };
        let ours = match (&op, note.known) {
            (Op::Delete { .. }, _) | (_, Known::No | Known::Intent) => false,
            // It may have arrived, and what was found there is not that.
            (_, Known::Sent) => refusal != Some(Refusal::Kept),
            (_, Known::Borrowed | Known::Yes) => true,
        };
        self.doubt_or_forget(&key, ours)?;
        let known = match (ours, note.known) {
            (false, _) => Known::No,
            (true, known) => known,
        };
        self.pipeline.complete(&op, &note, known);
        // What comes after it says whether the key is held.
        if !self.pipeline.has(&key)
            && let Some(why) = refusal
        {
            let rule = note.rule;
            self.refused.push(Refused { key, rule, why });
        }
        Ok(())
    }

    /// A key that never got to the destination is not ours. One that is may
    /// have there what can no longer be decrypted: it is compared later.
    fn doubt_or_forget(&mut self, key: &[u8], ours: bool) -> Result<(), MirrorError> {
        if ours {
            return self.ledger.doubt(key);
        }
        self.ledger.push(LedgerChange {
            key: key.to_vec(),
            entry: None,
        });
        Ok(())
    }

    /// The value has arrived already.
    fn found_there(&mut self, op: &Op, note: &Note) {
        let borrowed = note.known == Known::Borrowed;
        let known = match borrowed {
            true => Known::Borrowed,
            false => Known::Yes,
        };
        self.pipeline.complete(op, note, known);
        let entry = self.entry(note.revision, note.rule).leased(op.lease());
        let entry = LedgerEntry { borrowed, ..entry };
        self.ledger.push_first(LedgerChange {
            key: op_key(op).to_vec(),
            entry: Some(entry),
        });
    }

    pub(super) fn starve(&mut self, batch: Option<Batch>) {
        self.trouble.note(&EtcdError::NoSpace);
        self.starving.refused(batch, Instant::now());
    }

    pub(super) fn relieve(&mut self) {
        if let Some(batches) = self.starving.relieved() {
            tracing::info!("the destination has space again: writing goes on");
            self.parked.extend(batches);
        }
    }
}
