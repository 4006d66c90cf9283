//! Claims about lists of alternatives: that one covers another.
//!
//! Promises that what is covered could be left out: the list would select the
//! same. Deliberately looks at each list by itself.

use crate::lang::hir::{Node, NodeKind};
use crate::lang::solve::Formula;

use super::super::rule_set::RuleId;
use super::claim::{Claim, Part};
use super::conditions::alternative_of;
use super::cover::{Cover, Index, Target, cover};
use super::item::{Item, item};
use super::terms::{Terms, place};
use super::world::World;

/// The alternatives of a rule's lists that others cover.
pub fn claims(id: RuleId, terms: &Terms<'_>, world: &mut World) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (list, node) in lists(&terms.compiled.predicate.root) {
        let parts = node.parts();
        let may_be_costly = !terms.whole.costly.is_empty();
        let items: Vec<Item> = terms.translate(world, |translator| {
            let parts = parts.iter();
            parts
                .map(|node| item(translator, node, false, may_be_costly))
                .collect()
        });
        for (at, by) in covered(&items, terms, world) {
            // To name a kind says more than to select it: policies ask for that.
            if list.title == "resources" && names_more(terms, at, by) {
                continue;
            }
            let part = |at: usize| alternative_of(&list, at, &parts[at]);
            claims.push(Claim::Covered {
                rule: id,
                part: part(at),
                by: part(by),
            });
        }
    }
    claims
}

/// Whether an entry of `resources` names a kind, and the other one does not.
fn names_more(terms: &Terms<'_>, entry: usize, other: usize) -> bool {
    let names = |at: usize| {
        let entry = terms.rule.resources.get(at);
        entry.is_some_and(|own| own.kind.is_some())
    };
    names(entry) && !names(other)
}

/// Which items are covered, and by which other one.
fn covered(items: &[Item], terms: &Terms<'_>, world: &World) -> Vec<(usize, usize)> {
    let index = Index::new(items.iter());
    let mut found: Vec<(usize, usize)> = Vec::new();
    let within = |inner: &Item, outer: &Item| {
        let formulas: Vec<&Formula> = [&inner.holds, &outer.not_holds]
            .into_iter()
            .chain(&terms.facts)
            .collect();
        world.never(&formulas, &[&terms.whole.variables])
    };
    for (at, own) in items.iter().enumerate() {
        let usable = |other: usize| {
            let item = items.get(other)?;
            let used = other != at && !found.iter().any(|(covered, _)| *covered == other);
            // Of two that are the same, the later one is superfluous.
            let may = used && item.costly.is_empty() && (other < at || !within(item, own));
            may.then_some((item, &[][..]))
        };
        let target = Target {
            holds: [&own.holds].into_iter().chain(&terms.facts).collect(),
            variables: vec![&terms.whole.variables],
        };
        if let Cover::By(others) = cover(world, &target, &index, &usable, true) {
            found.extend(others.first().map(|other| (at, *other)));
        }
    }
    found
}

/// The lists of more than one alternative, with their names.
fn lists(root: &Node) -> Vec<(Part, &Node)> {
    let mut found = Vec::new();
    for part in root.parts() {
        match (part.title.as_str(), &part.kind) {
            ("group" | "when", _) => {}
            ("excludes", _) => {
                for exclude in part.parts().iter().flat_map(Node::parts) {
                    let inner = exclude.parts().iter();
                    let inner = inner.filter(|own| own.title.is_empty());
                    let title = format!("{}.labelSelectors", exclude.title);
                    found.extend(inner.map(|own| (place(own, &title), own)));
                }
            }
            (title, NodeKind::Any(_)) => found.push((place(part, title), part)),
            (title, _) => {
                let inner = part.parts().iter();
                found.extend(inner.map(|own| (place(own, title), own)));
            }
        }
    }
    found.retain(|(_, node)| matches!(&node.kind, NodeKind::Any(parts) if parts.len() > 1));
    found
}
