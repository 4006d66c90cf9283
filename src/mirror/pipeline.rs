//! The order of writes: which key may go out next, and with which others.
//!
//! Promises that at most one write of a key is under way, that later ones wait
//! and coalesce into the last one, that a barrier is applied alone between what
//! came before and what comes after it, and that the watermark never passes a
//! revision that is not applied. Deliberately does no I/O and knows no time, so
//! that every interleaving can be tested.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::rules::RuleId;

/// How much may wait; beyond it [`Pipeline::has_room`] is false.
const MAX_WAITING_BYTES: usize = 16 << 20;
const MAX_WAITING_KEYS: usize = 20_000;

/// One write that was decided upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What is to be done with which key.
    pub op: Op,
    /// The source revision that asked for it.
    pub revision: SourceRevision,
    /// The rule that selected it; `None` for a delete.
    pub rule: Option<RuleId>,
    /// Whether it is applied alone: everything earlier before it, everything
    /// later after it.
    pub barrier: bool,
    /// What the ledger has of the key already.
    pub known: Known,
}

/// What the ledger has of a key before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    No,
    /// That we are about to write it for the first time; nothing was sent yet
    /// that may have arrived.
    Intent,
    /// That it is ours.
    Yes,
}

impl Known {
    /// By whether the ledger has an entry.
    pub fn by(entry: bool) -> Known {
        if entry { Known::Yes } else { Known::No }
    }
}

impl Write {
    /// The delete of an owned key, asked for at `revision`.
    pub fn delete(key: Vec<u8>, revision: SourceRevision) -> Write {
        Write {
            op: Op::Delete { key },
            revision,
            rule: None,
            barrier: false,
            known: Known::Yes,
        }
    }
}

/// The limits of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many keys.
    pub ops: usize,
    /// At most about this many bytes, unless one key alone is larger.
    pub bytes: usize,
}

/// What goes into one transaction.
#[derive(Debug)]
pub struct Batch {
    /// What is sent.
    pub ops: Vec<Op>,
    /// What is known of each of `ops`.
    pub notes: Vec<Note>,
}

/// What is remembered of a write while it is under way.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    slot: usize,
    epoch: u64,
    oldest: SourceRevision,
    /// See [`Write::revision`].
    pub revision: SourceRevision,
    /// See [`Write::rule`].
    pub rule: Option<RuleId>,
    /// See [`Write::known`].
    pub known: Known,
}

impl Batch {
    /// The bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(op_bytes).sum()
    }

    /// From now on it may have arrived.
    pub fn note_sent(&mut self) {
        for note in &mut self.notes {
            note.known = Known::Yes;
        }
    }

    /// Cuts it in two; both keep their order.
    pub fn split(mut self) -> (Batch, Batch) {
        let half = self.ops.len() / 2;
        let second = Batch {
            ops: self.ops.split_off(half),
            notes: self.notes.split_off(half),
        };
        (self, second)
    }
}

/// All writes that are decided upon and not yet applied.
#[derive(Default)]
pub struct Pipeline {
    index: HashMap<Vec<u8>, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    epochs: VecDeque<Epoch>,
    first_epoch: u64,
    outstanding: BTreeMap<SourceRevision, usize>,
    waiting_keys: usize,
    waiting_bytes: usize,
}

/// One key with writes that are waiting or under way.
#[derive(Default)]
struct Slot {
    in_flight: Option<SourceRevision>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    write: Write,
    epoch: u64,
    /// The oldest revision that coalesced into it: the watermark stays below.
    oldest: SourceRevision,
}

/// Writes between two barriers, or one barrier.
struct Epoch {
    barrier: bool,
    /// Writes of it that are waiting or under way.
    outstanding: usize,
    /// Slots whose next write may belong here; some may have moved on.
    ready: VecDeque<usize>,
}

impl Pipeline {
    /// Takes a write that is newer than all earlier ones of its key; one that
    /// is not is ignored.
    pub fn submit(&mut self, write: Write) {
        let id = self.slot_of(op_key(&write.op));
        if self.slots[id].newest() >= Some(write.revision) {
            return;
        }
        let epoch = self.epoch_for(write.barrier);
        let write = self.still_intended(id, write);
        match self.coalesced(id, &write, epoch) {
            Some(oldest) => self.enqueue(
                id,
                Waiting {
                    write,
                    epoch,
                    oldest,
                },
            ),
            None => self.replace_last(id, write),
        }
    }

    /// Takes what goes into the next transaction, if anything may go out now.
    pub fn next_batch(&mut self, limits: Limits) -> Option<Batch> {
        self.retire_epochs();
        let mut batch = Batch {
            ops: Vec::new(),
            notes: Vec::new(),
        };
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

    /// Whether the last write that waits for `key` is a put.
    pub fn put_waits(&self, key: &[u8]) -> bool {
        let last = self
            .index
            .get(key)
            .and_then(|&id| self.slots[id].waiting.back());
        last.is_some_and(|waiting| matches!(waiting.write.op, Op::Put { .. }))
    }

    /// What stands for a first write is one too.
    fn still_intended(&self, id: usize, mut write: Write) -> Write {
        let last = self.slots[id].waiting.back();
        if last.is_some_and(|last| last.write.known == Known::Intent) {
            write.known = Known::Intent;
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
            });
        }
        self.first_epoch + self.epochs.len() as u64 - 1
    }

    /// `None` where the last waiting write is simply replaced. Otherwise the
    /// oldest revision that the new one stands for: one that waits before a
    /// barrier moves behind it, a barrier itself is never merged.
    fn coalesced(&mut self, id: usize, write: &Write, epoch: u64) -> Option<SourceRevision> {
        let mergeable = match self.slots[id].waiting.back() {
            Some(last) if !last.write.barrier && !write.barrier => last,
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
        let Some(next) = self.slots[id].waiting.pop_front() else {
            return;
        };
        self.uncount_waiting(&next);
        let Waiting {
            write,
            epoch,
            oldest,
        } = next;
        self.slots[id].in_flight = Some(write.revision);
        let Write {
            op,
            revision,
            rule,
            known,
            ..
        } = write;
        batch.ops.push(op);
        batch.notes.push(Note {
            slot: id,
            epoch,
            oldest,
            revision,
            rule,
            known,
        });
    }

    fn make_ready(&mut self, id: usize, epoch: u64) {
        if let Some(epoch) = self.epoch_mut(epoch) {
            epoch.ready.push_back(id);
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
            .or(self.in_flight)
    }
}

/// The key that an operation writes.
pub fn op_key(op: &Op) -> &[u8] {
    match op {
        Op::Put { key, .. } | Op::Delete { key } => key,
    }
}

/// The bytes of its key and value.
pub fn op_bytes(op: &Op) -> usize {
    match op {
        Op::Put { key, value } => key.len() + value.len(),
        Op::Delete { key } => key.len(),
    }
}
