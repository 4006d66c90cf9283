//! Both sides as streams of keys in order, page by page.
//!
//! Promises one page of each in memory at a time. Deliberately fetches no page
//! before it is needed: a comparison is in no hurry, a live mirror beside it
//! is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cursor::PageSize;
use super::error::MirrorError;
use super::ranges::after;
use super::retry::persist;
use crate::destination::{Destination, KeyValue};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::source::{Item, Source};

/// A range of the source.
pub struct SourcePages<S> {
    source: Arc<S>,
    at: SourceRevision,
    rest: Option<KeyRange>,
    page: VecDeque<Item>,
    size: PageSize,
}

impl<S: Source> SourcePages<S> {
    /// Of `range` as it was at `at`; where that is compacted, as it is then.
    pub fn new(source: Arc<S>, range: KeyRange, at: SourceRevision) -> SourcePages<S> {
        SourcePages {
            source,
            at,
            rest: Some(range),
            page: VecDeque::new(),
            size: PageSize::default(),
        }
    }

    /// The revision that is listed at.
    pub fn at(&self) -> SourceRevision {
        self.at
    }

    /// The next key.
    pub async fn next_key(&mut self) -> Result<Option<&[u8]>, MirrorError> {
        while self.page.is_empty() {
            let Some(rest) = self.rest.take() else {
                return Ok(None);
            };
            let (items, more) = self.fetch(&rest).await?;
            let sizes = items.iter().map(|item| item.key.len() + item.value.len());
            self.size.observe(sizes);
            let last = items.last().filter(|_| more);
            self.rest = last.map(|last| after(&last.key, &rest));
            self.page = items.into();
        }
        Ok(self.page.front().map(|item| item.key.as_slice()))
    }

    /// The next item, if it has this key.
    pub fn take(&mut self, key: &[u8]) -> Option<Item> {
        let here = self.page.front().is_some_and(|item| item.key == key);
        here.then(|| self.page.pop_front()).flatten()
    }

    async fn fetch(&mut self, rest: &KeyRange) -> Result<(Vec<Item>, bool), MirrorError> {
        loop {
            let (at, limit) = (self.at, self.size.limit());
            let list = || self.source.list(rest, at, limit);
            match persist("listing the source", list).await {
                Ok(page) => return Ok(page),
                Err(EtcdError::Compacted { .. }) => {
                    self.at = newest(&*self.source).await?;
                }
                Err(error) => return Err(MirrorError::Source(error)),
            }
        }
    }
}

/// The source's newest revision.
pub async fn newest<S: Source>(source: &S) -> Result<SourceRevision, MirrorError> {
    let status = persist("asking the source for its revision", || source.status()).await;
    Ok(status.map_err(MirrorError::Source)?.revision)
}

/// A range of the destination, as it is when each page is read.
pub struct DestinationPages<D> {
    destination: Arc<D>,
    rest: Option<KeyRange>,
    page: VecDeque<KeyValue>,
    size: PageSize,
}

impl<D: Destination> DestinationPages<D> {
    /// Of `range`, with the source's keys.
    pub fn new(destination: Arc<D>, range: KeyRange) -> DestinationPages<D> {
        DestinationPages {
            destination,
            rest: Some(range),
            page: VecDeque::new(),
            size: PageSize::default(),
        }
    }

    /// The next key.
    pub async fn next_key(&mut self) -> Result<Option<&[u8]>, MirrorError> {
        while self.page.is_empty() {
            let Some(rest) = self.rest.take() else {
                return Ok(None);
            };
            let (destination, limit) = (&self.destination, self.size.limit());
            let list = || destination.list(&rest, limit);
            let page = persist("listing the destination", list).await;
            let (page, more) = page.map_err(MirrorError::Destination)?;
            let sizes = page.iter().map(|(key, value)| key.len() + value.len());
            self.size.observe(sizes);
            let last = page.last().filter(|_| more);
            self.rest = last.map(|(last, _)| after(last, &rest));
            self.page = page.into();
        }
        Ok(self.page.front().map(|(key, _)| key.as_slice()))
    }

    /// The next value, if it has this key.
    pub fn take(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let here = self.page.front().is_some_and(|(next, _)| next == key);
        let taken = here.then(|| self.page.pop_front()).flatten();
        taken.map(|(_, value)| value)
    }
}
