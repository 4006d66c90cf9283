//! The only maker of programs: checks what the VM relies on.
//!
//! Promises, for every [`Program`]: jumps stay inside and go forward, but for
//! the one of a loop, which takes fuel; slots, registers and constants exist;
//! faults go forward; and the last instruction ends the run. So every run ends.

use std::fmt;

use super::program::{Check, Draft, NO_PARENT, Op, Operand, Operands, Place, Program};

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The instruction.
    pub at: usize,
    /// What it does wrong.
    pub reason: &'static str,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.at, self.reason)
    }
}

type Outcome = Result<(), &'static str>;

pub(super) fn verify(draft: Draft) -> Result<Program, VerifyError> {
    let fail = |at, reason| VerifyError { at, reason };
    if draft.code.len() != draft.spans.len() {
        let reason = "instructions and spans differ in number";
        return Err(fail(draft.code.len(), reason));
    }
    match draft.code.last() {
        Some(Op::Match | Op::NoMatch | Op::Return { .. }) => {}
        _ => return Err(fail(draft.code.len(), "the end can be passed")),
    }
    for (at, op) in draft.code.iter().enumerate() {
        instruction(&draft, at, *op).map_err(|reason| fail(at, reason))?;
    }
    regions(&draft).map_err(|(at, reason)| fail(at, reason))?;
    Ok(Program { draft })
}

fn instruction(draft: &Draft, at: usize, op: Op) -> Outcome {
    match op {
        Op::Again { iterator, target } => again(draft, at, iterator, target)?,
        _ => op
            .target()
            .map_or(Ok(()), |target| jump(draft, at, target))?,
    }
    match op {
        Op::If(check, o) | Op::Unless(check, o) => test(draft, check, o),
        Op::Move { to, from } | Op::Wrap { to, from } | Op::Unwrap { to, from, .. } => {
            register(draft, to).and(operand(draft, from))
        }
        Op::Field { to, of, name } | Op::OptionalField { to, of, name } => register(draft, to)
            .and(operand(draft, of))
            .and(below(name, draft.constants.strings.len(), NO_CONSTANT)),
        Op::OptionalSlot {
            to,
            slot: own,
            parent: of,
        } => register(draft, to)
            .and(slot(draft, own))
            .and(parent(draft, of)),
        Op::Call1 { to, a, .. } => register(draft, to).and(operand(draft, a)),
        Op::Call2 { to, a, b, .. } => register(draft, to)
            .and(operand(draft, a))
            .and(operand(draft, b)),
        Op::Call {
            to, first, count, ..
        } => register(draft, to).and(registers(draft, first, count)),
        Op::NextEntry { iterator, to, .. } => {
            loop_number(draft, iterator).and(registers(draft, to, 2))
        }
        Op::Next { iterator, to, .. } => loop_number(draft, iterator).and(register(draft, to)),
        Op::Iterate { iterator, source } => {
            loop_number(draft, iterator).and(operand(draft, source))
        }
        Op::Count { register: own } => register(draft, own),
        Op::Return { value } => operand(draft, value),
        op => building(draft, op),
    }
}

fn building(draft: &Draft, op: Op) -> Outcome {
    match op {
        Op::NewList { builder: own } | Op::NewMap { builder: own } => builder(draft, own),
        Op::Push {
            builder: own,
            value,
        }
        | Op::PushOptional {
            builder: own,
            value,
        }
        | Op::InsertAll {
            builder: own,
            value,
        } => builder(draft, own).and(operand(draft, value)),
        Op::Insert {
            builder: own,
            key,
            value,
        }
        | Op::InsertOptional {
            builder: own,
            key,
            value,
        } => builder(draft, own)
            .and(operand(draft, key))
            .and(operand(draft, value)),
        Op::Finish { builder: own, to } => builder(draft, own).and(register(draft, to)),
        _ => Ok(()),
    }
}

const NO_CONSTANT: &str = "its constant does not exist";

fn test(draft: &Draft, check: Check, o: Operands) -> Outcome {
    let constants = &draft.constants;
    let table = match check {
        Check::Present | Check::True => usize::MAX,
        Check::HasSlot => {
            let is_slot = matches!(o.of.place(), Place::Slot(_));
            parent(draft, o.constant)?;
            return match is_slot {
                true => operand(draft, o.of),
                false => Err("it tests the presence of what is no slot"),
            };
        }
        Check::TextIn => constants.sets.len(),
        Check::TextMatches => constants.patterns.len(),
        Check::In => constants.members.len(),
        Check::Matches => constants.regexes.len(),
        Check::TextEqual
        | Check::EqualString
        | Check::StartsWith
        | Check::EndsWith
        | Check::Contains
        | Check::HasField => constants.strings.len(),
        Check::Equal | Check::Less | Check::LessEqual | Check::Greater | Check::GreaterEqual => {
            constants.values.len()
        }
    };
    operand(draft, o.of).and(below(o.constant, table, NO_CONSTANT))
}

fn below(number: u16, bound: usize, reason: &'static str) -> Outcome {
    match usize::from(number) < bound {
        true => Ok(()),
        false => Err(reason),
    }
}

fn operand(draft: &Draft, operand: Operand) -> Outcome {
    match operand.place() {
        Place::Slot(number) => slot(draft, number),
        Place::Register(number) => register(draft, number),
        Place::Constant(number) => below(number, draft.constants.values.len(), NO_CONSTANT),
    }
}

fn slot(draft: &Draft, number: u16) -> Outcome {
    below(number, draft.slots.len(), "its slot does not exist")
}

fn parent(draft: &Draft, number: u16) -> Outcome {
    match number {
        NO_PARENT => Ok(()),
        number => slot(draft, number),
    }
}

fn register(draft: &Draft, number: u16) -> Outcome {
    registers(draft, number, 1)
}

fn registers(draft: &Draft, first: u16, count: u16) -> Outcome {
    let end = u32::from(first) + u32::from(count);
    match end <= u32::from(draft.registers) {
        true => Ok(()),
        false => Err("its register does not exist"),
    }
}

fn builder(draft: &Draft, number: u8) -> Outcome {
    match number < draft.builders {
        true => Ok(()),
        false => Err("what it builds does not exist"),
    }
}

fn loop_number(draft: &Draft, number: u8) -> Outcome {
    match number < draft.iterators {
        true => Ok(()),
        false => Err("its loop does not exist"),
    }
}

fn jump(draft: &Draft, at: usize, target: u16) -> Outcome {
    let target = usize::from(target);
    if target <= at {
        return Err("it jumps back");
    }
    if target >= draft.code.len() {
        Err("it jumps out")
    } else {
        Ok(())
    }
}

/// Back to the `Next` of the same loop, and nowhere else.
fn again(draft: &Draft, at: usize, iterator: u8, target: u16) -> Outcome {
    let target = usize::from(target);
    let head = draft.code.get(target).filter(|_| target < at);
    match head {
        Some(Op::Next { iterator: own, .. } | Op::NextEntry { iterator: own, .. })
            if *own == iterator =>
        {
            loop_number(draft, iterator)
        }
        _ => Err("it does not jump back to its loop"),
    }
}

/// Regions are sorted, lie within the code and within each other.
fn regions(draft: &Draft) -> Result<(), (usize, &'static str)> {
    let mut open: Vec<usize> = Vec::new();
    let mut last = 0;
    for region in &draft.regions {
        let (start, end) = (usize::from(region.start), usize::from(region.end));
        if start < last || start >= end || end >= draft.code.len() {
            return Err((start, "a region of it is out of place"));
        }
        while open.last().is_some_and(|outer| *outer <= start) {
            open.pop();
        }
        if open.last().is_some_and(|outer| *outer < end) {
            return Err((start, "regions overlap"));
        }
        open.push(end);
        last = start;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::lang::hir::Slot;
    use crate::lang::program::Region;

    fn draft(code: Vec<Op>) -> Draft {
        let spans = vec![Span::default(); code.len()];
        let slots = vec![Slot {
            name: "a".into(),
            may_fault: false,
        }];
        let mut draft = Draft {
            code,
            spans,
            slots,
            registers: 1,
            iterators: 1,
            builders: 1,
            ..Draft::default()
        };
        draft.constants.string("x");
        draft
    }

    fn reason(code: Vec<Op>) -> &'static str {
        verify(draft(code)).map_or_else(|error| error.reason, |_| "accepted")
    }

    fn at(place: Place) -> Operand {
        Operand::new(place).unwrap()
    }

    fn equal(slot: u16, constant: u16, target: u16) -> Op {
        let of = at(Place::Slot(slot));
        Op::If(
            Check::TextEqual,
            Operands {
                of,
                constant,
                target,
            },
        )
    }

    #[test]
    fn bad_programs_are_refused() {
        let slot = at(Place::Slot(0));
        let moved = |to, from| Op::Move { to, from };
        for (code, expected) in [
            (vec![equal(0, 0, 1), Op::Match], "accepted"),
            (vec![], "the end can be passed"),
            (vec![equal(0, 0, 1)], "the end can be passed"),
            (vec![equal(0, 0, 0), Op::Match], "it jumps back"),
            (vec![equal(0, 0, 2), Op::Match], "it jumps out"),
            (vec![equal(1, 0, 1), Op::Match], "its slot does not exist"),
            (vec![equal(0, 1, 1), Op::Match], NO_CONSTANT),
            (vec![moved(0, slot), Op::Match], "accepted"),
            (
                vec![moved(1, slot), Op::Match],
                "its register does not exist",
            ),
            (
                vec![moved(0, at(Place::Register(1))), Op::Match],
                "its register does not exist",
            ),
            (
                vec![moved(0, at(Place::Constant(0))), Op::Match],
                NO_CONSTANT,
            ),
            (
                vec![Op::NewList { builder: 1 }, Op::Match],
                "what it builds does not exist",
            ),
        ] {
            assert_eq!(reason(code), expected);
        }
    }

    #[test]
    fn loops_lead_to_their_own_head() {
        let next = Op::Next {
            iterator: 0,
            to: 0,
            exit: 2,
        };
        let again = |target| Op::Again {
            iterator: 0,
            target,
        };
        assert_eq!(reason(vec![next, again(0), Op::Match]), "accepted");
        assert_eq!(
            reason(vec![next, again(1), Op::Match]),
            "it does not jump back to its loop"
        );
        assert_eq!(
            reason(vec![again(0), next, Op::Match]),
            "it does not jump back to its loop"
        );
    }

    #[test]
    fn regions_lie_within_each_other() {
        let check = |regions: &[(u16, u16)]| {
            let mut draft = draft(vec![Op::Undeclared, Op::Undeclared, Op::Match]);
            draft.regions = regions
                .iter()
                .map(|&(start, end)| Region {
                    start,
                    end,
                    note: 0,
                })
                .collect();
            verify(draft).map_or_else(|error| error.reason, |_| "accepted")
        };
        assert_eq!(check(&[(0, 2), (0, 1), (1, 2)]), "accepted");
        assert_eq!(check(&[(1, 2), (0, 1)]), "a region of it is out of place");
        assert_eq!(check(&[(1, 3)]), "a region of it is out of place");
        assert_eq!(check(&[(0, 1), (0, 2)]), "regions overlap");
    }
}
