//! Writes at a steady rate: most change an object, some delete one or make it
//! anew.
//!
//! Promises that each key has one writer, so that nothing has to be compared,
//! and that a write that fails ends the run: nothing is done to the source here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::KvClient;
use tokio::time::{MissedTickBehavior, interval};

use super::objects::{Slot, definition, slots};
use crate::mirror::chaos::random::Random;
use crate::mirror::chaos::writers::{Signals, Writers};
use crate::mirror::harness::Etcd;

/// One in so many writes to an object that is there deletes it.
const GONE: usize = 8;

/// Puts one of everything, then begins to write: so many writes a second, over
/// so many keys.
pub async fn start(source: &Etcd, random: &Random, keys: usize, rate: u64) -> Writers {
    let mut all = writers(source, random, keys, rate).await;
    let mut first = vec![definition()];
    for writer in &mut all {
        first.extend(writer.everything());
    }
    source.load(first).await;
    let pace = Duration::from_secs(1) * all.len() as u32 / rate as u32;
    let mut running = Writers::default();
    for writer in all {
        running.spawn(|signals| writer.run(pace, signals));
    }
    running
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

    async fn run(mut self, pace: Duration, signals: Signals) {
        let mut pace = interval(pace);
        // What was missed is made up for: the rate stays.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !signals.ended() {
            pace.tick().await;
            self.write().await;
            signals.wrote();
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
