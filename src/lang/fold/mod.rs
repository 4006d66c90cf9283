//! Makes HIR smaller without changing what it means, faults included.
//!
//! Promises that the folded predicate has the same truth for all slots.
//! Deliberately decides nothing that needs more than one look: emptiness and
//! shadowing are the linter's.
//!
//! Bottom up: calls of constants are computed, constants are absorbed, nested
//! `All` and `Any` of the same kind are joined, comparisons with constants
//! become tests, and inside an `All` whatever is known from an earlier part
//! (`group` is `apps`) is used in the later ones.

mod compare;
mod expression;

use super::fault::Fault;
use super::hir::{Expr, ExprKind, Node, NodeKind, Predicate, Quantified, Slot, SlotId, Test};

/// The same predicate, smaller.
pub fn fold(predicate: &Predicate) -> Predicate {
    fold_and_report(predicate).0
}

/// The same predicate, smaller, and what in it can only fault.
pub fn fold_and_report(predicate: &Predicate) -> (Predicate, Vec<Fault>) {
    let mut folder = Folder::new(&predicate.slots);
    let root = folder.node(&predicate.root);
    let folded = Predicate {
        root,
        slots: predicate.slots.clone(),
    };
    (folded, folder.faults)
}

/// The same expression over `slots`, smaller.
pub fn fold_expression(expr: &Expr, slots: &[Slot]) -> Expr {
    Folder::new(slots).expr(expr)
}

/// The condition that a folded expression is, if there are tests for it.
pub(super) fn folded_condition(expr: &Expr) -> Option<Node> {
    match &expr.kind {
        ExprKind::Truth(node) => Some((**node).clone()),
        ExprKind::Call { function, args } => {
            let kind = compare::test(*function, args)?;
            Some(Node::new(kind, expr.span))
        }
        _ => None,
    }
}

struct Folder<'s> {
    slots: &'s [Slot],
    /// What is known of a slot: its text.
    facts: Vec<(SlotId, Box<str>)>,
    /// Of calls of constants.
    faults: Vec<Fault>,
}

impl<'s> Folder<'s> {
    fn new(slots: &'s [Slot]) -> Folder<'s> {
        Folder {
            slots,
            facts: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn node(&mut self, from: &Node) -> Node {
        let kind = match &from.kind {
            NodeKind::Const(value) => NodeKind::Const(*value),
            NodeKind::Test { slot, test } => self.test(*slot, test),
            NodeKind::Not(part) => negate(self.node(part)),
            NodeKind::All(parts) => self.all(parts),
            NodeKind::Any(parts) => self.any(parts),
            NodeKind::Holds(expr) => compare::holds(self.expr(expr)),
            NodeKind::Compare { of, with } => NodeKind::Compare {
                of: Box::new(self.expr(of)),
                with: with.clone(),
            },
            NodeKind::Every(over) => NodeKind::Every(self.quantified(over)),
            NodeKind::Some(over) => NodeKind::Some(self.quantified(over)),
            NodeKind::One(over) => NodeKind::One(self.quantified(over)),
        };
        Node {
            kind,
            span: from.span,
            title: from.title.clone(),
        }
    }

    fn quantified(&mut self, over: &Quantified) -> Box<Quantified> {
        Box::new(Quantified {
            source: self.expr(&over.source),
            vars: over.vars,
            body: self.node(&over.body),
        })
    }

    /// A comparison with a constant set of one is an equality; one whose
    /// outcome is known is a constant.
    fn test(&self, slot: SlotId, test: &Test) -> NodeKind {
        let known = self.facts.iter().find(|(known, _)| *known == slot);
        if let Some((_, text)) = known {
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

    fn all(&mut self, parts: &[Node]) -> NodeKind {
        let outside = self.facts.len();
        let mut kept = Vec::new();
        let mut never = false;
        for part in parts {
            let part = self.node(part);
            self.learn(&part);
            match part.kind {
                NodeKind::Const(true) => {}
                NodeKind::Const(false) => never = true,
                NodeKind::All(inner) => kept.extend(inner),
                _ => kept.push(part),
            }
        }
        self.facts.truncate(outside);
        // A part that is never true decides, whatever else may fault.
        if never {
            NodeKind::Const(false)
        } else {
            single(kept, NodeKind::All)
        }
    }

    fn any(&mut self, parts: &[Node]) -> NodeKind {
        let mut kept = Vec::new();
        for part in parts {
            let part = self.node(part);
            match part.kind {
                NodeKind::Const(true) => return NodeKind::Const(true),
                NodeKind::Const(false) => {}
                NodeKind::Any(inner) => kept.extend(inner),
                _ => kept.push(part),
            }
        }
        single(kept, NodeKind::Any)
    }

    /// A slot that may fault teaches nothing: after a fault the later parts
    /// are still evaluated, and must not believe what was never seen.
    fn learn(&mut self, part: &Node) {
        match &part.kind {
            NodeKind::Test {
                slot,
                test: Test::Equals(text),
            } => {
                let known = self.slots.get(usize::from(slot.0));
                if known.is_some_and(|slot| !slot.may_fault) {
                    self.facts.push((*slot, text.clone()));
                }
            }
            NodeKind::All(inner) => inner.iter().for_each(|part| self.learn(part)),
            _ => {}
        }
    }
}

fn negate(part: Node) -> NodeKind {
    match part.kind {
        NodeKind::Const(value) => NodeKind::Const(!value),
        NodeKind::Not(inner) => inner.kind,
        _ => NodeKind::Not(Box::new(part)),
    }
}

/// A list of one is its only part; a list of none is what it says of nothing.
fn single(mut parts: Vec<Node>, list: fn(Vec<Node>) -> NodeKind) -> NodeKind {
    match parts.len() {
        0 => NodeKind::Const(matches!(list(Vec::new()), NodeKind::All(_))),
        1 => parts.remove(0).kind,
        _ => list(parts),
    }
}
