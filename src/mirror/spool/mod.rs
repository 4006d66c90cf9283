//! What the watch has delivered and nobody has taken yet.
//!
//! Promises to hand out what was put in, in order, and to say when it is full:
//! so many bytes of keys and values in memory, then so many on disk (or one
//! event more, where that does not fit). What comes while something is on disk
//! goes behind it, so that order holds. Deliberately survives nothing: the
//! source keeps the history, and values of Secrets must not stay behind.

mod disk;
mod frame;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use self::disk::Disk;
use super::sealing::blocking;
use crate::etcd::{EtcdError, SourceRevision};
use crate::metrics::Metrics;
use crate::source::{Change, WatchError, WatchEvent};

/// What one change costs beside its key and value.
const CHANGE_OVERHEAD: usize = 96;

/// How much a spool may hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in memory.
    pub memory: usize,
    /// Bytes on disk; 0 for none.
    pub disk: u64,
    /// A directory that is the spool's alone, for files while they are needed.
    /// What lies there is removed. Without it there is no disk.
    pub directory: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 64 << 20,
            disk: 4 << 30,
            directory: None,
        }
    }
}

type Entry = Result<WatchEvent, WatchError>;

/// A bounded queue between the task that reads the watch and the one that
/// applies. One task may put in, one may take.
pub struct Spool {
    limits: Limits,
    metrics: Metrics,
    /// Locked before `state`, where both are.
    disk: Mutex<Option<Disk>>,
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    /// What comes first.
    events: VecDeque<Entry>,
    bytes: usize,
    /// What comes next is on disk, so many bytes.
    on_disk: u64,
    /// Why there will be no more, behind what is on disk.
    end: Option<WatchError>,
    /// The disk takes nothing more.
    broken: bool,
    /// Of the source, of all that was ever put in.
    newest: SourceRevision,
}

impl Spool {
    /// An empty one.
    pub fn new(limits: Limits, metrics: Metrics) -> Spool {
        let directory = limits.directory.clone().filter(|_| limits.disk > 0);
        let spool = Spool {
            limits,
            metrics,
            disk: Mutex::new(directory.map(Disk::new)),
            state: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
        };
        spool.tell(&spool.lock());
        spool
    }

    /// Whether more may be put in.
    pub fn has_room(&self) -> bool {
        let state = self.lock();
        let may_spill = self.has_disk() && !state.broken && state.on_disk < self.limits.disk;
        may_spill || (state.on_disk == 0 && state.bytes < self.limits.memory)
    }

    /// Waits until a good part of it is free. Safe to cancel.
    pub async fn room(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.is_relaxed() {
                return;
            }
            emptied.await;
        }
    }

    /// Whether a quarter is free. A disk that took nothing more is tried anew
    /// then.
    fn is_relaxed(&self) -> bool {
        let mut disk = lock(&self.disk);
        let mut state = self.lock();
        let disk_limit = match self.has_disk() && !state.broken {
            true => self.limits.disk,
            false => 0,
        };
        let limit = self.limits.memory as u64 + disk_limit;
        let spilled_enough = !state.broken || state.on_disk == 0;
        let relaxed = spilled_enough && state.bytes as u64 + state.on_disk <= limit / 4 * 3;
        if relaxed && let Some(disk) = &mut *disk {
            disk.mend();
            state.broken = false;
        }
        relaxed
    }

    /// Puts in an event, or why there will be no more.
    pub fn push(&self, entry: Entry) {
        let mut state = self.lock();
        let upto = entry.as_ref().map_or(None, WatchEvent::upto);
        state.newest = state.newest.max(upto.unwrap_or_default());
        let spills = self.has_disk() && !state.broken && state.bytes >= self.limits.memory;
        match entry {
            Err(end) if state.on_disk > 0 => state.end = Some(end),
            Ok(event) if state.on_disk > 0 || spills => {
                drop(state);
                self.spill(&event);
                state = self.lock();
            }
            entry => {
                state.bytes += size(&entry);
                state.events.push_back(entry);
            }
        }
        self.tell(&state);
        drop(state);
        self.filled.notify_one();
    }

    fn spill(&self, event: &WatchEvent) {
        let mut disk = lock(&self.disk);
        let Some(disk) = &mut *disk else { return };
        blocking(true, || disk.push(event));
        let mut state = self.lock();
        state.on_disk = disk.bytes();
        if let Some(error) = disk.broken()
            && !state.broken
        {
            state.broken = true;
            tracing::warn!("what waits to be written goes to memory alone: the disk says: {error}");
        }
    }

    /// The newest revision of the source that was ever put in.
    pub fn newest(&self) -> SourceRevision {
        self.lock().newest
    }

    /// Waits for the oldest event. Safe to cancel; for one task at a time.
    pub async fn next(&self) -> Entry {
        loop {
            let filled = self.filled.notified();
            if let Some(entry) = self.take() {
                return entry;
            }
            filled.await;
        }
    }

    fn take(&self) -> Option<Entry> {
        let mut state = self.lock();
        if state.events.is_empty() && state.on_disk > 0 {
            drop(state);
            self.refill();
            state = self.lock();
        }
        let entry = match state.events.pop_front() {
            Some(entry) => entry,
            None => Err(state.end.take()?),
        };
        state.bytes -= size(&entry);
        self.tell(&state);
        drop(state);
        self.emptied.notify_one();
        Some(entry)
    }

    /// Takes the next events from the disk.
    fn refill(&self) {
        let mut disk = lock(&self.disk);
        let Some(disk) = &mut *disk else { return };
        let taken = blocking(true, || disk.take());
        let mut state = self.lock();
        state.on_disk = disk.bytes();
        match taken {
            Ok(events) => {
                let entries = events.into_iter().map(Ok);
                for entry in entries {
                    state.bytes += size(&entry);
                    state.events.push_back(entry);
                }
            }
            // Whoever takes begins anew where it has got to.
            Err(error) => {
                let lost = format!("what waited on disk cannot be read: {error}");
                let lost = EtcdError::Unavailable(lost);
                state.events.push_back(Err(lost.into()));
            }
        }
    }

    fn has_disk(&self) -> bool {
        self.limits.disk > 0 && self.limits.directory.is_some()
    }

    fn tell(&self, state: &State) {
        self.metrics.spool_bytes(state.bytes as u64, state.on_disk);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.metrics.spool_bytes(0, 0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size(entry: &Entry) -> usize {
    match entry {
        Ok(WatchEvent::Changes(changes)) => changes.iter().map(change_bytes).sum(),
        Ok(WatchEvent::Progress(_)) | Err(_) => 0,
    }
}

/// What one change counts for.
pub fn change_bytes(change: &Change) -> usize {
    change.key.len() + change.value.as_ref().map_or(0, Vec::len) + CHANGE_OVERHEAD
}

#[cfg(test)]
mod tests;
