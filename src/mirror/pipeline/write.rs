//! One write, and what goes out with it.
//!
//! Promises that a batch remembers of each of its operations where it came
//! from. Deliberately knows nothing of what waits.

use crate::destination::Op;
use crate::etcd::{DestRevision, SourceRevision};
use crate::rules::RuleId;
use crate::rules::policy::PolicySet;
use crate::state::LedgerEntry;

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
    /// The same, and what was sent may have arrived.
    Sent,
    /// That we write it over something else: it is never deleted.
    Borrowed,
    /// That it is ours.
    Yes,
}

impl Known {
    /// By what the ledger has.
    pub fn of(entry: Option<&LedgerEntry>) -> Known {
        match entry {
            None => Known::No,
            // The write that it was noted for knows more, and is not over.
            Some(entry) if entry.intent.is_some() => Known::No,
            Some(entry) if entry.borrowed => Known::Borrowed,
            Some(_) => Known::Yes,
        }
    }

    /// Whether nobody can say yet that what the destination has is ours.
    pub fn is_first(self) -> bool {
        matches!(self, Known::No | Known::Intent | Known::Sent)
    }
}

impl Write {
    /// The delete of a key of which the ledger has `known`, asked for at
    /// `revision`. What is not ours is only forgotten.
    pub fn delete(key: Vec<u8>, revision: SourceRevision, known: Known) -> Write {
        Write {
            op: Op::Delete { key },
            revision,
            rule: None,
            barrier: false,
            known,
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
#[derive(Debug, Default)]
pub struct Batch {
    /// What is sent.
    pub ops: Vec<Op>,
    /// What is known of each of `ops`.
    pub notes: Vec<Note>,
}

/// What is remembered of a write while it is under way.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    pub(super) slot: usize,
    pub(super) epoch: u64,
    pub(super) oldest: SourceRevision,
    /// See [`Write::revision`].
    pub revision: SourceRevision,
    /// See [`Write::rule`].
    pub rule: Option<RuleId>,
    /// See [`Write::known`].
    pub known: Known,
    /// What was known when it was taken: what was found out at the destination
    /// since holds for one transaction alone.
    pub was: Known,
    /// Whether it went out as the first write of its key.
    pub first: bool,
    /// The newest revision of the destination that was known before it was sent.
    pub since: DestRevision,
    /// Whether it may have arrived.
    pub sent: bool,
    /// Whether the ledger says that it may be written over something else.
    pub told: bool,
    /// The policies that act on what is sent now: they change something in the
    /// value, or let it be written over something else.
    pub acts: PolicySet,
    /// The same of what was sent and may have arrived: nobody has counted them.
    pub acted: PolicySet,
}

impl Note {
    /// Of a write that is about to go out.
    pub(super) fn new(write: &Write, (slot, epoch): (usize, u64), oldest: SourceRevision) -> Note {
        Note {
            slot,
            epoch,
            oldest,
            revision: write.revision,
            rule: write.rule,
            known: write.known,
            was: write.known,
            first: write.known.is_first(),
            since: DestRevision(0),
            sent: false,
            told: false,
            acts: PolicySet::default(),
            acted: PolicySet::default(),
        }
    }

    /// Whether it is the first write of a key that is found to have something
    /// else, and the ledger does not say so.
    pub fn borrows_untold(&self) -> bool {
        self.known == Known::Borrowed && self.was.is_first() && !self.told
    }
}

impl Batch {
    /// Of writes that wait for nothing.
    pub fn of(writes: impl IntoIterator<Item = Write>) -> Batch {
        let mut batch = Batch::default();
        for write in writes {
            let note = Note::new(&write, (0, 0), write.revision);
            batch.notes.push(note);
            batch.ops.push(write.op);
        }
        batch
    }

    /// The bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(op_bytes).sum()
    }

    /// None of it has arrived, for certain.
    pub fn note_unsent(&mut self) {
        for note in &mut self.notes {
            note.known = note.was;
        }
    }

    /// It is about to be sent to a destination whose newest known revision this
    /// is; what may have arrived before stays as it was.
    pub fn note_sending(&mut self, newest: DestRevision) {
        for note in self.notes.iter_mut().filter(|note| !note.sent) {
            note.since = newest;
        }
    }

    /// Whether something of it is to be written over what is not ours, and
    /// the ledger does not say so.
    pub fn borrows_untold(&self) -> bool {
        self.notes.iter().any(Note::borrows_untold)
    }

    /// From now on it may have arrived.
    pub fn note_sent(&mut self) {
        for note in &mut self.notes {
            note.sent = true;
            note.acted = note.acts;
            note.known = match note.known {
                Known::Intent => Known::Sent,
                // What it was to be written over may be gone since, without it
                // having arrived: then nothing is borrowed any more.
                Known::Borrowed if note.was.is_first() => Known::Sent,
                known => known,
            };
            note.was = note.known;
        }
    }

    /// Those operations by themselves whose keys are to go `alone`, and the
    /// others together. All keep their order.
    pub fn apart(self, alone: impl Fn(&[u8]) -> bool) -> Vec<Batch> {
        if self.ops.len() < 2 || !self.ops.iter().any(|op| alone(op_key(op))) {
            return vec![self];
        }
        let (mut rest, mut apart) = (Batch::default(), Vec::new());
        for (op, note) in self.ops.into_iter().zip(self.notes) {
            match alone(op_key(&op)) {
                true => apart.push(Batch {
                    ops: vec![op],
                    notes: vec![note],
                }),
                false => {
                    rest.ops.push(op);
                    rest.notes.push(note);
                }
            }
        }
        if !rest.ops.is_empty() {
            apart.push(rest);
        }
        apart
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

/// The key that an operation writes.
pub fn op_key(op: &Op) -> &[u8] {
    op.key()
}

/// The bytes of its key and value.
pub fn op_bytes(op: &Op) -> usize {
    op.bytes()
}
