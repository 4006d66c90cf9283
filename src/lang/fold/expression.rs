//! Folding of expressions: calls of constants are computed once.

use std::sync::Arc;

use crate::diagnostic::Span;

use super::super::fault::{Budget, Fault, FaultKind};
use super::super::function::Function;
use super::super::hir::{Element, Entry, Expr, ExprKind, Loop, Makes, Node, NodeKind};
use super::super::library;
use super::super::opaque::{Opaque, Regex};
use super::super::value::Map;
use super::super::value::Value;
use super::Folder;

/// The fuel for computing one constant, and how many elements or bytes it may
/// have: what is larger is computed when it is needed.
const FUEL: u64 = 10_000;

impl Folder<'_> {
    pub(super) fn expr(&mut self, from: &Expr) -> Expr {
        let kind = match &from.kind {
            ExprKind::Const(_)
            | ExprKind::Slot(_)
            | ExprKind::Local(_)
            | ExprKind::HasSlot { .. }
            | ExprKind::OptionalSlot { .. }
            | ExprKind::Undeclared => from.kind.clone(),
            ExprKind::Field { of, name } => ExprKind::Field {
                of: self.boxed(of),
                name: name.clone(),
            },
            ExprKind::OptionalField { of, name } => ExprKind::OptionalField {
                of: self.boxed(of),
                name: name.clone(),
            },
            ExprKind::Has { of, name } => ExprKind::Has {
                of: self.boxed(of),
                name: name.clone(),
            },
            ExprKind::Call { function, args } => self.call(*function, args, from.span),
            ExprKind::Truth(node) => truth(self.node(node)),
            ExprKind::If { condition, yes, no } => self.choice(condition, yes, no),
            ExprKind::List(elements) => self.list(elements),
            ExprKind::Map(entries) => self.map(entries, from.span),
            ExprKind::Loop(own) => ExprKind::Loop(Box::new(self.comprehension(own))),
            ExprKind::Bind { local, value, body } => ExprKind::Bind {
                local: *local,
                value: self.boxed(value),
                body: self.boxed(body),
            },
            ExprKind::OptionalMap {
                target,
                local,
                body,
                flat,
            } => ExprKind::OptionalMap {
                target: self.boxed(target),
                local: *local,
                body: self.boxed(body),
                flat: *flat,
            },
            ExprKind::OptionalOr {
                target,
                other,
                value,
            } => ExprKind::OptionalOr {
                target: self.boxed(target),
                other: self.boxed(other),
                value: *value,
            },
        };
        Expr::new(kind, from.span, from.ty.clone())
    }

    fn boxed(&mut self, expr: &Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn call(&mut self, function: Function, args: &[Expr], span: Span) -> ExprKind {
        let mut args: Vec<Expr> = args.iter().map(|arg| self.expr(arg)).collect();
        let constants: Option<Vec<&Value<'static>>> = args.iter().map(constant).collect();
        if let Some(constants) = constants {
            match library::call(function, &constants, &mut Budget::new(FUEL)) {
                Ok(value) if is_small(&value) => return ExprKind::Const(value),
                Ok(_) | Err(FaultKind::OutOfFuel) => {}
                Err(kind) => self.faults.push(Fault { kind, at: 0, span }),
            }
        }
        self.compile_pattern(function, &mut args);
        ExprKind::Call { function, args }
    }

    /// A pattern that is a constant is compiled once.
    fn compile_pattern(&mut self, function: Function, args: &mut [Expr]) {
        let pattern = args.get_mut(1).filter(|_| function.takes_pattern());
        let Some(Expr {
            kind: ExprKind::Const(value),
            span,
            ..
        }) = pattern
        else {
            return;
        };
        let Value::String(text) = &*value else { return };
        match Regex::new(text) {
            Ok(regex) => *value = Value::opaque(Opaque::Regex(regex)),
            Err(_) => self.faults.push(Fault {
                kind: FaultKind::InvalidArgument,
                at: 0,
                span: *span,
            }),
        }
    }

    fn choice(&mut self, condition: &Node, yes: &Expr, no: &Expr) -> ExprKind {
        let condition = self.node(condition);
        match condition.kind {
            NodeKind::Const(true) => self.expr(yes).kind,
            NodeKind::Const(false) => self.expr(no).kind,
            _ => ExprKind::If {
                condition: Box::new(condition),
                yes: self.boxed(yes),
                no: self.boxed(no),
            },
        }
    }

    fn list(&mut self, elements: &[Element]) -> ExprKind {
        let elements: Vec<Element> = elements
            .iter()
            .map(|element| Element {
                value: self.expr(&element.value),
                optional: element.optional,
            })
            .collect();
        let fixed = elements.iter().map(|element| match element.optional {
            true => None,
            false => constant(&element.value).cloned(),
        });
        match fixed.collect::<Option<Vec<_>>>() {
            Some(items) => ExprKind::Const(Value::list(items)),
            None => ExprKind::List(elements),
        }
    }

    fn map(&mut self, entries: &[Entry], span: Span) -> ExprKind {
        let entries: Vec<Entry> = entries
            .iter()
            .map(|entry| Entry {
                key: self.expr(&entry.key),
                value: self.expr(&entry.value),
                optional: entry.optional,
            })
            .collect();
        let mut map = Map::default();
        for entry in &entries {
            let (Some(key), Some(value)) = (constant(&entry.key), constant(&entry.value)) else {
                return ExprKind::Map(entries);
            };
            if entry.optional {
                return ExprKind::Map(entries);
            }
            if let Err(kind) = map.insert(key.clone(), value.clone()) {
                self.faults.push(Fault { kind, at: 0, span });
                return ExprKind::Map(entries);
            }
        }
        ExprKind::Const(Value::Map(Arc::new(map)))
    }

    fn comprehension(&mut self, own: &Loop) -> Loop {
        Loop {
            source: self.expr(&own.source),
            vars: own.vars,
            filter: own.filter.as_ref().map(|filter| self.node(filter)),
            makes: match &own.makes {
                Makes::List(item) => Makes::List(self.expr(item)),
                Makes::Values(item) => Makes::Values(self.expr(item)),
                Makes::Entries(map) => Makes::Entries(self.expr(map)),
            },
        }
    }
}

fn constant(expr: &Expr) -> Option<&Value<'static>> {
    match &expr.kind {
        ExprKind::Const(value) => Some(value),
        _ => None,
    }
}

fn truth(node: Node) -> ExprKind {
    match node.kind {
        NodeKind::Const(value) => ExprKind::Const(Value::Bool(value)),
        NodeKind::Holds(expr) if is_bool(&expr) => expr.kind,
        _ => ExprKind::Truth(Box::new(node)),
    }
}

/// Whether the value can only be a truth value, so that a condition on it says
/// no more than it does.
fn is_bool(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Has { .. } | ExprKind::HasSlot { .. })
}

fn is_small(value: &Value<'static>) -> bool {
    match value {
        Value::String(text) => text.len() as u64 <= FUEL,
        Value::Bytes(bytes) => bytes.len() as u64 <= FUEL,
        Value::List(items) => items.len() as u64 <= FUEL,
        Value::Map(map) => map.len() as u64 <= FUEL,
        _ => true,
    }
}
