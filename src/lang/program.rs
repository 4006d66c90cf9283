//! Bytecode: fused test-and-jump instructions over slots, registers and
//! constants.
//!
//! Promises that what a [`Program`] refers to exists, and that every run ends:
//! only `verify` makes one. Deliberately without a stack: conditions are a
//! graph of tests, and an expression computes into numbered registers.
//!
//! A fault goes to the innermost [`Region`] around the instruction that met it:
//! it is noted there, and the run goes on behind the region. Outside of all
//! regions it ends the run.

use crate::diagnostic::Span;

use super::constants::{Constants, Members, Set};
use super::function::Function;
use super::hir::Slot;
use super::opaque::Regex;
use super::pattern::Pattern;
use super::value::Value;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A slot, by number.
    Slot(u16),
    /// A register, by number.
    Register(u16),
    /// A value constant, by number.
    Constant(u16),
}

/// A [`Place`] in 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand(u16);

const REGISTER: u16 = 0x4000;
const CONSTANT: u16 = 0x8000;
const NUMBER: u16 = 0x3fff;

impl Operand {
    /// `None` for numbers of 16,384 or more.
    pub fn new(place: Place) -> Option<Operand> {
        let (mark, number) = match place {
            Place::Slot(number) => (0, number),
            Place::Register(number) => (REGISTER, number),
            Place::Constant(number) => (CONSTANT, number),
        };
        (number <= NUMBER).then_some(Operand(mark | number))
    }

    /// Where it is.
    #[inline]
    pub fn place(self) -> Place {
        let number = self.0 & NUMBER;
        match self.0 & !NUMBER {
            0 => Place::Slot(number),
            REGISTER => Place::Register(number),
            _ => Place::Constant(number),
        }
    }
}

/// What a test asks of its operand. Those that begin with `Text` and
/// [`Check::Present`] are the structural selectors': they take what is absent
/// for a value that passes none, and numbers for their text. The others are
/// CEL's: what is absent faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is there and not `null`; the constant is not used.
    Present,
    /// Its text is the string.
    TextEqual,
    /// Its text is in the set.
    TextIn,
    /// Its text matches the pattern.
    TextMatches,
    /// It is `true`; anything but a truth value faults. The constant is not
    /// used.
    True,
    /// It equals the string.
    EqualString,
    /// It equals the value.
    Equal,
    /// It is less than the value.
    Less,
    /// It is less than the value, or equal.
    LessEqual,
    /// It is greater than the value.
    Greater,
    /// It is greater than the value, or equal.
    GreaterEqual,
    /// It equals one of the members.
    In,
    /// It is a text that begins with the string.
    StartsWith,
    /// It is a text that ends with the string.
    EndsWith,
    /// It is a text that contains the string.
    Contains,
    /// It is a text in which the expression matches.
    Matches,
    /// It is a map or object with the field that the string names.
    HasField,
    /// The slot is there. The constant is the slot that holds it, whose
    /// absence faults, or [`NO_PARENT`].
    HasSlot,
}

/// In place of a slot that holds another: it is always there.
pub const NO_PARENT: u16 = u16::MAX;

/// A test's operand and constant, and where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// What is tested.
    pub of: Operand,
    /// The constant: its table depends on the test.
    pub constant: u16,
    /// The instruction to go to; always a later one.
    pub target: u16,
}

/// One instruction. Registers are written by number; `to` is always one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Jumps where the test passes.
    If(Check, Operands),
    /// Jumps where it does not.
    Unless(Check, Operands),
    /// Jumps.
    Always {
        /// The instruction to go to; always a later one.
        target: u16,
    },
    /// Begins a list of conditions: forgets what was noted at this number.
    Enter {
        /// The list's number.
        note: u8,
    },
    /// Ends such a list, reached when no part decided: a fault noted there is
    /// a fault here.
    Raise {
        /// The list's number.
        note: u8,
    },
    /// Copies a value; a fault where it is absent.
    Move {
        /// Where to.
        to: u16,
        /// What.
        from: Operand,
    },
    /// Reads a field.
    Field {
        /// Where to.
        to: u16,
        /// Of what.
        of: Operand,
        /// The string that names it.
        name: u16,
    },
    /// Reads a field as an optional.
    OptionalField {
        /// Where to.
        to: u16,
        /// Of what.
        of: Operand,
        /// The string that names it.
        name: u16,
    },
    /// Reads a slot as an optional.
    OptionalSlot {
        /// Where to.
        to: u16,
        /// The slot.
        slot: u16,
        /// The slot that holds it, whose absence faults, or [`NO_PARENT`].
        parent: u16,
    },
    /// Calls a function of one argument.
    Call1 {
        /// The function.
        function: Function,
        /// Where to.
        to: u16,
        /// Its argument.
        a: Operand,
    },
    /// Calls a function of two arguments.
    Call2 {
        /// The function.
        function: Function,
        /// Where to.
        to: u16,
        /// Its first argument.
        a: Operand,
        /// Its second argument.
        b: Operand,
    },
    /// Calls a function of any number of arguments, which are in registers one
    /// after the other.
    Call {
        /// The function.
        function: Function,
        /// Where to.
        to: u16,
        /// The register of the first argument.
        first: u16,
        /// How many there are.
        count: u16,
    },
    /// Makes an optional that has the value.
    Wrap {
        /// Where to.
        to: u16,
        /// The value.
        from: Operand,
    },
    /// Takes the value out of an optional, or jumps.
    Unwrap {
        /// Where to.
        to: u16,
        /// The optional.
        from: Operand,
        /// Where to go without a value; always a later instruction.
        none: u16,
    },
    /// Begins a list.
    NewList {
        /// The list's number while it is being made.
        builder: u8,
    },
    /// Begins a map.
    NewMap {
        /// The map's number while it is being made.
        builder: u8,
    },
    /// Adds an element.
    Push {
        /// The list.
        builder: u8,
        /// The element.
        value: Operand,
    },
    /// Adds the value of an optional, if it has one.
    PushOptional {
        /// The list.
        builder: u8,
        /// The optional.
        value: Operand,
    },
    /// Adds an entry.
    Insert {
        /// The map.
        builder: u8,
        /// Its key.
        key: Operand,
        /// Its value.
        value: Operand,
    },
    /// Adds an entry with the value of an optional, if it has one.
    InsertOptional {
        /// The map.
        builder: u8,
        /// Its key.
        key: Operand,
        /// The optional.
        value: Operand,
    },
    /// Adds all entries of a map.
    InsertAll {
        /// The map that is being made.
        builder: u8,
        /// The other one.
        value: Operand,
    },
    /// Ends a list or map.
    Finish {
        /// Its number.
        builder: u8,
        /// Where to.
        to: u16,
    },
    /// Begins a loop over a list or map.
    Iterate {
        /// The loop's number.
        iterator: u8,
        /// The list or map.
        source: Operand,
    },
    /// The next element of a list, or key of a map; jumps behind the last.
    Next {
        /// The loop's number.
        iterator: u8,
        /// Where to.
        to: u16,
        /// Where to go behind the last; always a later instruction.
        exit: u16,
    },
    /// The next index and element of a list, or key and value of a map; jumps
    /// behind the last.
    NextEntry {
        /// The loop's number.
        iterator: u8,
        /// Where to put the key; the value goes to the next register.
        to: u16,
        /// Where to go behind the last; always a later instruction.
        exit: u16,
    },
    /// Jumps back to a loop's `Next`: the only way back.
    Again {
        /// The loop's number.
        iterator: u8,
        /// Its `Next`.
        target: u16,
    },
    /// Adds one to the integer in a register.
    Count {
        /// The register.
        register: u16,
    },
    /// A fault.
    Undeclared,
    /// The value of an expression.
    Return {
        /// What.
        value: Operand,
    },
    /// The verdict is match.
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
            Op::If(_, operands) | Op::Unless(_, operands) => Some(&mut operands.target),
            Op::Always { target } | Op::Again { target, .. } => Some(target),
            Op::Unwrap { none, .. } => Some(none),
            Op::Next { exit, .. } | Op::NextEntry { exit, .. } => Some(exit),
            _ => None,
        }
    }
}

/// Where a fault goes: the instructions of one part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first instruction.
    pub start: u16,
    /// One past the last, where the run goes on.
    pub end: u16,
    /// The number at which the fault is noted.
    pub note: u8,
}

/// How deep lists in which something may fault, lists and maps that are being
/// made, and loops can nest.
pub const MAX_LEVELS: u8 = 255;

/// A predicate or expression, compiled and verified.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) draft: Draft,
}

/// A program before it is verified.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) code: Vec<Op>,
    pub(super) spans: Vec<Span>,
    /// Sorted by start; of those with one start the outer first.
    pub(super) regions: Vec<Region>,
    pub(super) constants: Constants,
    pub(super) slots: Vec<Slot>,
    pub(super) registers: u16,
    pub(super) builders: u8,
    pub(super) iterators: u8,
}

impl Program {
    /// The instructions.
    #[inline]
    pub fn code(&self) -> &[Op] {
        &self.draft.code
    }

    /// The place in the source that the instruction at `at` came from.
    pub fn span(&self, at: u32) -> Span {
        let span = self.draft.spans.get(at as usize);
        span.copied().unwrap_or_default()
    }

    /// Where faults go.
    pub fn regions(&self) -> &[Region] {
        &self.draft.regions
    }

    /// The slots that it reads, by their numbers.
    pub fn slots(&self) -> &[Slot] {
        &self.draft.slots
    }

    /// How many registers it uses.
    #[inline]
    pub fn registers(&self) -> usize {
        usize::from(self.draft.registers)
    }

    /// How many lists and maps it makes at a time.
    pub fn builders(&self) -> usize {
        usize::from(self.draft.builders)
    }

    /// How many loops it runs within each other.
    pub fn iterators(&self) -> usize {
        usize::from(self.draft.iterators)
    }

    /// The string constant `id`.
    #[inline]
    pub fn string(&self, id: u16) -> &str {
        let found = self.draft.constants.strings.get(usize::from(id));
        found.map_or("", |text| text)
    }

    /// The set constant `id`; `None` for a number that the program never uses.
    #[inline]
    pub fn set(&self, id: u16) -> Option<&Set> {
        self.draft.constants.sets.get(usize::from(id))
    }

    /// The glob constant `id`.
    #[inline]
    pub fn pattern(&self, id: u16) -> Option<&Pattern> {
        self.draft.constants.patterns.get(usize::from(id))
    }

    /// The value constant `id`.
    #[inline]
    pub fn constant(&self, id: u16) -> &Value<'static> {
        let found = self.draft.constants.values.get(usize::from(id));
        found.unwrap_or(&Value::Null)
    }

    /// The constant `id` of members that a value is looked for in.
    #[inline]
    pub fn members(&self, id: u16) -> Option<&Members> {
        self.draft.constants.members.get(usize::from(id))
    }

    /// The constant `id` of regular expressions.
    #[inline]
    pub fn regex(&self, id: u16) -> Option<&Regex> {
        self.draft.constants.regexes.get(usize::from(id))
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
