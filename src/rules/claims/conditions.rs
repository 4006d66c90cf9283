//! Claims about a rule's own conditions: that they contradict each other, or
//! say nothing.
//!
//! Promises to call a condition superfluous only if the rule means the same
//! without it, faults included: what guards another one against a fault is not
//! superfluous. Deliberately leaves excludes and lists to others.

use crate::lang::hir::{Node, NodeKind};
use crate::lang::solve::{Formula, Var, Wanted};

use super::super::policy::Policy;
use super::super::rule_set::RuleId;
use super::claim::{Claim, Part};
use super::item::{Item, item};
use super::terms::{Sort, Terms, place};
use super::world::World;

/// A smallest set of a rule's conditions that contradict each other, if they
/// do.
pub fn core(terms: &Terms<'_>, world: &World) -> Option<Vec<Part>> {
    let never = |left_out: &[usize]| {
        let formulas = terms.without(&|at| left_out.contains(&at));
        world.never(&formulas, &[&terms.whole.variables])
    };
    if !never(&[]) {
        return None;
    }
    let mut left_out = Vec::new();
    // What comes last is most likely what was added without much thought.
    for at in 0..terms.units.len() {
        left_out.push(at);
        if !never(&left_out) {
            left_out.pop();
        }
    }
    let units = terms.units.iter().enumerate();
    let kept = units.filter(|(at, _)| !left_out.contains(at));
    Some(kept.map(|(_, unit)| unit.part.clone()).collect())
}

/// The policies that leave nothing of a rule, if they do.
pub fn kept_out(terms: &Terms<'_>, world: &World) -> Option<Vec<Policy>> {
    let never = |kept: &[usize]| {
        let mut formulas = terms.without(&|_| false);
        formulas.extend(kept.iter().map(|at| &terms.policies[*at].item.holds));
        world.never(&formulas, &[&terms.whole.variables])
    };
    let mut kept: Vec<usize> = (0..terms.policies.len()).collect();
    if kept.is_empty() || !never(&kept) {
        return None;
    }
    for at in 0..terms.policies.len() {
        let fewer: Vec<usize> = kept.iter().copied().filter(|own| *own != at).collect();
        if never(&fewer) {
            kept = fewer;
        }
    }
    let policies = kept.into_iter();
    let mut policies: Vec<Policy> = policies.map(|at| terms.policies[at].policy).collect();
    policies.dedup();
    Some(policies)
}

/// The conditions of a rule that say nothing, and the alternatives that never
/// hold.
pub fn superfluous(id: RuleId, terms: &Terms<'_>, world: &mut World) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut left_out = Vec::new();
    for (at, unit) in terms.units.iter().enumerate().rev() {
        let looked_at = matches!(unit.sort, Sort::Condition | Sort::Resources);
        if !looked_at || matches!(unit.node.kind, NodeKind::Const(_)) {
            continue;
        }
        let rest = terms.without(&|other| other == at || left_out.contains(&other));
        let variables: [&[Var]; 1] = [&terms.whole.variables];
        let with = |formula| [&rest[..], &[formula]].concat();
        let implied = unit.sort == Sort::Condition
            && unit.item.costly.is_empty()
            && world.never(&with(&unit.item.not_holds), &variables);
        if implied {
            let others = terms.units.iter().enumerate();
            let others = others
                .filter(|(other, _)| *other != at && !left_out.contains(other))
                .map(|(_, other)| (other.node, other.negated));
            if keeps_faults(terms, unit.node, others.collect(), world) {
                left_out.push(at);
                claims.push(Claim::AlwaysTrue {
                    rule: id,
                    part: unit.part.clone(),
                });
            }
            continue;
        }
        let rest: Vec<Formula> = rest.into_iter().cloned().collect();
        Within {
            id,
            terms,
            world,
            claims: &mut claims,
        }
        .alternatives(unit.node, &unit.part, rest, 0);
    }
    claims.reverse();
    claims
}

/// Whether a rule faults in the same cases without a condition that the others
/// imply.
fn keeps_faults(
    terms: &Terms<'_>,
    condition: &Node,
    others: Vec<(&Node, bool)>,
    world: &mut World,
) -> bool {
    let formulas = terms.translate(world, |translator| {
        let mut formulas = vec![translator.formula(condition, Wanted::FAILS)];
        for (node, negated) in others {
            let wanted = match negated {
                true => Wanted::NOT_FAILS.negated(),
                false => Wanted::NOT_FAILS,
            };
            formulas.push(translator.formula(node, wanted));
        }
        formulas
    });
    let formulas: Vec<&Formula> = formulas.iter().chain(&terms.facts).collect();
    world.never(&formulas, &[&terms.whole.variables])
}

struct Within<'a, 'r> {
    id: RuleId,
    terms: &'a Terms<'r>,
    world: &'a mut World,
    claims: &'a mut Vec<Claim>,
}

/// How deep alternatives within alternatives are looked at.
const MAX_DEPTH: usize = 4;

/// How many alternatives of one list are looked at.
const MAX_ALTERNATIVES: usize = 64;

impl Within<'_, '_> {
    /// Looks at the alternatives within `node`, which stands where all of
    /// `context` is true.
    fn alternatives(&mut self, node: &Node, part: &Part, context: Vec<Formula>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match &node.kind {
            NodeKind::Any(parts) if parts.len() > 1 && parts.len() <= MAX_ALTERNATIVES => {
                for (at, own) in parts.iter().enumerate() {
                    self.alternative(own, &alternative_of(part, at, own), &context, depth);
                }
            }
            NodeKind::All(parts) => {
                let items: Vec<Item> = parts.iter().map(|own| self.item(own)).collect();
                for (at, own) in parts.iter().enumerate() {
                    let others = items.iter().enumerate().filter(|(other, _)| *other != at);
                    let others = others.map(|(_, item)| item.holds.clone());
                    let context = context.iter().cloned().chain(others).collect();
                    self.alternatives(own, &place(own, &part.title), context, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn alternative(&mut self, node: &Node, part: &Part, context: &[Formula], depth: usize) {
        if matches!(node.kind, NodeKind::Const(_)) {
            return;
        }
        let own = self.item(node);
        let formulas: Vec<&Formula> = context.iter().chain([&own.holds]).collect();
        if self.world.never(&formulas, &[&self.terms.whole.variables]) {
            self.claims.push(Claim::AlwaysFalse {
                rule: self.id,
                part: part.clone(),
            });
            return;
        }
        self.alternatives(node, part, context.to_vec(), depth + 1);
    }

    fn item(&mut self, node: &Node) -> Item {
        let may_be_costly = !self.terms.whole.costly.is_empty();
        let terms = self.terms;
        terms.translate(self.world, |translator| {
            item(translator, node, false, may_be_costly)
        })
    }
}

/// The name of an alternative: its own, or its place in the list.
pub fn alternative_of(list: &Part, at: usize, node: &Node) -> Part {
    let title = match (node.title.as_str(), list.title.as_str()) {
        ("", "when") => "when".to_owned(),
        ("", list) => format!("{list}[{at}]"),
        (own, _) => own.to_owned(),
    };
    place(node, &title)
}
