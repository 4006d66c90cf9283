//! What a destination in memory is told to do, and what it tells.
//!
//! Promises nothing of its own. Deliberately without logic.

use super::Op;
use crate::etcd::DestRevision;

/// What happens to one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None: it is applied, and answered.
    Passes,
    /// It is applied, but the answer is lost.
    AnswerLost,
    /// It never arrives, and nobody knows.
    RequestLost,
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
