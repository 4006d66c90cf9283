//! What carry itself reads back of what it counts, for the page on the admin
//! port.
//!
//! Promises the same figures as `/metrics`. Deliberately reads no labels of
//! rules or keys.

use super::Metrics;

/// What was counted since the start, and what waits or is full now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Puts and deletes applied at the destination.
    pub operations: u64,
    /// Bytes of keys and values applied there.
    pub bytes: u64,
    /// Bytes that wait in memory between the watch and the writers.
    pub spool_memory: u64,
    /// The same on disk.
    pub spool_disk: u64,
    /// The size of the destination's database; 0 before it is known.
    pub db_size: u64,
    /// Whether the destination refuses writes since its database is full.
    pub out_of_space: bool,
}

impl Metrics {
    /// How it is now.
    pub fn totals(&self) -> Totals {
        let held = &*self.held;
        let spool = |store| at_least_0(held.spool.get_or_create(&[("store", store)]).get());
        Totals {
            operations: held.operations.get(),
            bytes: held.bytes.get(),
            spool_memory: spool("memory"),
            spool_disk: spool("disk"),
            db_size: at_least_0(held.db_size.get()),
            out_of_space: held.out_of_space.get() == 1,
        }
    }
}

fn at_least_0(gauge: i64) -> u64 {
    u64::try_from(gauge).unwrap_or(0)
}
