//! Whether a source still has the history that something was learned from.
//!
//! Promises to notice a source that was restored from a backup and has been
//! written since, which its revisions alone do not give away. Deliberately
//! believes a source that has compacted what it is asked about, or does not let
//! us see it: nobody knows better.

use super::{Change, Source};
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
    let Put { key, revision } = put;
    let only = KeyRange::only(key.as_slice());
    let found = match source.list(&only, *revision, 1).await {
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
