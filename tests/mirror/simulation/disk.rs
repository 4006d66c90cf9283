//! The local state of one machine: what is written without a sync survives the
//! process, and not the machine.

use std::sync::{Arc, Mutex};

use carry::rules::decide::KeyRange;
use carry::state::{
    Checkpoint, HeldKey, LedgerChange, LedgerEntry, MemoryStore, Pair, StateError, StateStore,
};

use super::life::Life;
use super::scenario::Fate;

/// Survives the processes that use it.
#[derive(Default)]
pub struct Disk {
    store: MemoryStore,
    /// What it was at the last sync and after each write since.
    images: Vec<MemoryStore>,
    /// Tells it from the one before.
    pub generation: u32,
}

impl Disk {
    /// A crash happens to it.
    pub fn suffer(&mut self, fate: Fate) {
        match fate {
            Fate::Kept => {}
            Fate::Lost => {
                *self = Disk {
                    generation: self.generation + 1,
                    ..Disk::default()
                };
            }
            Fate::Behind(writes) => {
                let back = (writes + 1).min(self.images.len());
                if back > 0 {
                    self.store = self.images[self.images.len() - back].image();
                }
            }
        }
        self.images = vec![self.store.image()];
    }

    fn wrote(&mut self, synced: bool) {
        if synced {
            self.images.clear();
        }
        self.images.push(self.store.image());
    }
}

/// A disk as one process has it open.
pub struct SimStore {
    disk: Arc<Mutex<Disk>>,
    store: MemoryStore,
    life: Arc<Life>,
}

impl SimStore {
    pub fn open(disk: &Arc<Mutex<Disk>>, life: Arc<Life>) -> SimStore {
        let mut state = disk.lock().expect("no panic");
        if state.images.is_empty() {
            state.wrote(true);
        }
        let store = state.store.clone();
        drop(state);
        SimStore {
            disk: disk.clone(),
            store,
            life,
        }
    }

    fn read(&self) -> &MemoryStore {
        if self.life.is_dead() {
            self.life.unwind();
        }
        &self.store
    }

    /// The process may die just after it.
    fn write<T>(
        &self,
        synced: bool,
        work: impl FnOnce(&MemoryStore) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        if self.life.is_dead() {
            self.life.unwind();
        }
        let last = self.life.is_last_call();
        let done = work(&self.store);
        self.disk.lock().expect("no panic").wrote(synced);
        match last {
            true => self.life.unwind(),
            false => done,
        }
    }
}

impl StateStore for SimStore {
    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        self.read().get(key)
    }

    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError> {
        self.write(false, |store| store.apply(changes))
    }

    fn sync(&self) -> Result<(), StateError> {
        self.write(true, |_| Ok(()))
    }

    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError> {
        self.read().scan(range, limit)
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        self.read().pair()
    }

    fn reset(&self, pair: &Pair) -> Result<(), StateError> {
        self.write(true, |store| store.reset(pair))
    }

    fn set_pair(&self, pair: &Pair) -> Result<(), StateError> {
        self.write(true, |store| store.set_pair(pair))
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        self.read().checkpoints()
    }

    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.write(true, |store| store.add_checkpoint(checkpoint))
    }

    fn encryption(&self) -> Result<Option<String>, StateError> {
        self.read().encryption()
    }

    fn set_encryption(&self, digest: &str) -> Result<(), StateError> {
        self.write(true, |store| store.set_encryption(digest))
    }

    fn held(&self) -> Result<Vec<HeldKey>, StateError> {
        self.read().held()
    }

    fn hold(&self, held: &HeldKey) -> Result<(), StateError> {
        self.write(false, |store| store.hold(held))
    }

    fn release(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.write(false, |store| store.release(keys))
    }

    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError> {
        self.read().kept()
    }

    fn keep(&self, key: &[u8]) -> Result<(), StateError> {
        self.write(false, |store| store.keep(key))
    }

    fn unkeep(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.write(false, |store| store.unkeep(keys))
    }

    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.write(true, |store| store.set_checkpoint(checkpoint))
    }
}
