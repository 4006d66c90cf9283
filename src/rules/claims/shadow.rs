//! Claims about rules that earlier ones leave nothing to.
//!
//! Promises that an earlier rule counts only where it holds: one that faults
//! selects nothing. Deliberately compares each rule with few others: those
//! that select an example of what it selects.

use crate::lang::solve::Formula;

use super::super::rule_set::RuleId;
use super::claim::Claim;
use super::cover::{Cover, Index, Target, cover};
use super::item::Item;
use super::reasons::Reasons;
use super::terms::Terms;
use super::world::World;

/// The rules among `all` that earlier ones leave nothing to; those in `empty`
/// select nothing anyway.
pub fn claims(
    all: &[Terms<'_>],
    empty: &[bool],
    reasons: &Reasons<'_>,
    world: &World,
) -> Vec<Claim> {
    let index = Index::new(all.iter().map(|terms| &terms.whole));
    let mut claims = Vec::new();
    // One earlier rule for each set of policies.
    let mut sorts: Vec<&Terms<'_>> = Vec::new();
    for (at, own) in all.iter().enumerate() {
        let earlier = at.checked_sub(1).and_then(|last| all.get(last));
        if let Some(earlier) = earlier
            && !sorts.iter().any(|own| own.has_same_policies(earlier))
        {
            sorts.push(earlier);
        }
        if empty.get(at) == Some(&true) || at == 0 {
            continue;
        }
        if let Some(by) = shadowing((at, own), all, &sorts, (reasons, &index), world) {
            let identical = match by.as_slice() {
                [only] => is_within(&all[*only], own, reasons, world),
                _ => false,
            };
            claims.push(Claim::Shadowed {
                rule: id(at),
                by: by.into_iter().map(id).collect(),
                identical,
            });
        }
    }
    claims
}

fn id(at: usize) -> RuleId {
    RuleId(u32::try_from(at).unwrap_or(u32::MAX))
}

fn shadowing(
    (at, own): (usize, &Terms<'_>),
    all: &[Terms<'_>],
    sorts: &[&Terms<'_>],
    (reasons, index): (&Reasons<'_>, &Index),
    world: &World,
) -> Option<Vec<usize>> {
    // Policies that both have need not be looked at: most rules have the same.
    let alike = |other: usize| -> Option<(&Item, &[Formula])> {
        let earlier = all.get(other)?;
        let may = other < at
            && own.may_be_within(earlier, &earlier.conditions)
            && own.has_policies_of(earlier, reasons);
        may.then_some((&earlier.conditions, &[][..]))
    };
    let any = |other: usize| -> Option<(&Item, &[Formula])> {
        let earlier = all.get(other)?;
        let may = other < at && own.may_be_within(earlier, &earlier.whole);
        may.then_some((&earlier.whole, &[][..]))
    };
    let target = |holds| Target {
        holds,
        variables: vec![&own.whole.variables],
    };
    let conditions = target(own.without(&|_| false));
    if let Cover::By(by) = cover(world, &conditions, index, &alike, false) {
        return Some(by);
    }
    if sorts
        .iter()
        .all(|earlier| own.has_policies_of(earlier, reasons))
    {
        return None;
    }
    match cover(world, &target(own.all()), index, &any, false) {
        Cover::By(by) => Some(by),
        _ => None,
    }
}

/// Whether whatever `inner` selects, `outer` selects.
fn is_within(inner: &Terms<'_>, outer: &Terms<'_>, reasons: &Reasons<'_>, world: &World) -> bool {
    let (mut formulas, item) = match inner.has_policies_of(outer, reasons) {
        true => (inner.without(&|_| false), &outer.conditions),
        false => (inner.all(), &outer.whole),
    };
    formulas.push(&item.not_holds);
    inner.may_be_within(outer, item)
        && world.never(&formulas, &[&inner.whole.variables, &outer.whole.variables])
}
