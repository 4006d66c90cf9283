//! The only maker of programs: checks what the VM relies on.
//!
//! Promises, for every [`Program`]: jumps go forward and stay inside, slots and
//! constants exist, levels are in range, and the last instruction is a
//! verdict; so every run ends, after at most as many steps as there are
//! instructions.

use std::fmt;

use super::program::{Draft, MAX_LEVELS, Op, Operands, Program};

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

pub(super) fn verify(draft: Draft) -> Result<Program, VerifyError> {
    let fail = |at, reason| Err(VerifyError { at, reason });
    if draft.code.len() != draft.spans.len() {
        return fail(draft.code.len(), "instructions and spans differ in number");
    }
    match draft.code.last() {
        Some(Op::Match | Op::NoMatch) => {}
        _ => return fail(draft.code.len(), "the end can be passed without a verdict"),
    }
    for (at, op) in draft.code.iter().enumerate() {
        if let Err(reason) = instruction(&draft, at, *op) {
            return fail(at, reason);
        }
    }
    Ok(Program { draft })
}

fn instruction(draft: &Draft, at: usize, op: Op) -> Result<(), &'static str> {
    if let Some(target) = op.target() {
        jump(draft, at, target)?;
    }
    match op {
        Op::IfPresent(l, o) | Op::UnlessPresent(l, o) => operands(draft, l, o, usize::MAX),
        Op::IfEqual(l, o) | Op::UnlessEqual(l, o) => operands(draft, l, o, draft.strings.len()),
        Op::IfIn(l, o) | Op::UnlessIn(l, o) => operands(draft, l, o, draft.sets.len()),
        Op::IfMatches(l, o) | Op::UnlessMatches(l, o) => {
            operands(draft, l, o, draft.patterns.len())
        }
        Op::EnterList { level: inner } => level(inner),
        Op::LeaveList {
            level: inner,
            outer,
            ..
        } => level(inner).and(level(outer)),
        Op::Always { .. } | Op::Match | Op::NoMatch => Ok(()),
    }
}

fn operands(
    draft: &Draft,
    at: u8,
    operands: Operands,
    constants: usize,
) -> Result<(), &'static str> {
    level(at)?;
    if usize::from(operands.slot) >= draft.slots.len() {
        return Err("its slot does not exist");
    }
    if usize::from(operands.constant) >= constants {
        return Err("its constant does not exist");
    }
    Ok(())
}

fn level(level: u8) -> Result<(), &'static str> {
    if level < MAX_LEVELS {
        Ok(())
    } else {
        Err("its level is too deep")
    }
}

fn jump(draft: &Draft, at: usize, target: u16) -> Result<(), &'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::lang::hir::Slot;

    fn draft(code: Vec<Op>) -> Draft {
        let spans = vec![Span::default(); code.len()];
        let slots = vec![Slot {
            name: "a".into(),
            may_fault: false,
        }];
        Draft {
            code,
            spans,
            slots,
            strings: vec!["x".into()],
            ..Draft::default()
        }
    }

    fn reason(code: Vec<Op>) -> &'static str {
        verify(draft(code)).map_or_else(|error| error.reason, |_| "accepted")
    }

    #[test]
    fn bad_programs_are_refused() {
        let test = |slot, constant, target| {
            Op::IfEqual(
                0,
                Operands {
                    slot,
                    constant,
                    target,
                },
            )
        };
        assert_eq!(reason(vec![test(0, 0, 1), Op::Match]), "accepted");
        assert_eq!(reason(vec![]), "the end can be passed without a verdict");
        assert_eq!(
            reason(vec![test(0, 0, 1)]),
            "the end can be passed without a verdict"
        );
        assert_eq!(reason(vec![test(0, 0, 0), Op::Match]), "it jumps back");
        assert_eq!(reason(vec![test(0, 0, 2), Op::Match]), "it jumps out");
        assert_eq!(
            reason(vec![test(1, 0, 1), Op::Match]),
            "its slot does not exist"
        );
        assert_eq!(
            reason(vec![test(0, 1, 1), Op::Match]),
            "its constant does not exist"
        );
        assert_eq!(
            reason(vec![Op::EnterList { level: 64 }, Op::Match]),
            "its level is too deep"
        );
        let set = Op::IfIn(
            0,
            Operands {
                slot: 0,
                constant: 0,
                target: 1,
            },
        );
        assert_eq!(reason(vec![set, Op::Match]), "its constant does not exist");
    }
}
