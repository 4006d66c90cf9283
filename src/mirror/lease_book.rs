//! Which keys are under which of the source's leases, and what is known of
//! the destination's leases that stand for them.
//!
//! Promises to hold no lease without a key in the ledger. Deliberately asks
//! nobody: it is told. Empty, and not there at all, where no rule asks for
//! leased keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::destination::Granted;
use crate::state::LedgerEntry;

/// Leases are looked at no more often than this.
const OFTEN_ENOUGH: Duration = Duration::from_millis(500);

/// Leases by the source's ids. Shared between the writer and the keeper.
#[derive(Default)]
pub struct LeaseBook {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Every key in the ledger that is under a lease.
    keys: BTreeMap<Vec<u8>, i64>,
    leases: BTreeMap<i64, Lease>,
    /// Those that the destination lost, though the source has them.
    lost: BTreeSet<i64>,
}

#[derive(Default)]
struct Lease {
    keys: usize,
    /// An earlier session has written keys under it.
    old: bool,
    /// The source has it no more.
    ended: bool,
    /// The destination's, once it was made or seen.
    there: Option<There>,
    /// Not before then.
    look_at: Option<Instant>,
}

/// A lease of the destination.
#[derive(Clone, Copy)]
struct There {
    /// When it ends unless it is renewed.
    until: Instant,
    /// How long it lives from each renewal on.
    ttl: Duration,
}

impl LeaseBook {
    /// The ledger has this of `key` from now on.
    pub fn note(&self, key: &[u8], entry: Option<&LedgerEntry>) {
        let lease = entry.filter(|entry| !entry.retired);
        self.state()
            .attach(key, lease.map_or(0, |entry| entry.lease));
    }

    /// The ledger had this of `key` when the session began.
    pub fn recall(&self, key: &[u8], entry: &LedgerEntry) {
        if entry.lease == 0 || entry.retired {
            return;
        }
        let mut state = self.state();
        state.attach(key, entry.lease);
        if let Some(lease) = state.leases.get_mut(&entry.lease) {
            lease.old = lease.there.is_none();
        }
    }

    /// The source's lease that the ledger has of `key`; 0 for none.
    pub fn lease_of(&self, key: &[u8]) -> i64 {
        self.state().keys.get(key).copied().unwrap_or(0)
    }

    /// Every key under one of these leases.
    pub fn keys_of(&self, leases: &BTreeSet<i64>) -> Vec<Vec<u8>> {
        let state = self.state();
        let of = state.keys.iter();
        let of = of.filter(|(_, lease)| leases.contains(lease));
        of.map(|(key, _)| key.clone()).collect()
    }

    /// Whether the destination has it until then, as far as is known.
    pub fn lives(&self, lease: i64, then: Instant) -> bool {
        let until = self.until(lease);
        until.is_some_and(|until| until > then)
    }

    /// When the destination's ends, as far as is known.
    pub fn until(&self, lease: i64) -> Option<Instant> {
        let state = self.state();
        let there = state.leases.get(&lease)?.there?;
        Some(there.until)
    }

    /// The destination has it: `granted` is what it said to a request of
    /// `then`. Whether the source has it still is `alive`.
    pub fn made(&self, lease: i64, granted: Granted, then: Instant, alive: bool) {
        let mut state = self.state();
        let Some(own) = state.leases.get_mut(&lease) else {
            return;
        };
        let was_there = own.old || own.there.is_some();
        own.old = false;
        own.ended = !alive;
        own.there = Some(There {
            until: then + granted.left,
            ttl: granted.ttl,
        });
        own.look_after(then);
        // What was under the one before is gone with it.
        if granted.new && was_there && alive {
            state.lost.insert(lease);
        }
    }

    /// The destination has renewed it, by a request of `then`.
    pub fn renewed(&self, lease: i64, then: Instant) {
        if let Some(own) = self.state().leases.get_mut(&lease) {
            if let Some(there) = &mut own.there {
                there.until = then + there.ttl;
            }
            own.look_after(then);
        }
    }

    /// Nothing new is known: it is looked at again later.
    pub fn put_off(&self, lease: i64, now: Instant) {
        if let Some(own) = self.state().leases.get_mut(&lease) {
            own.look_after(now);
        }
    }

    /// The source does not have it any more.
    pub fn ended(&self, lease: i64) {
        if let Some(own) = self.state().leases.get_mut(&lease) {
            own.ended = true;
        }
    }

    /// The destination does not have it, though the source does.
    pub fn lose(&self, lease: i64) {
        let mut state = self.state();
        if let Some(own) = state.leases.get_mut(&lease) {
            own.there = None;
            own.old = false;
            state.lost.insert(lease);
        }
    }

    /// Which ones were lost since the last call.
    pub fn take_lost(&self) -> BTreeSet<i64> {
        std::mem::take(&mut self.state().lost)
    }

    /// Which ones are to be looked at now. One that was never made is the
    /// writer's.
    pub fn due(&self, now: Instant) -> Vec<i64> {
        let state = self.state();
        let due = state.leases.iter().filter(|(_, own)| {
            let known = own.old || own.there.is_some();
            known && !own.ended && own.look_at.is_none_or(|at| at <= now)
        });
        due.map(|(lease, _)| *lease).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// From now on `key` is under `lease`; 0 for none.
    fn attach(&mut self, key: &[u8], lease: i64) {
        let before = match lease {
            0 => self.keys.remove(key),
            lease => self.keys.insert(key.to_vec(), lease),
        };
        if before == Some(lease) {
            return;
        }
        if lease != 0 {
            self.leases.entry(lease).or_default().keys += 1;
        }
        let Some(before) = before else { return };
        if let Some(own) = self.leases.get_mut(&before) {
            own.keys -= 1;
            if own.keys == 0 {
                self.leases.remove(&before);
            }
        }
    }
}

impl Lease {
    fn look_after(&mut self, now: Instant) {
        let ttl = self.there.map_or(Duration::ZERO, |there| there.ttl);
        self.look_at = Some(now + (ttl / 3).max(OFTEN_ENOUGH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::SourceRevision;

    fn under(lease: i64) -> LedgerEntry {
        LedgerEntry::new(SourceRevision(1), "rule").leased(lease)
    }

    fn granted(new: bool) -> Granted {
        let ttl = Duration::from_secs(6);
        Granted {
            left: ttl,
            ttl,
            new,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_forgotten_with_its_last_key() {
        let (book, now) = (LeaseBook::default(), Instant::now());
        book.note(b"a", Some(&under(7)));
        book.note(b"b", Some(&under(7)));
        assert!(book.due(now).is_empty(), "the writer makes it");
        book.made(7, granted(true), now, true);
        assert!(book.due(now + Duration::from_millis(1_999)).is_empty());
        let later = now + Duration::from_secs(2);
        assert_eq!(book.due(later), [7]);
        book.note(b"a", Some(&under(8)));
        assert_eq!((book.lease_of(b"a"), book.due(later)), (8, vec![7]));
        let retired = LedgerEntry {
            retired: true,
            ..under(7)
        };
        book.note(b"b", Some(&retired));
        assert!(book.due(later).is_empty(), "nothing follows a retired key");
        assert!(book.take_lost().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_a_lease_that_is_made_anew_is_lost() {
        let (book, now) = (LeaseBook::default(), Instant::now());
        for (key, lease) in [(b"a", 1), (b"b", 2), (b"c", 3), (b"d", 3)] {
            book.recall(key, &under(lease));
        }
        assert_eq!(book.due(now), [1, 2, 3], "nobody has looked at them yet");
        book.made(1, granted(false), now, true);
        book.made(2, granted(true), now, false);
        book.made(3, granted(true), now, true);
        let lost = book.take_lost();
        assert_eq!(book.keys_of(&lost), [b"c", b"d"]);
        book.lose(1);
        assert_eq!(book.take_lost(), BTreeSet::from([1]));
        assert!(!book.lives(1, now));
        book.made(1, granted(true), now, true);
        assert!(book.take_lost().is_empty(), "it is known already");
    }
}
