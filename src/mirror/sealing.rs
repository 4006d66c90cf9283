//! What becomes of values between the decision to write them and the
//! transaction: encrypted for the destination, and looked at once more.
//!
//! Promises that a value that is not fit for the destination is taken out of
//! its transaction, with the reason, and the others go on. Runs beside the
//! session, so that a KMS plugin that does not answer holds up its own batch
//! alone. Deliberately keeps no values: a batch that is sent again is encrypted
//! again.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::judging::Judging;
use super::pipeline::{Batch, Note, op_bytes};
use crate::destination::Op;
use crate::k8s::Transferred;
use crate::rules::outgoing::{OutgoingScratch, Unfit};

/// Does `work`, which may wait for a KMS plugin, without keeping other tasks of
/// this thread from running.
pub fn blocking<T>(may_block: bool, work: impl FnOnce() -> T) -> T {
    let threads = || {
        let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
        flavor.is_ok_and(|flavor| flavor == RuntimeFlavor::MultiThread)
    };
    match may_block && threads() {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

/// Makes batches ready to be sent.
pub struct Sealer<J> {
    judge: Arc<J>,
    /// Working memory that nobody uses at the moment.
    spare: Mutex<Vec<OutgoingScratch>>,
}

/// A write that must not happen.
#[derive(Debug)]
pub struct Unsent {
    /// What was to be done.
    pub op: Op,
    /// What is known of it.
    pub note: Note,
    /// Why not.
    pub unfit: Unfit,
}

/// A batch of which everything is fit to be written.
pub struct Prepared {
    /// With the source's bytes.
    pub batch: Batch,
    /// What was taken out of it.
    pub unsent: Vec<Unsent>,
    /// How many of its values are encrypted anew.
    pub sealed: u64,
    /// What is sent, where it is not the batch as it is.
    ops: Option<Vec<Op>>,
}

impl Prepared {
    /// The bytes of the keys and values that are sent.
    pub fn sent_bytes(&self) -> usize {
        self.sent().iter().map(op_bytes).sum()
    }

    /// What is sent.
    pub fn sent(&self) -> &[Op] {
        self.ops.as_deref().unwrap_or(&self.batch.ops)
    }
}

/// What becomes of one operation.
enum Fate {
    Same,
    Sealed(Vec<u8>),
    Unfit(Unfit),
}

impl<J: Judging> Sealer<J> {
    /// Asks `judge`.
    pub fn new(judge: Arc<J>) -> Sealer<J> {
        let spare = Mutex::default();
        Sealer { judge, spare }
    }

    /// Encrypts what has to be, and takes out what must not be written.
    pub fn prepare(&self, batch: Batch) -> Prepared {
        blocking(self.judge.may_block(), || {
            let mut scratch = self.lock().pop().unwrap_or_default();
            let fates: Vec<Fate> = batch
                .ops
                .iter()
                .map(|op| self.fate(op, &mut scratch))
                .collect();
            self.lock().push(scratch);
            prepared(batch, fates)
        })
    }

    fn fate(&self, op: &Op, scratch: &mut OutgoingScratch) -> Fate {
        let (Op::Put { key, value } | Op::PutLeased { key, value, .. }) = op else {
            return Fate::Same;
        };
        match self.judge.outgoing(key, value, scratch) {
            Ok(Transferred::AsItIs) => Fate::Same,
            Ok(Transferred::Sealed { value, .. }) => Fate::Sealed(value.to_vec()),
            Err(unfit) => Fate::Unfit(unfit),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<OutgoingScratch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepared(batch: Batch, fates: Vec<Fate>) -> Prepared {
    if fates.iter().all(|fate| matches!(fate, Fate::Same)) {
        return Prepared {
            batch,
            unsent: Vec::new(),
            sealed: 0,
            ops: None,
        };
    }
    let mut kept = Batch {
        ops: Vec::with_capacity(batch.ops.len()),
        notes: Vec::with_capacity(batch.notes.len()),
    };
    let mut sent = Vec::with_capacity(batch.ops.len());
    let (mut unsent, mut sealed) = (Vec::new(), 0);
    let all = batch.ops.into_iter().zip(batch.notes).zip(fates);
    for ((op, note), fate) in all {
        match fate {
            Fate::Unfit(unfit) => {
                unsent.push(Unsent { op, note, unfit });
                continue;
            }
            Fate::Same => sent.push(op.clone()),
            Fate::Sealed(value) => {
                sealed += 1;
                sent.push(with_value(&op, value));
            }
        }
        kept.ops.push(op);
        kept.notes.push(note);
    }
    Prepared {
        batch: kept,
        unsent,
        sealed,
        ops: Some(sent),
    }
}

fn with_value(op: &Op, value: Vec<u8>) -> Op {
    match op {
        Op::Put { key, .. } | Op::PutLeased { key, .. } => Op::put(key.clone(), value, op.lease()),
        Op::Delete { .. } => op.clone(),
    }
}
