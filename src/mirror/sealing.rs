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
use crate::rules::RuleId;
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::rules::policy::Policy;

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
    /// Which policies have changed something in its values, once for each
    /// value.
    pub rewritten: Vec<Policy>,
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

/// Other bytes than the source has.
struct Sealed {
    value: Vec<u8>,
    anew: bool,
    /// Those that have changed something in it, each once.
    policies: Vec<Policy>,
}

/// What becomes of one operation.
enum Fate {
    Same,
    Sealed(Sealed),
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
            let all = batch.ops.iter().zip(&batch.notes);
            let fates: Vec<Fate> = all
                .map(|(op, note)| self.fate(op, note.rule, &mut scratch))
                .collect();
            self.lock().push(scratch);
            prepared(batch, fates)
        })
    }

    fn fate(&self, op: &Op, rule: Option<RuleId>, scratch: &mut OutgoingScratch) -> Fate {
        let (Op::Put { key, value } | Op::PutLeased { key, value, .. }) = op else {
            return Fate::Same;
        };
        let outgoing = match self.judge.outgoing(key, value, rule, scratch) {
            Ok(outgoing) => outgoing,
            Err(unfit) => return Fate::Unfit(unfit),
        };
        let mut policies: Vec<Policy> = outgoing.rewritings.iter().map(|own| own.policy).collect();
        policies.dedup();
        match outgoing.value {
            Transferred::AsItIs => Fate::Same,
            Transferred::Sealed { value, anew, .. } => Fate::Sealed(Sealed {
                value: value.to_vec(),
                anew,
                policies,
            }),
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
            rewritten: Vec::new(),
            ops: None,
        };
    }
    let mut kept = Batch {
        ops: Vec::with_capacity(batch.ops.len()),
        notes: Vec::with_capacity(batch.notes.len()),
    };
    let mut sent = Vec::with_capacity(batch.ops.len());
    let (mut unsent, mut sealed, mut rewritten) = (Vec::new(), 0, Vec::new());
    let all = batch.ops.into_iter().zip(batch.notes).zip(fates);
    for ((op, note), fate) in all {
        match fate {
            Fate::Unfit(unfit) => {
                unsent.push(Unsent { op, note, unfit });
                continue;
            }
            Fate::Same => sent.push(op.clone()),
            Fate::Sealed(own) => {
                sealed += u64::from(own.anew);
                rewritten.extend(own.policies);
                sent.push(with_value(&op, own.value));
            }
        }
        kept.ops.push(op);
        kept.notes.push(note);
    }
    Prepared {
        batch: kept,
        unsent,
        sealed,
        rewritten,
        ops: Some(sent),
    }
}

fn with_value(op: &Op, value: Vec<u8>) -> Op {
    match op {
        Op::Put { key, .. } | Op::PutLeased { key, .. } => Op::put(key.clone(), value, op.lease()),
        Op::Delete { .. } => op.clone(),
    }
}
