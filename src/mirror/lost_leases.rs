//! Keys whose lease the destination has lost, though the source has not.
//!
//! Promises that they are judged again as soon as that is known, and that the
//! ledger is looked through for leased keys before anything is renewed.
//! Deliberately renews nothing itself: `leasing` does.

use super::cursor::LedgerCursor;
use super::judging::Judging;
use super::numbered::numbered;
use super::ranges::{everything, union};
use super::session::{End, Session};
use super::world::World;
use crate::rules::decide::KeyRange;

/// With more keys than this whose lease is lost, all that the rules can select
/// is listed.
const ONE_BY_ONE: usize = 1_000;

impl<W: World> Session<W> {
    /// Learns from the ledger which keys are under leases, if any rule asks for
    /// such keys.
    pub fn recall_leases(&mut self) -> Result<(), End> {
        let Some(leasing) = &self.writer.leasing else {
            return Ok(());
        };
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), everything());
        while let Some((key, entry)) = ledger.take_next()? {
            leasing.leases.book.recall(&key, &entry);
        }
        Ok(())
    }

    /// Judges keys again that the destination has lost with their lease.
    pub async fn mend_leases(&mut self) -> Result<(), End> {
        let Some(leasing) = &self.writer.leasing else {
            return Ok(());
        };
        // What was listed at a newer revision must not be listed as it was.
        if !self.horizons.is_empty() {
            return Ok(());
        }
        let book = leasing.leases.book.clone();
        let lost = book.take_lost();
        if lost.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        let keys = book.keys_of(&lost);
        for key in &keys {
            self.writer.ledger.doubt(key)?;
        }
        self.writer.flush()?;
        let ranges = match keys.len() > ONE_BY_ONE {
            true => self.parts.judge.ranges().to_vec(),
            false => keys
                .iter()
                .map(|key| KeyRange::only(key.as_slice()))
                .collect(),
        };
        self.relist(union(ranges), self.seen).await?;
        let (leases, keys) = (lost.len(), keys.len());
        tracing::warn!(
            "{} had ended at the destination and not at the source: {} under such leases judged again",
            numbered(leases, "lease"),
            numbered(keys, "key")
        );
        Ok(())
    }
}
