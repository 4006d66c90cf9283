//! Claims about rules that earlier ones leave nothing to.
//!
//! Promises that an earlier rule counts only where it holds: one that faults
//! selects nothing. Deliberately compares each rule with few others: those
//! that select an example of what it selects.

use crate::lang::solve::Formula;

use super::super::rule_set::RuleId;
use super::claim::Claim;
use super::cover::{Cover, Index, Target, cover};
use super::terms::{Item, Terms};
use super::world::World;

/// The rules among `all` that earlier ones leave nothing to; those in `empty`
/// select nothing anyway.
pub fn claims(all: &[Terms<'_>], empty: &[bool], world: &World) -> Vec<Claim> {
    let index = Index::new(all.iter().map(|terms| &terms.whole));
    let mut claims = Vec::new();
    for (at, own) in all.iter().enumerate() {
        if empty.get(at) == Some(&true) || at == 0 {
            continue;
        }
        if let Some(by) = shadowing(at, own, all, &index, world) {
            let identical = match by.as_slice() {
                [only] => is_within(&all[*only], own, world),
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
    at: usize,
    own: &Terms<'_>,
    all: &[Terms<'_>],
    index: &Index,
    world: &World,
) -> Option<Vec<usize>> {
    let target = Target {
        holds: own.without(&|_| false),
        variables: vec![&own.whole.variables],
    };
    let usable = |other: usize| -> Option<(&Item, &[Formula])> {
        let earlier = all.get(other)?;
        let may = other < at && own.may_be_within(earlier);
        may.then_some((&earlier.whole, &[][..]))
    };
    match cover(world, &target, index, &usable, false) {
        Cover::By(by) => Some(by),
        _ => None,
    }
}

/// Whether whatever `inner` selects, `outer` selects.
fn is_within(inner: &Terms<'_>, outer: &Terms<'_>, world: &World) -> bool {
    let mut formulas = inner.without(&|_| false);
    formulas.push(&outer.whole.not_holds);
    inner.may_be_within(outer)
        && world.never(&formulas, &[&inner.whole.variables, &outer.whole.variables])
}
