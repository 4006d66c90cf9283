//! Both sides compared under the rules, in one pass over their keys.
//!
//! Promises bounded memory, whatever the number of keys: a page of either side,
//! a page of the ledger, and so many keys to be looked at again. Deliberately
//! writes nothing.
//!
//! What belongs at the destination is what the rules select of the source at one
//! revision. A key that is there besides is *extra* if the ledger says that
//! carry wrote it, and nobody's business if it does not: the standby has keys of
//! its own, also of the kinds and under the names that rules speak of, which
//! carry never touches. Without the ledger nobody can tell one from the other.
//! Then such keys are counted as unclear if the rules would select what is
//! there, or if it is a copy of what the source has; they are no differences.
//!
//! Keys that cannot be judged, read or encrypted, or wait for something at the
//! destination, are held by a mirror, and some are left out by policies: they are
//! counted apart and are no differences either, nor are they equal.

use std::time::Duration;

use super::bootstrap::read_namespaces;
use super::compare::{Comparer, Pair};
use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::judging::Judging;
use super::opening::{identify, refuse_other_prefixes, refuse_swapped};
use super::options::Options;
use super::pages::{DestinationPages, SourcePages};
use super::progress::{Progress, Step, Unseen, count};
use super::ranges::gaps;
use super::retry::persist;
use super::second_look::{Candidate, SecondLook};
use super::verified::{Verdict, Verified};
use super::world::{Parts, World};
use crate::destination::Destination;
use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;
use crate::rules::namespaces::Namespaces;
use crate::state::StateStore;

/// How a comparison is made.
#[derive(Clone, Debug)]
pub struct Verify {
    /// So many keys of each kind are named.
    pub examples: usize,
    /// How long a mirror that runs may take to catch up with a key.
    pub settle: Duration,
    /// So many keys are looked at again at a time.
    pub at_a_time: usize,
    /// Whether what a standby's own controllers write into objects is no
    /// difference.
    pub lenient: bool,
}

impl Default for Verify {
    fn default() -> Verify {
        Verify {
            examples: 10,
            settle: Duration::from_secs(10),
            at_a_time: 4096,
            lenient: false,
        }
    }
}

impl Verify {
    /// Compares both sides. `parts.store` may be empty, or the ledger of another
    /// pair of etcds: then nothing is known to be ours.
    pub async fn run<W: World>(
        &self,
        parts: &Parts<W>,
        options: &Options,
    ) -> Result<Verified, MirrorError> {
        self.run_telling(parts, options, &Unseen).await
    }

    /// The same, and tells how far it is.
    pub async fn run_telling<W: World>(
        &self,
        parts: &Parts<W>,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Verified, MirrorError> {
        let identity = identify(parts, options).await?;
        refuse_swapped(parts, options, &identity.pair).await?;
        refuse_other_prefixes(parts, options).await?;
        let ledger = parts.store.pair()?.as_ref() == Some(&identity.pair);
        let at = identity.source.revision;
        let read = read_namespaces(&*parts.source, &*parts.judge, at).await?;
        let judge = &*parts.judge;
        let keys = count(&*parts.source, judge.ranges(), read.1).await;
        let mut walk = Walk {
            parts,
            namespaces: read.0,
            at: read.1,
            ledger,
            comparer: Comparer::new(judge, &*parts.store, ledger, self.lenient)?,
            second: SecondLook::new(parts, options, ledger, (self.settle, self.lenient)),
            candidates: Vec::new(),
            at_a_time: self.at_a_time,
            verified: Verified::new(self.examples),
            step: Step::begin(progress, "comparing", keys),
        };
        for range in judge.ranges() {
            walk.range(range).await?;
        }
        if ledger {
            for gap in gaps(judge.ranges()) {
                walk.gap(gap).await?;
            }
        }
        walk.settle().await?;
        walk.verified.revision = walk.at.0;
        walk.verified.ledger = ledger;
        Ok(walk.verified)
    }
}

struct Walk<'a, W: World> {
    parts: &'a Parts<W>,
    namespaces: Namespaces,
    at: SourceRevision,
    ledger: bool,
    comparer: Comparer<'a, W::Judge>,
    second: SecondLook<'a, W>,
    candidates: Vec<Candidate>,
    at_a_time: usize,
    verified: Verified,
    step: Step<'a>,
}

impl<W: World> Walk<'_, W> {
    async fn range(&mut self, range: &KeyRange) -> Result<(), MirrorError> {
        let Parts {
            source,
            destination,
            store,
            ..
        } = self.parts;
        let mut items = SourcePages::new(source.clone(), range.clone(), self.at);
        let mut there = DestinationPages::new(destination.clone(), range.clone());
        let mut ledger = match self.ledger {
            true => LedgerCursor::new(store.clone(), range.clone()),
            false => LedgerCursor::empty(store.clone()),
        };
        loop {
            let next = [items.next_key().await?, there.next_key().await?];
            let Some(key) = next.into_iter().flatten().min().map(<[u8]>::to_vec) else {
                break;
            };
            // What neither side has is for nobody to compare.
            while ledger.take_below(&key)?.is_some() {}
            let entry = ledger.take(&key)?;
            let (item, value) = (items.take(&key), there.take(&key));
            self.step.advance(usize::from(item.is_some()));
            let pair = Pair {
                key: &key,
                item: item.as_ref(),
                there: value.as_deref(),
                entry: entry.as_ref(),
            };
            if let Some((rule, verdict)) = self.comparer.compare(&pair, &self.namespaces) {
                self.take(key, rule, verdict).await?;
            }
        }
        self.at = items.at();
        Ok(())
    }

    /// Owned keys where no rule can select any more.
    async fn gap(&mut self, gap: KeyRange) -> Result<(), MirrorError> {
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), gap);
        while let Some((key, entry)) = ledger.take_next()? {
            let get = || self.parts.destination.get(&key);
            let there = persist("reading a key of the destination", get).await;
            if there.map_err(MirrorError::Destination)?.is_some() {
                let verdict = match () {
                    () if entry.borrowed => Verdict::Foreign,
                    () if entry.retired => Verdict::Retired,
                    () => Verdict::Extra,
                };
                self.take(key, Some(entry.rule), verdict).await?;
            }
        }
        Ok(())
    }

    async fn take(
        &mut self,
        key: Vec<u8>,
        rule: Option<String>,
        verdict: Verdict,
    ) -> Result<(), MirrorError> {
        if !verdict.is_difference() {
            self.verified.note(&key, rule.as_deref(), verdict);
            return Ok(());
        }
        self.candidates.push(Candidate::new(key, rule, verdict));
        match self.candidates.len() < self.at_a_time {
            true => Ok(()),
            false => self.settle().await,
        }
    }

    async fn settle(&mut self) -> Result<(), MirrorError> {
        let candidates = std::mem::take(&mut self.candidates);
        let mut settled = self.second.settle(candidates).await?;
        settled.sort_by(|one, other| one.key.cmp(&other.key));
        for Candidate {
            key, rule, verdict, ..
        } in settled
        {
            self.verified.note(&key, rule.as_deref(), verdict);
        }
        Ok(())
    }
}
