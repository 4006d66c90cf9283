//! What takes long, while it does: how far it is, for people.
//!
//! Promises that what was begun is ended, however it ends. Deliberately a
//! trait: who shows it is not the mirror's business.

use std::time::Duration;

use futures::future::join_all;

use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;
use crate::source::Source;

/// Who is told. Every call is short; one thing is under way at a time.
pub trait Progress: Send + Sync + 'static {
    /// Something begins that looks at so many keys, where that is known.
    fn begin(&self, what: &str, keys: Option<u64>);
    /// So many more keys were looked at.
    fn advance(&self, keys: u64);
    /// It is done, or given up.
    fn end(&self);
}

/// Shows nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Progress for Unseen {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// Something that is under way; it ends when this is dropped.
pub struct Step<'a>(&'a dyn Progress);

impl<'a> Step<'a> {
    /// Begins it.
    pub fn begin(progress: &'a dyn Progress, what: &str, keys: Option<u64>) -> Step<'a> {
        progress.begin(what, keys);
        Step(progress)
    }

    /// So many more keys were looked at.
    pub fn advance(&self, keys: usize) {
        self.0.advance(u64::try_from(keys).unwrap_or(u64::MAX));
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// How long the list may wait for the number of its keys.
const COUNT_WITHIN: Duration = Duration::from_secs(2);

/// How many ranges are counted at a time.
const AT_A_TIME: usize = 16;

/// How many keys `ranges` have; `None` where that is not known soon. Nothing
/// depends on it.
pub async fn count<S: Source>(source: &S, ranges: &[KeyRange], at: SourceRevision) -> Option<u64> {
    let counted = async {
        let mut keys = 0u64;
        for some in ranges.chunks(AT_A_TIME) {
            for count in join_all(some.iter().map(|range| source.count(range, at))).await {
                keys = keys.saturating_add(count.ok().flatten()?);
            }
        }
        Some(keys)
    };
    tokio::time::timeout(COUNT_WITHIN, counted).await.ok()?
}
