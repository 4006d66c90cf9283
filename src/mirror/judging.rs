//! What the mirror needs of the rules, so that tests can script it.
//!
//! Promises nothing beyond what `rules::decide` does. Deliberately has no
//! logic of its own.

use std::net::IpAddr;

use super::ranges::union;
use crate::metrics::{EventKind, Metrics};
use crate::rules::decide::{Decision, Event, Judge, KeyRange, Scratch, SkipReason, Stage};
use crate::rules::drift::Drift;
use crate::rules::identity::{Identity, Side};
use crate::rules::landing::{
    Addresses, ApiTable, CrdTable, Definition, Landing, Leaving, Obstacle, Seen, StoredObjects,
    There, Wanted,
};
use crate::rules::namespaces::{Namespaces, View};
use crate::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use crate::rules::policy::{OnConflict, OnDrift, Policy};
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

    /// [`Judging::outgoing`], for a destination of which `seen` is known; or
    /// what has to be looked at there before.
    fn landing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        seen: &Seen,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Landing<'b>, Obstacle> {
        let _ = seen;
        Ok(Landing {
            outgoing: self.outgoing(key, value, rule, scratch)?,
            guards: Vec::new(),
            along: None,
        })
    }

    /// How `key` is deleted at a destination of which `seen` is known; or what
    /// has to be looked at there before.
    fn leaving(&self, key: &[u8], seen: &Seen) -> Result<Leaving, Obstacle> {
        let _ = (key, seen);
        Ok(Leaving::default())
    }

    /// Whether `key` is written, and deleted, in a transaction of its own, after
    /// the one of any other such key has ended.
    fn goes_alone(&self, key: &[u8]) -> bool {
        let _ = key;
        false
    }

    /// Where Services and their addresses are, Services first, if any of these
    /// are the destination's affair.
    fn address_ranges(&self) -> Vec<KeyRange> {
        Vec::new()
    }

    /// What the destination has of addresses, which has these in
    /// [`Judging::address_ranges`]; `None` where these are of no interest.
    fn addresses(&self, items: &[(Vec<u8>, There)]) -> Option<Addresses> {
        let _ = items;
        None
    }

    /// Takes in what the source's Service under `key` has.
    fn add_wanted(&self, wanted: &mut Wanted, key: &[u8], value: &[u8]) {
        let _ = (wanted, key, value);
    }

    /// The destination has this under `key` now.
    fn tell_addresses(&self, addresses: &mut Addresses, key: &[u8], there: Option<&There>) {
        let _ = (addresses, key, there);
    }

    /// The addresses of a Service at the source and at the destination.
    fn addresses_of(&self, key: &[u8], value: &[u8], there: &[u8]) -> Vec<(IpAddr, IpAddr)> {
        let _ = (key, value, there);
        Vec::new()
    }

    /// Where CustomResourceDefinitions are, if anything depends on them.
    fn crd_range(&self) -> Option<KeyRange> {
        None
    }

    /// Whether what is under `key` may have one.
    fn is_custom(&self, key: &[u8]) -> bool {
        let _ = key;
        false
    }

    /// What these say, which are all of the destination's.
    fn crd_table(&self, items: &[(Vec<u8>, There)]) -> CrdTable {
        let _ = items;
        CrdTable::default()
    }

    /// What a value of the destination under `key` defines, if anything.
    fn definition(&self, key: &[u8], there: &There) -> Option<Definition> {
        let _ = (key, there);
        None
    }

    /// Where what a kube-apiserver serves is told, if anything depends on it.
    fn api_range(&self) -> Option<KeyRange> {
        None
    }

    /// What these say, which are all of the destination's.
    fn api_table(&self, items: &[(Vec<u8>, There)]) -> ApiTable {
        let _ = items;
        ApiTable::default()
    }

    /// Adds an object of a definition that the destination has.
    fn add_stored(&self, objects: &mut StoredObjects, key: &[u8], value: &[u8]) {
        let _ = (objects, key, value);
    }

    /// Which object the `value` of `key` is, or why that cannot be said.
    fn identity(&self, key: &[u8], value: &[u8], side: Side) -> Result<Identity, Unfit> {
        let _ = (key, side);
        Ok(Identity::of("bytes", value))
    }

    /// What becomes of `key`, which `rule` selects, where the destination has
    /// another object, which is not ours.
    fn on_conflict(&self, rule: Option<RuleId>, key: &[u8]) -> OnConflict {
        let _ = (rule, key);
        OnConflict::Adopt
    }

    /// What others have changed in `there`, which was written for the source's
    /// `value` of `key` under `rule`.
    fn drift(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &mut OutgoingScratch,
    ) -> Option<Drift> {
        let same = self.is_there(key, value, there, Some(rule), scratch);
        (!same).then_some(Drift::Value)
    }

    /// What becomes of such a change.
    fn on_drift(&self, _rule: RuleId) -> OnDrift {
        OnDrift::default()
    }

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

    fn landing<'b>(
        &self,
        key: &[u8],
        value: &[u8],
        rule: Option<RuleId>,
        seen: &Seen,
        scratch: &'b mut OutgoingScratch,
    ) -> Result<Landing<'b>, Obstacle> {
        Judge::landing(self, key, value, rule, seen, scratch)
    }

    fn leaving(&self, key: &[u8], seen: &Seen) -> Result<Leaving, Obstacle> {
        Judge::leaving(self, key, seen)
    }

    fn goes_alone(&self, key: &[u8]) -> bool {
        Judge::goes_alone(self, key)
    }

    fn address_ranges(&self) -> Vec<KeyRange> {
        Judge::address_ranges(self)
    }

    fn addresses(&self, items: &[(Vec<u8>, There)]) -> Option<Addresses> {
        let items = items.iter().map(|(key, there)| (key.as_slice(), there));
        Some(Judge::addresses(self, items))
    }

    fn add_wanted(&self, wanted: &mut Wanted, key: &[u8], value: &[u8]) {
        Judge::add_wanted(self, wanted, key, value);
    }

    fn tell_addresses(&self, addresses: &mut Addresses, key: &[u8], there: Option<&There>) {
        Judge::tell_addresses(self, addresses, key, there);
    }

    fn addresses_of(&self, key: &[u8], value: &[u8], there: &[u8]) -> Vec<(IpAddr, IpAddr)> {
        Judge::addresses_of(self, key, value, there)
    }

    fn crd_range(&self) -> Option<KeyRange> {
        Some(Judge::crd_range(self))
    }

    fn is_custom(&self, key: &[u8]) -> bool {
        Judge::is_custom(self, key)
    }

    fn crd_table(&self, items: &[(Vec<u8>, There)]) -> CrdTable {
        let items = items.iter().map(|(key, there)| (key.as_slice(), there));
        Judge::crd_table(self, items)
    }

    fn definition(&self, key: &[u8], there: &There) -> Option<Definition> {
        Judge::definition(self, key, there)
    }

    fn api_range(&self) -> Option<KeyRange> {
        Some(Judge::api_range(self))
    }

    fn api_table(&self, items: &[(Vec<u8>, There)]) -> ApiTable {
        let items = items.iter().map(|(key, there)| (key.as_slice(), there));
        Judge::api_table(self, items)
    }

    fn add_stored(&self, objects: &mut StoredObjects, key: &[u8], value: &[u8]) {
        Judge::add_stored(self, objects, key, value);
    }

    fn identity(&self, key: &[u8], value: &[u8], side: Side) -> Result<Identity, Unfit> {
        Judge::identity(self, key, value, side)
    }

    fn on_conflict(&self, rule: Option<RuleId>, key: &[u8]) -> OnConflict {
        Judge::on_conflict(self, rule, key)
    }

    fn drift(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &mut OutgoingScratch,
    ) -> Option<Drift> {
        Judge::drift(self, key, value, there, rule, scratch)
    }

    fn on_drift(&self, rule: RuleId) -> OnDrift {
        Judge::on_drift(self, rule)
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

/// Whether what the destination has under `key`, `there`, is a copy of the
/// object that the source's `value` is of, whatever has become of either. What
/// cannot be read is none. May wait for a KMS plugin.
///
/// # Errors
///
/// That a plugin does not answer.
pub fn is_copy(
    judge: &(impl Judging + ?Sized),
    key: &[u8],
    value: &[u8],
    there: &[u8],
) -> Result<bool, Unfit> {
    let both = [(value, Side::Source), (there, Side::Destination)];
    let [here, there] = both.map(|(value, side)| judge.identity(key, value, side));
    match (here, there) {
        (Err(unfit), _) | (_, Err(unfit)) if unfit.transient => Err(unfit),
        (Ok(here), Ok(there)) => Ok(here == there),
        _ => Ok(false),
    }
}

/// Why a key without a value is held.
pub fn empty_value() -> Unfit {
    let reason = "the value is empty: no kube-apiserver could read it";
    Unfit::new(reason.to_owned(), false)
}

/// Counts a decision.
pub fn count(metrics: &Metrics, decision: &Decision) {
    if let Some(policy) = kept_out(decision) {
        metrics.policy(policy);
    }
    metrics.event(kind(decision));
}

/// The policy that keeps a key out, if one does.
pub fn kept_out(decision: &Decision) -> Option<Policy> {
    match decision {
        Decision::Skip(SkipReason::KeptOut(policy)) | Decision::Disown(policy) => Some(*policy),
        _ => None,
    }
}

fn kind(decision: &Decision) -> EventKind {
    match decision {
        Decision::Put { .. } => EventKind::Put,
        Decision::Delete(_) => EventKind::Delete,
        Decision::Skip(_) | Decision::Disown(_) => EventKind::Skip,
        Decision::Hold { .. } => EventKind::Hold,
    }
}
