//! What is asked of a key, and what can be said of it.
//!
//! Promises that "it does not match" and "that cannot be said" are never the
//! same value. Deliberately without logic.

use super::policy::Policy;
use super::rule_set::RuleId;

/// One key at one source revision.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The whole etcd key.
    pub key: &'a [u8],
    /// The stored bytes, or `None` where the key is gone.
    pub value: Option<&'a [u8]>,
    /// Whether the source attached it to an etcd lease.
    pub leased: bool,
    /// Whether the ledger says that we wrote this key.
    pub owned: bool,
}

/// What the plan says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write the source's value.
    Put {
        /// The first rule that selects it.
        rule: RuleId,
    },
    /// Remove it from the destination: it is owned and no longer selected, or
    /// gone from the source.
    Delete(DeleteReason),
    /// Not ours to touch.
    Skip(SkipReason),
    /// It is owned, and this policy keeps it out now: it stays at the destination
    /// as it is, and is the destination's own from now on.
    Disown(Policy),
    /// It could not be judged: neither written nor deleted.
    Hold {
        /// The rule that could not be evaluated, where one could be named.
        rule: Option<RuleId>,
        /// Why, for people; never holds values.
        reason: String,
        /// Whether it may pass by itself: a KMS plugin did not answer.
        transient: bool,
    },
}

/// Why an owned key is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteReason {
    /// The source deleted it.
    Gone,
    /// No rule selects it any longer.
    Unselected,
}

/// Why a key is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The source deleted it, and we do not own it.
    Gone,
    /// Not under the key prefix, or carry's own.
    Outside,
    /// A key that belongs to one cluster alone (`masterleases/`,
    /// `peerserverleases/`, `ranges/`).
    ClusterLocal,
    /// Attached to an etcd lease: a heartbeat or an event.
    Leased,
    /// No rule can select a key of this resource.
    NoCandidate,
    /// Every candidate rule said no.
    NotSelected,
    /// Rules select it, and a policy of each takes it away again: that of the
    /// first.
    KeptOut(Policy),
}

/// What the rules say of a stored value, whoever owns the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The first rule that selects it.
    Selected(RuleId),
    /// None does.
    Not(SkipReason),
    /// That cannot be said.
    Unknown {
        /// The first rule that could not be evaluated, where it is a rule's
        /// evaluation that failed.
        rule: Option<RuleId>,
        /// Why, for people; never holds values.
        reason: String,
        /// Whether it may pass by itself: a KMS plugin did not answer.
        transient: bool,
    },
}
