//! The line to one plugin: one call at a time, and none while it is known to
//! be in vain.
//!
//! Promises that a plugin which does not answer costs its timeout once and not
//! for each value, and that one encrypted key which it refuses costs nothing to
//! the others. Deliberately keeps no result.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::object::Identity;
use super::plugin::{KmsPlugin, PluginError};
use crate::k8s::crypto::error::CryptoError;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const MAX_REFUSALS: usize = 1024;

/// A plugin by name, and what is known of its troubles.
pub(super) struct Line {
    name: Arc<str>,
    plugin: Option<Arc<dyn KmsPlugin>>,
    troubles: Mutex<Troubles>,
}

struct Troubles {
    /// Of the plugin as a whole.
    outage: Option<Pause>,
    /// Of single encrypted keys.
    refusals: LruCache<Identity, Pause>,
}

/// A failure that stands for all calls until its end.
struct Pause {
    until: Instant,
    length: Duration,
    why: String,
}

/// The turn to call; others wait.
pub(super) struct Turn<'l> {
    line: &'l Line,
    plugin: &'l dyn KmsPlugin,
    troubles: MutexGuard<'l, Troubles>,
}

impl Line {
    pub fn new(name: Arc<str>, plugin: Option<Arc<dyn KmsPlugin>>) -> Line {
        let troubles = Mutex::new(Troubles {
            outage: None,
            refusals: LruCache::unbounded(),
        });
        Line {
            name,
            plugin,
            troubles,
        }
    }

    /// Waits for the calls of others.
    pub fn turn(&self) -> Result<Turn<'_>, CryptoError> {
        let troubles = self.troubles.lock();
        Ok(Turn {
            line: self,
            plugin: self.plugin()?,
            troubles: troubles.unwrap_or_else(PoisonError::into_inner),
        })
    }

    pub fn now(&self) -> Result<Instant, CryptoError> {
        self.plugin().map(|plugin| plugin.now())
    }

    /// An answer that cannot be used.
    pub fn failed(&self, why: impl Into<String>) -> CryptoError {
        CryptoError::Kms {
            plugin: self.name.to_string(),
            why: why.into(),
        }
    }

    fn plugin(&self) -> Result<&dyn KmsPlugin, CryptoError> {
        let missing = || CryptoError::NoPlugin {
            plugin: self.name.to_string(),
        };
        self.plugin.as_deref().ok_or_else(missing)
    }
}

impl Turn<'_> {
    /// Calls the plugin about an encrypted key, unless a call has just failed
    /// that tells how this one would end.
    pub fn ask<T>(
        &mut self,
        about: Option<Identity>,
        call: impl FnOnce(&dyn KmsPlugin) -> Result<T, PluginError>,
    ) -> Result<T, CryptoError> {
        let now = self.plugin.now();
        let Troubles { outage, refusals } = &mut *self.troubles;
        let refusal = about.and_then(|about| refusals.get(&about));
        let known = [outage.as_ref(), refusal];
        if let Some(pause) = known.into_iter().flatten().find(|pause| now < pause.until) {
            return Err(self.line.failed(&pause.why));
        }
        let outcome = call(self.plugin);
        self.remember(about, outcome.as_ref().err());
        outcome.map_err(|error| self.line.failed(error.to_string()))
    }

    fn remember(&mut self, about: Option<Identity>, error: Option<&PluginError>) {
        let now = self.plugin.now();
        let Troubles { outage, refusals } = &mut *self.troubles;
        if let Some(PluginError::Unreachable(why)) = error {
            *outage = Some(Pause::after(outage.as_ref(), now, why));
            return;
        }
        *outage = None;
        let Some(about) = about else { return };
        match error {
            None => drop(refusals.pop(&about)),
            Some(error) => {
                let pause = Pause::after(refusals.peek(&about), now, &error.to_string());
                refusals.put(about, pause);
                if refusals.len() > MAX_REFUSALS {
                    refusals.pop_lru();
                }
            }
        }
    }
}

impl Pause {
    fn after(earlier: Option<&Pause>, now: Instant, why: &str) -> Pause {
        let longer = |pause: &Pause| (pause.length * 2).min(LONGEST_PAUSE);
        let length = earlier.map_or(FIRST_PAUSE, longer);
        Pause {
            until: now.checked_add(length).unwrap_or(now),
            length,
            why: why.to_owned(),
        }
    }
}
