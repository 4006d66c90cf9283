//! HIR and bytecode as text, for `--dump` and for tests.

use std::fmt::Write as _;

use super::constants::Set;
use super::hir::{Node, NodeKind, Predicate, Slot, Test};
use super::program::{Op, Operands, Program};

/// The HIR, one node a line, parts indented below.
pub fn hir(predicate: &Predicate) -> String {
    let mut out = String::new();
    node(&mut out, &predicate.root, &predicate.slots, 0);
    out
}

fn node(out: &mut String, from: &Node, slots: &[Slot], depth: usize) {
    let _ = write!(out, "{:1$}", "", depth * 2);
    let _ = match &from.kind {
        NodeKind::Const(value) => write!(out, "{value}"),
        NodeKind::Test { slot, test } => {
            let name = slots
                .get(usize::from(slot.0))
                .map_or("?", |slot| &slot.name);
            write!(out, "{}", comparison(name, test))
        }
        NodeKind::Not(_) => write!(out, "not"),
        NodeKind::All(_) => write!(out, "all"),
        NodeKind::Any(_) => write!(out, "any"),
    };
    let title = if from.title.is_empty() {
        String::new()
    } else {
        format!("  ; {}", from.title)
    };
    let _ = writeln!(out, "{title}");
    for part in from.parts() {
        node(out, part, slots, depth + 1);
    }
}

/// A comparison as people read it.
pub fn comparison(slot: &str, test: &Test) -> String {
    match test {
        Test::Present => format!("{slot} is present"),
        Test::Equals(text) => format!("{slot} == {text:?}"),
        Test::OneOf(texts) => format!("{slot} in {texts:?}"),
        Test::Matches(pattern) => format!("{slot} matches {:?}", pattern.as_str()),
    }
}

/// The bytecode, one instruction a line.
pub fn bytecode(program: &Program) -> String {
    let mut out = String::new();
    for (at, op) in program.code().iter().enumerate() {
        let _ = writeln!(out, "{at:4}  {}", instruction(program, *op));
    }
    out
}

fn instruction(program: &Program, op: Op) -> String {
    match op {
        Op::IfPresent(_, o) => format!("if_present      {} -> {}", slot(program, o), o.target),
        Op::UnlessPresent(_, o) => format!("unless_present  {} -> {}", slot(program, o), o.target),
        Op::IfEqual(_, o) => equal(program, "if_equal      ", o),
        Op::UnlessEqual(_, o) => equal(program, "unless_equal  ", o),
        Op::IfIn(_, o) => member(program, "if_in         ", o),
        Op::UnlessIn(_, o) => member(program, "unless_in     ", o),
        Op::IfMatches(_, o) => pattern(program, "if_matches    ", o),
        Op::UnlessMatches(_, o) => pattern(program, "unless_matches", o),
        Op::Always { target } => format!("always          -> {target}"),
        Op::EnterList { level } => format!("enter_list      level {level}"),
        Op::LeaveList {
            level,
            outer,
            target,
        } => {
            format!("leave_list      level {level}, fault: note at {outer} -> {target}")
        }
        Op::Match => "match".to_owned(),
        Op::NoMatch => "no_match".to_owned(),
    }
}

fn slot(program: &Program, operands: Operands) -> &str {
    program
        .slots()
        .get(usize::from(operands.slot))
        .map_or("?", |slot| &slot.name)
}

fn equal(program: &Program, name: &str, o: Operands) -> String {
    format!(
        "{name}  {}, {:?} -> {}",
        slot(program, o),
        program.string(o.constant),
        o.target
    )
}

fn member(program: &Program, name: &str, o: Operands) -> String {
    let members = program.set(o.constant).map_or(&[][..], Set::members);
    format!("{name}  {}, {members:?} -> {}", slot(program, o), o.target)
}

fn pattern(program: &Program, name: &str, o: Operands) -> String {
    let text = program
        .pattern(o.constant)
        .map_or("", |pattern| pattern.as_str());
    format!("{name}  {}, {text:?} -> {}", slot(program, o), o.target)
}
