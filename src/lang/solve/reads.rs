//! Which slots a condition reads.
//!
//! Promises every slot, within loops and macros too. Deliberately says nothing
//! of what is read of them.

use super::super::hir::{Expr, ExprKind, Makes, Node, NodeKind, Quantified, SlotId};

/// The slots that `node` reads, each once, and whether it has a loop.
#[derive(Default)]
pub struct Reads {
    /// The slots.
    pub slots: Vec<SlotId>,
    /// Whether the work depends on the size of a list or map.
    pub loops: bool,
    /// The functions that are called.
    pub calls: usize,
}

impl Reads {
    /// Of one condition.
    pub fn of(node: &Node) -> Reads {
        let mut reads = Reads::default();
        reads.node(node);
        reads
    }

    fn add(&mut self, slot: SlotId) {
        if !self.slots.contains(&slot) {
            self.slots.push(slot);
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Const(_) => {}
            NodeKind::Test { slot, .. } => self.add(*slot),
            NodeKind::Not(_) | NodeKind::All(_) | NodeKind::Any(_) => {
                node.parts().iter().for_each(|part| self.node(part));
            }
            NodeKind::Holds(expr) | NodeKind::Compare { of: expr, .. } => self.expr(expr),
            NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
                self.quantified(over);
            }
        }
    }

    fn quantified(&mut self, over: &Quantified) {
        self.loops = true;
        self.expr(&over.source);
        self.node(&over.body);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Undeclared => {}
            ExprKind::Slot(slot) => self.add(*slot),
            ExprKind::HasSlot { slot, parent } | ExprKind::OptionalSlot { slot, parent } => {
                self.add(*slot);
                parent.iter().for_each(|parent| self.add(*parent));
            }
            ExprKind::Field { of, .. }
            | ExprKind::OptionalField { of, .. }
            | ExprKind::Has { of, .. } => self.expr(of),
            ExprKind::Call { args, .. } => {
                self.calls += 1;
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::Truth(node) => self.node(node),
            ExprKind::If { condition, yes, no } => {
                self.node(condition);
                self.expr(yes);
                self.expr(no);
            }
            ExprKind::List(elements) => {
                elements
                    .iter()
                    .for_each(|element| self.expr(&element.value));
            }
            ExprKind::Map(entries) => entries.iter().for_each(|entry| {
                self.expr(&entry.key);
                self.expr(&entry.value);
            }),
            ExprKind::Loop(own) => {
                self.loops = true;
                self.expr(&own.source);
                own.filter.iter().for_each(|filter| self.node(filter));
                match &own.makes {
                    Makes::List(item) | Makes::Values(item) | Makes::Entries(item) => {
                        self.expr(item);
                    }
                }
            }
            ExprKind::Bind { value, body, .. } => {
                self.expr(value);
                self.expr(body);
            }
            ExprKind::OptionalMap { target, body, .. } => {
                self.expr(target);
                self.expr(body);
            }
            ExprKind::OptionalOr { target, other, .. } => {
                self.expr(target);
                self.expr(other);
            }
        }
    }
}
