//! Which function of this folder checks which kind of node.
//!
//! Promises small stack frames: trees may be as deep as the parser allows.
//! Deliberately decides nothing else.

use crate::lang::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::lang::hir;

use super::checker::Checker;

impl<'a> Checker<'a> {
    /// The meaning of any expression.
    pub fn expr(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        match &from.kind {
            ExprKind::Literal(_) => self.literal(from),
            ExprKind::Ident { .. } | ExprKind::Select { .. } | ExprKind::Index { .. } => {
                self.chain(from)
            }
            ExprKind::Call { .. } => self.call(from),
            ExprKind::List(elements) => self.list(from, elements),
            ExprKind::Map(entries) => self.map(from, entries),
            ExprKind::Message { name, fields } => self.message(from, name, fields),
            ExprKind::Unary {
                op: UnaryOp::Not, ..
            } => self.truth(from),
            ExprKind::Unary { operand, .. } => self.negation(from, operand),
            ExprKind::Binary {
                op: BinaryOp::And | BinaryOp::Or,
                ..
            } => self.truth(from),
            ExprKind::Binary { .. } => self.binary(from),
            ExprKind::Conditional { .. } => self.conditional(from),
        }
    }

    /// The meaning of expressions one after the other.
    pub fn exprs(&mut self, from: &'a [Expr]) -> Vec<hir::Expr> {
        let mut all = Vec::with_capacity(from.len());
        for one in from {
            let one = self.expr(one);
            all.push(*one);
        }
        all
    }
}
