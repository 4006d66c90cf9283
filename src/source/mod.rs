//! The etcd that is mirrored from: lists at a revision and watches.
//!
//! Promises that what it hands out is complete and in order, or an error.
//! Deliberately knows nothing of rules or of what is done with a change.

mod assembler;
pub mod backup;
mod etcd;
pub mod history;
mod pace;
mod page;
mod scripted;
mod snapshot;
mod stream;
mod watcher;

pub use etcd::EtcdSource;
pub use scripted::{ScriptedSource, ScriptedWatch};
pub use snapshot::SnapshotFile;
pub use watcher::EtcdWatch;

use std::future::Future;
use std::time::Duration;

use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// What the source says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// etcd's cluster id.
    pub cluster_id: u64,
    /// The newest revision.
    pub revision: SourceRevision,
}

/// One key as listed at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The whole key.
    pub key: Vec<u8>,
    /// The stored bytes.
    pub value: Vec<u8>,
    /// The revision of its last change.
    pub revision: SourceRevision,
    /// The etcd lease it is attached to; 0 for none.
    pub lease: i64,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The whole key.
    pub key: Vec<u8>,
    /// The new bytes, or `None` where it was deleted.
    pub value: Option<Vec<u8>>,
    /// The revision of this change.
    pub revision: SourceRevision,
    /// The etcd lease it is attached to; 0 for none.
    pub lease: i64,
}

/// What a watch delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Changes in order of revision; a revision is never split between two of
    /// these.
    Changes(Vec<Change>),
    /// Everything up to this revision has been delivered.
    Progress(SourceRevision),
}

impl WatchEvent {
    /// The revision that it reaches; `None` of no changes.
    pub fn upto(&self) -> Option<SourceRevision> {
        match self {
            WatchEvent::Changes(changes) => changes.last().map(|last| last.revision),
            WatchEvent::Progress(revision) => Some(*revision),
        }
    }
}

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The revision to go on from is compacted away: a resync is needed.
    #[error("the source has compacted its history up to revision {compacted}")]
    Compacted {
        /// The oldest revision still there.
        compacted: SourceRevision,
    },
    /// Anything else; the watch can be opened again after what it last
    /// delivered.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
}

/// The source of a mirror.
pub trait Source: Send + Sync + 'static {
    /// A watch of this source.
    type Watch: Watch;

    /// Asks for cluster id and newest revision (linearizable).
    fn status(&self) -> impl Future<Output = Result<SourceStatus, EtcdError>> + Send;

    /// One page of `range` as it was at revision `at`, in key order, at most
    /// `limit` items, and whether there is more after the last one.
    /// [`EtcdError::Compacted`] when `at` is gone.
    fn list(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Item>, bool), EtcdError>> + Send;

    /// As [`Source::list`], but the keys alone.
    fn keys(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Vec<u8>>, bool), EtcdError>> + Send {
        let listed = self.list(range, at, limit);
        async {
            let (items, more) = listed.await?;
            Ok((items.into_iter().map(|item| item.key).collect(), more))
        }
    }

    /// How many keys `range` has at revision `at`; `None` from a source that
    /// does not count.
    fn count(
        &self,
        range: &KeyRange,
        at: SourceRevision,
    ) -> impl Future<Output = Result<Option<u64>, EtcdError>> + Send {
        let _ = (range, at);
        async { Ok(None) }
    }

    /// One key as it is now.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Item>, EtcdError>> + Send;

    /// How long a lease lives unless it is renewed, in whole seconds; `None`
    /// where it is not there. Asks for no keys: that would need permission to
    /// read them. A source that knows no leases has none.
    fn time_to_live(
        &self,
        lease: i64,
    ) -> impl Future<Output = Result<Option<Duration>, EtcdError>> + Send {
        let _ = lease;
        async { Ok(None) }
    }

    /// Watches `ranges` (sorted, disjoint) from `from` on, inclusive. Returns
    /// once the server has confirmed it.
    fn watch(
        &self,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> impl Future<Output = Result<Self::Watch, WatchError>> + Send;
}

/// An open watch. Reconnects by itself where that loses nothing.
pub trait Watch: Send + 'static {
    /// Waits for the next event. Safe to cancel.
    fn next(&mut self) -> impl Future<Output = Result<WatchEvent, WatchError>> + Send;

    /// Asks the server for a [`WatchEvent::Progress`], which arrives through
    /// `next`.
    fn request_progress(&mut self) -> impl Future<Output = Result<(), WatchError>> + Send;
}
