//! Where the pages of a long range end.
//!
//! Promises pages whose cost does not grow with what is left of the range: for
//! every page etcd counts all keys up to the end that it is given. Deliberately
//! reads keys alone for that, and only where a range turns out to be long.

use std::collections::VecDeque;

use super::error::MirrorError;
use super::ranges::after;
use super::retry::persist;
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::source::Source;

/// So many pages are read before a range counts as long.
const SHORT: usize = 4;

/// How many keys are asked for at a time.
const KEYS: usize = 32_768;

/// The pages of one range.
pub struct Cuts {
    end: Vec<u8>,
    pages: usize,
    /// Where the next pages end, as far as that is known.
    ends: VecDeque<Vec<u8>>,
}

impl Cuts {
    /// Of a range that ends at `end`.
    pub fn new(end: Vec<u8>) -> Cuts {
        Cuts {
            end,
            pages: 0,
            ends: VecDeque::new(),
        }
    }

    /// Where the range ends.
    pub fn end(&self) -> &[u8] {
        &self.end
    }

    /// What is to be asked for the page of up to `limit` keys that begins at
    /// `start`.
    pub async fn next<S: Source>(
        &mut self,
        source: &S,
        start: Vec<u8>,
        at: SourceRevision,
        limit: usize,
    ) -> Result<KeyRange, MirrorError> {
        self.pages += 1;
        while self.ends.front().is_some_and(|end| *end <= start) {
            self.ends.pop_front();
        }
        let rest = KeyRange {
            start,
            end: self.end.clone(),
        };
        if self.pages > SHORT && self.ends.is_empty() {
            self.look_ahead(source, &rest, at, limit).await?;
        }
        Ok(KeyRange {
            end: self.ends.front().cloned().unwrap_or(rest.end),
            start: rest.start,
        })
    }

    async fn look_ahead<S: Source>(
        &mut self,
        source: &S,
        rest: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> Result<(), MirrorError> {
        let keys = persist("listing keys of the source", || source.keys(rest, at, KEYS));
        let (keys, more) = match keys.await {
            Ok(found) => found,
            // Whoever asks for the page finds that out too.
            Err(EtcdError::Compacted { .. }) => return Ok(()),
            Err(error) => return Err(MirrorError::Source(error)),
        };
        let firsts = keys.iter().step_by(limit.max(1)).skip(1);
        self.ends.extend(firsts.cloned());
        match keys.last() {
            Some(last) if more => self.ends.push_back(after(last, rest).start),
            _ => self.ends.push_back(rest.end.clone()),
        }
        Ok(())
    }
}
