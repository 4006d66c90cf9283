//! Which keys drift, and when each may be mended.
//!
//! Promises that a change is new once, that who fights over a key waits longer
//! each time, and a bound on everything. Deliberately does no I/O and mends
//! nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use tokio::time::Instant;

/// So many keys are listed.
const MAX_LISTED: usize = 100_000;

/// So many keys that were mended lately are remembered; there are no more
/// mends than that in such a time.
const MAX_MENDED: usize = 50_000;

/// Between two mends of a key: doubled from the first to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What is new of a key that drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It did not, or it was changed again.
    New,
    /// Nothing.
    Known,
    /// There is no room to list it.
    Unlisted,
}

/// How often a key was mended in one fight.
#[derive(Clone, Copy, Debug)]
struct Mended {
    times: u32,
    last: Instant,
}

impl Mended {
    /// When it may be mended again.
    fn next(self) -> Instant {
        let doubled = FIRST_WAIT.saturating_mul(1 << (self.times - 1).min(16));
        self.last + doubled.min(LONGEST_WAIT)
    }

    /// Whether a change now is of another fight.
    fn is_over(self, now: Instant) -> bool {
        now >= self.next() + LONGEST_WAIT
    }
}

/// All keys that drift.
#[derive(Debug, Default)]
pub struct Book {
    /// Each with what tells its change from another one.
    listed: BTreeMap<Vec<u8>, u64>,
    mended: HashMap<Vec<u8>, Mended>,
    /// The last key that had its turn to be looked at again.
    reached: Vec<u8>,
}

impl Book {
    /// A key drifts; `change` tells one change of it from another.
    pub fn drifts(&mut self, key: &[u8], change: u64) -> News {
        if self.listed.get(key) == Some(&change) {
            return News::Known;
        }
        if self.listed.len() >= MAX_LISTED && !self.listed.contains_key(key) {
            return News::Unlisted;
        }
        self.listed.insert(key.to_vec(), change);
        News::New
    }

    /// A key does not drift; whether it did.
    pub fn settled(&mut self, key: &[u8]) -> bool {
        self.listed.remove(key).is_some()
    }

    /// How many keys drift.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Whether it drifts.
    pub fn has(&self, key: &[u8]) -> bool {
        self.listed.contains_key(key)
    }

    /// All of them.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.listed.keys().map(Vec::as_slice)
    }

    /// Up to `limit` of them, in turn.
    pub fn next(&mut self, limit: usize) -> Vec<Vec<u8>> {
        let after = (Bound::Excluded(self.reached.as_slice()), Bound::Unbounded);
        let before = (Bound::Unbounded, Bound::Included(self.reached.as_slice()));
        let around = self.listed.range::<[u8], _>(after);
        let around = around.chain(self.listed.range::<[u8], _>(before));
        let next: Vec<Vec<u8>> = around.take(limit).map(|(key, _)| key.clone()).collect();
        self.reached = next.last().cloned().unwrap_or_default();
        next
    }

    /// How often a key that drifts was mended in vain, and when it may be mended
    /// again.
    pub fn may_mend(&mut self, key: &[u8], now: Instant) -> (u32, Instant) {
        if self.mended.len() >= MAX_MENDED {
            self.mended.retain(|_, mended| !mended.is_over(now));
        }
        match self.mended.get(key) {
            Some(mended) if !mended.is_over(now) => (mended.times, mended.next()),
            None if self.mended.len() >= MAX_MENDED => (0, now + LONGEST_WAIT),
            _ => (0, now),
        }
    }

    /// It is mended.
    pub fn mend(&mut self, key: &[u8], now: Instant) {
        let before = self.mended.get(key).filter(|own| !own.is_over(now));
        let times = before.map_or(0, |own| own.times).saturating_add(1);
        let mended = Mended { times, last: now };
        self.mended.insert(key.to_vec(), mended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_new_once() {
        let mut book = Book::default();
        assert_eq!(book.drifts(b"a", 1), News::New);
        assert_eq!(book.drifts(b"a", 1), News::Known);
        assert_eq!(book.drifts(b"a", 2), News::New);
        assert!(book.settled(b"a") && !book.settled(b"a"));
        assert_eq!(book.drifts(b"a", 2), News::New);
        for n in 0..MAX_LISTED - 1 {
            assert_eq!(book.drifts(n.to_string().as_bytes(), 1), News::New);
        }
        assert_eq!(book.drifts(b"b", 1), News::Unlisted);
        assert_eq!(book.drifts(b"a", 3), News::New);
    }

    #[test]
    fn all_have_their_turn() {
        let mut book = Book::default();
        assert_eq!(book.next(2), [[0; 0]; 0]);
        for key in ["a", "b", "c"] {
            book.drifts(key.as_bytes(), 1);
        }
        assert_eq!(book.next(2), [b"a", b"b"]);
        assert_eq!(book.next(2), [b"c", b"a"]);
        book.settled(b"b");
        assert_eq!(book.next(5), [b"c", b"a"]);
    }

    #[test]
    fn a_fight_is_fought_less_and_less_often() {
        let (mut book, begin) = (Book::default(), Instant::now());
        let (mut now, mut waits) = (begin, Vec::new());
        for before in 0..13 {
            let (times, at) = book.may_mend(b"a", now);
            assert_eq!(times, before);
            waits.push((at - now).as_secs());
            now = at;
            book.mend(b"a", now);
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(book.may_mend(b"b", now), (0, now));
        let later = now + 2 * LONGEST_WAIT;
        assert_eq!(book.may_mend(b"a", later), (0, later));
        book.mend(b"a", later);
        assert_eq!(book.may_mend(b"a", later), (1, later + FIRST_WAIT));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut book, now) = (Book::default(), Instant::now());
        for n in 0..MAX_MENDED {
            book.mend(n.to_string().as_bytes(), now);
        }
        assert_eq!(book.may_mend(b"x", now), (0, now + LONGEST_WAIT));
        let later = now + 3 * LONGEST_WAIT;
        assert_eq!(book.may_mend(b"x", later), (0, later));
    }
}
