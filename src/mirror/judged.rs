//! What is to be done about one change, once the rules have spoken.
//!
//! Promises to be the same for replay and tail. Deliberately without logic.

use super::pipeline::Write;
use crate::rules::RuleId;
use crate::rules::outgoing::Unfit;
use crate::state::LedgerChange;

/// What is to be done about one change.
pub enum Judged {
    /// To be written or deleted.
    Write(Write),
    /// The destination's own from now on.
    Disown(LedgerChange),
    /// Left alone until it can be judged.
    Hold {
        /// The whole key.
        key: Vec<u8>,
        /// The rule that could not say.
        rule: Option<RuleId>,
        /// Why.
        unfit: Unfit,
    },
}

impl Judged {
    /// The rule that asks for it.
    pub fn rule(&self) -> Option<RuleId> {
        match self {
            Judged::Write(write) => write.rule,
            Judged::Disown(_) => None,
            Judged::Hold { rule, .. } => *rule,
        }
    }
}
