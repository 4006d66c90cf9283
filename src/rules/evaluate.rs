//! One value against its candidate rules.
//!
//! Promises the order of work that makes most events cheap: what the key and
//! the Namespaces decide comes first and touches no value; then the value is
//! decrypted and scanned once for all candidates; then the programs run.

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::k8s::{Field, Key, Query, Record, RecordError};
use crate::lang::{Fault, FaultKind, Value, Verdict};
use crate::vm;

use super::candidates::{CandidateSet, Found};
use super::compiled::CompiledRule;
use super::compiled::Gate;
use super::kept_out::KeptOut;
use super::keyrings::Keyrings;
use super::member::bind;
use super::namespace_fields::of_namespace;
use super::namespaces::{Namespaces, View};
use super::plan::Plan;
use super::policy::Policy;
use super::rule_set::{Leases, OnError, RuleId};
use super::selection::{Selection, SkipReason};
use super::shared::{self, Outcomes};
use super::slots::SlotSource;

/// Working memory that is reused from event to event; one for each task.
#[derive(Default)]
pub struct Scratch {
    plain: Zeroizing<Vec<u8>>,
    fields: Vec<Field<'static>>,
    values: Vec<Value<'static>>,
    /// The members of the set that may select the event, in order.
    concerned: Vec<u32>,
    outcomes: Outcomes,
    /// Of the plan with this number.
    found: Found,
    plan: u64,
}

/// A plan, and the keys to read values with.
pub(super) struct Evaluator<'p> {
    pub plan: &'p Plan,
    pub keyrings: &'p ArcSwap<Keyrings>,
    /// Whether the key is attached to an etcd lease.
    pub leased: bool,
    /// Whether policies are asked too.
    pub policies: bool,
}

impl Evaluator<'_> {
    pub(super) fn evaluate(
        &self,
        place: &Key<'_>,
        key: &[u8],
        value: &[u8],
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Selection {
        let plan = self.plan;
        if scratch.plan != plan.number() {
            scratch.found.clear();
            scratch.plan = plan.number();
        }
        let set = plan
            .candidates
            .of(&place.resource, plan.rules(), &mut scratch.found);
        if set.members.is_empty() {
            return Selection::Not(SkipReason::NoCandidate);
        }
        let gates = Gates::new(self, &set, place, namespaces);
        set.index.by_key(gates.namespace, &mut scratch.concerned);
        scratch.concerned.retain(|member| gates.pass(*member));
        let by_value = set.index.by_any_value();
        if scratch.concerned.is_empty() && by_value.is_empty() {
            return Selection::Not(self.no_rule());
        }
        // Borrowed apart, since the plain text outlives the scan's borrow.
        let mut plain = std::mem::take(&mut scratch.plain);
        let keyrings = self.keyrings.load();
        let opened = keyrings
            .source
            .open(place.group(), place.plural(), key, value, &mut plain);
        let selection = match opened {
            Ok(opened) => match Record::parse(opened.plain) {
                Ok(record) => self.try_rules(&gates, key, &record, namespaces, scratch),
                Err(error) => self.unknown(&gates, &scratch.concerned, error.to_string(), false),
            },
            Err(error) => {
                let transient = error.is_transient();
                self.unknown(&gates, &scratch.concerned, error.to_string(), transient)
            }
        };
        scratch.plain = plain;
        selection
    }

    /// A value that cannot be read is held, unless every rule that it might
    /// concern would rather skip it.
    fn unknown(
        &self,
        gates: &Gates<'_>,
        concerned: &[u32],
        reason: String,
        transient: bool,
    ) -> Selection {
        let set = gates.set;
        let by_value = set.index.by_any_value().iter();
        let by_value = by_value.filter(|member| gates.pass(**member));
        let mut members = concerned.iter().chain(by_value);
        let holds = |member: &u32| {
            let member = set.members.get(*member as usize);
            // What may pass by itself is no reason to take a key away.
            transient || member.is_none_or(|member| self.holds(member.rule))
        };
        match members.any(holds) {
            true => Selection::Unknown {
                rule: None,
                reason,
                transient,
            },
            false => Selection::Not(self.no_rule()),
        }
    }

    fn try_rules(
        &self,
        gates: &Gates<'_>,
        key: &[u8],
        record: &Record<'_>,
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Selection {
        let set = gates.set;
        let mut fields = recycle(std::mem::take(&mut scratch.fields));
        let mut values = recycle(std::mem::take(&mut scratch.values));
        let selection = match fill(set, (key, record), namespaces, &mut fields, &mut values) {
            Ok(()) => {
                let known = scratch.concerned.len();
                set.index.by_value(&values, &mut scratch.concerned);
                if scratch.concerned.len() > known {
                    scratch.concerned.retain(|member| gates.pass(*member));
                }
                scratch.outcomes.clear();
                self.first_match(set, &values, &scratch.concerned, &mut scratch.outcomes)
            }
            Err(reason) => self.unknown(gates, &scratch.concerned, reason, false),
        };
        scratch.fields = recycle(fields);
        scratch.values = recycle(values);
        selection
    }

    /// Whether a fault may pass by itself: the Namespace may have been encrypted
    /// by a plugin that did not answer.
    fn may_pass(&self, kind: FaultKind) -> bool {
        kind == FaultKind::Unreadable && self.keyrings.load().asks_plugins
    }

    /// Why no rule selects a key, though some were asked: of one that is
    /// attached to a lease the others might.
    pub(super) fn no_rule(&self) -> SkipReason {
        match self.leased {
            true => SkipReason::Leased,
            false => SkipReason::NotSelected,
        }
    }

    /// Whether a rule may select the key for all that its lease says.
    pub(super) fn may_select(&self, rule: &CompiledRule) -> bool {
        !self.leased || rule.leases == Leases::Mirror
    }

    /// Whether `rule` holds what it cannot judge.
    pub(super) fn holds(&self, rule: usize) -> bool {
        let rule = self.plan.rules().get(rule);
        rule.is_none_or(|rule| rule.on_error == OnError::Hold)
    }

    /// The first rule that matches; a rule that faults before it does not
    /// keep the key from being selected.
    fn first_match(
        &self,
        set: &CandidateSet,
        values: &[Value<'_>],
        concerned: &[u32],
        outcomes: &mut Outcomes,
    ) -> Selection {
        let (mut held, mut kept) = (None, None);
        for &member in concerned {
            let Some(member) = set.members.get(member as usize) else {
                continue;
            };
            let Some(rule) = self.plan.rules().get(member.rule) else {
                continue;
            };
            let id = RuleId(u32::try_from(member.rule).unwrap_or(u32::MAX));
            let selects = match shared::verdict(rule, member, &set.shared, values, outcomes) {
                Ok(Verdict::NoMatch) => continue,
                Ok(Verdict::Match) => Ok(()),
                Err(fault) => Err(fault),
            };
            match (selects, self.kept_out(rule, set, values)) {
                // Whatever the rule would say.
                (_, Ok(Some(policy))) => kept = kept.or(Some(policy)),
                (Ok(()), Ok(None)) => return Selection::Selected(id),
                (Err(fault), _) | (_, Err(fault))
                    if self.holds(member.rule) || self.may_pass(fault.kind) =>
                {
                    held = held.or(Some((id, fault.kind)));
                }
                _ => {}
            }
        }
        match held {
            Some((rule, FaultKind::Unreadable)) => Selection::Unknown {
                rule: Some(rule),
                reason: "the object of its Namespace could not be read".to_owned(),
                transient: self.may_pass(FaultKind::Unreadable),
            },
            Some((rule, kind)) => Selection::Unknown {
                rule: Some(rule),
                reason: kind.to_string(),
                transient: false,
            },
            None => Selection::Not(kept.map_or(self.no_rule(), SkipReason::KeptOut)),
        }
    }

    /// The policy that takes away what a rule selects, if one does.
    pub(super) fn kept_out(
        &self,
        rule: &CompiledRule,
        set: &CandidateSet,
        values: &[Value<'_>],
    ) -> Result<Option<Policy>, Fault> {
        let mut first_fault = None;
        for (own, binding) in asked(self.plan, rule, set, values).filter(|_| self.policies) {
            match vm::eval(&own.program, &bind(values, binding)) {
                Ok(Verdict::Match) => return Ok(Some(own.policy)),
                Ok(Verdict::NoMatch) => {}
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        first_fault.map_or(Ok(None), Err)
    }
}

/// What policies may keep out of what a rule selects, with the set's slots for
/// each.
pub(super) fn asked<'s>(
    plan: &'s Plan,
    rule: &'s CompiledRule,
    set: &'s CandidateSet,
    values: &'s [Value<'_>],
) -> impl Iterator<Item = (&'s KeptOut, &'s [u16])> {
    let text = |slot: u16| match values.get(usize::from(slot)) {
        Some(Value::String(text)) => &**text,
        _ => "",
    };
    let (group, kind) = (text(set.kind.0), text(set.kind.1));
    let all = set.kept_out.iter();
    let all = all.filter_map(|(at, binding)| Some((plan.kept_out().get(*at)?, &**binding)));
    all.filter(move |(own, _)| own.applies(rule.policies, &rule.named, group, kind))
}

/// What the key and the Namespaces rule out.
pub(super) struct Gates<'e> {
    evaluator: &'e Evaluator<'e>,
    set: &'e CandidateSet,
    namespace: &'e str,
    view: &'e View,
}

impl<'e> Gates<'e> {
    pub(super) fn new(
        evaluator: &'e Evaluator<'e>,
        set: &'e CandidateSet,
        place: &Key<'e>,
        namespaces: &'e Namespaces,
    ) -> Gates<'e> {
        let namespace = place.namespace.unwrap_or("");
        let view = match namespace {
            "" => &View::Absent,
            name => namespaces.get(name),
        };
        Gates {
            evaluator,
            set,
            namespace,
            view,
        }
    }

    /// Whether a member may select the event. A fault is no reason to rule it
    /// out.
    pub(super) fn pass(&self, member: u32) -> bool {
        let member = self.set.members.get(member as usize);
        let rules = self.evaluator.plan.rules();
        let rule = member.and_then(|member| rules.get(member.rule));
        if rule.is_some_and(|rule| !self.evaluator.may_select(rule)) {
            return false;
        }
        let gate = rule.and_then(|rule| rule.gate.as_ref());
        gate.is_none_or(|gate| gate.verdict(self.namespace, self.view) != Ok(Verdict::NoMatch))
    }
}

impl Gate {
    /// What it says of keys in `namespace` (empty for cluster-scoped objects),
    /// given what is known of that Namespace.
    pub fn verdict(&self, namespace: &str, view: &View) -> Result<Verdict, Fault> {
        let slots = GateSlots {
            values: &self.sources,
            namespace,
            view,
        };
        slots.with(|values| vm::eval(&self.program, values))
    }
}

struct GateSlots<'a> {
    values: &'a [SlotSource],
    namespace: &'a str,
    view: &'a View,
}

/// A gate reads a handful of slots; more than this go to the heap.
const GATE_SLOTS: usize = 8;

impl GateSlots<'_> {
    fn with<T>(&self, look: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let values = self.values.iter().map(|source| match source {
            SlotSource::Field(_) if self.namespace.is_empty() => Value::Absent,
            SlotSource::Field(_) => Value::str(self.namespace),
            other => of_namespace(other, self.view),
        });
        if self.values.len() > GATE_SLOTS {
            return look(&values.collect::<Vec<_>>());
        }
        let mut array: [Value<'_>; GATE_SLOTS] = Default::default();
        for (slot, value) in array.iter_mut().zip(values) {
            *slot = value;
        }
        look(&array)
    }
}

/// Fills every slot of the set with one scan of the value.
pub(super) fn fill<'v>(
    set: &CandidateSet,
    (key, record): (&'v [u8], &'v Record<'v>),
    namespaces: &'v Namespaces,
    fields: &mut Vec<Field<'v>>,
    values: &mut Vec<Value<'v>>,
) -> Result<(), String> {
    fields.clear();
    fields.resize(set.fields.len(), Field::Absent);
    let scanned = if set.query.fits(record) {
        record.scan(&set.query, fields)
    } else {
        let query = Query::new(&set.paths, record.api_version(), record.kind());
        record.scan(&query, fields)
    };
    values.clear();
    values.resize(set.sources.len(), Value::Absent);
    match scanned {
        Ok(()) => place_fields(set, fields, values),
        // Of a kind that is newer than the table only the metadata is known: a
        // rule that reads more must not take the others along.
        Err(RecordError::NoSchema { .. }) => read_fields(set, record, values),
        Err(error) => return Err(error.to_string()),
    }
    // The first source is always the object's namespace.
    let view = match values.first() {
        Some(Value::String(name)) if !name.is_empty() => namespaces.get(name),
        _ => &View::Absent,
    };
    for (source, value) in set.sources.iter().zip(values.iter_mut()) {
        match source {
            SlotSource::Field(_) => {}
            SlotSource::Group => *value = Value::str(record.group()),
            SlotSource::Version => *value = Value::str(record.version()),
            SlotSource::Kind => *value = Value::str(record.kind()),
            SlotSource::Key => *value = Value::str(std::str::from_utf8(key).unwrap_or_default()),
            SlotSource::Value(_) => {}
            other => *value = of_namespace(other, view),
        }
    }
    Ok(())
}

fn place_fields<'v>(set: &CandidateSet, fields: &mut [Field<'v>], values: &mut [Value<'v>]) {
    for ((at, _), field) in set.fields.iter().zip(fields) {
        if let Some(value) = values.get_mut(usize::from(*at)) {
            *value = Value::from(std::mem::take(field));
        }
    }
}

/// Each field by itself; what cannot be read is a fault of that field.
fn read_fields<'v>(set: &CandidateSet, record: &Record<'v>, values: &mut [Value<'v>]) {
    for (at, path) in &set.fields {
        if let Some(value) = values.get_mut(usize::from(*at)) {
            let read = record.get(path).map(Value::from);
            *value = read.unwrap_or(Value::Fault(FaultKind::Undecodable));
        }
    }
}

/// An empty vector of another lifetime in the same memory: collecting from an
/// emptied vector of the same layout keeps its allocation.
fn recycle<T, U>(mut from: Vec<T>) -> Vec<U> {
    from.clear();
    from.into_iter()
        .map(|_| unreachable!("the vector is empty"))
        .collect()
}
