//! The policies that take away what a rule selects, as a condition.
//!
//! Promises what `evaluate` decides. Deliberately shows of each reason only what
//! holds: there are many, and each is about several kinds.

use crate::diagnostic::Span;

use super::super::kept_out::{CONTROLLED, spares};
use super::super::marks::{NOT_BY_HAND, NOT_BY_HAND_MEANS};
use super::super::policy::Policy;
use super::condition::{Condition, Join};
use super::tracer::Tracer;
use super::truth::Truth;

/// The name of the condition that policies are.
pub const POLICIES: &str = "policies";

/// A reason that is asked for a rule.
type Asked<'t> = (Policy, &'static str, Tracer<'t, 't>);

/// Why a value is not of a sort that most of its kind are of.
pub(super) fn sparing(asked: &[Asked<'_>]) -> Option<(Policy, &'static str)> {
    let not = asked
        .iter()
        .filter(|(_, _, own)| own.truth() == Truth::Fails);
    let mut spared = not.filter_map(|(policy, name, _)| Some((*policy, spares(name)?)));
    spared.next()
}

/// What acts on one value, of the reasons that are asked for a rule at `span`.
pub(super) fn acting(asked: Vec<Asked<'_>>, span: Span) -> Option<Condition> {
    let mut policies: Vec<Condition> = Vec::new();
    for (policy, name, tracer) in asked {
        let truth = tracer.truth();
        if truth == Truth::Fails {
            continue;
        }
        let mut reason = reason(name, tracer.whole());
        move_to(&mut reason, span);
        match policies.last_mut().filter(|own| own.name == policy.name()) {
            Some(last) => {
                if last.truth == Truth::Faults {
                    last.truth = truth;
                }
                last.parts.push(reason);
            }
            None => policies.push(Condition {
                joins: Some(Join::Any),
                parts: vec![reason],
                ..Condition::new(policy.name(), format!("{policy}: any of"), span, truth)
            }),
        }
    }
    let holds = |own: &Condition| own.truth == Truth::Holds;
    let truth = match (policies.is_empty(), policies.iter().any(holds)) {
        (true, _) => return None,
        (false, true) => Truth::Fails,
        (false, false) => Truth::Faults,
    };
    let mut whole = Condition {
        joins: Some(Join::None),
        parts: policies,
        ..Condition::new(POLICIES, format!("{POLICIES}: none of"), span, truth)
    };
    whole.mark_deciding();
    Some(whole)
}

/// What holds of a reason: which other kinds it is about says nothing.
fn reason(name: &str, mut condition: Condition) -> Condition {
    // The expression has a part for each kind that any rule selects.
    if name == CONTROLLED {
        condition.parts.clear();
        condition.joins = None;
        condition.title =
            format!("{CONTROLLED}: it has a controller of a kind that a rule selects");
    }
    condition.parts = condition.parts.into_iter().map(holding).collect();
    in_words(&mut condition);
    condition
}

/// A long list of names says less than what they have in common.
fn in_words(condition: &mut Condition) {
    if condition.name == NOT_BY_HAND {
        condition.parts.clear();
        condition.joins = None;
        condition.title = NOT_BY_HAND_MEANS.to_owned();
    }
    condition.parts.iter_mut().for_each(in_words);
}

/// No policy stands in the file: what is said of it is said of the rule.
fn move_to(condition: &mut Condition, span: Span) {
    condition.span = span;
    for part in &mut condition.parts {
        move_to(part, span);
    }
}

/// Alternatives without those that do not hold.
fn holding(mut condition: Condition) -> Condition {
    if condition.joins != Some(Join::Any) || condition.truth != Truth::Holds {
        return condition;
    }
    condition.parts.retain(|part| part.truth != Truth::Fails);
    match (condition.name.is_empty(), condition.parts.len()) {
        (true, 1) => condition.parts.remove(0),
        _ => condition,
    }
}
