//! What becomes of what was sent.
//!
//! Promises that every answer has a place here. Deliberately acts on none of
//! them: that is the writer's.

use super::error::MirrorError;
use super::retry::{Remedy, remedy};
use super::sealing::Prepared;
use crate::destination::{Fence, Outcome};
use crate::etcd::EtcdError;
use crate::metrics::TxnOutcome;
use crate::rules::RuleId;
use crate::rules::outgoing::Unfit;
use crate::rules::policy::Policy;
use crate::state::Checkpoint;

/// Why writing cannot go on.
#[derive(Debug)]
pub enum WriteEnd {
    /// The leader key is no longer ours.
    Deposed,
    /// Nothing that could be retried.
    Failed(MirrorError),
}

impl<E: Into<MirrorError>> From<E> for WriteEnd {
    fn from(error: E) -> WriteEnd {
        WriteEnd::Failed(error.into())
    }
}

/// Why a key is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its value is not fit to be written.
    Unfit(Unfit),
    /// A policy leaves it out as long as the destination lacks something.
    LeftOut(Policy, Unfit),
    /// The destination has something else under it, which stays.
    Kept,
}

/// A key that was to be written and is not.
#[derive(Debug)]
pub struct Refused {
    /// The whole key.
    pub key: Vec<u8>,
    /// The rule that selected it.
    pub rule: Option<RuleId>,
    /// Why.
    pub why: Refusal,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Keys written.
    pub puts: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Transactions applied.
    pub transactions: u64,
}

/// A batch with what became of it.
pub struct Committed {
    /// The batch, and what was left out of it.
    pub prepared: Prepared,
    /// Under which fence it was sent.
    pub fence: Fence,
    /// The answer; `None` where nothing was sent.
    pub result: Option<Result<Outcome, EtcdError>>,
}

/// One answer.
pub enum Done {
    /// A transaction over keys.
    Commit(Committed),
    /// A checkpoint.
    Checkpoint(Checkpoint, Fence, Result<Outcome, EtcdError>),
    /// A renewed fence.
    Fence(Result<Option<Fence>, EtcdError>),
}

/// How an answer is counted.
pub fn counted(result: &Result<Outcome, EtcdError>) -> TxnOutcome {
    match result {
        Ok(Outcome::Applied(_)) => TxnOutcome::Applied,
        Ok(Outcome::Fenced | Outcome::Unmet) => TxnOutcome::Fenced,
        Err(error) if error.outcome_unknown() => TxnOutcome::Unknown,
        Err(error) if remedy(error) == Remedy::Retry => TxnOutcome::Retried,
        Err(_) => TxnOutcome::Refused,
    }
}
