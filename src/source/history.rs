//! Whether a source still has the history that something was learned from.
//!
//! Promises to notice a source that was restored from a backup and has been
//! written since, which its revisions alone do not give away. Deliberately
//! believes a source that has compacted what it is asked about, or does not let
//! us see it: nobody knows better.

use super::{Change, Item, Source};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// A put that was seen, or was told by the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The whole key.
    pub key: Vec<u8>,
    /// The revision that wrote it.
    pub revision: SourceRevision,
}

impl Put {
    /// Its key alone.
    pub(super) fn range(&self) -> KeyRange {
        KeyRange::only(self.key.as_slice())
    }

    /// The last put among changes in order of revision, if there is one.
    pub fn last_of(changes: &[Change]) -> Option<Put> {
        let last = changes.iter().rfind(|change| change.value.is_some())?;
        Some(Put {
            key: last.key.clone(),
            revision: last.revision,
        })
    }
}

/// Ends in [`EtcdError::LostHistory`] where `source` did not write the key at
/// that revision.
pub async fn check<S: Source>(source: &S, put: &Put) -> Result<(), EtcdError> {
    let found = source.list(&put.range(), put.revision, 1).await;
    check_found(put, found)
}

/// The same of what a source has said about the key as of that revision.
pub(super) fn check_found(
    put: &Put,
    found: Result<(Vec<Item>, bool), EtcdError>,
) -> Result<(), EtcdError> {
    let Put { key, revision } = put;
    let found = match found {
        Ok((found, _)) => found.into_iter().next(),
        Err(EtcdError::Compacted { .. } | EtcdError::PermissionDenied(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    match found.is_some_and(|found| found.revision == *revision) {
        true => Ok(()),
        false => Err(EtcdError::LostHistory {
            key: String::from_utf8_lossy(key).into_owned(),
            revision: revision.0,
        }),
    }
}
