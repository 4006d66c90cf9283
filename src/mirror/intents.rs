//! First writes of an earlier session, of which nobody knows whether they
//! arrived.
//!
//! Promises that after this the ledger says of every key whether it is ours:
//! what the destination has says it. Nothing of an earlier session can arrive
//! any more, since the fence was renewed. Deliberately keeps no value: which
//! object was to be written is noted in the ledger.

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
use crate::rules::identity::{Identity, Side};
use crate::state::{LedgerChange, LedgerEntry};

/// How many keys are asked for at a time.
const WIDTH: usize = 64;

/// How many are settled at a time.
const AT_A_TIME: usize = 1_000;

impl<W: World> Session<W> {
    /// Finds out what became of every first write that was under way.
    pub async fn settle_intents(&mut self) -> Result<(), End> {
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), everything());
        let mut open = Vec::new();
        loop {
            let next = ledger.take_next()?;
            let done = next.is_none();
            if let Some((key, entry)) = next
                && let Some(object) = entry.intent
            {
                open.push((key, entry, object));
            }
            if done || open.len() >= AT_A_TIME {
                self.settle_some(std::mem::take(&mut open)).await?;
            }
            if done {
                return Ok(());
            }
        }
    }

    async fn settle_some(
        &mut self,
        open: Vec<(Vec<u8>, LedgerEntry, Identity)>,
    ) -> Result<(), End> {
        if open.is_empty() {
            return Ok(());
        }
        let parts = self.parts.clone();
        let looks = open
            .into_iter()
            .map(|(key, entry, object)| settled(&parts, key, entry, object));
        let looks = futures::stream::iter(looks).buffered(WIDTH).try_collect();
        let changes: Vec<LedgerChange> = self.unless_stopped(looks).await?;
        for change in changes {
            self.writer.record(change)?;
        }
        Ok(self.writer.flush()?)
    }
}

/// It is ours if the destination has that object, whatever became of it since;
/// whether it has the value is looked at again.
async fn settled<W: World>(
    parts: &Parts<W>,
    key: Vec<u8>,
    entry: LedgerEntry,
    object: Identity,
) -> Result<LedgerChange, MirrorError> {
    let look = || parts.destination.look(&key);
    let there = persist("reading a key of the destination", look).await;
    let there = there.map_err(MirrorError::Destination)?;
    let judge = &parts.judge;
    let ours = there.filter(|there| {
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
        // One that our write has made is no other's.
        borrowed: entry.borrowed && there.create_revision != there.mod_revision,
        ..entry
    });
    Ok(LedgerChange { key, entry })
}
