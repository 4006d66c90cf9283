//! Claims about excludes: that they take away nothing, or everything.
//!
//! Promises that what an exclude is compared with is the rule that has it.
//! Deliberately does not compare the excludes of different rules.

use crate::lang::hir::Node;
use crate::lang::solve::{Formula, Wanted};

use super::super::rule_set::RuleId;
use super::claim::{Claim, Part, Why};
use super::cover::{Cover, Index, Target, cover};
use super::item::Item;
use super::terms::{Sort, Terms};
use super::world::World;

/// The excludes of a rule that take away nothing, or everything. The rule must
/// be one that selects something, or would without its excludes.
pub fn claims(id: RuleId, terms: &Terms<'_>, world: &mut World) -> Vec<Claim> {
    let found = excluded(terms);
    if found.is_empty() {
        return Vec::new();
    }
    let is_exclude = |at: usize| matches!(terms.units.get(at), Some(unit) if matches!(unit.sort, Sort::Exclude(_)));
    let positive = terms.without(&is_exclude);
    if world.never(&positive, &[&terms.whole.variables]) {
        return Vec::new();
    }
    let index = Index::new(found.iter().map(|own| own.item));
    let mut useless: Vec<usize> = Vec::new();
    let mut claims = Vec::new();
    for at in 0..found.len() {
        let own = &found[at];
        let target = Target {
            holds: [&positive[..], &[&own.item.holds]].concat(),
            variables: vec![&terms.whole.variables],
        };
        // Of two that cover each other, the later one is superfluous.
        let usable = |other: usize| {
            let item = found.get(other)?.item;
            let may = other != at && !useless.contains(&other) && item.costly.is_empty();
            may.then_some((item, &[][..]))
        };
        let earlier = |other: usize| usable(other).filter(|_| other < at);
        let later = |other: usize| {
            usable(other).filter(|_| other > at && !is_within(terms, &found, other, at, world))
        };
        let because = match cover(world, &target, &index, &earlier, true) {
            Cover::Empty => Some(why(terms, own, &positive, world)),
            Cover::By(others) => others.first().map(|other| Why::CoveredBy(*other)),
            Cover::Open => match cover(world, &target, &index, &later, true) {
                Cover::By(others) => others.first().map(|other| Why::CoveredBy(*other)),
                _ => None,
            },
        };
        if let Some(because) = because {
            useless.push(at);
            claims.push(Claim::ExcludesNothing {
                rule: id,
                exclude: at,
                span: own.part.span,
                because,
            });
        } else if own.item.costly.is_empty() && takes_all(terms, own, &positive, world) {
            claims.push(Claim::ExcludesAll {
                rule: id,
                exclude: at,
                span: own.part.span,
            });
        }
    }
    claims
}

/// An exclude, as what holds where it excludes.
struct Excluded<'t> {
    part: &'t Part,
    item: &'t Item,
    /// What it says of the kind.
    resource: Option<&'t Node>,
}

fn excluded<'t>(terms: &'t Terms<'_>) -> Vec<Excluded<'t>> {
    let found = terms.units.iter().filter_map(|unit| {
        let Sort::Exclude(at) = unit.sort else {
            return None;
        };
        let written = terms.rule.excludes.get(at);
        let names_kind = written.is_some_and(|exclude| exclude.resource.is_some());
        Some(Excluded {
            part: &unit.part,
            item: unit.exclude.as_ref()?,
            resource: unit.node.parts().first().filter(|_| names_kind),
        })
    });
    found.collect()
}

fn takes_all(terms: &Terms<'_>, own: &Excluded<'_>, positive: &[&Formula], world: &World) -> bool {
    let formulas = [positive, &[&own.item.not_holds]].concat();
    world.never(&formulas, &[&terms.whole.variables])
}

/// Whether wherever the exclude `inner` takes something away, `outer` does.
fn is_within(
    terms: &Terms<'_>,
    found: &[Excluded<'_>],
    inner: usize,
    outer: usize,
    world: &World,
) -> bool {
    let (Some(inner), Some(outer)) = (found.get(inner), found.get(outer)) else {
        return false;
    };
    let formulas = [&inner.item.holds, &outer.item.not_holds];
    world.never(&formulas, &[&terms.whole.variables])
}

/// Why nothing that the rule selects is what an exclude names.
fn why(terms: &Terms<'_>, own: &Excluded<'_>, positive: &[&Formula], world: &mut World) -> Why {
    let variables: [&[_]; 1] = [&terms.whole.variables];
    let resource = own
        .resource
        .map(|node| terms.translate(world, |translator| translator.formula(node, Wanted::HOLDS)));
    if let Some(resource) = &resource {
        let of_kind = terms.units.iter();
        let of_kind = of_kind.filter(|unit| matches!(unit.sort, Sort::Group | Sort::Resources));
        let of_kind = of_kind.map(|unit| &unit.item.holds);
        let formulas: Vec<&Formula> = of_kind.chain([resource]).collect();
        if world.never(&formulas, &variables) {
            return Why::OtherKind;
        }
    }
    let mut kept: Vec<&Formula> = positive.to_vec();
    let mut parts = Vec::new();
    let units = terms.units.iter();
    for unit in units.filter(|unit| !matches!(unit.sort, Sort::Exclude(_))) {
        let fewer: Vec<&Formula> = kept
            .iter()
            .copied()
            .filter(|formula| !std::ptr::eq(*formula, &unit.item.holds))
            .collect();
        let with_own = [&fewer[..], &[&own.item.holds]].concat();
        match world.never(&with_own, &variables) {
            true => kept = fewer,
            false => parts.push(unit.part.clone()),
        }
    }
    Why::Contradicts(parts)
}
