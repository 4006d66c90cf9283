//! Makes HIR smaller without changing what it means, faults included.
//!
//! Promises that the folded predicate has the same truth for all slots.
//! Deliberately decides nothing that needs more than one look: emptiness and
//! shadowing are the linter's.
//!
//! Three steps, bottom up: constants are absorbed, nested `All` and `Any` of
//! the same kind are joined, and inside an `All` whatever is known from an
//! earlier part (`group` is `apps`) is used in the later ones.

use super::hir::{Node, NodeKind, Predicate, SlotId, Test};

/// The same predicate, smaller.
pub fn fold(predicate: &Predicate) -> Predicate {
    let root = node(&predicate.root, &mut Vec::new(), &predicate.slots);
    Predicate {
        root,
        slots: predicate.slots.clone(),
    }
}

/// What is known of a slot: its text.
type Facts = Vec<(SlotId, Box<str>)>;

fn node(from: &Node, facts: &mut Facts, slots: &[super::hir::Slot]) -> Node {
    let kind = match &from.kind {
        NodeKind::Const(value) => NodeKind::Const(*value),
        NodeKind::Test { slot, test } => compare(*slot, test, facts),
        NodeKind::Not(part) => negate(node(part, facts, slots)),
        NodeKind::All(parts) => all(parts, facts, slots),
        NodeKind::Any(parts) => any(parts, facts, slots),
    };
    Node {
        kind,
        span: from.span,
        title: from.title.clone(),
    }
}

/// A comparison with a constant set of one is an equality; one whose outcome
/// is known is a constant.
fn compare(slot: SlotId, test: &Test, facts: &Facts) -> NodeKind {
    let known = facts
        .iter()
        .find(|(known, _)| *known == slot)
        .map(|(_, text)| text);
    if let Some(text) = known {
        return NodeKind::Const(match test {
            Test::Present => true,
            Test::Equals(other) => other == text,
            Test::OneOf(others) => others.contains(text),
            Test::Matches(pattern) => pattern.matches(text),
        });
    }
    let test = match test {
        Test::OneOf(texts) => match texts.as_slice() {
            [only] => Test::Equals(only.clone()),
            _ => test.clone(),
        },
        _ => test.clone(),
    };
    NodeKind::Test { slot, test }
}

fn negate(part: Node) -> NodeKind {
    match part.kind {
        NodeKind::Const(value) => NodeKind::Const(!value),
        NodeKind::Not(inner) => inner.kind,
        _ => NodeKind::Not(Box::new(part)),
    }
}

fn all(parts: &[Node], facts: &mut Facts, slots: &[super::hir::Slot]) -> NodeKind {
    let outside = facts.len();
    let mut kept = Vec::new();
    let mut never = false;
    for part in parts {
        let part = node(part, facts, slots);
        learn(&part, facts, slots);
        match part.kind {
            NodeKind::Const(true) => {}
            NodeKind::Const(false) => never = true,
            NodeKind::All(inner) => kept.extend(inner),
            _ => kept.push(part),
        }
    }
    facts.truncate(outside);
    // A part that is never true decides, whatever else may fault.
    if never {
        NodeKind::Const(false)
    } else {
        single(kept, NodeKind::All)
    }
}

fn any(parts: &[Node], facts: &mut Facts, slots: &[super::hir::Slot]) -> NodeKind {
    let mut kept = Vec::new();
    for part in parts {
        let part = node(part, facts, slots);
        match part.kind {
            NodeKind::Const(true) => return NodeKind::Const(true),
            NodeKind::Const(false) => {}
            NodeKind::Any(inner) => kept.extend(inner),
            _ => kept.push(part),
        }
    }
    single(kept, NodeKind::Any)
}

/// A list of one is its only part; a list of none is what it says of nothing.
fn single(mut parts: Vec<Node>, list: fn(Vec<Node>) -> NodeKind) -> NodeKind {
    match parts.len() {
        0 => NodeKind::Const(matches!(list(Vec::new()), NodeKind::All(_))),
        1 => parts.remove(0).kind,
        _ => list(parts),
    }
}

/// A slot that may fault teaches nothing: after a fault the later parts are
/// still evaluated, and must not believe what was never seen.
fn learn(part: &Node, facts: &mut Facts, slots: &[super::hir::Slot]) {
    match &part.kind {
        NodeKind::Test {
            slot,
            test: Test::Equals(text),
        } if slots
            .get(usize::from(slot.0))
            .is_some_and(|slot| !slot.may_fault) =>
        {
            facts.push((*slot, text.clone()));
        }
        NodeKind::All(inner) => inner.iter().for_each(|part| learn(part, facts, slots)),
        _ => {}
    }
}
