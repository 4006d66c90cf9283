//! One write, and what goes out with it.
//!
//! Promises that a batch remembers of each of its operations where it came
//! from. Deliberately knows nothing of what waits.

use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::rules::RuleId;

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
    pub(super) slot: usize,
    pub(super) epoch: u64,
    pub(super) oldest: SourceRevision,
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

/// The key that an operation writes.
pub fn op_key(op: &Op) -> &[u8] {
    match op {
        Op::Put { key, .. } | Op::PutLeased { key, .. } | Op::Delete { key } => key,
    }
}

/// The bytes of its key and value.
pub fn op_bytes(op: &Op) -> usize {
    match op {
        Op::Put { key, value } | Op::PutLeased { key, value, .. } => key.len() + value.len(),
        Op::Delete { key } => key.len(),
    }
}
