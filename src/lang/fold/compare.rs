//! Conditions that compare an expression with a constant become tests.

use super::super::function::Function;
use super::super::hir::{Comparison, Expr, ExprKind, Node, NodeKind};
use super::super::opaque::{Opaque, Regex};
use super::super::value::Value;

/// The condition that a folded expression is.
pub(super) fn holds(expr: Expr) -> NodeKind {
    match expr.kind {
        ExprKind::Const(Value::Bool(value)) => NodeKind::Const(value),
        ExprKind::Truth(node) => node.kind,
        ExprKind::Call { function, ref args } => match test(function, args) {
            Some(kind) => kind,
            None => NodeKind::Holds(Box::new(expr)),
        },
        _ => NodeKind::Holds(Box::new(expr)),
    }
}

/// The test that a call is.
pub(super) fn test(function: Function, args: &[Expr]) -> Option<NodeKind> {
    let (of, function, constant) = match args {
        [
            of,
            Expr {
                kind: ExprKind::Const(constant),
                ..
            },
        ] => (of, function, constant),
        [
            Expr {
                kind: ExprKind::Const(constant),
                ..
            },
            of,
        ] => (of, mirrored(function)?, constant),
        _ => return None,
    };
    let compare = |with| NodeKind::Compare {
        of: Box::new(of.clone()),
        with,
    };
    if function == Function::NotEqual {
        let equal = compare(Comparison::Equal(constant.clone()));
        return Some(NodeKind::Not(Box::new(Node::new(equal, of.span))));
    }
    comparison(function, constant).map(compare)
}

fn comparison(function: Function, constant: &Value<'static>) -> Option<Comparison> {
    Some(match (function, constant) {
        (Function::Equal, value) => Comparison::Equal(value.clone()),
        (Function::Less, value) => Comparison::Less(value.clone()),
        (Function::LessEqual, value) => Comparison::LessEqual(value.clone()),
        (Function::Greater, value) => Comparison::Greater(value.clone()),
        (Function::GreaterEqual, value) => Comparison::GreaterEqual(value.clone()),
        (Function::In, Value::List(items)) => Comparison::In(items.clone()),
        (Function::StartsWith, Value::String(text)) => Comparison::StartsWith((**text).into()),
        (Function::EndsWith, Value::String(text)) => Comparison::EndsWith((**text).into()),
        (Function::Contains, Value::String(text)) => Comparison::Contains((**text).into()),
        (Function::Matches, Value::String(text)) => Comparison::Matches(Regex::new(text).ok()?),
        (Function::Matches, Value::Opaque(pattern)) => match &**pattern {
            Opaque::Regex(regex) => Comparison::Matches(regex.clone()),
            _ => return None,
        },
        _ => return None,
    })
}

/// The same comparison with its sides exchanged.
fn mirrored(function: Function) -> Option<Function> {
    Some(match function {
        Function::Equal => Function::Equal,
        Function::NotEqual => Function::NotEqual,
        Function::Less => Function::Greater,
        Function::LessEqual => Function::GreaterEqual,
        Function::Greater => Function::Less,
        Function::GreaterEqual => Function::LessEqual,
        _ => return None,
    })
}
