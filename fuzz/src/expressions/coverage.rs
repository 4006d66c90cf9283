//! Which kinds of node, instruction, function and outcome there have been.
//!
//! Promises that each is counted in what was compiled, not in the text.

use std::collections::BTreeMap;

use carry::lang::function::Function;
use carry::lang::hir::{Expr, ExprKind, Makes, Node, NodeKind};
use carry::lang::{Expression, FaultKind, Op, Program, Value};

/// Counts, by name.
#[derive(Default)]
pub struct Coverage {
    /// Kinds of expression and condition.
    pub kinds: BTreeMap<String, u64>,
    /// Instructions, and the checks of jumps.
    pub ops: BTreeMap<String, u64>,
    /// Functions that are called.
    pub functions: BTreeMap<String, u64>,
    /// Kinds of fault, and values.
    pub outcomes: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts what there is in a compiled expression.
    pub fn expression(&mut self, own: &Expression) {
        self.expr(own.hir());
        self.program(own.program());
    }

    /// Counts instructions.
    pub fn program(&mut self, program: &Program) {
        for op in program.code() {
            let name = match op {
                Op::If(check, _) => format!("If {check:?}"),
                Op::Unless(check, _) => format!("Unless {check:?}"),
                op => first_word(op),
            };
            count(&mut self.ops, &name);
        }
    }

    /// Counts a value or fault.
    pub fn outcome(&mut self, outcome: &Result<Value<'_>, FaultKind>) {
        match outcome {
            Ok(_) => count(&mut self.outcomes, "value"),
            Err(kind) => count(&mut self.outcomes, &format!("{kind:?}")),
        }
    }

    /// The share of evaluations that yielded a value.
    pub fn share_of_values(&self) -> f64 {
        let all: u64 = self.outcomes.values().sum();
        let values = self.outcomes.get("value").copied().unwrap_or(0);
        values as f64 / all.max(1) as f64
    }

    /// Counts the kinds of a condition's parts.
    pub fn node(&mut self, node: &Node) {
        let name = match &node.kind {
            NodeKind::Const(_) => "node Const",
            NodeKind::Test { .. } => "Test",
            NodeKind::Not(_) => "Not",
            NodeKind::All(_) => "All",
            NodeKind::Any(_) => "Any",
            NodeKind::Holds(_) => "Holds",
            NodeKind::Compare { .. } => "Compare",
            NodeKind::Every(_) => "Every",
            NodeKind::Some(_) => "Some",
            NodeKind::One(_) => "One",
        };
        count(&mut self.kinds, name);
        match &node.kind {
            NodeKind::Holds(expr) | NodeKind::Compare { of: expr, .. } => self.expr(expr),
            NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
                self.expr(&over.source);
                self.node(&over.body);
            }
            _ => node.parts().iter().for_each(|part| self.node(part)),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        count(&mut self.kinds, name(&expr.kind));
        match &expr.kind {
            ExprKind::Field { of, .. }
            | ExprKind::OptionalField { of, .. }
            | ExprKind::Has { of, .. } => self.expr(of),
            ExprKind::Call { function, args } => {
                self.function(*function);
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::Truth(node) => self.node(node),
            ExprKind::If { condition, yes, no } => {
                self.node(condition);
                self.exprs([yes, no]);
            }
            ExprKind::List(elements) => {
                elements.iter().for_each(|own| self.expr(&own.value));
            }
            ExprKind::Map(entries) => {
                entries
                    .iter()
                    .for_each(|own| self.exprs([&own.key, &own.value]));
            }
            ExprKind::Bind { value, body, .. } => self.exprs([value, body]),
            ExprKind::OptionalMap { target, body, .. } => self.exprs([target, body]),
            ExprKind::OptionalOr { target, other, .. } => self.exprs([target, other]),
            ExprKind::Loop(own) => {
                self.expr(&own.source);
                own.filter.iter().for_each(|filter| self.node(filter));
                let (Makes::List(made) | Makes::Values(made) | Makes::Entries(made)) = &own.makes;
                self.expr(made);
            }
            _ => {}
        }
    }

    fn exprs(&mut self, all: [&Expr; 2]) {
        all.into_iter().for_each(|own| self.expr(own));
    }

    fn function(&mut self, function: Function) {
        count(&mut self.functions, &format!("{function:?}"));
    }
}

/// The names of all kinds; the compiler asks for new ones here.
pub const KINDS: [&str; 28] = [
    "Const",
    "Slot",
    "Local",
    "Field",
    "OptionalField",
    "Has",
    "HasSlot",
    "OptionalSlot",
    "Call",
    "Truth",
    "If",
    "List",
    "Map",
    "Loop",
    "Bind",
    "OptionalMap",
    "OptionalOr",
    "Undeclared",
    "node Const",
    "Test",
    "Not",
    "All",
    "Any",
    "Holds",
    "Compare",
    "Every",
    "Some",
    "One",
];

fn name(kind: &ExprKind) -> &'static str {
    match kind {
        ExprKind::Const(_) => "Const",
        ExprKind::Slot(_) => "Slot",
        ExprKind::Local(_) => "Local",
        ExprKind::Field { .. } => "Field",
        ExprKind::OptionalField { .. } => "OptionalField",
        ExprKind::Has { .. } => "Has",
        ExprKind::HasSlot { .. } => "HasSlot",
        ExprKind::OptionalSlot { .. } => "OptionalSlot",
        ExprKind::Call { .. } => "Call",
        ExprKind::Truth(_) => "Truth",
        ExprKind::If { .. } => "If",
        ExprKind::List(_) => "List",
        ExprKind::Map(_) => "Map",
        ExprKind::Loop(_) => "Loop",
        ExprKind::Bind { .. } => "Bind",
        ExprKind::OptionalMap { .. } => "OptionalMap",
        ExprKind::OptionalOr { .. } => "OptionalOr",
        ExprKind::Undeclared => "Undeclared",
    }
}

fn first_word(op: &Op) -> String {
    let shown = format!("{op:?}");
    let word = shown.split([' ', '(']).next();
    word.unwrap_or_default().to_owned()
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
