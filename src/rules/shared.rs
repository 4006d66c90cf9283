//! Conditions that several rules of one set repeat: each is evaluated once for
//! an event.
//!
//! Promises that a rule's verdict is the same as by its own program alone.
//! Deliberately shares only what costs more than looking up its outcome.

use std::collections::HashMap;

use crate::lang::hir::{Comparison, ExprKind, Node, NodeKind, Predicate, Slot};
use crate::lang::{self, Fault, Program, Value, Verdict, listing};
use crate::vm;

use super::compiled::CompiledRule;
use super::member::{Member, bind};

/// So many comparisons are cheaper to repeat than to look up.
const CHEAP: usize = 4;

/// A condition of several rules, over the slots of the first of them.
#[derive(Debug)]
pub struct SharedCondition {
    program: Program,
    binding: Box<[u16]>,
}

/// The outcomes of a set's shared conditions for one event.
pub type Outcomes = Vec<Option<Result<Verdict, Fault>>>;

/// Finds the conditions that several of `members` have, and takes them out of
/// those: what is left of each is a program of its own.
pub fn share(rules: &[CompiledRule], members: &mut [Member]) -> Box<[SharedCondition]> {
    let conditions: Vec<Vec<(String, &Node)>> = members
        .iter()
        .map(|member| {
            let rule = rules.get(member.rule);
            rule.map_or_else(Vec::new, |rule| named(rule, &member.binding))
        })
        .collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (name, _) in conditions.iter().flatten() {
        *counts.entry(name).or_default() += 1;
    }
    let repeated = |name: &str| counts.get(name).is_some_and(|count| *count > 1);
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    let mut shared = Vec::new();
    for (member, own) in members.iter_mut().zip(&conditions) {
        let Some(rule) = rules.get(member.rule) else {
            continue;
        };
        let mut used = Vec::new();
        for (name, node) in own.iter().filter(|(name, _)| repeated(name)) {
            let number = numbers.get(name.as_str()).copied().or_else(|| {
                let number = u16::try_from(shared.len()).ok()?;
                shared.push(condition(rule, node, &member.binding)?);
                numbers.insert(name, number);
                Some(number)
            });
            used.extend(number.map(|number| (number, *node)));
        }
        take_out(rule, member, &used);
    }
    shared.into()
}

/// The costly conditions of a rule, by what they say in terms of the set.
fn named<'r>(rule: &'r CompiledRule, binding: &[u16]) -> Vec<(String, &'r Node)> {
    let slots: Vec<Slot> = binding
        .iter()
        .map(|slot| Slot {
            name: format!("${slot}"),
            may_fault: false,
        })
        .collect();
    let costly = parts(&rule.folded).iter().filter(|part| is_costly(part));
    costly
        .map(|part| (listing::on_one_line(part, &slots), part))
        .collect()
}

/// What all must hold.
pub(super) fn parts(predicate: &Predicate) -> &[Node] {
    match &predicate.root.kind {
        NodeKind::All(parts) => parts,
        _ => std::slice::from_ref(&predicate.root),
    }
}

fn is_costly(node: &Node) -> bool {
    fn has_expression(node: &Node) -> bool {
        match &node.kind {
            NodeKind::Holds(of) => !matches!(of.kind, ExprKind::Slot(_) | ExprKind::HasSlot { .. }),
            NodeKind::Every(_) | NodeKind::Some(_) | NodeKind::One(_) => true,
            NodeKind::Compare { of, with } => {
                let computed =
                    !matches!(of.kind, ExprKind::Slot(_) | ExprKind::OptionalSlot { .. });
                computed || matches!(with, Comparison::Matches(_))
            }
            _ => node.parts().iter().any(has_expression),
        }
    }
    fn leaves(node: &Node) -> usize {
        match node.parts() {
            [] => 1,
            parts => parts.iter().map(leaves).sum(),
        }
    }
    has_expression(node) || leaves(node) > CHEAP
}

fn condition(rule: &CompiledRule, node: &Node, binding: &[u16]) -> Option<SharedCondition> {
    let predicate = Predicate {
        root: node.clone(),
        slots: rule.folded.slots.clone(),
    };
    Some(SharedCondition {
        program: lang::compile(&predicate).ok()?,
        binding: binding.into(),
    })
}

/// Leaves of the rule's program what is not among `used`.
fn take_out(rule: &CompiledRule, member: &mut Member, used: &[(u16, &Node)]) {
    if used.is_empty() {
        return;
    }
    let is_used = |part: &&Node| used.iter().any(|(_, own)| std::ptr::eq(*own, *part));
    let left = parts(&rule.folded).iter().filter(|part| !is_used(part));
    let rest = Predicate {
        root: Node::all(left.cloned().collect(), rule.folded.root.span),
        slots: rule.folded.slots.clone(),
    };
    if let Ok(program) = lang::compile(&lang::fold(&rest)) {
        member.shared = used.iter().map(|(number, _)| *number).collect();
        member.rest = Some(program);
    }
}

/// What a member says; `outcomes` holds what is known of shared conditions.
pub fn verdict(
    rule: &CompiledRule,
    member: &Member,
    shared: &[SharedCondition],
    values: &[Value<'_>],
    outcomes: &mut Outcomes,
) -> Result<Verdict, Fault> {
    let Some(rest) = &member.rest else {
        return vm::eval(&rule.program, &bind(values, &member.binding));
    };
    outcomes.resize(shared.len(), None);
    let mut first_fault = None;
    for &number in &member.shared {
        match outcome(shared, usize::from(number), values, outcomes) {
            Ok(Verdict::Match) => {}
            Ok(Verdict::NoMatch) => return Ok(Verdict::NoMatch),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    match vm::eval(rest, &bind(values, &member.binding))? {
        Verdict::NoMatch => Ok(Verdict::NoMatch),
        Verdict::Match => first_fault.map_or(Ok(Verdict::Match), Err),
    }
}

fn outcome(
    shared: &[SharedCondition],
    number: usize,
    values: &[Value<'_>],
    outcomes: &mut Outcomes,
) -> Result<Verdict, Fault> {
    if let Some(Some(known)) = outcomes.get(number) {
        return *known;
    }
    let Some(own) = shared.get(number) else {
        return Ok(Verdict::Match);
    };
    let outcome = vm::eval(&own.program, &bind(values, &own.binding));
    if let Some(place) = outcomes.get_mut(number) {
        *place = Some(outcome);
    }
    outcome
}
