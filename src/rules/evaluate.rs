//! One value against its candidate rules.
//!
//! Promises the order of work that makes most events cheap: what the key and
//! the Namespaces decide comes first and touches no value; then the value is
//! decrypted and scanned once for all candidates; then the programs run.

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::k8s::{Field, Key, Query, Record};
use crate::lang::{FaultKind, Slots, Value, Verdict};
use crate::vm;

use super::candidates::{CandidateSet, Found, Member};
use super::compiled::Gate;
use super::keyrings::Keyrings;
use super::namespaces::{Namespaces, View};
use super::plan::Plan;
use super::rule_set::{OnError, RuleId};
use super::selection::{Selection, SkipReason};
use super::slots::SlotSource;

/// Working memory that is reused from event to event; one for each task.
#[derive(Default)]
pub struct Scratch {
    plain: Zeroizing<Vec<u8>>,
    fields: Vec<Field<'static>>,
    values: Vec<Value<'static>>,
    passed: Vec<bool>,
    found: Found,
}

/// A plan, and the keys to read values with.
pub(super) struct Evaluator<'p> {
    pub plan: &'p Plan,
    pub keyrings: &'p ArcSwap<Keyrings>,
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
        let set = plan
            .candidates
            .of(&place.resource, plan.rules(), &mut scratch.found);
        if set.members.is_empty() {
            return Selection::Not(SkipReason::NoCandidate);
        }
        if !self.pass_gates(&set, place, namespaces, &mut scratch.passed) {
            return Selection::Not(SkipReason::NotSelected);
        }
        // Borrowed apart, since the plain text outlives the scan's borrow.
        let mut plain = std::mem::take(&mut scratch.plain);
        let keyrings = self.keyrings.load();
        let opened = keyrings
            .source
            .open(place.group(), place.plural(), key, value, &mut plain);
        let selection = match opened {
            Ok(opened) => match Record::parse(opened.plain) {
                Ok(record) => self.try_rules(&set, &record, namespaces, scratch),
                Err(error) => self.unknown(&set, &scratch.passed, error.to_string(), false),
            },
            Err(error) => {
                let transient = error.is_transient();
                self.unknown(&set, &scratch.passed, error.to_string(), transient)
            }
        };
        scratch.plain = plain;
        selection
    }

    /// Notes which members the key and the Namespaces do not rule out; whether
    /// there are any.
    fn pass_gates(
        &self,
        set: &CandidateSet,
        place: &Key<'_>,
        namespaces: &Namespaces,
        passed: &mut Vec<bool>,
    ) -> bool {
        let namespace = place.namespace.unwrap_or("");
        let view = if namespace.is_empty() {
            &View::Absent
        } else {
            namespaces.get(namespace)
        };
        passed.clear();
        passed.extend(set.members.iter().map(|member| {
            let rule = self.plan.rules().get(member.rule);
            let gate = rule.and_then(|rule| rule.gate.as_ref());
            // A fault is no reason to rule it out.
            gate.is_none_or(|gate| gate.verdict(namespace, view) != Ok(Verdict::NoMatch))
        }));
        passed.contains(&true)
    }

    /// A value that cannot be read is held, unless every rule that it might
    /// concern would rather skip it.
    fn unknown(
        &self,
        set: &CandidateSet,
        passed: &[bool],
        reason: String,
        transient: bool,
    ) -> Selection {
        let concerned = set
            .members
            .iter()
            .zip(passed)
            .filter(|(_, passed)| **passed);
        match concerned
            .map(|(member, _)| member.rule)
            .find(|&rule| self.holds(rule))
        {
            Some(_) => Selection::Unknown {
                rule: None,
                reason,
                transient,
            },
            None => Selection::Not(SkipReason::NotSelected),
        }
    }

    fn try_rules(
        &self,
        set: &CandidateSet,
        record: &Record<'_>,
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Selection {
        let mut fields = recycle(std::mem::take(&mut scratch.fields));
        let mut values = recycle(std::mem::take(&mut scratch.values));
        let selection = match fill(set, record, namespaces, &mut fields, &mut values) {
            Ok(()) => self.first_match(set, &values, &scratch.passed),
            Err(reason) => self.unknown(set, &scratch.passed, reason, false),
        };
        scratch.fields = recycle(fields);
        scratch.values = recycle(values);
        selection
    }

    /// Whether `rule` holds what it cannot judge.
    fn holds(&self, rule: usize) -> bool {
        let rule = self.plan.rules().get(rule);
        rule.is_none_or(|rule| rule.on_error == OnError::Hold)
    }

    /// The first rule that matches; a rule that faults before it does not
    /// keep the key from being selected.
    fn first_match(&self, set: &CandidateSet, values: &[Value<'_>], passed: &[bool]) -> Selection {
        let mut held = None;
        for (member, _) in set
            .members
            .iter()
            .zip(passed)
            .filter(|(_, passed)| **passed)
        {
            let Some(rule) = self.plan.rules().get(member.rule) else {
                continue;
            };
            let id = RuleId(u32::try_from(member.rule).unwrap_or(u32::MAX));
            match vm::eval(&rule.program, &bind(values, member)) {
                Ok(Verdict::Match) => return Selection::Selected(id),
                Ok(Verdict::NoMatch) => {}
                Err(fault) if self.holds(member.rule) => {
                    held = held.or(Some((id, fault.kind)));
                }
                Err(_) => {}
            }
        }
        match held {
            Some((rule, FaultKind::Unreadable)) => Selection::Unknown {
                rule: Some(rule),
                reason: "the object of its Namespace could not be read".to_owned(),
                // It may have been encrypted by a plugin that did not answer.
                transient: self.keyrings.load().asks_plugins,
            },
            None => Selection::Not(SkipReason::NotSelected),
        }
    }
}

impl Gate {
    /// What it says of keys in `namespace` (empty for cluster-scoped objects),
    /// given what is known of that Namespace.
    pub fn verdict(&self, namespace: &str, view: &View) -> Result<Verdict, crate::lang::Fault> {
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

/// A rule's own slots within those of its set.
pub(super) struct Bound<'s, 'v> {
    values: &'s [Value<'v>],
    binding: &'s [u16],
}

pub(super) fn bind<'s, 'v>(values: &'s [Value<'v>], member: &'s Member) -> Bound<'s, 'v> {
    Bound {
        values,
        binding: &member.binding,
    }
}

impl Slots for Bound<'_, '_> {
    fn value(&self, slot: u16) -> &Value<'_> {
        let at = self
            .binding
            .get(usize::from(slot))
            .copied()
            .unwrap_or(u16::MAX);
        self.values.get(usize::from(at)).unwrap_or(&Value::Absent)
    }
}

/// Fills every slot of the set with one scan of the value.
pub(super) fn fill<'v>(
    set: &CandidateSet,
    record: &'v Record<'v>,
    namespaces: &'v Namespaces,
    fields: &mut Vec<Field<'v>>,
    values: &mut Vec<Value<'v>>,
) -> Result<(), String> {
    fields.clear();
    fields.resize(set.fields.len(), Field::Absent);
    if set.query.fits(record) {
        record.scan(&set.query, fields)
    } else {
        let query = Query::new(&set.paths, record.api_version(), record.kind());
        record.scan(&query, fields)
    }
    .map_err(|error| error.to_string())?;
    values.clear();
    values.resize(set.sources.len(), Value::Absent);
    for ((at, _), field) in set.fields.iter().zip(fields.iter_mut()) {
        if let Some(value) = values.get_mut(usize::from(*at)) {
            *value = of_field(std::mem::take(field));
        }
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
            other => *value = of_namespace(other, view),
        }
    }
    Ok(())
}

fn of_namespace<'v>(source: &SlotSource, view: &'v View) -> Value<'v> {
    match (view, source) {
        (View::Absent, _) => Value::Absent,
        (View::Unreadable, _) => Value::Fault(FaultKind::Unreadable),
        (View::Present(labels), SlotSource::NamespaceLabel(key)) => {
            let found = labels.binary_search_by(|(own, _)| own.as_ref().cmp(key));
            let label = found.ok().and_then(|at| labels.get(at));
            label.map_or(Value::Absent, |(_, value)| Value::str(value))
        }
        (View::Present(_), _) => Value::Bool(true),
    }
}

fn of_field(field: Field<'_>) -> Value<'_> {
    match field {
        Field::Absent => Value::Absent,
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Bool(value),
        Field::Int(value) => Value::Int(value),
        Field::Uint(value) => Value::Uint(value),
        Field::Double(value) => Value::Double(value),
        Field::String(value) => Value::String(value),
        Field::Bytes(value) => Value::Bytes(value.into()),
        Field::Composite(_) => Value::Composite,
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
