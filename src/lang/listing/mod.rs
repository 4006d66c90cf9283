//! HIR and bytecode as text, for `--dump` and for tests.
//!
//! Promises one line for each condition, expression within it, or instruction.
//! Deliberately shows constants: they are the user's own text.

mod bytecode;
mod expression;
mod tree;

use std::fmt::Write as _;

use super::hir::{Comparison, Expr, LoopVars, Node, NodeKind, Predicate, Quantified, Slot, Test};

pub use bytecode::bytecode;
pub use expression::{expression, shown};
pub use tree::tree;

/// The HIR, one condition a line, parts indented below.
pub fn hir(predicate: &Predicate) -> String {
    let mut out = String::new();
    node(&mut out, &predicate.root, &predicate.slots, 0);
    out
}

fn node(out: &mut String, from: &Node, slots: &[Slot], depth: usize) {
    let _ = write!(out, "{:1$}", "", depth * 2);
    out.push_str(&condition(from, slots));
    if !from.title.is_empty() {
        let _ = write!(out, "  ; {}", from.title);
    }
    out.push('\n');
    let body = match &from.kind {
        NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
            std::slice::from_ref(&over.body)
        }
        _ => from.parts(),
    };
    for part in body {
        node(out, part, slots, depth + 1);
    }
}

/// One condition without its parts.
pub fn condition(from: &Node, slots: &[Slot]) -> String {
    match &from.kind {
        NodeKind::Const(value) => value.to_string(),
        NodeKind::Test { slot, test } => {
            let slot = slots.get(usize::from(slot.0));
            comparison(slot.map_or("?", |slot| &slot.name), test)
        }
        NodeKind::Not(_) => "not".to_owned(),
        NodeKind::All(_) => "all".to_owned(),
        NodeKind::Any(_) => "any".to_owned(),
        NodeKind::Holds(expr) => expression(expr, slots),
        NodeKind::Compare { of, with } => compared(of, with, slots),
        NodeKind::Every(over) => quantified("every", over, slots),
        NodeKind::Some(over) => quantified("some", over, slots),
        NodeKind::One(over) => quantified("exactly one", over, slots),
    }
}

/// A condition on one line, parts and all.
pub fn on_one_line(from: &Node, slots: &[Slot]) -> String {
    let parts: Vec<String> = from
        .parts()
        .iter()
        .map(|part| on_one_line(part, slots))
        .collect();
    match &from.kind {
        NodeKind::Not(_) => format!("!({})", parts.join("")),
        NodeKind::All(_) => format!("({})", parts.join(" && ")),
        NodeKind::Any(_) => format!("({})", parts.join(" || ")),
        NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
            format!(
                "({}: {})",
                condition(from, slots),
                on_one_line(&over.body, slots)
            )
        }
        _ => condition(from, slots),
    }
}

fn quantified(what: &str, over: &Quantified, slots: &[Slot]) -> String {
    let source = expression(&over.source, slots);
    format!("{what} {} of {source}", variables(over.vars))
}

pub(super) fn variables(vars: LoopVars) -> String {
    match vars {
        LoopVars::One(only) => format!("@{}", only.0),
        LoopVars::Two(key, value) => format!("@{}, @{}", key.0, value.0),
    }
}

/// A comparison of a slot as people read it.
pub fn comparison(slot: &str, test: &Test) -> String {
    match test {
        Test::Present => format!("{slot} is present"),
        Test::Equals(text) => format!("{slot} == {text:?}"),
        Test::OneOf(texts) => format!("{slot} in {texts:?}"),
        Test::Matches(pattern) => format!("{slot} matches {:?}", pattern.as_str()),
    }
}

fn compared(of: &Expr, with: &Comparison, slots: &[Slot]) -> String {
    let of = expression(of, slots);
    match with {
        Comparison::Equal(value) => format!("{of} == {}", shown(value)),
        Comparison::Less(value) => format!("{of} < {}", shown(value)),
        Comparison::LessEqual(value) => format!("{of} <= {}", shown(value)),
        Comparison::Greater(value) => format!("{of} > {}", shown(value)),
        Comparison::GreaterEqual(value) => format!("{of} >= {}", shown(value)),
        Comparison::In(all) => format!("{of} in {}", expression::list(all)),
        Comparison::StartsWith(text) => format!("{of} starts with {text:?}"),
        Comparison::EndsWith(text) => format!("{of} ends with {text:?}"),
        Comparison::Contains(text) => format!("{of} contains {text:?}"),
        Comparison::Matches(regex) => format!("{of} matches {:?}", regex.compiled().as_str()),
    }
}
