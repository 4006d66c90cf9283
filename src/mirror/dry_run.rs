//! What a mirror would do, without doing it.
//!
//! Promises to write nothing at all, at either side or to the ledger.
//! Deliberately looks once, at the newest revision: it follows nothing.
//! What the destination makes of each write is foreseen, in the order in which
//! the mirror would come to it.

use std::collections::HashSet;
use std::sync::Arc;

use super::bootstrap::read_namespaces;
use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::foresight::Seer;
use super::judging::Judging;
use super::leadership::refuse_promoted;
use super::leftovers::{Fate, Leftovers};
use super::listing::{Found, Job, Listing, Purpose};
use super::opening::{identify, refuse_swapped, where_to_begin};
use super::options::Options;
use super::pipeline::op_key;
use super::planned::{DryRun, Planned};
use super::ranges::gaps;
use super::start::{Ledger, Start};
use super::world::{Parts, World};
use crate::state::LedgerChange;

impl DryRun {
    /// Looks at everything and hands each thing that would be done to `tell`,
    /// in the order in which it would be done.
    pub async fn look<W: World>(
        parts: &Parts<W>,
        options: &Options,
        mut tell: impl FnMut(Planned) + Send,
    ) -> Result<DryRun, MirrorError> {
        let mut identity = identify(parts, options).await?;
        refuse_swapped(parts, options, &identity.pair).await?;
        refuse_promoted(&*parts.destination, &options.candidate()).await?;
        let start = where_to_begin(parts, options, &mut identity, options.resync).await?;
        let (ledger, retire, at) = match start {
            Start::Resume(_) => (Ledger::Keep, false, None),
            Start::Full(full) => (full.ledger, full.retire, full.at),
        };
        let believe_ledger = ledger.is_kept();
        let leftovers = Leftovers {
            retire,
            prune: options.prune,
        };
        let at = at.unwrap_or(identity.source.revision);
        let read = read_namespaces(&*parts.source, &*parts.judge, at).await?;
        let (namespaces, at) = (Arc::new(read.0), read.1);
        let mut seen = DryRun {
            revision: at,
            ..DryRun::default()
        };
        let mut told = Told::default();
        let mut seer = Seer::new(parts, options).await?;
        for (stage, listed) in parts.judge.stages().iter().enumerate() {
            let mut listing = Listing::start(
                parts,
                Job {
                    ranges: listed.ranges.clone(),
                    at,
                    stage: Some(stage),
                    namespaces: namespaces.clone(),
                    purpose: Purpose::Mirror,
                    believe_ledger,
                    compare: ledger.compares(),
                    lands: true,
                    leftovers,
                },
            );
            while let Some(chunk) = listing.next().await {
                let chunk = chunk?;
                seen.judged += chunk.anew;
                let mut writes = Vec::new();
                for found in chunk.found.into_iter().filter(|own| told.is_new(own)) {
                    match found {
                        Found::Write(write) => writes.push(write),
                        other => planned_of(other)
                            .into_iter()
                            .for_each(|one| seen.add(one, &mut tell)),
                    }
                }
                let planned = seer.see(writes).await?;
                planned.into_iter().for_each(|one| seen.add(one, &mut tell));
            }
        }
        let planned = seer.finish().await?;
        planned.into_iter().for_each(|one| seen.add(one, &mut tell));
        if believe_ledger {
            seen.sweep(parts, leftovers, &mut tell)?;
        }
        Ok(seen)
    }

    fn sweep<W: World>(
        &mut self,
        parts: &Parts<W>,
        leftovers: Leftovers,
        tell: &mut impl FnMut(Planned),
    ) -> Result<(), MirrorError> {
        for gap in gaps(parts.judge.ranges()) {
            let mut ledger = LedgerCursor::new(parts.store.clone(), gap);
            while let Some((key, entry)) = ledger.take_next()? {
                match leftovers.fate(&entry) {
                    Fate::Retire => self.add(Planned::Retire { key }, tell),
                    Fate::Delete => self.add(Planned::Delete { key }, tell),
                    Fate::Stay => {}
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, planned: Planned, tell: &mut impl FnMut(Planned)) {
        self.count(&planned);
        tell(planned);
    }
}

/// A key shows in every stage that has its range.
#[derive(Default)]
struct Told(HashSet<Vec<u8>>);

impl Told {
    fn is_new(&mut self, found: &Found) -> bool {
        let key = match found {
            Found::Write(write) => op_key(&write.op),
            Found::Record(change) => &change.key,
            Found::Keep { key } | Found::Hold { key, .. } => key,
        };
        self.0.insert(key.to_vec())
    }
}

/// What is neither written nor deleted.
fn planned_of(found: Found) -> Option<Planned> {
    match found {
        Found::Write(_) => None,
        Found::Keep { key } => Some(Planned::Keep { key }),
        Found::Hold { key, unfit, .. } => Some(Planned::Hold {
            key,
            reason: unfit.reason,
        }),
        Found::Record(LedgerChange { key, entry }) => {
            let retired = entry.is_some_and(|entry| entry.retired);
            retired.then_some(Planned::Retire { key })
        }
    }
}
