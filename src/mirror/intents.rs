//! First writes and deletes of an earlier session, of which nobody knows whether
//! they arrived.
//!
//! Promises that after this the ledger says of every key whether it is ours:
//! what the destination has says it. Nothing of an earlier session can arrive
//! any more, since the fence was renewed. Deliberately keeps no value: which
//! object was to be written is noted in the ledger, and when one was to be
//! deleted.

use futures::{StreamExt as _, TryStreamExt as _};

use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::judging::Judging;
use super::ranges::everything;
use super::retry::persist;
use super::sealing::blocking;
use super::session::{End, Session};
use super::world::{Parts, World};
use crate::destination::Destination;
use crate::etcd::DestRevision;
use crate::rules::identity::Side;
use crate::state::{LedgerChange, LedgerEntry};

/// A key, and what the ledger has of it.
type Entry = (Vec<u8>, LedgerEntry);

/// How many keys are asked for at a time.
const WIDTH: usize = 64;

/// How many are settled at a time.
const AT_A_TIME: usize = 1_000;

impl<W: World> Session<W> {
    /// Finds out what became of every first write and every delete that was
    /// under way.
    pub async fn settle_intents(&mut self) -> Result<(), End> {
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), everything());
        let mut open = Vec::new();
        loop {
            let next = ledger.take_next()?;
            let done = next.is_none();
            open.extend(next.filter(|(_, entry)| is_open(entry)));
            if done || open.len() >= AT_A_TIME {
                self.settle_some(std::mem::take(&mut open)).await?;
            }
            if done {
                return Ok(());
            }
        }
    }

    async fn settle_some(&mut self, open: Vec<Entry>) -> Result<(), End> {
        if open.is_empty() {
            return Ok(());
        }
        let parts = self.parts.clone();
        let looks = open
            .into_iter()
            .map(|(key, entry)| settled(&parts, key, entry));
        let looks = futures::stream::iter(looks).buffered(WIDTH).try_collect();
        let changes: Vec<LedgerChange> = self.unless_stopped(looks).await?;
        for change in changes {
            self.writer.record(change)?;
        }
        Ok(self.writer.flush()?)
    }
}

/// Whether a first write or a delete of it was under way.
pub fn is_open(entry: &LedgerEntry) -> bool {
    entry.intent.is_some() || entry.deleting.is_some()
}

/// It is ours if the destination has that object, whatever became of it since;
/// whether it has the value is looked at again. One that was to be deleted is
/// ours as long as that has not arrived.
pub async fn settled<W: World>(
    parts: &Parts<W>,
    key: Vec<u8>,
    entry: LedgerEntry,
) -> Result<LedgerChange, MirrorError> {
    let look = || parts.destination.look(&key);
    let there = persist("reading a key of the destination", look).await;
    let there = there.map_err(MirrorError::Destination)?;
    let judge = &parts.judge;
    let ours = there.filter(|there| {
        let Some(object) = entry.intent else {
            let before = entry.deleting.unwrap_or(DestRevision(0));
            return DestRevision(there.create_revision) <= before;
        };
        blocking(judge.may_block(), || {
            match judge.identity(&key, &there.value, Side::Destination) {
                Ok(found) => found == object,
                // It is compared when the plugin answers.
                Err(unfit) => unfit.transient,
            }
        })
    });
    let entry = ours.map(|there| LedgerEntry {
        intent: None,
        deleting: None,
        // One that our write has made is no other's.
        borrowed: entry.borrowed && there.create_revision != there.mod_revision,
        ..entry
    });
    Ok(LedgerChange { key, entry })
}
