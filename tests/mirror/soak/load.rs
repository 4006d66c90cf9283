//! Writes at a steady rate: most change an object, some delete one or make it
//! anew.
//!
//! Promises that each key has one writer, so that nothing has to be compared,
//! and that a write that fails ends the run: nothing is done to the source here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::KvClient;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::objects::{Slot, definition, slots};
use crate::mirror::chaos::random::Random;
use crate::mirror::harness::Etcd;

/// One in so many writes to an object that is there deletes it.
const GONE: usize = 8;

/// Running writers.
pub struct Load {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Puts one of everything, then begins to write: so many writes a second,
    /// over so many keys.
    pub async fn start(source: &Etcd, random: &Random, keys: usize, rate: u64) -> Load {
        let mut writers = writers(source, random, keys, rate).await;
        let mut first = vec![definition()];
        for writer in &mut writers {
            first.extend(writer.everything());
        }
        source.load(first).await;
        let mut load = Load {
            stop: Arc::default(),
            written: Arc::default(),
            tasks: JoinSet::new(),
        };
        let pace = Duration::from_secs(1) * writers.len() as u32 / rate as u32;
        for writer in writers {
            let (stop, written) = (load.stop.clone(), load.written.clone());
            load.tasks.spawn(writer.run(pace, stop, written));
        }
        load
    }

    /// How many writes were answered.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Ends when every writer has ended; how many writes were answered.
    pub async fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a writer");
        }
        self.written()
    }
}

/// One waits for each answer: so many that a slow one does not hold up the rest.
async fn writers(source: &Etcd, random: &Random, keys: usize, rate: u64) -> Vec<Writer> {
    let count = (rate / 100).max(4) as usize;
    let numbers: Arc<AtomicU64> = Arc::default();
    let mut writers = Vec::new();
    for at in 0..count {
        writers.push(Writer {
            kv: source.client().await.kv_client(),
            slots: slots(keys).into_iter().skip(at).step_by(count).collect(),
            lives: Vec::new(),
            random: random.fork(&format!("writer {at}")),
            numbers: numbers.clone(),
        });
    }
    writers
}

struct Writer {
    kv: KvClient,
    slots: Vec<Slot>,
    /// Of each slot: how often it was made anew, and whether it is there.
    lives: Vec<(u32, bool)>,
    random: Random,
    numbers: Arc<AtomicU64>,
}

impl Writer {
    fn everything(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.lives = vec![(0, true); self.slots.len()];
        let values = self.slots.iter().map(|slot| {
            let write = self.numbers.fetch_add(1, Ordering::Relaxed);
            (slot.key(), slot.value(0, write, &mut self.random))
        });
        values.collect()
    }

    async fn run(mut self, pace: Duration, stop: Arc<AtomicBool>, written: Arc<AtomicU64>) {
        let mut pace = interval(pace);
        // What was missed is made up for: the rate stays.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !stop.load(Ordering::Relaxed) {
            pace.tick().await;
            self.write().await;
            written.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn write(&mut self) {
        let at = self.random.below(self.slots.len());
        let slot = &self.slots[at];
        let (life, there) = &mut self.lives[at];
        if *there && slot.may_go() && self.random.once_in(GONE) {
            *there = false;
            self.kv.delete(slot.key(), None).await.expect("a delete");
            return;
        }
        if !*there {
            *there = true;
            *life += 1;
        }
        let write = self.numbers.fetch_add(1, Ordering::Relaxed);
        let value = slot.value(*life, write, &mut self.random);
        self.kv.put(slot.key(), value, None).await.expect("a put");
    }
}
