//! What the destination does not take: now, since it has no space, or ever.
//!
//! Promises that a key that never got there is not ours, and that one which is
//! ours is compared before it is believed again. Deliberately decides nothing
//! about when to try again.

use tokio::time::Instant;

use super::error::MirrorError;
use super::outcome::Refused;
use super::pipeline::{Batch, Known, op_key};
use super::sealing::Unsent;
use super::world::World;
use super::writer::Writer;
use crate::etcd::EtcdError;
use crate::rules::outgoing::Unfit;
use crate::state::LedgerChange;

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
    ) -> Result<(), MirrorError> {
        for (op, note) in batch.ops.into_iter().zip(batch.notes) {
            let unfit = Unfit {
                reason: format!("the destination refuses its {bytes} bytes: {error}"),
                transient: false,
            };
            self.refuse_unsent(Unsent { op, note, unfit })?;
        }
        Ok(())
    }

    /// A key that never got to the destination is not ours. One that is may
    /// have there what can no longer be decrypted: it is compared later.
    pub(super) fn refuse_unsent(&mut self, unsent: Unsent) -> Result<(), MirrorError> {
        let Unsent { op, note, unfit } = unsent;
        let key = op_key(&op).to_vec();
        let known = match note.known {
            Known::Yes => {
                self.ledger.doubt(&key)?;
                Known::Yes
            }
            Known::No | Known::Intent => {
                self.ledger.push(LedgerChange {
                    key: key.clone(),
                    entry: None,
                });
                Known::No
            }
        };
        self.pipeline.complete(&op, &note, known);
        // What comes after it says whether the key is held.
        if !self.pipeline.has(&key) {
            let rule = note.rule;
            self.refused.push(Refused { key, rule, unfit });
        }
        Ok(())
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
