//! Judging keys again whose value has not changed: held ones, when the
//! encryption configuration has changed or a KMS plugin may answer again, and
//! those whose Namespace has other labels now.
//!
//! Promises the order of the tail: keys are read as of the revision that the
//! tail is at, after everything submitted so far is applied. Deliberately
//! judges nothing itself: the list does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::due::Which;
use super::held::{MAX_NAMED, Why};
use super::judging::Judging;
use super::listing::Purpose;
use super::numbered::numbered;
use super::ranges::union;
use super::retry::persist;
use super::sealing::blocking;
use super::session::{End, Session};
use super::world::World;
use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;
use crate::source::Source;
use crate::state::StateStore;

/// With more held keys than this, all that the rules can select is listed.
const ONE_BY_ONE: usize = 1_000;

impl<W: World> Session<W> {
    /// Takes in which keys were held when carry last ran, and what the
    /// destination was compared under.
    pub fn recall(&mut self) -> Result<(), End> {
        self.recall_kept()?;
        self.encryption = self.parts.store.encryption()?.unwrap_or_default();
        let last = self.parts.store.checkpoints()?.pop();
        self.ledger = last.and_then(|checkpoint| checkpoint.ledger);
        for noted in self.parts.store.held()?.into_iter().take(MAX_NAMED) {
            let (key, why) = Why::recalled(noted);
            self.again.insert(key, why);
        }
        Ok(())
    }

    /// What was recalled is judged as soon as the tail begins.
    pub fn hold_recalled(&mut self) -> Result<(), End> {
        if !self.again.is_empty() {
            self.due.all();
        }
        std::mem::take(&mut self.again)
            .into_iter()
            .try_for_each(|(key, why)| self.hold(key, why))
    }

    /// Judges again what is due.
    pub async fn rejudge_due(&mut self) -> Result<(), End> {
        // What was listed at a newer revision must not be listed as it was.
        if !self.horizons.is_empty() {
            return Ok(());
        }
        self.judge_free().await?;
        let Some(which) = self.due.take() else {
            return Ok(());
        };
        let flipped = self.reread_namespaces().await?;
        if self.parts.judge.encryption_digest() != self.encryption {
            return self.compare_all().await;
        }
        let (before, told) = (self.held.len(), self.held.told());
        let store = &self.parts.store;
        let is_there = |key: &[u8]| {
            let entry = store.get(key).ok().flatten();
            entry.is_some_and(|entry| entry.intent.is_none())
        };
        let after = self.due.reached();
        let names = match which {
            Which::Woken => self.held.woken(ONE_BY_ONE),
            Which::Transient => self.held.transient_after(after, ONE_BY_ONE, is_there),
            Which::All => self.held.names(ONE_BY_ONE + 1),
        };
        // Those whose reason is transient are few enough by themselves.
        let mut forgotten = || self.held.take_overflowed() | self.conflicts.take_overflowed();
        let all = which == Which::All && (forgotten() || names.len() > ONE_BY_ONE);
        let ranges = match all {
            true => self.parts.judge.ranges().to_vec(),
            false => names
                .iter()
                .map(|name| KeyRange::only(name.as_slice()))
                .collect(),
        };
        // What is judged for the first time has its time still.
        self.judge_again(union(flipped)).await?;
        self.settle().await?;
        // So has who was woken, or is judged along with what it waits for; who had
        // it is judged by what is there.
        self.writer.set_early(which != Which::Transient);
        let judged = self.judge_again(union(ranges)).await;
        self.writer.set_early(true);
        judged?;
        let (still, transient) = (self.held.len(), self.held.transient());
        if still < before {
            self.due.again(which, transient);
        }
        if let (Which::Transient, Some(last)) = (which, names.into_iter().last()) {
            self.due.reach(last);
        }
        let held = self.held.told();
        match which {
            Which::Woken => tracing::debug!("{held} held keys: what some waited for has come"),
            _ if told == 0 && held == 0 => {}
            _ => tracing::info!(
                "{} judged again; held now: {held}",
                numbered(told, "held key")
            ),
        }
        Ok(())
    }

    /// What stood in the way of these is gone at the destination.
    async fn judge_free(&mut self) -> Result<(), End> {
        let free = std::mem::take(&mut self.free);
        if free.is_empty() {
            return Ok(());
        }
        let count = free.len();
        self.judge_again(free.into_iter().map(KeyRange::only).collect())
            .await?;
        tracing::info!(
            "{} judged again of which the destination had something else",
            numbered(count, "key")
        );
        Ok(())
    }

    /// Before an end: what waits for something that has come meanwhile gets it,
    /// and what waits for that; and what something stood in the way of that is
    /// gone.
    pub async fn judge_waiting(&mut self) -> Result<(), End> {
        self.find_free().await?;
        self.judge_free().await?;
        let mut idle = 0;
        while self.held.transient() > idle * ONE_BY_ONE {
            let (before, open) = (self.held.transient(), self.held.open());
            self.due.again(Which::Transient, before);
            self.rejudge_due().await?;
            // What a policy leaves out lets those be judged that wait for it.
            idle = match self.held.transient() < before || self.held.open() < open {
                true => 0,
                false => idle + 1,
            };
        }
        Ok(())
    }

    /// The destination may be unable to read what it has: everything is
    /// compared, and with it what is held is judged again.
    async fn compare_all(&mut self) -> Result<(), End> {
        self.encryption = self.parts.judge.encryption_digest();
        self.compare = true;
        let compared = self
            .relist(self.parts.judge.ranges().to_vec(), self.seen)
            .await?;
        self.note_compared()?;
        let held = self.held.told();
        tracing::info!(
            "{} compared with the destination; held now: {held}",
            numbered(compared, "key")
        );
        Ok(())
    }

    /// The destination has what it can read, as far as carry may write it.
    pub fn note_compared(&mut self) -> Result<(), End> {
        self.compare = false;
        self.writer.compared(&self.encryption);
        self.write_checkpoint()
    }

    /// Looks again at the Namespaces that could not be read, as of the tail's
    /// revision, and says what depends on those that can.
    async fn reread_namespaces(&mut self) -> Result<Vec<KeyRange>, End> {
        let unreadable = self.namespaces.unreadable().map(str::to_owned);
        let mut unreadable: Vec<String> = unreadable.collect();
        unreadable.sort();
        let judge = self.parts.judge.clone();
        let mut flipped = Vec::new();
        for name in unreadable {
            let key = [judge.namespace_range().start.as_slice(), name.as_bytes()].concat();
            let (source, range, at) = (self.parts.source.clone(), KeyRange::only(key), self.seen);
            let read = persist("reading a namespace", || source.list(&range, at, 1));
            let read = async {
                // It is compacted where the tail is far behind: then a later
                // look finds it.
                Ok::<_, End>(
                    read.await
                        .ok()
                        .and_then(|(items, _)| items.into_iter().next()),
                )
            };
            let Some(item) = self.unless_stopped(read).await? else {
                continue;
            };
            let after = blocking(judge.may_block(), || {
                judge.namespace_view(&item.key, &item.value)
            });
            let before = Arc::make_mut(&mut self.namespaces).set(&name, after.clone());
            flipped.extend(judge.flipped_by(&name, &before, &after));
        }
        Ok(flipped)
    }

    async fn judge_again(&mut self, ranges: Vec<KeyRange>) -> Result<(), End> {
        self.relist(ranges, self.seen).await.map(drop)
    }

    /// Judges all keys of `ranges` again as of `at`, which everything that was
    /// submitted so far is not newer than; says how many there were.
    pub async fn relist(
        &mut self,
        ranges: Vec<KeyRange>,
        at: SourceRevision,
    ) -> Result<usize, End> {
        if ranges.is_empty() {
            return Ok(0);
        }
        self.settle().await?;
        for range in &ranges {
            self.release_kept_within(range);
            let taken = self.held.take_range(range);
            self.again.extend(taken);
        }
        let mut list_at = self.listed_at(&ranges, at);
        let listed = self
            .list(ranges, &mut list_at, None, Purpose::Mirror)
            .await?;
        self.settle().await?;
        self.release_rest()?;
        Ok(listed)
    }

    /// What was to be judged again and is not held now is held no more.
    pub fn release_rest(&mut self) -> Result<(), End> {
        let again: BTreeMap<Vec<u8>, Why> = std::mem::take(&mut self.again);
        let released: Vec<Vec<u8>> = again
            .into_keys()
            .filter(|key| !self.held.contains(key))
            .collect();
        for key in &released {
            self.report.release(key);
            if !self.conflicts.contains(key) {
                self.acting.end(key);
            }
        }
        self.parts.store.release(&released)?;
        Ok(self.release_unkept()?)
    }
}
