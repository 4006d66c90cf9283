//! The ledger as a mirror would have it before it lists, for who must not write
//! to it.
//!
//! Promises to leave the ledger on disk as it is. Deliberately goes by the last
//! checkpoint alone where the ledger is lost: what was written after it, in the
//! last seconds, and is gone at the source by now, is not known.

use std::marker::PhantomData;
use std::sync::Arc;

use super::bootstrap::read_namespaces;
use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::intents::{is_open, settled};
use super::judging::Judging;
use super::leftovers::Leftovers;
use super::listing::{Found, Job, Listing, Purpose};
use super::ranges::everything;
use super::start::Ledger;
use super::world::{Parts, World};
use crate::etcd::SourceRevision;
use crate::state::{LedgerChange, MemoryStore, StateStore};

/// A world with such a ledger.
pub struct Recalled<W>(PhantomData<fn() -> W>);

impl<W: World> World for Recalled<W> {
    type Source = W::Source;
    type Destination = W::Destination;
    type Store = MemoryStore;
    type Judge = W::Judge;
}

/// With the ledger that there would be; `None` where it is the one on disk, or
/// begins empty.
pub async fn recalled<W: World>(
    parts: &Parts<W>,
    ledger: &Ledger,
) -> Result<Option<Parts<Recalled<W>>>, MirrorError> {
    let store = match ledger {
        Ledger::Reclaim(last) => Some(reclaimed(parts, SourceRevision(last.revision)).await?),
        ledger if ledger.is_kept() && has_open(parts)? => Some(all_settled(parts).await?),
        _ => None,
    };
    Ok(store.map(|store| Parts {
        source: parts.source.clone(),
        destination: parts.destination.clone(),
        store: Arc::new(store),
        judge: parts.judge.clone(),
        metrics: parts.metrics.clone(),
    }))
}

/// What was selected at the last checkpoint, `then`, is ours as far as the
/// destination has it.
async fn reclaimed<W: World>(
    parts: &Parts<W>,
    then: SourceRevision,
) -> Result<MemoryStore, MirrorError> {
    let (namespaces, at) = read_namespaces(&*parts.source, &*parts.judge, then).await?;
    let job = Job {
        ranges: parts.judge.ranges().to_vec(),
        at,
        stage: None,
        namespaces: Arc::new(namespaces),
        purpose: Purpose::Reclaim,
        believe_ledger: false,
        compare: false,
        lands: true,
        leftovers: Leftovers::default(),
    };
    let store = MemoryStore::default();
    let mut listing = Listing::start(parts, job);
    while let Some(chunk) = listing.next().await {
        let claims = chunk?.found.into_iter().filter_map(|found| match found {
            Found::Record(claim) => Some(claim),
            Found::Write(_) | Found::Keep { .. } | Found::Hold { .. } => None,
        });
        store.apply(&claims.collect::<Vec<_>>())?;
    }
    Ok(store)
}

/// Whether anything was under way when carry last ended.
fn has_open<W: World>(parts: &Parts<W>) -> Result<bool, MirrorError> {
    let mut ledger = LedgerCursor::new(parts.store.clone(), everything());
    while let Some((_, entry)) = ledger.take_next()? {
        if is_open(&entry) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same ledger, with what became of that.
async fn all_settled<W: World>(parts: &Parts<W>) -> Result<MemoryStore, MirrorError> {
    let store = MemoryStore::default();
    let mut ledger = LedgerCursor::new(parts.store.clone(), everything());
    while let Some((key, entry)) = ledger.take_next()? {
        let change = match is_open(&entry) {
            true => settled(parts, key, entry).await?,
            false => LedgerChange {
                key,
                entry: Some(entry),
            },
        };
        store.apply(&[change])?;
    }
    Ok(store)
}
