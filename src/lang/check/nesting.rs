//! How deep an expression can nest lists and maps in each other.
//!
//! Promises a bound for the values, and so for the types, of everything in the
//! expression: each macro of a chain can put brackets around what the one
//! before it made, so that chains nest deeper than any brackets in the text,
//! and types and values are walked by functions that call themselves.
//! Deliberately counts every call as a level, and looks at no type.

use crate::diagnostic::Diagnostic;
use crate::lang::ast::{Expr, ExprKind};
use crate::lang::codes;

/// The deepest values.
const MOST: usize = 500;

/// What is wrong where values of `expr` may be nested too deeply.
pub(super) fn objection(expr: &Expr) -> Option<Diagnostic> {
    let mut walk = Walk::default();
    walk.depth(expr);
    let place = walk.too_deep?;
    let message = format!("values are nested too deeply here: at most {MOST} levels are allowed");
    Some(
        codes::TOO_LARGE
            .at(place.span, message)
            .help("put fewer brackets around the values"),
    )
}

#[derive(Default)]
struct Walk<'a> {
    /// The variables of macros, and how deep their values may be.
    scope: Vec<(&'a str, usize)>,
    /// The first place that is too deep.
    too_deep: Option<&'a Expr>,
}

impl<'a> Walk<'a> {
    /// How deep the value may be; none is deeper than the bound once an
    /// objection has been found.
    fn depth(&mut self, expr: &'a Expr) -> usize {
        let depth = self.unbounded(expr);
        if depth > MOST && self.too_deep.is_none() {
            self.too_deep = Some(expr);
        }
        depth.min(MOST)
    }

    fn unbounded(&mut self, expr: &'a Expr) -> usize {
        match &expr.kind {
            ExprKind::Literal(_) => 0,
            ExprKind::Ident { name, .. } => {
                let own = self.scope.iter().rev().find(|(own, _)| own == name);
                own.map_or(0, |(_, depth)| *depth)
            }
            ExprKind::Select { operand, .. } => self.depth(operand) + 1,
            ExprKind::Index { operand, index, .. } => self.deepest([&**operand, index]) + 1,
            ExprKind::Call { target, args, .. } => self.call(target.as_deref(), args),
            ExprKind::List(elements) => self.deepest(elements.iter().map(|own| &own.value)) + 1,
            ExprKind::Map(entries) => {
                let parts = entries.iter().flat_map(|own| [&own.key, &own.value]);
                self.deepest(parts) + 1
            }
            ExprKind::Message { fields, .. } => {
                self.deepest(fields.iter().map(|own| &own.value)) + 1
            }
            ExprKind::Unary { operand, .. } => self.depth(operand),
            ExprKind::Binary { left, right, .. } => self.deepest([&**left, right]),
            ExprKind::Conditional { condition, yes, no } => self.deepest([&**condition, yes, no]),
        }
    }

    fn deepest(&mut self, parts: impl IntoIterator<Item = &'a Expr>) -> usize {
        let depths = parts.into_iter().map(|part| self.depth(part));
        depths.max().unwrap_or(0)
    }

    /// Names that stand first among the arguments may be a macro's: they stand
    /// for what it is called on, or for what is bound.
    fn call(&mut self, target: Option<&'a Expr>, args: &'a [Expr]) -> usize {
        let outside = self.scope.len();
        let mut depth = target.map_or(0, |target| self.depth(target));
        for arg in args {
            depth = depth.max(self.depth(arg));
            let names = args.iter().map_while(name);
            self.scope.truncate(outside);
            self.scope.extend(names.take(2).map(|name| (name, depth)));
        }
        self.scope.truncate(outside);
        // A function may make an optional list of what is no list.
        depth + 2
    }
}

fn name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Ident { name, .. } => Some(name),
        _ => None,
    }
}
