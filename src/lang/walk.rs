//! A way through conditions and expressions.
//!
//! Promises every part once, in the order in which it is written. Deliberately
//! goes one level at a time: who walks says whether to go on.

use super::hir::{Expr, ExprKind, Makes, Node, NodeKind};

/// Looks at parts.
pub trait Walk {
    /// At a condition.
    fn node(&mut self, node: &Node);
    /// At an expression.
    fn expr(&mut self, expr: &Expr);
}

/// Lets `walk` look at what lies directly within a condition.
pub fn within_node(node: &Node, walk: &mut dyn Walk) {
    match &node.kind {
        NodeKind::Const(_) | NodeKind::Test { .. } => {}
        NodeKind::Not(_) | NodeKind::All(_) | NodeKind::Any(_) => {
            node.parts().iter().for_each(|part| walk.node(part));
        }
        NodeKind::Holds(expr) | NodeKind::Compare { of: expr, .. } => walk.expr(expr),
        NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
            walk.expr(&over.source);
            walk.node(&over.body);
        }
    }
}

/// Lets `walk` look at what lies directly within an expression.
pub fn within_expr(expr: &Expr, walk: &mut dyn Walk) {
    match &expr.kind {
        ExprKind::Const(_)
        | ExprKind::Slot(_)
        | ExprKind::Local(_)
        | ExprKind::HasSlot { .. }
        | ExprKind::OptionalSlot { .. }
        | ExprKind::Undeclared => {}
        ExprKind::Field { of, .. }
        | ExprKind::OptionalField { of, .. }
        | ExprKind::Has { of, .. } => walk.expr(of),
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| walk.expr(arg)),
        ExprKind::Truth(node) => walk.node(node),
        ExprKind::If { condition, yes, no } => {
            walk.node(condition);
            walk.expr(yes);
            walk.expr(no);
        }
        ExprKind::List(elements) => elements.iter().for_each(|own| walk.expr(&own.value)),
        ExprKind::Map(entries) => {
            for entry in entries {
                walk.expr(&entry.key);
                walk.expr(&entry.value);
            }
        }
        ExprKind::Loop(own) => {
            walk.expr(&own.source);
            own.filter.iter().for_each(|filter| walk.node(filter));
            let (Makes::List(made) | Makes::Values(made) | Makes::Entries(made)) = &own.makes;
            walk.expr(made);
        }
        ExprKind::Bind { value, body, .. } => {
            walk.expr(value);
            walk.expr(body);
        }
        ExprKind::OptionalMap { target, body, .. } => {
            walk.expr(target);
            walk.expr(body);
        }
        ExprKind::OptionalOr { target, other, .. } => {
            walk.expr(target);
            walk.expr(other);
        }
    }
}
