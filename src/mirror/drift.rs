//! Keys that somebody may have changed at the destination, from the news of it
//! until it is known.
//!
//! Promises that a key is looked at a while after it was written, so that our
//! own answer is there first; that what cannot be told yet is looked at again;
//! and that what drifts is looked at in turn until it does no more. Deliberately
//! has one look under way at a time, and decides nothing.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::conflicts::Conflicts;
use super::drift_book::Book;
use super::drift_look::{Errand, Look, Looker};
use super::drift_watch::{Heard, Listener, MAX_WAITING, Own};
use super::error::MirrorError;
use super::held::Held;
use super::judging::Judging;
use super::report::Report;
use super::talk::Talk;
use super::wakes::Wakes;
use super::world::{Parts, World};
use crate::etcd::DestRevision;
use crate::metrics::{DriftAction, Metrics};
use crate::rules::namespaces::Namespaces;

/// Of those that are to be looked at again, so many have their turn together,
/// and so many of those that drift.
const AGAIN: usize = 500;
const LISTED: usize = 50;

/// So many kept keys are looked at together.
const KEPT: usize = 500;

/// So often it is looked whether a key has settled. After that its next write
/// settles it, which is ours or tells of another change.
const TIMES: u32 = 10;

/// The longest wait between two looks at a key that has not settled.
const LONGEST: Duration = Duration::from_secs(30);

/// A key to be looked at again.
struct Again {
    times: u32,
    at: Instant,
}

/// What is heard, looked at and known of the destination in one session.
pub struct Watching<W: World> {
    looker: Arc<Looker<W>>,
    heard: Arc<Heard>,
    _listener: Listener,
    report: Arc<dyn Report>,
    metrics: Metrics,
    every: Duration,
    next_look: Instant,
    /// What was heard of in the last turn but one.
    ripe: HashMap<Vec<u8>, DestRevision>,
    again: HashMap<Vec<u8>, Again>,
    /// Kept keys that may be free by now.
    kept: BTreeSet<Vec<u8>>,
    /// Which keys have woken others lately.
    wakes: Wakes,
    /// The last key that was looked at of all in the ledger, while they are.
    sweep: Option<Vec<u8>>,
    /// What drifts.
    pub book: Book,
    /// What was being mended when the look under way began: it may have seen
    /// what was there before.
    mending: HashSet<Vec<u8>>,
    /// The destination's encryption that it was compared under then.
    encryption: String,
    looking: JoinSet<Result<Look, MirrorError>>,
    log: Talk,
}

impl<W: World> Watching<W> {
    /// Listens to what comes after `from`, and looks at what it hears `every` so
    /// often; where that is not known, from now on, and looks at all that is
    /// mirrored first. `own` are the revisions of our own writes.
    pub fn start(
        parts: &Parts<W>,
        own: Arc<Own>,
        report: Arc<dyn Report>,
        every: Duration,
        from: Option<DestRevision>,
    ) -> Watching<W> {
        let heard = Arc::<Heard>::default();
        let (destination, ranges) = (parts.destination.clone(), parts.judge.ranges().to_vec());
        Watching {
            looker: Arc::new(Looker::new(parts.clone(), own)),
            _listener: Listener::start(destination, ranges, heard.clone(), from),
            heard,
            report,
            metrics: parts.metrics.clone(),
            every,
            next_look: Instant::now() + every,
            ripe: HashMap::new(),
            again: HashMap::new(),
            kept: BTreeSet::new(),
            wakes: Wakes::default(),
            sweep: None,
            book: Book::default(),
            mending: HashSet::new(),
            encryption: String::new(),
            looking: JoinSet::new(),
            log: Talk::default(),
        }
    }

    /// What the last look has found, once.
    pub fn finished(&mut self, now: Instant) -> Result<Option<Look>, MirrorError> {
        let Some(done) = self.looking.try_join_next() else {
            return Ok(None);
        };
        let look = match done {
            Ok(look) => look?,
            // Only a panic ends a task otherwise.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Ok(None),
            },
        };
        // A sweep that begins anew meanwhile is begun by `begin`.
        self.sweep.clone_from(&look.sweep);
        self.next_look = self.next_look.max(now);
        if let Some(error) = &look.failed {
            tracing::debug!("looking at what others may have changed: {error}; trying again");
            self.next_look = now + LONGEST.min(10 * self.every);
        }
        self.kept.extend(look.kept.iter().cloned());
        for key in &look.rest {
            let waits = Again { times: 0, at: now };
            self.again.entry(key.clone()).or_insert(waits);
        }
        Ok(Some(look))
    }

    /// A key has come to be kept: by now it may be free, and the news of that
    /// long heard.
    pub fn kept(&mut self, key: &[u8]) {
        self.kept.insert(key.to_vec());
    }

    /// Looks again, if it is time to and there is anything to look at. What held
    /// keys wait for and somebody has written wakes them.
    pub fn begin(
        &mut self,
        now: Instant,
        held: &mut Held,
        conflicts: &Conflicts,
        namespaces: &Arc<Namespaces>,
        encryption: &str,
        is_under_way: impl Fn(&[u8]) -> bool,
    ) {
        if now < self.next_look || !self.looking.is_empty() {
            return;
        }
        self.next_look = now + self.every;
        let errand = self.errand(now, held, conflicts);
        if errand.is_empty() {
            return;
        }
        self.mending.retain(|key| is_under_way(key));
        encryption.clone_into(&mut self.encryption);
        let (looker, namespaces) = (self.looker.clone(), namespaces.clone());
        self.looking
            .spawn(async move { looker.look(errand, &namespaces).await });
    }

    fn errand(&mut self, now: Instant, held: &mut Held, conflicts: &Conflicts) -> Errand {
        let (fresh, missed) = self.heard.take();
        if missed {
            self.sweep = Some(Vec::new());
            self.kept.extend(conflicts.all().cloned());
        }
        for key in fresh.keys() {
            if held.is_awaited(key) && self.wakes.may_wake(key, now, self.every) {
                held.arrived(key);
            }
        }
        for key in fresh.keys() {
            if conflicts.contains(key) {
                self.kept.insert(key.clone());
            }
        }
        let mut touched = std::mem::replace(&mut self.ripe, fresh);
        let due = self.again.iter().filter(|(_, again)| again.at <= now);
        let mut keys: Vec<Vec<u8>> = due.take(AGAIN).map(|(key, _)| key.clone()).collect();
        // Also where it was us: that may be the end of it.
        touched.retain(|key, _| {
            let listed = self.book.has(key);
            if listed {
                keys.push(key.clone());
            }
            !listed
        });
        keys.extend(self.book.next(LISTED));
        keys.sort_unstable();
        keys.dedup();
        let kept = std::iter::from_fn(|| self.kept.pop_first()).take(KEPT);
        Errand {
            touched,
            keys,
            kept: kept.collect(),
            sweep: self.sweep.clone(),
        }
    }

    /// Whether the last look was at what is encrypted so.
    pub fn is_of(&self, encryption: &str) -> bool {
        self.encryption == encryption
    }

    /// Whether the key was being mended when the last look began.
    pub fn was_under_way(&self, key: &[u8]) -> bool {
        self.mending.contains(key)
    }

    /// The key is being mended; whether that helps is seen next.
    pub fn mended(&mut self, key: Vec<u8>, now: Instant) {
        self.book.mend(&key, now);
        self.settled(&key);
        self.mending.insert(key.clone());
        self.look_at(key, now + self.every);
    }

    /// The key is as it should be, or will be written anyway.
    pub fn settled(&mut self, key: &[u8]) {
        self.again.remove(key);
        self.forget(key);
    }

    /// The key does not drift as far as is known.
    fn forget(&mut self, key: &[u8]) {
        if self.book.settled(key) {
            self.report.drift(key, None);
        }
    }

    /// It cannot be told yet.
    pub fn unsettled(&mut self, key: Vec<u8>, now: Instant) {
        self.forget(&key);
        match self.again.entry(key) {
            Entry::Occupied(known) if known.get().times >= TIMES => drop(known.remove()),
            Entry::Occupied(mut known) => {
                let again = known.get_mut();
                let wait = self.every.saturating_mul(1 << again.times).min(LONGEST);
                again.times += 1;
                again.at = now + wait;
            }
            Entry::Vacant(new) => drop(new.insert(Again {
                times: 1,
                at: now + self.every,
            })),
        }
    }

    /// It is to be looked at again then.
    pub fn look_at(&mut self, key: Vec<u8>, at: Instant) {
        self.again.insert(key, Again { times: 0, at });
    }

    /// After each look: what is too much is left to a look at everything.
    pub fn tidy(&mut self) {
        if self.again.len() > MAX_WAITING {
            self.again.clear();
            self.heard.miss();
        }
        self.metrics.drifting_keys(self.book.len());
    }

    /// It is known how it is.
    pub fn looked_at(&mut self, key: &[u8]) {
        self.again.remove(key);
    }

    /// Tells how a key drifts.
    pub fn tell(&self, key: &[u8], how: &str) {
        self.report.drift(key, Some(how));
    }

    /// Counts a change, and logs it.
    pub fn note(&mut self, key: &[u8], how: &str, action: DriftAction, now: Instant) {
        self.metrics.drift(action);
        let Some(unsaid) = self.log.may_say(now) else {
            return;
        };
        let key = String::from_utf8_lossy(key);
        tracing::warn!("`{key}` was changed at the destination: {how}");
        if unsaid > 0 {
            tracing::warn!("{unsaid} more such changes were not logged: `/status` names the keys");
        }
    }
}

/// Who comes next begins anew.
impl<W: World> Drop for Watching<W> {
    fn drop(&mut self) {
        self.book
            .keys()
            .for_each(|key| self.report.drift(key, None));
        self.metrics.drifting_keys(0);
    }
}
