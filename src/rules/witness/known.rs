//! What Kubernetes' own kinds are, as a formula: a search that keeps to them
//! finds objects that are really there.
//!
//! Deliberately no fact to prove anything with: a newer Kubernetes has kinds
//! that carry does not know.

use std::collections::BTreeMap;

use crate::k8s::schema;
use crate::lang::solve::{Constraint, Formula, Language, States, Var};

use super::super::claims::{Thing, World};
use super::super::slots::SlotSource;

/// That an object of one of Kubernetes' own groups is of a kind that it has,
/// and in a namespace exactly if that kind is; that Namespaces can be read; and
/// the variables of that.
pub fn known_kinds(world: &World) -> (Formula, Vec<Var>) {
    let of = |source: SlotSource| world.var(&Thing::Read(source, false));
    let variables = [
        of(SlotSource::Group),
        of(SlotSource::Kind),
        world.namespace(),
    ];
    let [Some(group), Some(kind), Some(namespace)] = variables else {
        return (Formula::Always, Vec::new());
    };
    let mut groups: BTreeMap<&str, [Vec<Box<str>>; 2]> = BTreeMap::new();
    for own in schema::resources() {
        let kinds = groups.entry(own.group).or_default();
        kinds[usize::from(own.namespaced)].push(own.kind.into());
    }
    let text = |var: Var, texts: Vec<Box<str>>, inside: bool| {
        Formula::literal(var, Constraint::text(Language::set(texts), inside))
    };
    let names = groups.keys().map(|name| Box::from(*name)).collect();
    let mut ways = Vec::new();
    for (name, [cluster_scoped, namespaced]) in groups {
        for (kinds, states) in [(namespaced, States::TEXT), (cluster_scoped, States::ABSENT)] {
            ways.push(Formula::all([
                text(group, vec![name.into()], true),
                text(kind, kinds, true),
                Formula::literal(namespace, Constraint::states(states)),
            ]));
        }
    }
    ways.push(text(group, names, false));
    let readable = of(SlotSource::Namespace)
        .map(|var| Formula::literal(var, Constraint::states(!States::FAULT)));
    let formulas = [Formula::any(ways)].into_iter().chain(readable);
    (Formula::all(formulas), vec![group, kind, namespace])
}
