//! A destination in memory, with scripted faults.
//!
//! Promises etcd's rules for transactions, fences, leases and revisions, and
//! that each fault happens to exactly one commit, in the order scripted.
//! Deliberately has no clock: a lease ends when a test says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::changes::Changes;
use super::election::{Campaign, Election, Leader, LeaseId, Term, promoted_key};
use super::script::unavailable;
pub use super::script::{Committed, Fault};
use super::{DestStatus, Destination, Entry, Fence, Granted, Guard, Op, Outcome, There, Watch};
use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;

/// An etcd of one process, for tests.
pub struct MemoryDestination {
    state: Mutex<State>,
    open: watch::Sender<bool>,
}

#[derive(Default)]
pub(super) struct State {
    cluster_id: u64,
    pub(super) revision: i64,
    pub(super) changes: Changes,
    keys: BTreeMap<Vec<u8>, Stored>,
    pub(super) leases: BTreeSet<i64>,
    next_lease: i64,
    /// How long those live that were asked for by their ids.
    granted: BTreeMap<i64, Duration>,
    /// Every renewal so far.
    renewed: Vec<LeaseId>,
    faults: VecDeque<Fault>,
    late: Vec<(Fence, Vec<Guard>, Vec<Op>)>,
    log: Vec<Committed>,
    down: bool,
    full: bool,
    max_ops: usize,
    max_bytes: usize,
}

#[derive(Clone)]
struct Stored {
    value: Vec<u8>,
    create_revision: i64,
    mod_revision: i64,
    lease: i64,
}

impl Stored {
    fn seen(&self) -> There {
        There {
            value: self.value.clone(),
            create_revision: self.create_revision,
            mod_revision: self.mod_revision,
        }
    }
}

impl MemoryDestination {
    /// An empty etcd with etcd's default limits.
    pub fn new(cluster_id: u64) -> MemoryDestination {
        let state = State {
            cluster_id,
            revision: 1,
            max_ops: 128,
            max_bytes: 1536 << 10,
            ..State::default()
        };
        MemoryDestination {
            state: Mutex::new(state),
            open: watch::Sender::new(true),
        }
    }

    /// What the server accepts in one transaction.
    pub fn set_limits(&self, max_ops: usize, max_bytes: usize) {
        let mut state = self.lock();
        (state.max_ops, state.max_bytes) = (max_ops, max_bytes);
    }

    /// Scripts what happens to the next commits.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.extend(faults);
    }

    /// How many of the scripted commits are still to come.
    pub fn scripted(&self) -> usize {
        self.lock().faults.len()
    }

    /// While down, every call fails without effect.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    /// While full, what needs room is refused, as under etcd's `NOSPACE`.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// While closed, commits wait before anything happens to them.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// How many commits wait while closed.
    pub fn waiting(&self) -> usize {
        self.open.receiver_count()
    }

    /// The lease that a key is attached to.
    pub fn lease_of(&self, key: &[u8]) -> Option<LeaseId> {
        let lease = self.lock().keys.get(key)?.lease;
        (lease != 0).then_some(LeaseId(lease))
    }

    /// How long a lease lives that was made by [`Destination::grant`].
    pub fn ttl_of(&self, lease: LeaseId) -> Option<Duration> {
        self.lock().granted.get(&lease.0).copied()
    }

    /// How often a lease was renewed.
    pub fn renewals(&self, lease: LeaseId) -> usize {
        let state = self.lock();
        state.renewed.iter().filter(|own| **own == lease).count()
    }

    /// The revision of a key's last change.
    pub fn revision_of(&self, key: &[u8]) -> Option<DestRevision> {
        let stored = self.lock();
        let stored = stored.keys.get(key)?;
        Some(DestRevision(stored.mod_revision))
    }

    /// Writes without a fence, as another client would.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        let mut state = self.lock();
        state.revision += 1;
        state.store(key, value, 0);
    }

    /// Every key under `prefix` with its value.
    pub fn contents(&self, prefix: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let state = self.lock();
        let under = state.keys.iter().filter(|(key, _)| key.starts_with(prefix));
        under
            .map(|(key, stored)| (key.clone(), stored.value.clone()))
            .collect()
    }

    /// Every transaction so far.
    pub fn committed(&self) -> Vec<Committed> {
        self.lock().log.clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<MutexGuard<'_, State>, EtcdError> {
        let state = self.lock();
        (!state.down).then_some(state).ok_or_else(unavailable)
    }

    fn writing(&self) -> Result<MutexGuard<'_, State>, EtcdError> {
        let mut state = self.up()?;
        for (fence, guards, ops) in std::mem::take(&mut state.late) {
            state.transact(&fence, &guards, &ops);
        }
        Ok(state)
    }
}

impl State {
    /// What becomes of a commit; none where nobody is ever told.
    fn answer(
        &mut self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Option<Outcome>, EtcdError> {
        self.refuse(guards, ops)?;
        let fault = self.faults.pop_front().unwrap_or(Fault::Passes);
        let outcome = fault.arrives().then(|| self.transact(fence, guards, ops));
        if fault == Fault::ArrivesLate {
            let late = (fence.clone(), guards.to_vec(), ops.to_vec());
            self.late.push(late);
        }
        fault.told(outcome)
    }

    fn fence(&self, key: &[u8]) -> Fence {
        let stored = self.keys.get(key);
        Fence {
            key: key.to_vec(),
            create_revision: stored.map_or(0, |stored| stored.create_revision),
            mod_revision: stored.map_or(0, |stored| stored.mod_revision),
        }
    }

    fn transact(&mut self, fence: &Fence, guards: &[Guard], ops: &[Op]) -> Outcome {
        let holds = self.keys.get(&fence.key).is_some_and(|stored| {
            (stored.create_revision, stored.mod_revision)
                == (fence.create_revision, fence.mod_revision)
        });
        if !holds {
            return Outcome::Fenced;
        }
        if !guards.iter().all(|guard| self.is_so(guard)) {
            return Outcome::Unmet;
        }
        let effective = ops.iter().any(|op| match op {
            Op::Put { .. } | Op::PutLeased { .. } => true,
            Op::Delete { key } => self.keys.contains_key(key),
        });
        self.revision += i64::from(effective);
        for op in ops {
            match op {
                Op::Put { key, value } => self.store(key, value, 0),
                Op::PutLeased { key, value, lease } => self.store(key, value, *lease),
                Op::Delete { key } => self.forget(key),
            }
        }
        let revision = DestRevision(self.revision);
        self.log.push(Committed {
            revision,
            ops: ops.to_vec(),
        });
        Outcome::Applied(revision)
    }

    pub(super) fn is_so(&self, guard: &Guard) -> bool {
        let stored = |key: &Vec<u8>| self.keys.get(key);
        let created = |key| stored(key).map_or(0, |own| own.create_revision);
        match guard {
            Guard::Absent(key) => created(key) == 0,
            Guard::Unchanged { key, mod_revision } => {
                stored(key).map_or(0, |own| own.mod_revision) == *mod_revision
            }
            Guard::Lives {
                key,
                create_revision,
            } => created(key) == *create_revision,
            Guard::NoneNewer { range, revision } => self
                .page(range)
                .all(|(_, own)| own.mod_revision <= *revision),
        }
    }

    pub(super) fn store(&mut self, key: &[u8], value: &[u8], lease: i64) {
        let mod_revision = self.revision;
        let create_revision = self
            .keys
            .get(key)
            .map_or(mod_revision, |old| old.create_revision);
        let stored = Stored {
            value: value.to_vec(),
            create_revision,
            mod_revision,
            lease,
        };
        self.keys.insert(key.to_vec(), stored);
        self.changes.touch(key, mod_revision);
    }

    pub(super) fn forget(&mut self, key: &[u8]) {
        if self.keys.remove(key).is_some() {
            self.changes.touch(key, self.revision);
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.revision += i64::from(self.keys.contains_key(key));
        self.forget(key);
    }

    /// What is attached to a lease goes in one revision.
    pub(super) fn detach(&mut self, lease: i64) {
        let attached = self.keys.iter().filter(|(_, own)| own.lease == lease);
        let gone: Vec<Vec<u8>> = attached.map(|(key, _)| key.clone()).collect();
        self.revision += i64::from(!gone.is_empty());
        gone.iter().for_each(|key| self.forget(key));
    }

    fn room(&self) -> Result<(), EtcdError> {
        match self.full {
            true => Err(EtcdError::NoSpace),
            false => Ok(()),
        }
    }

    fn refuse(&self, guards: &[Guard], ops: &[Op]) -> Result<(), EtcdError> {
        let mut puts = BTreeSet::new();
        let mut deletes = BTreeSet::new();
        for op in ops {
            let fresh = match op.is_put() {
                true => puts.insert(op.key()) && !deletes.contains(op.key()),
                false => {
                    deletes.insert(op.key());
                    !puts.contains(op.key())
                }
            };
            if !fresh {
                return Err(EtcdError::DuplicateKey);
            }
        }
        let bytes: usize = ops.iter().map(Op::bytes).sum();
        if ops.len().max(1 + guards.len()) > self.max_ops {
            return Err(EtcdError::TooManyOps);
        }
        if bytes > self.max_bytes {
            return Err(EtcdError::TooLarge("request is too large".to_owned()));
        }
        let leases = ops.iter().map(Op::lease).filter(|lease| *lease != 0);
        if leases.into_iter().any(|own| !self.leases.contains(&own)) {
            return Err(EtcdError::LeaseNotFound);
        }
        match puts.is_empty() {
            true => Ok(()),
            false => self.room(),
        }
    }

    fn page(&self, range: &KeyRange) -> impl Iterator<Item = (&Vec<u8>, &Stored)> {
        self.keys
            .range(range.start.clone()..)
            .take_while(|(key, _)| **key < range.end)
    }
}

impl Destination for MemoryDestination {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        let state = self.up()?;
        let revision = DestRevision(state.revision);
        Ok(DestStatus {
            cluster_id: state.cluster_id,
            revision,
        })
    }

    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        let mut open = self.open.subscribe();
        // The sender lives as long as `self`.
        let _ = open.wait_for(|open| *open).await;
        tokio::task::yield_now().await;
        let answer = self.writing()?.answer(fence, guards, ops)?;
        match answer {
            Some(outcome) => Ok(outcome),
            None => std::future::pending().await,
        }
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        Ok(self.up()?.keys.get(key).map(Stored::seen))
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let state = self.up()?;
        let mut page = state.page(range);
        let taken = page.by_ref().take(limit);
        let taken = taken
            .map(|(key, stored)| (key.clone(), stored.seen()))
            .collect();
        let more = page.next().is_some();
        Ok((taken, more))
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        Ok(self.up()?.page(range).count() as u64)
    }

    async fn watch(&self, ranges: &[KeyRange], from: DestRevision) -> Result<Watch, EtcdError> {
        self.up()?.changes.watch(ranges, from)
    }

    async fn grant(&self, lease: LeaseId, ttl: Duration) -> Result<Granted, EtcdError> {
        let mut state = self.writing()?;
        let new = !state.leases.contains(&lease.0);
        if new {
            state.room()?;
            state.leases.insert(lease.0);
            state.granted.insert(lease.0, ttl);
        }
        let ttl = state.granted.get(&lease.0).copied().unwrap_or(ttl);
        Ok(Granted {
            left: ttl,
            ttl,
            new,
        })
    }
}

impl Election for MemoryDestination {
    async fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        ttl: Duration,
    ) -> Result<Campaign, EtcdError> {
        let mut state = self.writing()?;
        match state.keys.get(key) {
            None => {}
            Some(stored) if stored.value == holder => {
                return Ok(Campaign::Won(Term {
                    fence: state.fence(key),
                    lease: LeaseId(stored.lease),
                    holder: holder.to_vec(),
                }));
            }
            Some(stored) => {
                return Ok(Campaign::Lost(Leader {
                    holder: stored.value.clone(),
                    create_revision: stored.create_revision,
                    mod_revision: stored.mod_revision,
                    left: Some(ttl),
                }));
            }
        }
        if let Some(mark) = state.keys.get(&promoted_key(key)) {
            return Ok(Campaign::Promoted(mark.value.clone()));
        }
        state.room()?;
        state.next_lease += 1;
        let lease = state.next_lease;
        state.leases.insert(lease);
        state.revision += 1;
        state.store(key, holder, lease);
        let fence = state.fence(key);
        Ok(Campaign::Won(Term {
            fence,
            lease: LeaseId(lease),
            holder: holder.to_vec(),
        }))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        let mut state = self.up()?;
        let lives = state.leases.contains(&lease.0);
        if lives {
            state.renewed.push(lease);
        }
        Ok(lives)
    }

    async fn renew_fence(&self, term: &Term) -> Result<Option<Fence>, EtcdError> {
        let mut state = self.writing()?;
        let key = &term.fence.key;
        let ours = state.keys.get(key).map(|stored| stored.create_revision);
        if ours != Some(term.fence.create_revision) {
            return Ok(None);
        }
        state.room()?;
        state.revision += 1;
        state.store(key, &term.holder, term.lease.0);
        Ok(Some(state.fence(key)))
    }

    async fn evict(&self, key: &[u8], leader: &Leader) -> Result<(), EtcdError> {
        let mut state = self.writing()?;
        if state.keys.get(key).map(|stored| stored.mod_revision) == Some(leader.mod_revision) {
            state.remove(key);
        }
        Ok(())
    }

    async fn resign(&self, term: &Term) -> Result<(), EtcdError> {
        let mut state = self.writing()?;
        let stored = state
            .keys
            .get(&term.fence.key)
            .map(|stored| stored.create_revision);
        if stored == Some(term.fence.create_revision) {
            state.remove(&term.fence.key);
        }
        state.leases.remove(&term.lease.0);
        Ok(())
    }
}
