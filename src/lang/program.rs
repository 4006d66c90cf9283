//! Bytecode: fused test-and-jump instructions over slots and constants.
//!
//! Promises that what a [`Program`] refers to exists, jumps go forward, and
//! every path ends in a verdict: only `verify` makes one. Deliberately without
//! a stack: a predicate is a graph of tests.

use crate::diagnostic::Span;

use super::constants::{Constants, Set};
use super::hir::Slot;
use super::pattern::Pattern;

/// A comparison of one slot, and where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// The slot.
    pub slot: u16,
    /// The constant: its table depends on the instruction.
    pub constant: u16,
    /// The instruction to go to; always a later one.
    pub target: u16,
}

/// One instruction. `If` jumps where the test passes, `Unless` where it does
/// not; otherwise the next instruction follows. Where the slot faults, that is
/// noted at the level given first, and the next instruction follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Jumps if the slot is there; the constant is not used.
    IfPresent(u8, Operands),
    /// Jumps if the slot is not there; the constant is not used.
    UnlessPresent(u8, Operands),
    /// Jumps if the slot's text is the string.
    IfEqual(u8, Operands),
    /// Jumps unless the slot's text is the string.
    UnlessEqual(u8, Operands),
    /// Jumps if the slot's text is in the set.
    IfIn(u8, Operands),
    /// Jumps unless the slot's text is in the set.
    UnlessIn(u8, Operands),
    /// Jumps if the slot's text matches the pattern.
    IfMatches(u8, Operands),
    /// Jumps unless the slot's text matches the pattern.
    UnlessMatches(u8, Operands),
    /// Jumps.
    Always {
        /// The instruction to go to; always a later one.
        target: u16,
    },
    /// Begins a list in which something may fault: forgets what an earlier
    /// list of this level noted.
    EnterList {
        /// The list's level.
        level: u8,
    },
    /// Ends such a list, reached when no part decided: with a fault noted at
    /// its level, notes it at the level of the list around it and jumps.
    LeaveList {
        /// The list's level.
        level: u8,
        /// The level of the list around it.
        outer: u8,
        /// Behind the list.
        target: u16,
    },
    /// The verdict is match, or a fault where one is noted at level 0.
    Match,
    /// The verdict is no match.
    NoMatch,
}

impl Op {
    /// Where it may jump to.
    pub fn target(mut self) -> Option<u16> {
        self.target_mut().copied()
    }

    pub(super) fn target_mut(&mut self) -> Option<&mut u16> {
        match self {
            Op::IfPresent(_, operands)
            | Op::UnlessPresent(_, operands)
            | Op::IfEqual(_, operands)
            | Op::UnlessEqual(_, operands)
            | Op::IfIn(_, operands)
            | Op::UnlessIn(_, operands)
            | Op::IfMatches(_, operands)
            | Op::UnlessMatches(_, operands) => Some(&mut operands.target),
            Op::Always { target } | Op::LeaveList { target, .. } => Some(target),
            Op::EnterList { .. } | Op::Match | Op::NoMatch => None,
        }
    }
}

/// How deep lists in which something may fault can nest.
pub const MAX_LEVELS: u8 = 64;

/// A predicate, compiled and verified.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) draft: Draft,
}

/// A program before it is verified.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) code: Vec<Op>,
    pub(super) spans: Vec<Span>,
    pub(super) strings: Vec<Box<str>>,
    pub(super) sets: Vec<Set>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) slots: Vec<Slot>,
    pub(super) levels: u8,
}

impl Draft {
    pub(super) fn take_constants(&mut self, constants: Constants) {
        self.strings = constants.strings;
        self.sets = constants.sets;
        self.patterns = constants.patterns;
    }
}

impl Program {
    /// The instructions.
    pub fn code(&self) -> &[Op] {
        &self.draft.code
    }

    /// The place in the source that the instruction at `at` came from.
    pub fn span(&self, at: u32) -> Span {
        self.draft
            .spans
            .get(at as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The slots that it reads, by their numbers.
    pub fn slots(&self) -> &[Slot] {
        &self.draft.slots
    }

    /// The string constant `id`.
    pub fn string(&self, id: u16) -> &str {
        self.draft
            .strings
            .get(usize::from(id))
            .map_or("", |text| text)
    }

    /// The set constant `id`; empty for a number that the program never uses.
    pub fn set(&self, id: u16) -> Option<&Set> {
        self.draft.sets.get(usize::from(id))
    }

    /// The pattern constant `id`.
    pub fn pattern(&self, id: u16) -> Option<&Pattern> {
        self.draft.patterns.get(usize::from(id))
    }

    /// The deepest level at which a fault may be noted, plus one.
    pub fn levels(&self) -> u8 {
        self.draft.levels
    }
}

#[cfg(test)]
mod tests {
    use super::Op;

    /// Eight bytes: eight instructions a cache line.
    #[test]
    fn an_instruction_is_small() {
        assert_eq!(size_of::<Op>(), 8);
    }
}
