//! What the mirror needs of the rules, so that tests can script it.
//!
//! Promises nothing beyond what `rules::decide` does. Deliberately has no
//! logic of its own.

use super::ranges::union;
use crate::metrics::{EventKind, Metrics};
use crate::rules::decide::{Decision, Event, Judge, KeyRange, Scratch, SkipReason, Stage};
use crate::rules::namespaces::{Namespaces, View};
use crate::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use crate::rules::{Phase, RuleId};

/// The rules, as the mirror sees them; see [`crate::rules::decide::Judge`].
pub trait Judging: Send + Sync + 'static {
    /// Decides about one event.
    fn decide(&self, event: &Event<'_>, namespaces: &Namespaces, scratch: &mut Scratch)
    -> Decision;

    /// The stages of a bootstrap, in order.
    fn stages(&self) -> &[Stage];

    /// The stage in which a rule's keys are applied.
    fn stage_of(&self, rule: RuleId) -> usize;

    /// A rule's name.
    fn rule_name(&self, rule: RuleId) -> &str;

    /// Every range that a rule can select from: sorted, disjoint.
    fn ranges(&self) -> &[KeyRange];

    /// Whether any rule looks at labels of Namespaces.
    fn reads_namespaces(&self) -> bool;

    /// Where the Namespace objects are.
    fn namespace_range(&self) -> KeyRange;

    /// The name of the Namespace whose object `key` holds, if it does.
    fn namespace_of_key<'a>(&self, key: &'a [u8]) -> Option<&'a str>;

    /// What the stored bytes of a Namespace say.
    fn namespace_view(&self, key: &[u8], value: &[u8]) -> View;

    /// Whether the value of `key` may be empty: no kube-apiserver could read an
    /// object of no bytes.
    fn may_be_empty(&self, _key: &[u8]) -> bool {
        false
    }

    /// Whether a change of `key` is applied in one transaction with others of
    /// its revision: nobody who follows the destination's revisions key by key
    /// is disturbed.
    fn is_applied_together(&self, _key: &[u8]) -> bool {
        false
    }

    /// What must be judged again when a Namespace changes.
    fn flipped_by(&self, name: &str, before: &View, after: &View) -> Vec<KeyRange>;

    /// What is to be written for the source's `value` of `key`, which `rule`
    /// selects, or why nothing must be.
    fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit>;

    /// Whether the destination needs no write for the source's `value` of
    /// `key`, which `rule` selects, since it has `there`.
    fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
        scratch: &mut OutgoingScratch,
    ) -> bool;

    /// Tells how values are written at the destination from other ways.
    fn encryption_digest(&self) -> String;

    /// Whether a look at a value may wait for a KMS plugin.
    fn may_block(&self) -> bool;

    /// Whether any rule selects keys that are attached to an etcd lease.
    fn mirrors_leases(&self) -> bool {
        false
    }

    /// A digest of what the rules mean.
    fn digest(&self) -> &str;
}

impl Judging for Judge {
    fn decide(
        &self,
        event: &Event<'_>,
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Decision {
        Judge::decide(self, event, namespaces, scratch)
    }

    fn stages(&self) -> &[Stage] {
        Judge::stages(self)
    }

    fn stage_of(&self, rule: RuleId) -> usize {
        Judge::stage_of(self, rule)
    }

    fn rule_name(&self, rule: RuleId) -> &str {
        Judge::rule_name(self, rule)
    }

    fn ranges(&self) -> &[KeyRange] {
        Judge::ranges(self)
    }

    fn reads_namespaces(&self) -> bool {
        Judge::reads_namespaces(self)
    }

    fn namespace_range(&self) -> KeyRange {
        Judge::namespace_range(self)
    }

    fn namespace_of_key<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        Judge::namespace_of_key(self, key)
    }

    fn namespace_view(&self, key: &[u8], value: &[u8]) -> View {
        Judge::namespace_view(self, key, value)
    }

    fn may_be_empty(&self, key: &[u8]) -> bool {
        Judge::is_outside_kubernetes(self, key)
    }

    fn is_applied_together(&self, key: &[u8]) -> bool {
        Judge::is_outside_kubernetes(self, key)
    }

    fn flipped_by(&self, name: &str, before: &View, after: &View) -> Vec<KeyRange> {
        Judge::flipped_by(self, name, before, after)
    }

    fn outgoing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Outgoing<'b>, Unfit> {
        Judge::outgoing(self, key, value, rule, scratch)
    }

    fn is_there(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: Option<RuleId>,
        scratch: &mut OutgoingScratch,
    ) -> bool {
        Judge::is_there(self, key, value, there, rule, scratch)
    }

    fn encryption_digest(&self) -> String {
        Judge::encryption_digest(self)
    }

    fn may_block(&self) -> bool {
        Judge::may_block(self)
    }

    fn mirrors_leases(&self) -> bool {
        Judge::mirrors_leases(self)
    }

    fn digest(&self) -> &str {
        Judge::digest(self)
    }
}

/// Everything that must be seen: what the rules select from, and the
/// Namespaces that they look at.
pub fn watched<J: Judging>(judge: &J) -> Vec<KeyRange> {
    let mut ranges = judge.ranges().to_vec();
    if judge.reads_namespaces() {
        ranges.push(judge.namespace_range());
    }
    union(ranges)
}

/// Whether a rule's writes are barriers.
pub fn is_sequential(judge: &(impl Judging + ?Sized), rule: RuleId) -> bool {
    judge
        .stages()
        .get(judge.stage_of(rule))
        .is_some_and(|stage| stage.phase == Phase::Sequential)
}

/// Whether a key that was written under this rule name was a sequential
/// rule's.
pub fn was_sequential(judge: &(impl Judging + ?Sized), rule_name: &str) -> bool {
    judge
        .stages()
        .iter()
        .any(|stage| stage.phase == Phase::Sequential && stage.name == rule_name)
}

/// Why a key without a value is held.
pub fn empty_value() -> Unfit {
    Unfit {
        reason: "the value is empty: no kube-apiserver could read it".to_owned(),
        transient: false,
    }
}

/// Counts a decision.
pub fn count(metrics: &Metrics, decision: &Decision) {
    if let Decision::Skip(SkipReason::KeptOut(policy)) | Decision::Disown(policy) = decision {
        metrics.policy(*policy);
    }
    metrics.event(kind(decision));
}

fn kind(decision: &Decision) -> EventKind {
    match decision {
        Decision::Put { .. } => EventKind::Put,
        Decision::Delete(_) => EventKind::Delete,
        Decision::Skip(_) | Decision::Disown(_) => EventKind::Skip,
        Decision::Hold { .. } => EventKind::Hold,
    }
}
