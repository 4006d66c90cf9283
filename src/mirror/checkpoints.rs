//! Checkpoints on their way to the destination.
//!
//! Promises that the ledger is written before a checkpoint is sent, that each
//! is noted locally before that, and that one at most is under way. Deliberately
//! does not say what is applied: the caller knows.

use super::error::MirrorError;
use super::judging::Judging;
use super::outcome::{Done, WriteEnd};
use super::retry::{Remedy, remedy};
use super::session::{End, Session};
use super::world::World;
use super::writer::Writer;
use crate::destination::{Destination, Fence, Op, Outcome};
use crate::etcd::{EtcdError, SourceRevision};
use crate::state::{Checkpoint, StateStore};

impl<W: World> Session<W> {
    /// Sends a checkpoint of what is applied, if it means anything yet.
    pub fn write_checkpoint(&mut self) -> Result<(), End> {
        if self.following {
            let checkpoint = self.checkpoint(self.watermark(), true);
            self.writer.checkpoint(checkpoint)?;
        }
        Ok(())
    }

    /// What a checkpoint at `revision` says.
    pub fn checkpoint(&self, revision: SourceRevision, bootstrapped: bool) -> Checkpoint {
        Checkpoint {
            source_cluster_id: self.pair.source_cluster_id.clone(),
            revision: revision.0,
            rules_digest: self.parts.judge.digest().to_owned(),
            bootstrapped,
            prefixes: Some(self.options.prefixes()),
            ledger: self.ledger.clone(),
            reverted: false,
        }
    }
}

impl<W: World> Writer<W> {
    /// Sends a checkpoint, unless one is under way or it says nothing new.
    /// Everything up to its revision must have been applied.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), MirrorError> {
        if self.last_checkpoint.as_ref() == Some(&checkpoint) {
            return self.note_compared();
        }
        if self.renewing || self.checkpointing {
            return Ok(());
        }
        self.flush()?;
        let Ok(value) = serde_json::to_vec(&checkpoint) else {
            return Ok(());
        };
        let ops = [Op::Put {
            key: self.checkpoint_key.clone(),
            value,
        }];
        self.parts.store.add_checkpoint(&checkpoint)?;
        self.checkpointing = true;
        let destination = self.parts.destination.clone();
        let term = self.term.clone();
        self.tasks.spawn(async move {
            let result = destination.commit(&term.fence, &[], &ops).await;
            Done::Checkpoint(checkpoint, term.fence.clone(), result)
        });
        Ok(())
    }

    /// Everything is compared with the destination under this digest. The next
    /// checkpoint, which the caller has to see to, makes it known to whoever
    /// comes after us: until it has arrived, the ledger goes with the one
    /// before.
    pub fn compared(&mut self, encryption: &str) {
        self.compared = Some(encryption.to_owned());
    }

    fn note_compared(&mut self) -> Result<(), MirrorError> {
        if let Some(digest) = self.compared.take() {
            self.parts.store.set_encryption(&digest)?;
        }
        Ok(())
    }

    /// The checkpoint that was last written.
    pub fn last_checkpoint(&self) -> Option<&Checkpoint> {
        self.last_checkpoint.as_ref()
    }

    pub(super) fn settle_checkpoint(
        &mut self,
        checkpoint: Checkpoint,
        fence: &Fence,
        result: Result<Outcome, EtcdError>,
    ) -> Result<(), WriteEnd> {
        match result {
            Ok(Outcome::Applied(_)) => {
                self.trouble.over();
                self.relieve();
                self.parts.store.set_checkpoint(&checkpoint)?;
                self.parts.metrics.checkpoint_revision(checkpoint.revision);
                self.last_checkpoint = Some(checkpoint);
                self.note_compared()?;
            }
            // A newer one follows.
            Err(EtcdError::NoSpace) => self.starve(None),
            // It relies on nothing but the fence.
            Ok(Outcome::Fenced | Outcome::Unmet) => self.renew_fence(fence),
            Err(error) if remedy(&error) == Remedy::Retry => {
                // It may have arrived, and be older than the one before: what was
                // asked for again goes back to where it waits for that.
                self.last_checkpoint = None;
                self.trouble.note(&error);
                self.renew_fence(fence);
            }
            Err(error) => return Err(MirrorError::Destination(error).into()),
        }
        Ok(())
    }
}
