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
use super::opening::{check_rev, identify, refuse_swapped, where_to_begin};
use super::options::Options;
use super::pipeline::{Known, Write, op_key};
use super::planned::{DryRun, Planned};
use super::ranges::{everything, gaps};
use super::recalled::recalled;
use super::start::{Ledger, Start};
use super::world::{Parts, World};
use crate::etcd::SourceRevision;
use crate::state::{LedgerChange, StateStore};

/// How many deletes are looked at together.
const TOGETHER: usize = 1_000;

/// How often the ledger is taken again while another carry writes to it.
const TRIES: usize = 10;

/// Where a mirror would begin.
#[derive(Clone, Copy)]
struct Beginning {
    at: SourceRevision,
    /// Whether what the ledger says is true.
    believe_ledger: bool,
    compare: bool,
    leftovers: Leftovers,
    /// At the checkpoint: what is gone is then deleted after all else.
    resumes: bool,
}

impl DryRun {
    /// Looks at everything and hands each thing that would be done to `tell`,
    /// in the order in which it would be done.
    pub async fn look<W: World>(
        parts: &Parts<W>,
        options: &Options,
        tell: impl FnMut(Planned) + Send,
    ) -> Result<DryRun, MirrorError> {
        let (newest, start) = begin(parts, options).await?;
        let (ledger, retire, rev, resumes) = match start {
            Start::Resume(_) => (Ledger::Keep, false, None, true),
            Start::Full(full) => (full.ledger, full.retire, full.at, false),
        };
        if let Some(rev) = rev {
            check_rev(parts, rev, newest).await?;
        }
        let mut beginning = Beginning {
            at: rev.unwrap_or(newest),
            believe_ledger: ledger.is_kept(),
            compare: ledger.compares(),
            leftovers: Leftovers {
                retire,
                prune: options.prune,
            },
            resumes,
        };
        let tell = Telling {
            seen: DryRun::default(),
            told: Told::default(),
            tell,
        };
        match recalled(parts, &ledger).await? {
            None => tell.all(parts, options, beginning).await,
            Some(parts) => {
                beginning.believe_ledger = true;
                tell.all(&parts, options, beginning).await
            }
        }
    }
}

/// The newest revision of the source, and where a mirror would begin.
///
/// Another carry may write to the ledger meanwhile. What that says now is taken
/// before the source is asked: were it newer than what is listed, what has just
/// come would look like what is gone.
async fn begin<W: World>(
    parts: &Parts<W>,
    options: &Options,
) -> Result<(SourceRevision, Start), MirrorError> {
    let mut tries = 0;
    loop {
        parts.store.catch_up()?;
        let checkpoints = parts.store.checkpoints()?;
        let mut identity = identify(parts, options).await?;
        refuse_swapped(parts, options, &identity.pair).await?;
        refuse_promoted(&*parts.destination, &options.candidate()).await?;
        let start = where_to_begin(parts, options, &mut identity, options.resync).await?;
        tries += 1;
        let mut is_settled = start.believes_ledger() || tries == TRIES;
        if !is_settled {
            // A checkpoint may have come in between.
            parts.store.catch_up()?;
            is_settled = parts.store.checkpoints()? == checkpoints;
        }
        if is_settled {
            return Ok((identity.source.revision, start));
        }
    }
}

/// What was seen so far, and who is told.
struct Telling<T> {
    seen: DryRun,
    told: Told,
    tell: T,
}

impl<T: FnMut(Planned) + Send> Telling<T> {
    async fn all<W: World>(
        mut self,
        parts: &Parts<W>,
        options: &Options,
        beginning: Beginning,
    ) -> Result<DryRun, MirrorError> {
        let read = read_namespaces(&*parts.source, &*parts.judge, beginning.at).await?;
        let (namespaces, at) = (Arc::new(read.0), read.1);
        self.seen.revision = at;
        let mut seer = Seer::new(parts, options).await?;
        let mut last = Vec::new();
        for (stage, listed) in parts.judge.stages().iter().enumerate() {
            let job = Job {
                ranges: listed.ranges.clone(),
                at,
                stage: Some(stage),
                namespaces: namespaces.clone(),
                purpose: Purpose::Mirror,
                believe_ledger: beginning.believe_ledger,
                compare: beginning.compare,
                lands: true,
                leftovers: beginning.leftovers,
            };
            let mut listing = Listing::start(parts, job);
            while let Some(chunk) = listing.next().await {
                let chunk = chunk?;
                self.seen.judged += chunk.anew;
                for (policy, count) in chunk.kept_out {
                    *self.seen.kept_out.entry(policy).or_default() += count;
                }
                let mut writes = Vec::new();
                for found in chunk.found {
                    match found {
                        found if !self.told.is_new(&found) => {}
                        Found::Write(write) if beginning.resumes && !write.op.is_put() => {
                            last.push(write);
                        }
                        Found::Write(write) => writes.push(write),
                        other => self.found(other, &mut seer),
                    }
                }
                self.add(seer.see(writes).await?);
            }
        }
        self.add(seer.see(last).await?);
        if beginning.believe_ledger {
            self.sweep(parts, beginning.leftovers, &mut seer).await?;
            self.count_retired(parts, beginning.leftovers)?;
        }
        // What waits is judged again after all else.
        let planned = seer.finish().await?;
        self.add(planned);
        Ok(self.seen)
    }

    /// What is neither written nor deleted.
    fn found<W: World>(&mut self, found: Found, seer: &mut Seer<W>) {
        let planned = match found {
            Found::Write(_) => None,
            Found::Keep { key } => Some(Planned::Keep { key }),
            Found::Hold { key, unfit, .. } => {
                seer.hold(&key);
                let reason = unfit.reason;
                Some(Planned::Hold { key, reason })
            }
            Found::Record(LedgerChange { key, entry }) => {
                let retired = entry.is_some_and(|entry| entry.retired);
                retired.then_some(Planned::Retire { key })
            }
        };
        self.add(planned);
    }

    /// Owned keys where no rule can select any more.
    async fn sweep<W: World>(
        &mut self,
        parts: &Parts<W>,
        leftovers: Leftovers,
        seer: &mut Seer<W>,
    ) -> Result<(), MirrorError> {
        for gap in gaps(parts.judge.ranges()) {
            let mut ledger = LedgerCursor::new(parts.store.clone(), gap);
            let mut deletes = Vec::new();
            while let Some((key, entry)) = ledger.take_next()? {
                match leftovers.fate(&entry) {
                    Fate::Retire => self.add([Planned::Retire { key }]),
                    Fate::Delete => {
                        let known = Known::of(Some(&entry));
                        deletes.push(Write::delete(key, self.seen.revision, known));
                    }
                    Fate::Stay => {}
                }
                if deletes.len() >= TOGETHER {
                    self.add(seer.see(std::mem::take(&mut deletes)).await?);
                }
            }
            self.add(seer.see(deletes).await?);
        }
        Ok(())
    }

    /// Keys that no rule selects since before: nothing becomes of them.
    fn count_retired<W: World>(
        &mut self,
        parts: &Parts<W>,
        leftovers: Leftovers,
    ) -> Result<(), MirrorError> {
        if leftovers.prune {
            return Ok(());
        }
        let mut ledger = LedgerCursor::new(parts.store.clone(), everything());
        while let Some((key, entry)) = ledger.take_next()? {
            let stays = entry.retired && !self.told.0.contains(&key);
            self.seen.retired_before += usize::from(stays);
        }
        Ok(())
    }

    fn add(&mut self, planned: impl IntoIterator<Item = Planned>) {
        for planned in planned {
            self.seen.count(&planned);
            (self.tell)(planned);
        }
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
