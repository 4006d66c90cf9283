//! What can be proved of a rules file: rules that select nothing, or nothing
//! that is left to them, and conditions that say nothing.
//!
//! Promises that every claim is true for every object that a kube-apiserver
//! stores; what cannot be proved is not claimed. Deliberately makes no
//! diagnostics: claims are data. For linters, not for the way of events: it
//! looks at all rules at length.

mod claim;
mod conditions;
mod cover;
mod excludes;
mod facts;
mod item;
mod known;
mod lists;
mod reasons;
mod shadow;
mod terms;
mod world;

use super::plan::Plan;
use super::rule_set::{RuleId, RuleSet};

pub use claim::{Claim, Part, Why};

pub(super) use item::Item;
pub(super) use reasons::Reasons;
pub(super) use terms::{Sort, Terms};
pub(super) use world::{Thing, World};

/// Everything that can be proved of `rules`, of which `plan` was compiled, in
/// the order of the rules.
pub fn claims(rules: &RuleSet, plan: &Plan) -> Vec<Claim> {
    let (mut world, reasons, all) = terms(rules, plan);
    prove(&mut world, &reasons, &all)
}

/// The same of rules that are formulas already.
pub(super) fn prove(world: &mut World, reasons: &Reasons<'_>, all: &[Terms<'_>]) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut empty = vec![false; all.len()];
    for (at, terms) in all.iter().enumerate() {
        let id = RuleId(u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(core) = conditions::core(terms, world) {
            claims.push(Claim::Never { rule: id, core });
            empty[at] = true;
        } else {
            claims.extend(conditions::superfluous(id, terms, world));
            if let Some(policies) = conditions::kept_out(terms, world) {
                claims.push(Claim::KeptOut { rule: id, policies });
                empty[at] = true;
            }
        }
        claims.extend(excludes::claims(id, terms, world));
        claims.extend(lists::claims(id, terms, world));
    }
    claims.extend(shadow::claims(all, &empty, reasons, world));
    claims.sort_by_key(Claim::rule);
    claims
}

/// The rules as formulas over one world.
pub(super) fn terms<'r>(
    rules: &'r RuleSet,
    plan: &'r Plan,
) -> (World, Reasons<'r>, Vec<Terms<'r>>) {
    let mut world = World::new(plan.prefix());
    let reasons = Reasons::of(plan, &mut world);
    let pairs = rules.rules().zip(plan.rules());
    let all = pairs.map(|(rule, compiled)| Terms::new(rule, compiled, &reasons, &mut world));
    let mut all: Vec<Terms<'r>> = all.collect();
    world.relate();
    for terms in &mut all {
        terms.learn(&world);
    }
    (world, reasons, all)
}
