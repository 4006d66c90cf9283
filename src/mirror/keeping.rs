//! Keys that are held, or stay as the destination has them.
//!
//! Promises that each is told until it is judged again, also after a restart.
//! Deliberately decides nothing: the rules, the list and the writer find them.

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use super::error::MirrorError;
use super::held::Why;
use super::judging::Judging;
use super::outcome::{Refusal, Refused};
use super::retry::persist;
use super::session::{End, Session};
use super::world::World;
use crate::destination::Destination as _;
use crate::rules::decide::KeyRange;
use crate::rules::policy::Policy;
use crate::state::{LedgerChange, StateStore};

/// How many kept keys are looked at at a time.
const WIDTH: usize = 64;

fn tell_unsaid(unsaid: u64) {
    if unsaid > 0 {
        tracing::warn!("{unsaid} more held or kept keys were not logged: `/status` names them");
    }
}

impl<W: World> Session<W> {
    /// Neither writes nor deletes a key until it can be judged; one that a policy
    /// leaves out is only remembered, for when that changes.
    pub fn hold(&mut self, key: Vec<u8>, why: Why) -> Result<(), End> {
        let known = self.held.get(&key).or_else(|| self.again.get(&key));
        let is = |same: fn(&Why, &Why) -> bool| known.is_some_and(|known| same(known, &why));
        match why.left_out {
            None => self.report.hold(&key, &why.unfit.reason),
            Some(_) if is(|known, why| known.left_out == why.left_out) => {}
            Some(_) => self.report.release(&key),
        }
        if let Some(policy) = why.acting() {
            self.acts(&key, policy);
        }
        let told =
            why.left_out.is_some() || is(|known, why| known.unfit.reason == why.unfit.reason);
        let mut new = known.is_none();
        let shown = String::from_utf8_lossy(&key).into_owned();
        let (noted, reason) = (why.noted(&key), why.unfit.reason.clone());
        let is_noted = known.is_some_and(|known| known.is_noted_as(&why));
        let awaited = why.unfit.awaits.clone();
        let first = self.held.hold(key, why);
        if let Some(awaited) = awaited {
            // It may have been written between the look and now.
            let entry = self.parts.store.get(&awaited)?;
            new &= entry.is_some_and(|entry| entry.intent.is_none());
            if new {
                self.held.wake(&noted.key);
            }
            self.writer.await_key(awaited);
        }
        let is_named = self.held.contains(&noted.key);
        if is_named && (first || !is_noted) {
            self.parts.store.hold(&noted)?;
        }
        if first
            && !told
            && let Some(unsaid) = self.talk.may_say(Instant::now())
        {
            tracing::warn!("`{shown}` is held: {reason}");
            tell_unsaid(unsaid);
        }
        Ok(())
    }

    /// Counts what a policy does to a key, unless it did that before.
    fn acts(&self, key: &[u8], policy: Policy) {
        if self.acting.begin(key, policy) {
            self.parts.metrics.policy(policy);
        }
    }

    /// Puts a change into the ledger that needs no write at the destination.
    pub fn record(&mut self, change: LedgerChange) -> Result<(), MirrorError> {
        self.retired += usize::from(change.entry.as_ref().is_some_and(|entry| entry.retired));
        if change.entry.is_none() && self.parts.judge.goes_alone(&change.key) {
            // It is the destination's own now.
            self.report.service_addresses(&change.key, &[]);
        }
        self.writer.record(change)
    }

    /// The key was judged.
    pub fn release(&mut self, key: &[u8]) -> Result<(), End> {
        self.acting.end(key);
        if self.held.release(key) {
            self.report.release(key);
            self.parts.store.release(&[key.to_vec()])?;
        }
        Ok(())
    }

    pub(super) fn take_refused(&mut self) -> Result<(), End> {
        for refused in self.writer.take_refused() {
            let Refused { key, rule, why } = refused;
            match why {
                Refusal::Unfit(unfit) => self.hold(key, Why::of(rule, unfit))?,
                Refusal::LeftOut(policy, unfit) => {
                    let left_out = Some(policy);
                    let why = Why::of(rule, unfit);
                    self.hold(key, Why { left_out, ..why })?;
                }
                Refusal::Kept => self.keep(&key)?,
            }
        }
        Ok(())
    }

    /// The destination has something else under a key, which stays.
    pub fn keep(&mut self, key: &[u8]) -> Result<(), MirrorError> {
        self.acts(key, Policy::OnConflict);
        if self.conflicts.keep(key) {
            self.report.keep(key);
            if let Some(watching) = &mut self.drift {
                watching.kept(key);
            }
            if let Some(unsaid) = self.talk.may_say(Instant::now()) {
                let shown = String::from_utf8_lossy(key);
                tracing::info!("`{shown}` stays as the destination has it: it is not carry's");
                tell_unsaid(unsaid);
            }
            self.parts.store.keep(key)?;
        }
        Ok(())
    }

    /// It was judged again.
    pub fn release_kept(&mut self, key: &[u8]) -> Result<(), MirrorError> {
        if self.conflicts.release(key) {
            self.report.unkeep(key);
            self.parts.store.unkeep(&[key.to_vec()])?;
        }
        Ok(())
    }

    /// All of a range are about to be judged again.
    pub fn release_kept_within(&mut self, range: &KeyRange) {
        let released = self.conflicts.take_range(range);
        for key in &released {
            self.report.unkeep(key);
        }
        // Who comes after us must know of them until they are judged.
        self.unkept.extend(released);
    }

    /// Those of them that were to be judged again and are not kept now are kept
    /// no more.
    pub fn release_unkept(&mut self) -> Result<(), MirrorError> {
        let unkept = std::mem::take(&mut self.unkept).into_iter();
        let gone: Vec<Vec<u8>> = unkept.filter(|key| !self.conflicts.contains(key)).collect();
        let over = gone.iter().filter(|key| !self.held.contains(key));
        over.for_each(|key| self.acting.end(key));
        match gone.is_empty() {
            true => Ok(()),
            false => Ok(self.parts.store.unkeep(&gone)?),
        }
    }

    /// Finds out of which kept keys the destination has nothing any more, where
    /// nobody listens to it.
    pub(super) async fn find_free(&mut self) -> Result<(), End> {
        let parts = self.parts.clone();
        let kept: Vec<Vec<u8>> = self.conflicts.all().cloned().collect();
        let looks = kept.into_iter().map(|key| {
            let destination = parts.destination.clone();
            async move {
                let look = || destination.get(&key);
                let there = persist("reading a kept key of the destination", look).await;
                let there = there.map_err(MirrorError::Destination)?;
                Ok::<_, MirrorError>(there.is_none().then_some(key))
            }
        });
        let looks = futures::stream::iter(looks).buffered(WIDTH).try_collect();
        let free: Vec<Option<Vec<u8>>> = self.unless_stopped(looks).await?;
        self.free.extend(free.into_iter().flatten());
        Ok(())
    }

    /// Takes in which keys were kept when carry last ran.
    pub fn recall_kept(&mut self) -> Result<(), MirrorError> {
        for key in self.parts.store.kept()? {
            if self.conflicts.keep(&key) {
                self.report.keep(&key);
            }
            // It was being judged again.
            if self.parts.store.get(&key)?.is_some() {
                self.free.insert(key);
            }
        }
        Ok(())
    }
}
