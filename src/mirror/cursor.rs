//! Reading the ledger and the destination alongside a list, in key order.
//!
//! Promises that each is read at most once, page by page, and only where it is
//! asked about. Deliberately has a bound on every page.

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::MirrorError;
use super::ranges::after;
use super::retry::persist;
use crate::destination::Destination;
use crate::rules::decide::KeyRange;
use crate::state::{LedgerEntry, StateStore};

/// How many keys a page should have, learnt from the size of what came.
#[derive(Debug)]
pub struct PageSize {
    limit: usize,
}

impl Default for PageSize {
    fn default() -> PageSize {
        PageSize { limit: 500 }
    }
}

impl PageSize {
    /// etcd counts the whole rest of a range for every page, so pages are
    /// large; several are in memory at a time, so they are not huge.
    const BYTES: usize = 4 << 20;

    /// How many keys to ask for.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Learns from the sizes of a page's items. Grows by at most four at a
    /// time: larger values may follow small ones.
    pub fn observe(&mut self, sizes: impl ExactSizeIterator<Item = usize>) {
        let count = sizes.len().max(1);
        let average = (sizes.sum::<usize>() / count).max(64);
        self.limit = (Self::BYTES / average)
            .clamp(16, 10_000)
            .min(self.limit * 4);
    }
}

/// The ledger's entries of a range, in key order.
pub struct LedgerCursor<St> {
    store: Arc<St>,
    rest: Option<KeyRange>,
    page: VecDeque<(Vec<u8>, LedgerEntry)>,
}

impl<St: StateStore> LedgerCursor<St> {
    const PAGE: usize = 1_000;

    /// Begins at the start of `range`.
    pub fn new(store: Arc<St>, range: KeyRange) -> LedgerCursor<St> {
        LedgerCursor {
            store,
            rest: Some(range),
            page: VecDeque::new(),
        }
    }

    /// The next entry of the range.
    pub fn take_next(&mut self) -> Result<Option<(Vec<u8>, LedgerEntry)>, MirrorError> {
        self.fill()?;
        Ok(self.page.pop_front())
    }

    /// The next entry below `end`.
    pub fn take_below(
        &mut self,
        end: &[u8],
    ) -> Result<Option<(Vec<u8>, LedgerEntry)>, MirrorError> {
        self.fill()?;
        let front = self.page.front();
        let below = front.is_some_and(|(key, _)| key.as_slice() < end);
        Ok(if below { self.page.pop_front() } else { None })
    }

    /// The entry of `key`, if that is the next one.
    pub fn take(&mut self, key: &[u8]) -> Result<Option<LedgerEntry>, MirrorError> {
        self.fill()?;
        let here = self.page.front().is_some_and(|(next, _)| next == key);
        Ok(if here {
            self.page.pop_front().map(|(_, entry)| entry)
        } else {
            None
        })
    }

    /// Over nothing: a ledger that is not to be believed.
    pub fn empty(store: Arc<St>) -> LedgerCursor<St> {
        LedgerCursor {
            store,
            rest: None,
            page: VecDeque::new(),
        }
    }

    fn fill(&mut self) -> Result<(), MirrorError> {
        if !self.page.is_empty() {
            return Ok(());
        }
        let Some(rest) = self.rest.take() else {
            return Ok(());
        };
        self.page = self.store.scan(&rest, Self::PAGE)?.into();
        if self.page.len() == Self::PAGE {
            self.rest = self.page.back().map(|(key, _)| after(key, &rest));
        }
        Ok(())
    }
}

/// The destination's values of a range, for keys asked about in order.
pub struct DestinationCursor<D> {
    destination: Arc<D>,
    range: KeyRange,
    page: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// Whether the range is empty; `None` before the first look.
    is_empty: Option<bool>,
    /// Pages end here at the latest: etcd counts for each what comes before its
    /// end.
    until: Vec<u8>,
    /// Whether there may be keys after the page, before `until`.
    more: bool,
    size: PageSize,
}

impl<D: Destination> DestinationCursor<D> {
    /// Over `range`; nothing is read yet.
    pub fn new(destination: Arc<D>, range: KeyRange) -> DestinationCursor<D> {
        DestinationCursor {
            destination,
            until: range.end.clone(),
            range,
            page: VecDeque::new(),
            is_empty: None,
            more: true,
            size: PageSize::default(),
        }
    }

    /// What is asked about next comes before `until`, which comes after all
    /// that was asked about.
    pub fn look_until(&mut self, until: &[u8]) {
        self.until = until.to_vec();
        self.more = true;
    }

    /// What the destination has under `key`, which comes after every key asked
    /// about before.
    pub async fn value_of(&mut self, key: &[u8]) -> Result<Option<&[u8]>, MirrorError> {
        if self.look_once().await? {
            return Ok(None);
        }
        loop {
            while self
                .page
                .front()
                .is_some_and(|(next, _)| next.as_slice() < key)
            {
                self.page.pop_front();
            }
            match self.page.is_empty() && self.more {
                true => self.fetch(key).await?,
                false => break,
            }
        }
        let next = self.page.front().filter(|(next, _)| next == key);
        Ok(next.map(|(_, there)| there.as_slice()))
    }

    /// An empty range is the common case of a first copy: one count saves all
    /// pages.
    async fn look_once(&mut self) -> Result<bool, MirrorError> {
        if let Some(is_empty) = self.is_empty {
            return Ok(is_empty);
        }
        let (destination, range) = (&self.destination, &self.range);
        let count = persist("counting at the destination", || destination.count(range)).await;
        let is_empty = count.map_err(MirrorError::Destination)? == 0;
        self.is_empty = Some(is_empty);
        Ok(is_empty)
    }

    async fn fetch(&mut self, from: &[u8]) -> Result<(), MirrorError> {
        let range = KeyRange {
            start: from.to_vec(),
            end: self.until.clone(),
        };
        let (destination, limit) = (&self.destination, self.size.limit());
        let page = persist("listing the destination", || {
            destination.list(&range, limit)
        })
        .await;
        let (page, more) = page.map_err(MirrorError::Destination)?;
        self.size
            .observe(page.iter().map(|(key, value)| key.len() + value.len()));
        self.page = page.into();
        self.more = more;
        Ok(())
    }
}
