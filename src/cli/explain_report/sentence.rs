//! What becomes of a key and why, in one sentence.
//!
//! Promises exactly one line, which names the rule and the condition that
//! decided, and what the object has there. Deliberately says no more than the
//! decision: what else is known stands below it.

use crate::rules::RuleId;
use crate::rules::decide::{Decision, SkipReason};
use crate::rules::policy::Policy;
use crate::rules::trace::{Condition, NOT_BY_HAND, POLICIES, RuleTrace, Truth, why};

use super::Report;
use super::nearest::by_nearness;
use super::phrases::{excluded_by, fault, wants};

/// The reason in one sentence.
pub(super) fn verdict(report: &Report) -> String {
    match &report.decision {
        Decision::Put { rule } => {
            let selected = format!("selected by {}", called(report, *rule));
            match report.conflict {
                Some(own) if own.is_ours == Some(false) && own.stays() => format!(
                    "not mirrored: {selected}, but the destination has another object there: {}",
                    own.means()
                ),
                _ => format!("mirrored: {selected}"),
            }
        }
        Decision::Hold {
            rule: Some(rule),
            reason,
            ..
        } => {
            let rule_name = called(report, *rule);
            let at = traced(report, *rule).and_then(faulting);
            let why = at.unwrap_or_else(|| format!("cannot be evaluated: {reason}"));
            format!("held, neither written nor deleted: {rule_name} {why}")
        }
        Decision::Hold {
            rule: None, reason, ..
        } => format!("held, neither written nor deleted: {reason}"),
        Decision::Skip(reason) => skipped(report, *reason),
        Decision::Delete(_) => "removed from the destination".to_owned(),
        Decision::Disown(policy) => skipped(report, SkipReason::KeptOut(*policy)),
    }
}

fn skipped(report: &Report, reason: SkipReason) -> String {
    let rules = report.rules.as_ref().and_then(|rules| rules.as_ref().ok());
    match reason {
        SkipReason::Gone => format!("not mirrored: {}", report.lacking()),
        SkipReason::Outside => {
            "not mirrored: the key is outside the key prefix (see --kube-prefix)".to_owned()
        }
        SkipReason::ClusterLocal => {
            "never mirrored, whatever the rules say: the key belongs to one cluster alone"
                .to_owned()
        }
        SkipReason::Leased => leased(rules.map_or(&[], Vec::as_slice)),
        // Of what is not there the key alone is known.
        SkipReason::NoCandidate if !report.exists() => {
            "not mirrored: that is not the key of an object".to_owned()
        }
        SkipReason::NoCandidate => {
            "not mirrored: no rule can select a key of this resource".to_owned()
        }
        SkipReason::KeptOut(policy) => match &report.left_out {
            Some(why) => format!("not mirrored: the policy `{policy}` keeps it out: {why}"),
            None => kept_out(report, policy),
        },
        SkipReason::NotSelected => {
            let why = rules.map_or_else(no_rule, |rules| nearest_miss(rules));
            format!("not mirrored: {why}")
        }
    }
}

/// What a rule selects and a policy takes away.
fn kept_out(report: &Report, policy: Policy) -> String {
    let rules = report.rules.as_ref().and_then(|rules| rules.as_ref().ok());
    let rules = rules.map_or(&[][..], Vec::as_slice);
    match rules.iter().find_map(kept_by) {
        Some((rule, reason)) => {
            let why = match report.unsigned && is_by_writers(reason) {
                true => format!("only what people alone have written passes; {UNSIGNED}"),
                false => why(&reason.name).to_owned(),
            };
            let rule = name(rule);
            format!(
                "not mirrored: {rule} selects it, and the policy `{policy}` keeps it out: {why}"
            )
        }
        None => format!("not mirrored: the policy `{policy}` keeps it out"),
    }
}

/// A rule that selects it, with the reason of the policy that takes it away.
fn kept_by(rule: &RuleTrace) -> Option<(&RuleTrace, &Condition)> {
    let condition = rule.condition.as_ref()?;
    let policies = condition.deciding().filter(|own| own.name == POLICIES)?;
    Some((rule, policies.deciding()?.deciding()?))
}

/// Whether it is kept out for nothing but who has written it.
fn is_by_writers(reason: &Condition) -> bool {
    reason.parts.iter().any(|part| part.name == NOT_BY_HAND)
}

/// What decides about what is kept out since nobody is known to have written it:
/// no cluster has stored it yet. `None` where something else keeps it out.
pub fn unsigned(rules: &[RuleTrace]) -> Option<&'static str> {
    let (_, reason) = rules.iter().find_map(kept_by)?;
    is_by_writers(reason).then_some(UNSIGNED)
}

const UNSIGNED: &str =
    "in the cluster `metadata.managedFields` decides that, and the input has none";

fn no_rule() -> String {
    "no rule selects it".to_owned()
}

/// A key that is attached to a lease.
fn leased(rules: &[RuleTrace]) -> String {
    let only_lease = |rule: &&RuleTrace| {
        let barred = rule.nearness().is_some_and(|own| own.barred);
        let deciding = rule.condition.as_ref().and_then(Condition::deciding);
        barred && deciding.is_some_and(|own| own.name == "leases")
    };
    let but_for_it = rules.iter().find(only_lease);
    let lease = "not mirrored: the key is attached to an etcd lease (a heartbeat or an event), and";
    match but_for_it {
        Some(rule) => format!(
            "{lease} {}, which would select it, has no `leases: mirror`",
            name(rule)
        ),
        None => format!("{lease} no rule with `leases: mirror` selects it"),
    }
}

/// Why no rule selects what these say of a value: what the nearest wants, or
/// which exclude it was.
pub fn nearest_miss(rules: &[RuleTrace]) -> String {
    let near = by_nearness(rules);
    let Some((rule, others)) = near.split_first() else {
        return no_rule();
    };
    let rank = rule.nearness().map(|own| own.rank());
    let alike = others.iter();
    let alike = alike.filter(|other| other.nearness().map(|own| own.rank()) == rank);
    let alike: Vec<_> = alike.collect();
    let miss = excluded(rule).unwrap_or_else(|| missed(rule));
    match alike.as_slice() {
        [] => miss,
        [other] => format!("{miss}; {} comes as near", name(other)),
        several => format!("{miss}; {} other rules come as near", several.len()),
    }
}

/// An exclude that alone keeps a rule from selecting.
fn excluded(rule: &RuleTrace) -> Option<String> {
    rule.nearness().filter(|near| near.barred)?;
    let parts = rule.condition.iter().flat_map(|own| &own.parts);
    let mut excludes = parts.filter(|part| part.name == "excludes");
    let entry = excludes.next()?.deciding()?;
    let place = format!("{}.{}", rule.place, entry.name);
    let place = match rule.name == rule.place {
        true => place,
        false => format!("`{}` ({place})", rule.name),
    };
    Some(match excluded_by(entry) {
        why if why.is_empty() => format!("excluded by {place}"),
        why => format!("excluded by {place}, {why}"),
    })
}

fn missed(rule: &RuleTrace) -> String {
    if let Some(why) = faulting(rule) {
        return format!("{} {why}", name(rule));
    }
    let parts = rule.condition.iter().flat_map(|own| &own.parts);
    let failing = parts.filter(|part| part.truth != Truth::Holds);
    let mut failing: Vec<&Condition> = failing.collect();
    // No resource of another group can be one of the rule's.
    if failing.iter().any(|part| part.name == "group") {
        failing.retain(|part| part.name != "resources");
    }
    let excludes = |part: &&&Condition| part.name == "excludes";
    let wanted: Vec<String> = failing
        .iter()
        .filter(|part| !excludes(part))
        .map(|part| wants(part))
        .collect();
    let also = match failing.iter().any(|part| excludes(&part)) {
        true => ", and excludes it too",
        false => "",
    };
    let name = name(rule);
    match wanted.as_slice() {
        [] => format!("{name} cannot tell whether it excludes it"),
        [only] => format!("{name} wants {only}{also}"),
        [first, second] => format!("{name} wants {first}, and {second}{also}"),
        [first, rest @ ..] => format!(
            "{name} wants {first}, and {} more of its conditions do not hold",
            rest.len() + usize::from(!also.is_empty())
        ),
    }
}

/// Where a rule that cannot be evaluated has no value.
fn faulting(rule: &RuleTrace) -> Option<String> {
    let mut at = rule.condition.as_ref()?;
    while let Some(next) = at.deciding() {
        at = next;
    }
    let expression = at.expression.as_ref()?;
    (at.truth == Truth::Faults).then(|| fault(expression))
}

fn traced(report: &Report, rule: RuleId) -> Option<&RuleTrace> {
    let rules = report.rules.as_ref()?.as_ref().ok()?;
    rules.iter().find(|own| own.rule == rule)
}

/// A rule by its name, and where it stands where it was given one.
fn name(rule: &RuleTrace) -> String {
    match rule.name == rule.place {
        true => rule.place.clone(),
        false => format!("`{}` ({})", rule.name, rule.place),
    }
}

fn called(report: &Report, rule: RuleId) -> String {
    traced(report, rule).map_or_else(
        || {
            let name = report.rule_names.get(rule.0 as usize);
            format!("`{}`", name.map_or("?", String::as_str))
        },
        name,
    )
}
