//! The order of writes: which key may go out next, and with which others.
//!
//! Promises that at most one write of a key is under way, that later ones wait
//! and coalesce into the last one, that a barrier is applied alone between what
//! came before and what comes after it, that writes which were submitted
//! together go out together, and that the watermark never passes a revision
//! that is not applied. Deliberately does no I/O and knows no time, so
//! that every interleaving can be tested.

mod write;

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

pub use write::{Batch, Known, Limits, Note, Write, op_bytes, op_key};

use crate::destination::Op;
use crate::etcd::SourceRevision;

/// How much may wait; beyond it [`Pipeline::has_room`] is false.
const MAX_WAITING_BYTES: usize = 8 << 20;
const MAX_WAITING_KEYS: usize = 20_000;

/// All writes that are decided upon and not yet applied.
#[derive(Default)]
pub struct Pipeline {
    index: HashMap<Vec<u8>, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    epochs: VecDeque<Epoch>,
    first_epoch: u64,
    groups: BTreeMap<u64, Group>,
    last_group: u64,
    outstanding: BTreeMap<SourceRevision, usize>,
    waiting_keys: usize,
    waiting_bytes: usize,
}

/// Writes that go out together.
struct Group {
    /// In the order in which they were submitted.
    slots: Vec<usize>,
    /// How many of them wait for an earlier write of their key.
    blocked: usize,
}

/// One key with writes that are waiting or under way.
#[derive(Default)]
struct Slot {
    in_flight: Option<InFlight>,
    waiting: VecDeque<Waiting>,
}

/// A write of a key that is under way.
#[derive(Clone, Copy)]
struct InFlight {
    revision: SourceRevision,
    puts: bool,
}

struct Waiting {
    write: Write,
    epoch: u64,
    /// The oldest revision that coalesced into it: the watermark stays below.
    oldest: SourceRevision,
    /// With which others it goes out.
    group: Option<u64>,
}

/// Writes between two barriers, or one barrier.
struct Epoch {
    barrier: bool,
    /// Writes of it that are waiting or under way.
    outstanding: usize,
    /// Slots whose next write may belong here; some may have moved on.
    ready: VecDeque<usize>,
    /// Groups of which every write is the next of its key.
    groups: VecDeque<u64>,
}

impl Pipeline {
    /// Takes a write that is newer than all earlier ones of its key; one that
    /// is not is ignored.
    pub fn submit(&mut self, write: Write) {
        if self.is_old(&write) {
            return;
        }
        let id = self.slot_of(op_key(&write.op));
        let epoch = self.epoch_for(write.barrier);
        let write = self.still_first(id, write);
        match self.coalesced(id, &write, epoch) {
            Some(oldest) => self.enqueue(
                id,
                Waiting {
                    write,
                    epoch,
                    oldest,
                    group: None,
                },
            ),
            None => self.replace_last(id, write),
        }
    }

    /// Takes writes of one revision that go out in one transaction, whatever
    /// the limits say; they are barriers if one of them is. Each is newer than
    /// all earlier ones of its key, and no key occurs twice.
    pub fn submit_together(&mut self, writes: Vec<Write>) {
        debug_assert!(
            writes.iter().all(|write| !self.is_old(write)),
            "newer than all earlier"
        );
        let barrier = writes.iter().any(|write| write.barrier);
        let slots: Vec<usize> = writes
            .iter()
            .map(|own| self.slot_of(op_key(&own.op)))
            .collect();
        let epoch = self.epoch_for(barrier);
        self.last_group += 1;
        let number = self.last_group;
        let blocked = slots.len();
        let group = Group {
            slots: slots.clone(),
            blocked,
        };
        self.groups.insert(number, group);
        for (id, write) in slots.into_iter().zip(writes) {
            let mut write = self.still_first(id, write);
            write.barrier = barrier;
            let oldest = write.revision;
            self.enqueue(
                id,
                Waiting {
                    write,
                    epoch,
                    oldest,
                    group: Some(number),
                },
            );
        }
    }

    /// Takes a write that was applied before, where none of its key is waiting
    /// or under way. Everything up to `seen` was submitted: the watermark does
    /// not fall back behind it.
    pub fn submit_again(&mut self, write: Write, seen: SourceRevision) {
        debug_assert!(!self.has(op_key(&write.op)), "none is waiting");
        let id = self.slot_of(op_key(&write.op));
        let epoch = self.epoch_for(write.barrier);
        let oldest = SourceRevision(seen.0.max(write.revision.0) + 1);
        let waiting = Waiting {
            write,
            epoch,
            oldest,
            group: None,
        };
        self.enqueue(id, waiting);
    }

    /// Whether one of its key that is as new was submitted and has not ended.
    pub fn is_old(&self, write: &Write) -> bool {
        let id = self.index.get(op_key(&write.op));
        id.is_some_and(|&id| self.slots[id].newest() >= Some(write.revision))
    }

    /// Takes what goes into the next transaction, if anything may go out now.
    pub fn next_batch(&mut self, limits: Limits) -> Option<Batch> {
        self.retire_epochs();
        let mut batch = Batch {
            ops: Vec::new(),
            notes: Vec::new(),
        };
        if let Some(group) = self.next_group() {
            for id in group.slots {
                self.take(id, &mut batch);
            }
            return Some(batch);
        }
        let mut bytes = 0;
        while batch.ops.len() < limits.ops {
            let Some(size) = self.peek_ready() else { break };
            if !batch.ops.is_empty() && bytes + size > limits.bytes {
                break;
            }
            bytes += size;
            self.take_ready(&mut batch);
        }
        (!batch.ops.is_empty()).then_some(batch)
    }

    /// Takes note that one write of a batch has ended, whatever became of it,
    /// and what the ledger has of its key now.
    pub fn complete(&mut self, op: &Op, note: &Note, known: Known) {
        self.forget_outstanding(note.oldest);
        self.leave_epoch(note.epoch);
        let Some(slot) = self.slots.get_mut(note.slot) else {
            return;
        };
        slot.in_flight = None;
        match slot.waiting.front_mut() {
            Some(next) => {
                next.write.known = known;
                let epoch = next.epoch;
                self.make_ready(note.slot, epoch);
            }
            None => {
                self.index.remove(op_key(op));
                self.free.push(note.slot);
            }
        }
    }

    /// Whether more may be submitted.
    pub fn has_room(&self) -> bool {
        self.waiting_keys < MAX_WAITING_KEYS && self.waiting_bytes < MAX_WAITING_BYTES
    }

    /// Whether what waits would fill a batch.
    pub fn fills(&self, limits: Limits) -> bool {
        self.waiting_keys >= limits.ops || self.waiting_bytes >= limits.bytes
    }

    /// Whether nothing is waiting or under way.
    pub fn is_idle(&self) -> bool {
        self.index.is_empty()
    }

    /// The newest revision such that everything submitted up to it has ended,
    /// if everything up to `seen` was submitted.
    pub fn watermark(&self, seen: SourceRevision) -> SourceRevision {
        match self.outstanding.keys().next() {
            Some(oldest) => seen.min(SourceRevision(oldest.0 - 1)),
            None => seen,
        }
    }

    /// Whether a write of `key` waits or is under way.
    pub fn has(&self, key: &[u8]) -> bool {
        self.index.contains_key(key)
    }

    /// Whether the last write of `key` that waits or is under way is a put.
    pub fn puts(&self, key: &[u8]) -> bool {
        let Some(slot) = self.index.get(key).map(|&id| &self.slots[id]) else {
            return false;
        };
        match slot.waiting.back() {
            Some(last) => last.write.op.is_put(),
            None => slot.in_flight.is_some_and(|own| own.puts),
        }
    }

    /// What stands for a first write is one too. Another value may be of
    /// another object: that is noted anew.
    fn still_first(&self, id: usize, mut write: Write) -> Write {
        let last = self.slots[id].waiting.back();
        if last.is_some_and(|last| last.write.known.is_first()) && write.known != Known::Intent {
            write.known = Known::No;
        }
        write
    }

    fn slot_of(&mut self, key: &[u8]) -> usize {
        if let Some(&id) = self.index.get(key) {
            return id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        self.index.insert(key.to_vec(), id);
        id
    }

    /// The epoch that a new write belongs to: a barrier has one of its own.
    fn epoch_for(&mut self, barrier: bool) -> u64 {
        let fits = self
            .epochs
            .back()
            .is_some_and(|last| !barrier && !last.barrier);
        if !fits {
            self.epochs.push_back(Epoch {
                barrier,
                outstanding: 0,
                ready: VecDeque::new(),
                groups: VecDeque::new(),
            });
        }
        self.first_epoch + self.epochs.len() as u64 - 1
    }

    /// `None` where the last waiting write is simply replaced. Otherwise the
    /// oldest revision that the new one stands for: one that waits before a
    /// barrier moves behind it, a barrier itself is never merged.
    fn coalesced(&mut self, id: usize, write: &Write, epoch: u64) -> Option<SourceRevision> {
        let mergeable = match self.slots[id].waiting.back() {
            Some(last) if !last.write.barrier && !write.barrier && last.group.is_none() => last,
            _ => return Some(write.revision),
        };
        if mergeable.epoch == epoch {
            return None;
        }
        self.drop_last_waiting(id).or(Some(write.revision))
    }

    fn replace_last(&mut self, id: usize, write: Write) {
        if let Some(last) = self.slots[id].waiting.back_mut() {
            self.waiting_bytes += op_bytes(&write.op);
            self.waiting_bytes -= op_bytes(&last.write.op);
            last.write = write;
        }
    }

    fn enqueue(&mut self, id: usize, waiting: Waiting) {
        let epoch = waiting.epoch;
        self.waiting_keys += 1;
        self.waiting_bytes += op_bytes(&waiting.write.op);
        *self.outstanding.entry(waiting.oldest).or_default() += 1;
        let slot = &mut self.slots[id];
        slot.waiting.push_back(waiting);
        let is_next = slot.in_flight.is_none() && slot.waiting.len() == 1;
        if let Some(epoch) = self.epoch_mut(epoch) {
            epoch.outstanding += 1;
        }
        if is_next {
            self.make_ready(id, epoch);
        }
    }

    /// Takes back the last waiting write of a slot and says for which oldest
    /// revision it stood.
    fn drop_last_waiting(&mut self, id: usize) -> Option<SourceRevision> {
        let last = self.slots[id].waiting.pop_back()?;
        self.uncount_waiting(&last);
        self.forget_outstanding(last.oldest);
        self.leave_epoch(last.epoch);
        Some(last.oldest)
    }

    fn uncount_waiting(&mut self, waiting: &Waiting) {
        self.waiting_keys -= 1;
        self.waiting_bytes -= op_bytes(&waiting.write.op);
    }

    fn next_group(&mut self) -> Option<Group> {
        let number = self.epochs.front_mut()?.groups.pop_front()?;
        self.groups.remove(&number)
    }

    /// The size of the next write that may go out.
    fn peek_ready(&mut self) -> Option<usize> {
        let number = self.first_epoch;
        let epoch = self.epochs.front_mut()?;
        while let Some(&id) = epoch.ready.front() {
            let slot = &self.slots[id];
            match slot.waiting.front() {
                Some(next) if slot.in_flight.is_none() && next.epoch == number => {
                    return Some(op_bytes(&next.write.op));
                }
                // It was taken already, or has moved to a later epoch.
                _ => epoch.ready.pop_front(),
            };
        }
        None
    }

    fn take_ready(&mut self, batch: &mut Batch) {
        let Some(id) = self
            .epochs
            .front_mut()
            .and_then(|epoch| epoch.ready.pop_front())
        else {
            return;
        };
        self.take(id, batch);
    }

    fn take(&mut self, id: usize, batch: &mut Batch) {
        let Some(next) = self.slots[id].waiting.pop_front() else {
            return;
        };
        self.uncount_waiting(&next);
        let Waiting {
            write,
            epoch,
            oldest,
            ..
        } = next;
        self.slots[id].in_flight = Some(InFlight {
            revision: write.revision,
            puts: write.op.is_put(),
        });
        batch.notes.push(Note::new(&write, (id, epoch), oldest));
        batch.ops.push(write.op);
    }

    /// The next write of a slot, which is of this epoch, waits for none of its
    /// key any more.
    fn make_ready(&mut self, id: usize, epoch: u64) {
        let next = self.slots[id].waiting.front();
        let Some(number) = next.and_then(|next| next.group) else {
            if let Some(epoch) = self.epoch_mut(epoch) {
                epoch.ready.push_back(id);
            }
            return;
        };
        let Some(group) = self.groups.get_mut(&number) else {
            return;
        };
        group.blocked -= 1;
        if group.blocked == 0
            && let Some(epoch) = self.epoch_mut(epoch)
        {
            epoch.groups.push_back(number);
        }
    }

    fn epoch_mut(&mut self, number: u64) -> Option<&mut Epoch> {
        let at = usize::try_from(number.checked_sub(self.first_epoch)?).ok()?;
        self.epochs.get_mut(at)
    }

    fn leave_epoch(&mut self, number: u64) {
        if let Some(epoch) = self.epoch_mut(number) {
            epoch.outstanding -= 1;
        }
    }

    fn forget_outstanding(&mut self, revision: SourceRevision) {
        if let Some(count) = self.outstanding.get_mut(&revision) {
            *count -= 1;
            if *count == 0 {
                self.outstanding.remove(&revision);
            }
        }
    }

    fn retire_epochs(&mut self) {
        while self
            .epochs
            .front()
            .is_some_and(|front| front.outstanding == 0)
        {
            self.epochs.pop_front();
            self.first_epoch += 1;
        }
    }
}

impl Slot {
    fn newest(&self) -> Option<SourceRevision> {
        self.waiting
            .back()
            .map(|waiting| waiting.write.revision)
            .or(self.in_flight.map(|own| own.revision))
    }
}
