//! Conditions: `&&`, `||`, `!`, and whatever else is true or false.
//!
//! Promises flat lists for chains of one operator, and what is known to be
//! present where a condition holds. Deliberately does not simplify: `fold`
//! does.

use std::ops::Range;

use crate::diagnostic::Span;
use crate::lang::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::lang::codes;
use crate::lang::hir::{self, Node, NodeKind};
use crate::lang::ty::Type;

use super::checker::{Checker, make};
use super::places::Facts;

/// A condition, and what follows from it.
pub(super) struct Condition<'a> {
    pub node: Node,
    pub facts: Facts<'a>,
}

/// What wants a truth value.
#[derive(Clone, Copy)]
pub(super) enum Want<'a> {
    /// The whole expression.
    Whole,
    /// An operator.
    Operator(&'static str),
    /// A macro of this name, for each element.
    Macro(&'a str),
}

impl Want<'_> {
    fn text(self) -> String {
        match self {
            Want::Whole => "a condition must be `bool`".into(),
            Want::Operator("?:") => "what stands before `?` must be `bool`".into(),
            Want::Operator(operator) => format!("`{operator}` takes `bool`"),
            Want::Macro(name) => format!("the condition of `{name}` must be `bool`"),
        }
    }
}

impl<'a> Checker<'a> {
    /// The meaning of an expression that must be true or false.
    pub fn node(&mut self, from: &'a Expr, want: Want<'a>) -> Box<Condition<'a>> {
        match &from.kind {
            ExprKind::Binary { op, .. } if matches!(op, BinaryOp::And | BinaryOp::Or) => {
                self.junction(from, *op)
            }
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => self.not(from, operand),
            ExprKind::Literal(Literal::Bool(value)) => constant(*value, from.span),
            _ => self.leaf(from, want),
        }
    }

    /// The same as a value.
    pub fn truth(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        let condition = self.node(from, Want::Whole);
        as_value(condition, from.span)
    }

    fn not(&mut self, from: &'a Expr, operand: &'a Expr) -> Box<Condition<'a>> {
        let mut condition = self.node(operand, Want::Operator("!"));
        condition.negate(from.span);
        condition
    }

    fn junction(&mut self, from: &'a Expr, op: BinaryOp) -> Box<Condition<'a>> {
        let all = op == BinaryOp::And;
        let want = Want::Operator(if all { "&&" } else { "||" });
        let operands = operands(from, op);
        let mut parts = Vec::with_capacity(operands.len());
        for operand in operands {
            let start = self.reads.mark();
            let condition = self.node(operand, want);
            parts.push((condition, start..self.reads.mark()));
        }
        self.join(from, all, parts)
    }

    fn join(
        &mut self,
        from: &Expr,
        all: bool,
        parts: Vec<(Box<Condition<'a>>, Range<usize>)>,
    ) -> Box<Condition<'a>> {
        // `a || b` is no less known than `!(!a && !b)`.
        let (mut nodes, mut facts, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for (condition, span) in parts {
            nodes.push(condition.node);
            facts.push(if all {
                condition.facts
            } else {
                condition.facts.negated()
            });
            spans.push(span);
        }
        self.guard(&spans, &facts);
        let facts = Facts::all(facts);
        let kind = if all {
            NodeKind::All(nodes)
        } else {
            NodeKind::Any(nodes)
        };
        Box::new(Condition {
            node: Node::new(kind, from.span),
            facts: if all { facts } else { facts.negated() },
        })
    }

    fn leaf(&mut self, from: &'a Expr, want: Want<'a>) -> Box<Condition<'a>> {
        let value = self.expr(from);
        self.leaf_of(from, want, value)
    }

    fn leaf_of(
        &mut self,
        from: &'a Expr,
        want: Want<'a>,
        value: Box<hir::Expr>,
    ) -> Box<Condition<'a>> {
        self.demand_bool(&value, want, from);
        let facts = self.facts(from);
        let node = match value.kind {
            hir::ExprKind::Truth(node) => *node,
            _ => Node::new(NodeKind::Holds(value), from.span),
        };
        Box::new(Condition { node, facts })
    }

    fn demand_bool(&mut self, value: &hir::Expr, want: Want<'_>, from: &Expr) {
        if self.types.fits(&value.ty, &Type::Bool) {
            return;
        }
        self.object_to(|checker| {
            let ty = checker.types.resolve(&value.ty);
            let message = format!("{}, not `{}`", want.text(), checker.show(&ty));
            let found = codes::NO_CONDITION.at(from.span, message);
            match comparison(&ty, &checker.quote(from)) {
                Some(help) => found.help(help),
                None => found,
            }
        });
    }
}

impl Condition<'_> {
    fn negate(&mut self, span: Span) {
        let placeholder = Node::new(NodeKind::Const(true), span);
        let node = std::mem::replace(&mut self.node, placeholder);
        self.node = Node::new(NodeKind::Not(Box::new(node)), span);
        self.facts = std::mem::take(&mut self.facts).negated();
    }
}

fn constant<'a>(value: bool, span: Span) -> Box<Condition<'a>> {
    Box::new(Condition {
        node: Node::new(NodeKind::Const(value), span),
        facts: Facts::default(),
    })
}

fn as_value(condition: Box<Condition<'_>>, span: Span) -> Box<hir::Expr> {
    let node = Box::new(condition.node);
    make(hir::ExprKind::Truth(node), span, Type::Bool)
}

/// What one operator joins, however it is bracketed, in the order of the text.
fn operands(from: &Expr, op: BinaryOp) -> Vec<&Expr> {
    let (mut open, mut found) = (vec![from], Vec::new());
    while let Some(next) = open.pop() {
        match &next.kind {
            ExprKind::Binary {
                op: own,
                left,
                right,
                ..
            } if *own == op => open.extend([&**right, &**left]),
            _ => found.push(next),
        }
    }
    found
}

/// How a condition is made of a value of this type.
fn comparison(ty: &Type, text: &str) -> Option<String> {
    Some(match ty {
        Type::String => format!("compare it, for example `{text} != \"\"`"),
        Type::Int | Type::Double => format!("compare it, for example `{text} != 0`"),
        Type::Uint => format!("compare it, for example `{text} != 0u`"),
        Type::List(_) | Type::Map(..) => {
            format!("ask whether it has elements: `size({text}) > 0`")
        }
        Type::Optional(inner) if matches!(**inner, Type::Bool | Type::Dyn) => {
            format!("say what it is where there is no value: `{text}.orValue(false)`")
        }
        Type::Optional(_) => format!("ask whether it has a value: `{text}.hasValue()`"),
        _ => return None,
    })
}
