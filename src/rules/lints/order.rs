//! The order of sequential rules.
//!
//! Promises to compare what is written with what a destination needs.
//! Deliberately says nothing of rules of one kind among themselves.

use super::view::View;
use crate::diagnostic::Diagnostic;
use crate::rules::codes;
use crate::rules::rule_set::Phase;

/// Adds what is wrong with the order.
pub fn check(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    let sequential = || {
        views
            .iter()
            .filter(|view| view.rule.phase == Phase::Sequential)
    };
    numbers(sequential(), found);
    needs(sequential(), found);
    late(views, found);
}

/// `sequence` numbers that go down: the list's order is what counts.
fn numbers<'v>(views: impl Iterator<Item = &'v View<'v>>, found: &mut Vec<Diagnostic>) {
    let mut highest: Option<(i64, crate::diagnostic::Span)> = None;
    for view in views {
        let Some(sequence) = &view.rule.sequence else {
            continue;
        };
        match highest {
            Some((number, span)) if sequence.value < number => {
                let message = format!(
                    "`sequence` {} stands after {number}: rules are applied in the order of the list",
                    sequence.value
                );
                found.push(
                    codes::SEQUENCE_ORDER
                        .at(sequence.span, message)
                        .also(span, "this one is applied first")
                        .help("put the rules into the order that is meant, and number them by it"),
                );
            }
            _ => highest = Some((sequence.value, sequence.span)),
        }
    }
}

/// What a rule of this kind must wait for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Definitions,
    Namespaces,
    Rest,
}

impl Rank {
    fn of(view: &View<'_>) -> Rank {
        if view.selects("apiextensions.k8s.io", "CustomResourceDefinition") {
            Rank::Definitions
        } else if view.selects("", "Namespace") {
            Rank::Namespaces
        } else {
            Rank::Rest
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Rank::Definitions => "CustomResourceDefinitions",
            Rank::Namespaces => "Namespaces",
            Rank::Rest => "other objects",
        }
    }
}

fn needs<'v>(views: impl Iterator<Item = &'v View<'v>>, found: &mut Vec<Diagnostic>) {
    let mut last: Option<(Rank, &View<'_>)> = None;
    for view in views {
        let rank = Rank::of(view);
        match last {
            Some((before, earlier)) if rank < before => {
                let message = format!(
                    "{} are applied after {}",
                    rank.plural(),
                    match before {
                        Rank::Rest => "objects that may need them",
                        _ => before.plural(),
                    }
                );
                found.push(
                    codes::PHASE_ORDER
                        .at(view.head(), message)
                        .also(earlier.head(), "applied first")
                        .help(
                            "put CustomResourceDefinitions first, then Namespaces, then the rest",
                        ),
                );
            }
            _ => last = Some((rank, view)),
        }
    }
}

/// Namespaces or definitions that no sequential rule selects come in any order
/// with what needs them.
fn late(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    for rank in [Rank::Definitions, Rank::Namespaces] {
        let of = |phase: Phase| {
            let mut all = views.iter();
            all.find(|view| view.rule.phase == phase && Rank::of(view) == rank)
        };
        let needed = |view: &View<'_>| match rank {
            Rank::Definitions => view.custom().is_some(),
            _ => view.kinds.iter().any(|kind| kind.namespaced),
        };
        let (None, Some(view)) = (of(Phase::Sequential), of(Phase::Secondary)) else {
            continue;
        };
        if views.iter().any(needed) {
            let message = format!(
                "{} are selected by a secondary rule: what needs them may arrive before them",
                rank.plural()
            );
            found.push(
                codes::PHASE_ORDER
                    .at(view.head(), message)
                    .help("select them by a rule under `sequential`"),
            );
        }
    }
}
