//! Which slots a condition reads.
//!
//! Promises every slot, within loops and macros too. Deliberately says nothing
//! of what is read of them.

use super::super::hir::{Expr, ExprKind, Node, NodeKind, SlotId};
use super::super::walk::{Walk, within_expr, within_node};

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
}

impl Walk for Reads {
    fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Test { slot, .. } => self.add(*slot),
            NodeKind::Every(_) | NodeKind::Some(_) | NodeKind::One(_) => self.loops = true,
            _ => {}
        }
        within_node(node, self);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Slot(slot) => self.add(*slot),
            ExprKind::HasSlot { slot, parent } | ExprKind::OptionalSlot { slot, parent } => {
                self.add(*slot);
                parent.iter().for_each(|parent| self.add(*parent));
            }
            ExprKind::Call { .. } => self.calls += 1,
            ExprKind::Loop(_) => self.loops = true,
            _ => {}
        }
        within_expr(expr, self);
    }
}
