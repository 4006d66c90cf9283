//! What a destination in memory is told to do, and what it tells.
//!
//! Promises nothing of its own. Deliberately knows of no keys.

use super::{Op, Outcome};
use crate::etcd::{DestRevision, EtcdError};

/// What happens to one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None: it is applied, and answered.
    Passes,
    /// It is applied, but the answer is lost.
    AnswerLost,
    /// It is applied, and whoever waits for the answer waits for ever: there
    /// it can be killed.
    NoAnswer,
    /// It never arrives, and nobody knows.
    RequestLost,
    /// It never arrives, and whoever waits for the answer waits for ever.
    Stuck,
    /// It seems lost, and arrives just before the next call that writes.
    ArrivesLate,
    /// It is refused before anything happened.
    Unavailable,
}

/// One transaction that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where it was applied.
    pub revision: DestRevision,
    /// What it did.
    pub ops: Vec<Op>,
}

impl Fault {
    /// Whether the commit is applied at once.
    pub(super) fn arrives(self) -> bool {
        matches!(self, Fault::Passes | Fault::AnswerLost | Fault::NoAnswer)
    }

    /// What is told of a commit; nothing where nothing ever is.
    pub(super) fn told(self, outcome: Option<Outcome>) -> Result<Option<Outcome>, EtcdError> {
        match self {
            Fault::Passes => Ok(outcome),
            Fault::NoAnswer | Fault::Stuck => Ok(None),
            Fault::Unavailable => Err(unavailable()),
            Fault::AnswerLost | Fault::RequestLost | Fault::ArrivesLate => {
                Err(EtcdError::Timeout("scripted".to_owned()))
            }
        }
    }
}

pub(super) fn unavailable() -> EtcdError {
    EtcdError::Unreachable("connection refused".to_owned())
}
