//! The types of a finished tree.
//!
//! Promises that no parameter is left in it. Deliberately changes nothing but
//! types.

use crate::lang::hir::{Expr, ExprKind, Loop, Makes, Node, NodeKind, Quantified};

use super::unify::Unifier;

/// Replaces the parameters in the types of an expression.
pub(super) fn expr(types: &Unifier, of: &mut Expr) {
    of.ty = types.settle(&of.ty);
    match &mut of.kind {
        ExprKind::Field { of, .. }
        | ExprKind::OptionalField { of, .. }
        | ExprKind::Has { of, .. } => expr(types, of),
        ExprKind::Call { args, .. } => args.iter_mut().for_each(|arg| expr(types, arg)),
        ExprKind::Truth(of) => node(types, of),
        ExprKind::If { condition, yes, no } => {
            node(types, condition);
            expr(types, yes);
            expr(types, no);
        }
        ExprKind::List(elements) => elements
            .iter_mut()
            .for_each(|element| expr(types, &mut element.value)),
        ExprKind::Map(entries) => {
            for entry in entries {
                expr(types, &mut entry.key);
                expr(types, &mut entry.value);
            }
        }
        ExprKind::Loop(of) => made(types, of),
        ExprKind::Bind { value, body, .. } => both(types, value, body),
        ExprKind::OptionalMap { target, body, .. } => both(types, target, body),
        ExprKind::OptionalOr { target, other, .. } => both(types, target, other),
        ExprKind::Const(_)
        | ExprKind::Slot(_)
        | ExprKind::Local(_)
        | ExprKind::HasSlot { .. }
        | ExprKind::OptionalSlot { .. }
        | ExprKind::Undeclared => {}
    }
}

fn both(types: &Unifier, one: &mut Expr, other: &mut Expr) {
    expr(types, one);
    expr(types, other);
}

/// Replaces the parameters in the types of a condition.
pub(super) fn node(types: &Unifier, of: &mut Node) {
    match &mut of.kind {
        NodeKind::Const(_) | NodeKind::Test { .. } => {}
        NodeKind::Not(part) => node(types, part),
        NodeKind::All(parts) | NodeKind::Any(parts) => {
            parts.iter_mut().for_each(|part| node(types, part));
        }
        NodeKind::Holds(value) | NodeKind::Compare { of: value, .. } => expr(types, value),
        NodeKind::Every(of) | NodeKind::Some(of) | NodeKind::One(of) => quantified(types, of),
    }
}

fn quantified(types: &Unifier, of: &mut Quantified) {
    expr(types, &mut of.source);
    node(types, &mut of.body);
}

fn made(types: &Unifier, of: &mut Loop) {
    expr(types, &mut of.source);
    if let Some(filter) = &mut of.filter {
        node(types, filter);
    }
    match &mut of.makes {
        Makes::List(value) | Makes::Values(value) | Makes::Entries(value) => expr(types, value),
    }
}
