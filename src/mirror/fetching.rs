//! Pages of the source, one after the other, as of one revision.
//!
//! Promises to go on at the newest revision where that one was compacted, and
//! to say so. Deliberately judges nothing.

use super::cuts::Cuts;
use super::error::MirrorError;
use super::pages::newest;
use super::ranges::after;
use super::retry::persist;
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::source::{Item, Source};

/// One page, and where the next one begins.
pub struct Page {
    /// In key order.
    pub items: Vec<Item>,
    /// Of which revision they are.
    pub at: SourceRevision,
    /// That it, and all pages that follow, are of a newer revision.
    pub newer: Option<(KeyRange, SourceRevision)>,
    /// Where the next one begins; `None` at the end of the range.
    pub rest: Option<Vec<u8>>,
}

/// Fetches one page; where `at` is compacted, as of now.
pub async fn fetch<S: Source>(
    source: &S,
    cuts: &mut Cuts,
    start: Vec<u8>,
    at: SourceRevision,
    limit: usize,
) -> Result<Page, MirrorError> {
    let range = cuts.next(source, start, at, limit).await?;
    let page = persist("listing the source", || source.list(&range, at, limit)).await;
    let (items, more, at, newer) = match page {
        Ok((items, more)) => (items, more, at, None),
        Err(EtcdError::Compacted { .. }) => {
            let (items, more, now) = fetch_now(source, &range, limit).await?;
            let rest = KeyRange {
                start: range.start.clone(),
                end: cuts.end().to_vec(),
            };
            (items, more, now, Some((rest, now)))
        }
        Err(error) => return Err(MirrorError::Source(error)),
    };
    let rest = match items.last().filter(|_| more) {
        Some(last) => after(&last.key, &range).start,
        None => range.end,
    };
    Ok(Page {
        items,
        at,
        newer,
        rest: (rest.as_slice() < cuts.end()).then_some(rest),
    })
}

async fn fetch_now<S: Source>(
    source: &S,
    range: &KeyRange,
    limit: usize,
) -> Result<(Vec<Item>, bool, SourceRevision), MirrorError> {
    loop {
        let now = newest(source).await?;
        tracing::info!("the source was compacted while it was listed: going on at revision {now}");
        match persist("listing the source", || source.list(range, now, limit)).await {
            Ok((items, more)) => return Ok((items, more, now)),
            // Compacted once more, in between.
            Err(EtcdError::Compacted { .. }) => {}
            Err(error) => return Err(MirrorError::Source(error)),
        }
    }
}
