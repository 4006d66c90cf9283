//! Keys that are held, or stay as the destination has them.
//!
//! Promises that each is told until it is judged again, also after a restart.
//! Deliberately decides nothing: the rules, the list and the writer find them.

use super::error::MirrorError;
use super::held::Why;
use super::outcome::{Refusal, Refused};
use super::session::{End, Session};
use super::world::World;
use crate::rules::decide::KeyRange;
use crate::rules::policy::Policy;
use crate::state::StateStore;

impl<W: World> Session<W> {
    /// Neither writes nor deletes a key until it can be judged.
    pub fn hold(&mut self, key: Vec<u8>, why: Why) -> Result<(), End> {
        self.report.hold(&key, &why.unfit.reason);
        let known = self.again.get(&key);
        let told = known.is_some_and(|known| known.unfit.reason == why.unfit.reason);
        let shown = String::from_utf8_lossy(&key).into_owned();
        let (name, reason) = (key.clone(), why.unfit.reason.clone());
        let mut new = known.is_none() && !self.held.contains(&key);
        let awaited = why.unfit.awaits.clone();
        let first = self.held.hold(key, why);
        if let Some(awaited) = awaited {
            // It may have been written between the look and now.
            let entry = self.parts.store.get(&awaited)?;
            new &= entry.is_some_and(|entry| entry.intent.is_none());
            if new {
                self.held.wake(&name);
            }
            self.writer.await_key(awaited);
        }
        if !first {
            return Ok(());
        }
        if !told {
            tracing::warn!("`{shown}` is held: {reason}");
        }
        Ok(self.parts.store.hold(&name)?)
    }

    /// The key was judged.
    pub fn release(&mut self, key: &[u8]) -> Result<(), End> {
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
                Refusal::Unfit(unfit) => self.hold(key, Why { rule, unfit })?,
                Refusal::Kept => self.keep(&key)?,
            }
        }
        Ok(())
    }

    /// The destination has something else under a key, which stays.
    pub fn keep(&mut self, key: &[u8]) -> Result<(), MirrorError> {
        self.parts.metrics.policy(Policy::OnConflict);
        if self.conflicts.keep(key) {
            self.report.keep(key);
            let shown = String::from_utf8_lossy(key);
            tracing::info!("`{shown}` stays as the destination has it: it is not carry's");
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
    pub fn release_kept_within(&mut self, range: &KeyRange) -> Result<(), MirrorError> {
        let released = self.conflicts.take_range(range);
        for key in &released {
            self.report.unkeep(key);
        }
        match released.is_empty() {
            true => Ok(()),
            false => Ok(self.parts.store.unkeep(&released)?),
        }
    }

    /// Takes in which keys were kept when carry last ran.
    pub fn recall_kept(&mut self) -> Result<(), MirrorError> {
        for key in self.parts.store.kept()? {
            if self.conflicts.keep(&key) {
                self.report.keep(&key);
            }
        }
        Ok(())
    }
}
