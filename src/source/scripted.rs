//! A source in memory whose history a test writes, with etcd's rules for
//! revisions, compaction and watches.
//!
//! Promises the same contract as a real etcd, deterministically. Deliberately
//! forgets nothing when compacted: it only refuses what is compacted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Change, Item, Source, SourceStatus, Watch, WatchError, WatchEvent};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// An etcd in memory. Clones share the history.
#[derive(Clone)]
pub struct ScriptedSource {
    shared: Arc<Shared>,
}

struct Shared {
    history: Mutex<History>,
    /// Rings whenever a watch may have something new to see; watches hear it in
    /// the order in which they began to wait.
    bell: Notify,
}

struct History {
    cluster_id: u64,
    /// etcd begins at revision 1, which holds nothing.
    revision: i64,
    compacted: i64,
    /// In order of revision.
    changes: Vec<Change>,
    /// The keys there are now.
    there: BTreeSet<Vec<u8>>,
    /// How long each lease lives.
    leases: BTreeMap<i64, Duration>,
    read_faults: VecDeque<EtcdError>,
    /// Every fault that open watches were given so far.
    watch_faults: Vec<EtcdError>,
    /// How often progress was announced to open watches.
    announcements: usize,
}

impl Default for ScriptedSource {
    fn default() -> ScriptedSource {
        ScriptedSource::new(0x5c21)
    }
}

impl ScriptedSource {
    /// An empty etcd with this cluster id, at revision 1.
    pub fn new(cluster_id: u64) -> ScriptedSource {
        let history = History {
            cluster_id,
            revision: 1,
            compacted: 0,
            changes: Vec::new(),
            there: BTreeSet::new(),
            leases: BTreeMap::new(),
            read_faults: VecDeque::new(),
            watch_faults: Vec::new(),
            announcements: 0,
        };
        let shared = Shared {
            history: Mutex::new(history),
            bell: Notify::new(),
        };
        ScriptedSource {
            shared: Arc::new(shared),
        }
    }

    /// Writes one key.
    pub fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> SourceRevision {
        self.txn([(key.into(), Some(value.into()), 0)])
    }

    /// Writes one key attached to a lease.
    pub fn put_leased(
        &self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        lease: i64,
    ) -> SourceRevision {
        self.txn([(key.into(), Some(value.into()), lease)])
    }

    /// From now on whoever asks is told that `lease` has `left` to live, or that
    /// it is not there; deletes nothing.
    pub fn set_lease(&self, lease: i64, left: Option<Duration>) {
        let leases = &mut self.history().leases;
        match left {
            Some(left) => leases.insert(lease, left),
            None => leases.remove(&lease),
        };
    }

    /// Deletes one key; where it is not there, nothing happens, as in etcd.
    pub fn delete(&self, key: impl Into<Vec<u8>>) -> SourceRevision {
        self.txn([(key.into(), None, 0)])
    }

    /// Writes (`Some`) and deletes (`None`) keys in one revision.
    pub fn txn(
        &self,
        ops: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>, i64)>,
    ) -> SourceRevision {
        let revision = self.history().txn(ops);
        self.ring();
        revision
    }

    /// Compacts: lists before `at` and watches from before it are refused.
    pub fn compact(&self, at: SourceRevision) {
        let mut history = self.history();
        history.compacted = history.compacted.max(at.0.min(history.revision));
        drop(history);
        self.ring();
    }

    /// Takes the place of the cluster id, as a restored or another cluster.
    pub fn set_cluster_id(&self, cluster_id: u64) {
        self.history().cluster_id = cluster_id;
    }

    /// Lets the next list, get or status fail; several are used in turn.
    pub fn fail_next_read(&self, error: EtcdError) {
        self.history().read_faults.push_back(error);
    }

    /// Ends every open watch with this error.
    pub fn fail_watches(&self, error: EtcdError) {
        self.history().watch_faults.push(error);
        self.ring();
    }

    /// Sends progress to every open watch, unasked.
    pub fn announce_progress(&self) {
        self.history().announcements += 1;
        self.ring();
    }

    /// The newest revision.
    pub fn revision(&self) -> SourceRevision {
        SourceRevision(self.history().revision)
    }

    /// Everything there is now, in key order.
    pub fn items(&self) -> Vec<Item> {
        let history = self.history();
        let all = KeyRange {
            start: Vec::new(),
            end: vec![0xff],
        };
        history.items_at(&all, history.revision).collect()
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.shared
            .history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        self.shared.bell.notify_waiters();
    }
}

impl History {
    fn txn(
        &mut self,
        ops: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>, i64)>,
    ) -> SourceRevision {
        let revision = SourceRevision(self.revision + 1);
        let before = self.changes.len();
        for (key, value, lease) in ops {
            let is_there = match &value {
                Some(_) => {
                    self.there.insert(key.clone());
                    true
                }
                None => self.there.remove(&key),
            };
            if is_there {
                self.changes.push(Change {
                    key,
                    value,
                    revision,
                    lease,
                });
            }
        }
        if self.changes.len() > before {
            self.revision = revision.0;
        }
        SourceRevision(self.revision)
    }

    /// What there is of `range` at a revision, in key order.
    fn items_at(&self, range: &KeyRange, at: i64) -> impl Iterator<Item = Item> {
        let changes = self.changes.iter();
        let mut last: BTreeMap<&[u8], &Change> = BTreeMap::new();
        for change in changes.take_while(|change| change.revision.0 <= at) {
            if range.contains(&change.key) {
                last.insert(&change.key, change);
            }
        }
        last.into_values().filter_map(|change| {
            Some(Item {
                key: change.key.clone(),
                value: change.value.clone()?,
                revision: change.revision,
                lease: change.lease,
            })
        })
    }

    fn read(&mut self) -> Result<(), EtcdError> {
        self.read_faults.pop_front().map_or(Ok(()), Err)
    }

    fn check_revision(&self, at: i64) -> Result<(), EtcdError> {
        if at < self.compacted {
            return Err(EtcdError::Compacted {
                compacted: self.compacted,
            });
        }
        match at > self.revision {
            true => Err(EtcdError::FutureRevision),
            false => Ok(()),
        }
    }
}

impl Source for ScriptedSource {
    type Watch = ScriptedWatch;

    async fn status(&self) -> Result<SourceStatus, EtcdError> {
        let mut history = self.history();
        history.read()?;
        let revision = SourceRevision(history.revision);
        Ok(SourceStatus {
            cluster_id: history.cluster_id,
            revision,
        })
    }

    async fn list(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> Result<(Vec<Item>, bool), EtcdError> {
        let mut history = self.history();
        history.read()?;
        history.check_revision(at.0)?;
        let items = history.items_at(range, at.0);
        let mut items: Vec<Item> = items.take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        Ok((items, more))
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Item>, EtcdError> {
        let mut history = self.history();
        history.read()?;
        let alone = KeyRange {
            start: key.to_vec(),
            end: [key, &[0]].concat(),
        };
        Ok(history.items_at(&alone, history.revision).next())
    }

    async fn time_to_live(&self, lease: i64) -> Result<Option<Duration>, EtcdError> {
        let mut history = self.history();
        history.read()?;
        Ok(history.leases.get(&lease).copied())
    }

    async fn watch(
        &self,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<ScriptedWatch, WatchError> {
        let history = self.history();
        Ok(ScriptedWatch {
            ranges: ranges.to_vec(),
            next: from.0,
            faults_seen: history.watch_faults.len(),
            announcements_seen: history.announcements,
            asked: false,
            source: self.clone(),
        })
    }
}

/// As a real etcd does not send a whole history at once: so many bytes are
/// enough, if a revision ends there.
const ENOUGH: usize = 1 << 20;

/// A watch of a [`ScriptedSource`].
pub struct ScriptedWatch {
    source: ScriptedSource,
    ranges: Vec<KeyRange>,
    next: i64,
    faults_seen: usize,
    announcements_seen: usize,
    asked: bool,
}

impl ScriptedWatch {
    fn poll(&mut self) -> Option<Result<WatchEvent, WatchError>> {
        let source = self.source.clone();
        let history = source.history();
        if let Some(error) = history.watch_faults.get(self.faults_seen) {
            self.faults_seen += 1;
            return Some(Err(error.clone().into()));
        }
        if self.next < history.compacted {
            let compacted = SourceRevision(history.compacted);
            return Some(Err(WatchError::Compacted { compacted }));
        }
        self.changes(&history)
            .or_else(|| self.progress(&history))
            .map(Ok)
    }

    fn changes(&mut self, history: &History) -> Option<WatchEvent> {
        let first = history
            .changes
            .partition_point(|change| change.revision.0 < self.next);
        let wanted = |change: &&Change| self.ranges.iter().any(|range| range.contains(&change.key));
        let new = history.changes.get(first..)?;
        let mut changes: Vec<Change> = Vec::new();
        let mut bytes = 0;
        for change in new.iter().filter(wanted) {
            let next = changes
                .last()
                .is_some_and(|last| last.revision < change.revision);
            if next && bytes >= ENOUGH {
                self.next = change.revision.0;
                return Some(WatchEvent::Changes(changes));
            }
            bytes += change.value.as_ref().map_or(0, Vec::len);
            changes.push(change.clone());
        }
        self.next = self.next.max(history.revision + 1);
        (!changes.is_empty()).then_some(WatchEvent::Changes(changes))
    }

    fn progress(&mut self, history: &History) -> Option<WatchEvent> {
        let announced = self.announcements_seen < history.announcements;
        self.announcements_seen = history.announcements;
        let due = std::mem::take(&mut self.asked) || announced;
        due.then_some(WatchEvent::Progress(SourceRevision(history.revision)))
    }
}

impl Watch for ScriptedWatch {
    async fn next(&mut self) -> Result<WatchEvent, WatchError> {
        loop {
            let shared = self.source.shared.clone();
            let rung = shared.bell.notified();
            if let Some(event) = self.poll() {
                return event;
            }
            rung.await;
        }
    }

    async fn request_progress(&mut self) -> Result<(), WatchError> {
        self.asked = true;
        Ok(())
    }
}
