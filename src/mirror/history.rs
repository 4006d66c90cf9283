//! Whether the ledger is of the source's history.
//!
//! Promises to notice a source that was restored from a backup and has been
//! written past the checkpoint since, as long as it has not compacted all that
//! the ledger knew last. Deliberately looks at a few keys only: those that were
//! written last are the first to be lost.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};

use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::ranges::everything;
use super::retry::persist;
use super::world::{Parts, World};
use crate::etcd::{EtcdError, SourceRevision};
use crate::source::history::{Put, check};

/// How many keys are looked at.
const KEYS: usize = 8;

/// What the source has lost of what the ledger knows up to `upto`, if anything.
pub async fn lost<W: World>(
    parts: &Parts<W>,
    upto: SourceRevision,
) -> Result<Option<EtcdError>, MirrorError> {
    let checks = newest(parts, upto)?.into_iter().map(|put| async move {
        let look = || check(&*parts.source, &put);
        persist("looking whether the source is what it was", look).await
    });
    let checks = futures::stream::iter(checks).buffered(KEYS);
    match checks.try_collect::<()>().await {
        Ok(()) => Ok(None),
        Err(lost @ (EtcdError::LostHistory { .. } | EtcdError::FutureRevision)) => Ok(Some(lost)),
        Err(error) => Err(MirrorError::Source(error)),
    }
}

/// The keys of the ledger that were written last, up to `upto`.
fn newest<W: World>(parts: &Parts<W>, upto: SourceRevision) -> Result<Vec<Put>, MirrorError> {
    let mut newest: BTreeMap<SourceRevision, Vec<u8>> = BTreeMap::new();
    let mut ledger = LedgerCursor::new(parts.store.clone(), everything());
    while let Some((key, entry)) = ledger.take_next()? {
        let oldest = newest.keys().next().copied().unwrap_or_default();
        let is_newer = newest.len() < KEYS || entry.revision > oldest;
        if is_newer && entry.revision <= upto && entry.revision > SourceRevision(0) {
            newest.insert(entry.revision, key);
            if newest.len() > KEYS {
                newest.pop_first();
            }
        }
    }
    let puts = newest.into_iter().rev();
    Ok(puts.map(|(revision, key)| Put { key, revision }).collect())
}
