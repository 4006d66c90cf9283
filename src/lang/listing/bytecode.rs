//! Bytecode, one instruction a line. Deliberately decides nothing: what it
//! prints is what the VM runs.

use std::fmt::Write as _;

use super::super::constants::Set;
use super::super::function::Function;
use super::super::program::{Check, NO_PARENT, Op, Operand, Operands, Place, Program};
use super::expression::{list, shown};

/// The bytecode, one instruction a line; a mark at its end says where a fault
/// goes.
pub fn bytecode(program: &Program) -> String {
    let mut out = String::new();
    for (at, op) in program.code().iter().enumerate() {
        let _ = write!(out, "{at:4}  {}", instruction(program, *op));
        let _ = writeln!(out, "{}", region(program, at));
    }
    out
}

fn region(program: &Program, at: usize) -> String {
    let holds = |start: u16, end: u16| usize::from(start) <= at && at < usize::from(end);
    let mut around = program.regions().iter().rev();
    let around = around.find(|region| holds(region.start, region.end));
    around.map_or(String::new(), |region| {
        format!("  ; fault: note {} -> {}", region.note, region.end)
    })
}

fn instruction(program: &Program, op: Op) -> String {
    let at = |operand| place(program, operand);
    match op {
        Op::If(check, o) => test(program, "if    ", check, o),
        Op::Unless(check, o) => test(program, "unless", check, o),
        Op::Always { target } => format!("always  -> {target}"),
        Op::Enter { note } => format!("enter   note {note}"),
        Op::Raise { note } => format!("raise   note {note}"),
        Op::Move { to, from } => format!("move    r{to} = {}", at(from)),
        Op::Field { to, of, name } => {
            format!("field   r{to} = {}.{}", at(of), program.string(name))
        }
        Op::OptionalField { to, of, name } => {
            format!("field   r{to} = {}.?{}", at(of), program.string(name))
        }
        Op::OptionalSlot {
            to,
            slot: own,
            parent,
        } => {
            let parent = within(program, parent);
            format!("option  r{to} = {}{parent}", slot(program, own))
        }
        Op::Call1 { function, to, a } => call(function, to, &at(a)),
        Op::Call2 { function, to, a, b } => call(function, to, &format!("{}, {}", at(a), at(b))),
        Op::Call {
            function,
            to,
            first,
            count,
        } => {
            let args: Vec<String> = (first..first.saturating_add(count))
                .map(|register| format!("r{register}"))
                .collect();
            call(function, to, &args.join(", "))
        }
        Op::Wrap { to, from } => format!("wrap    r{to} = {}", at(from)),
        Op::Unwrap { to, from, none } => format!("unwrap  r{to} = {}, none -> {none}", at(from)),
        Op::Iterate { iterator, source } => format!("iterate loop {iterator} over {}", at(source)),
        Op::Next { iterator, to, exit } => {
            format!("next    r{to} of loop {iterator}, end -> {exit}")
        }
        Op::NextEntry { iterator, to, exit } => {
            let value = to.saturating_add(1);
            format!("next    r{to}, r{value} of loop {iterator}, end -> {exit}")
        }
        Op::Again { iterator, target } => format!("again   loop {iterator} -> {target}"),
        Op::Count { register } => format!("count   r{register}"),
        Op::Undeclared => "undeclared".to_owned(),
        Op::Return { value } => format!("return  {}", at(value)),
        Op::Match => "match".to_owned(),
        Op::NoMatch => "no_match".to_owned(),
        op => building(program, op),
    }
}

fn building(program: &Program, op: Op) -> String {
    let at = |operand| place(program, operand);
    match op {
        Op::NewList { builder } => format!("list    b{builder}"),
        Op::NewMap { builder } => format!("map     b{builder}"),
        Op::Push { builder, value } => format!("push    b{builder}, {}", at(value)),
        Op::PushOptional { builder, value } => format!("push    b{builder}, ?{}", at(value)),
        Op::Insert {
            builder,
            key,
            value,
        } => format!("insert  b{builder}, {}: {}", at(key), at(value)),
        Op::InsertOptional {
            builder,
            key,
            value,
        } => format!("insert  b{builder}, ?{}: {}", at(key), at(value)),
        Op::InsertAll { builder, value } => format!("insert  b{builder}, all of {}", at(value)),
        Op::Finish { builder, to } => format!("finish  r{to} = b{builder}"),
        _ => String::new(),
    }
}

fn call(function: Function, to: u16, args: &str) -> String {
    format!("call    r{to} = {}({args})", function.label())
}

fn slot(program: &Program, number: u16) -> &str {
    let slot = program.slots().get(usize::from(number));
    slot.map_or("?", |slot| &slot.name)
}

fn place(program: &Program, operand: Operand) -> String {
    match operand.place() {
        Place::Slot(number) => slot(program, number).to_owned(),
        Place::Register(number) => format!("r{number}"),
        Place::Constant(number) => shown(program.constant(number)),
    }
}

fn within(program: &Program, parent: u16) -> String {
    match parent {
        NO_PARENT => String::new(),
        parent => format!(" within {}", slot(program, parent)),
    }
}

fn test(program: &Program, sense: &str, check: Check, o: Operands) -> String {
    let of = place(program, o.of);
    let string = || format!("{:?}", program.string(o.constant));
    let value = || shown(program.constant(o.constant));
    let what = match check {
        Check::Present => "is present".to_owned(),
        Check::TextEqual => format!("has text {}", string()),
        Check::TextIn => {
            let members = program.set(o.constant).map_or(&[][..], Set::members);
            format!("has text in {members:?}")
        }
        Check::TextMatches => {
            let pattern = program.pattern(o.constant);
            format!("has text like {:?}", pattern.map_or("", |own| own.as_str()))
        }
        Check::True => "is true".to_owned(),
        Check::EqualString => format!("== {}", string()),
        Check::Equal => format!("== {}", value()),
        Check::Less => format!("< {}", value()),
        Check::LessEqual => format!("<= {}", value()),
        Check::Greater => format!("> {}", value()),
        Check::GreaterEqual => format!(">= {}", value()),
        Check::In => {
            let members = program.members(o.constant);
            format!("in {}", list(members.map_or(&[][..], |own| own.all())))
        }
        Check::StartsWith => format!("starts with {}", string()),
        Check::EndsWith => format!("ends with {}", string()),
        Check::Contains => format!("contains {}", string()),
        Check::Matches => {
            let regex = program.regex(o.constant);
            format!(
                "matches {:?}",
                regex.map_or("", |own| own.compiled().as_str())
            )
        }
        Check::HasField => format!("has field {}", program.string(o.constant)),
        Check::HasSlot => format!("is there{}", within(program, o.constant)),
    };
    format!("{sense}  {of} {what} -> {}", o.target)
}
