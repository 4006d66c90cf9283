//! Trees as they were written, one node a line.

use std::fmt::Write as _;

use super::super::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};

/// The tree of an expression, parts indented below.
pub fn tree(expr: &Expr) -> String {
    let mut out = String::new();
    node(&mut out, expr, 0, "");
    out
}

fn node(out: &mut String, expr: &Expr, depth: usize, mark: &str) {
    let _ = writeln!(out, "{:2$}{mark}{}", "", title(expr), depth * 2);
    let optional = |is: bool| if is { "?" } else { "" };
    let mut below = |part: &Expr, mark: &str| node(out, part, depth + 1, mark);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Ident { .. } => {}
        ExprKind::Select { operand, .. } | ExprKind::Unary { operand, .. } => below(operand, ""),
        ExprKind::Index { operand, index, .. } => {
            below(operand, "");
            below(index, "");
        }
        ExprKind::Call { target, args, .. } => {
            if let Some(target) = target {
                below(target, "on ");
            }
            args.iter().for_each(|arg| below(arg, ""));
        }
        ExprKind::List(elements) => elements
            .iter()
            .for_each(|element| below(&element.value, optional(element.optional))),
        ExprKind::Map(entries) => {
            for entry in entries {
                below(&entry.key, optional(entry.optional));
                below(&entry.value, ": ");
            }
        }
        ExprKind::Message { fields, .. } => fields
            .iter()
            .for_each(|own| below(&own.value, &format!("{}: ", own.field.name))),
        ExprKind::Binary { left, right, .. } => {
            below(left, "");
            below(right, "");
        }
        ExprKind::Conditional { condition, yes, no } => {
            below(condition, "if ");
            below(yes, "then ");
            below(no, "else ");
        }
    }
}

fn title(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Literal(literal) => format!("{} {expr}", kind_of(literal)),
        ExprKind::Ident { .. } => format!("name {expr}"),
        ExprKind::Select {
            field, optional, ..
        } => format!(
            "{} {}",
            if *optional { "select?" } else { "select" },
            field.name
        ),
        ExprKind::Index { optional, .. } => if *optional { "index?" } else { "index" }.to_owned(),
        ExprKind::Call { function, .. } => format!("call {}", function.text),
        ExprKind::List(_) => "list".to_owned(),
        ExprKind::Map(_) => "map".to_owned(),
        ExprKind::Message { name, .. } => format!("message {}", name.text),
        ExprKind::Unary { op, .. } => match op {
            UnaryOp::Not => "!".to_owned(),
            UnaryOp::Negate => "-".to_owned(),
        },
        ExprKind::Binary { op, .. } => BinaryOp::text(*op).to_owned(),
        ExprKind::Conditional { .. } => "conditional".to_owned(),
    }
}

fn kind_of(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null",
        Literal::Bool(_) => "bool",
        Literal::Int(_) => "int",
        Literal::Uint(_) => "uint",
        Literal::Double(_) => "double",
        Literal::String(_) => "string",
        Literal::Bytes(_) => "bytes",
    }
}
