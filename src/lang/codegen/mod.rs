//! From HIR to bytecode: one small function per kind of node.
//!
//! Every condition is generated in one shape: "jump to the target if its truth
//! is `sense`, else fall through". A part of a list that faults falls through
//! as well, after the fault has been noted for the list; so the commutative
//! `all` and `any` of [`super::hir`] cost nothing where nothing can fault.

mod condition;
mod expression;
mod loops;

use crate::diagnostic::Span;

use super::constants::Constants;
use super::hir::{Expr, LocalId, Predicate, Slot};
use super::program::{Draft, MAX_LEVELS, Op, Operand, Place, Region};
use super::verify::VerifyError;

use condition::Exit;

/// A predicate or expression that bytecode cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More instructions than 16 bits count, or more operands than 14.
    #[error(
        "it is too large: at most 65,535 comparisons and constants, and 16,384 values of each kind"
    )]
    TooLarge,
    /// Lists in lists in lists.
    #[error("it is nested too deeply: at most {MAX_LEVELS} lists in lists")]
    TooDeep,
    /// A defect of carry itself.
    #[error("the compiled form failed verification (a defect of carry): {0}")]
    Unverified(VerifyError),
}

/// The code of a predicate.
pub(super) fn predicate(predicate: &Predicate) -> Result<Draft, CompileError> {
    let root = &predicate.root;
    let mut generator = Generator::new(&predicate.slots)?;
    let no_match = generator.label();
    generator.condition(root, Exit::new(false, no_match))?;
    generator.push(Op::Match, root.span)?;
    generator.place(no_match)?;
    generator.push(Op::NoMatch, root.span)?;
    generator.finish()
}

/// The code of an expression over `slots`.
pub(super) fn expression(root: &Expr, slots: &[Slot]) -> Result<Draft, CompileError> {
    let mut generator = Generator::new(slots)?;
    let value = generator.operand(root)?;
    generator.push(Op::Return { value }, root.span)?;
    generator.finish()
}

/// A place in the code that may not be known yet.
#[derive(Clone, Copy)]
struct Label(u16);

struct Generator {
    /// Jump targets hold label numbers until `finish`.
    draft: Draft,
    constants: Constants,
    labels: Vec<u16>,
    /// How many lists are around the present place.
    notes: u8,
    /// The first register that holds nothing.
    free: u16,
    /// The registers of variables.
    locals: Vec<(LocalId, u16)>,
    builders: u8,
    iterators: u8,
}

impl Generator {
    fn new(slots: &[Slot]) -> Result<Generator, CompileError> {
        if let Some(last) = slots.len().checked_sub(1) {
            slot_operand(last)?;
        }
        let draft = Draft {
            slots: slots.to_vec(),
            ..Draft::default()
        };
        Ok(Generator {
            draft,
            constants: Constants::default(),
            labels: Vec::new(),
            notes: 0,
            free: 0,
            locals: Vec::new(),
            builders: 0,
            iterators: 0,
        })
    }

    /// A register that is free until `self.free` is set back.
    fn register(&mut self) -> Result<u16, CompileError> {
        let register = self.free;
        Operand::new(Place::Register(register)).ok_or(CompileError::TooLarge)?;
        self.free += 1;
        self.draft.registers = self.draft.registers.max(self.free);
        Ok(register)
    }

    /// A number for a list of conditions.
    fn enter(&mut self) -> Result<u8, CompileError> {
        take(&mut self.notes)
    }

    fn label(&mut self) -> Label {
        let id = self.labels.len();
        self.labels.push(u16::MAX);
        Label(u16::try_from(id).unwrap_or(u16::MAX))
    }

    fn place(&mut self, label: Label) -> Result<(), CompileError> {
        let at = self.here()?;
        let place = self.labels.get_mut(usize::from(label.0));
        *place.ok_or(CompileError::TooLarge)? = at;
        Ok(())
    }

    fn push(&mut self, op: Op, span: Span) -> Result<(), CompileError> {
        self.here()?;
        self.draft.code.push(op);
        self.draft.spans.push(span);
        Ok(())
    }

    fn always(&mut self, label: Label, span: Span) -> Result<(), CompileError> {
        self.push(Op::Always { target: label.0 }, span)
    }

    fn here(&self) -> Result<u16, CompileError> {
        match u16::try_from(self.draft.code.len()) {
            Ok(at) if at < u16::MAX => Ok(at),
            _ => Err(CompileError::TooLarge),
        }
    }

    /// Notes faults of the instructions since `start` at `note`.
    fn region(&mut self, start: u16, note: u8) -> Result<(), CompileError> {
        let end = self.here()?;
        if start < end {
            self.draft.regions.push(Region { start, end, note });
        }
        Ok(())
    }

    /// Puts places for labels, and takes in the constants.
    fn finish(mut self) -> Result<Draft, CompileError> {
        if self.labels.len() >= usize::from(u16::MAX) {
            return Err(CompileError::TooLarge);
        }
        for op in &mut self.draft.code {
            if let Some(target) = op.target_mut() {
                let label = self.labels.get(usize::from(*target));
                *target = label.copied().unwrap_or(u16::MAX);
            }
        }
        let regions = &mut self.draft.regions;
        regions.sort_by_key(|region| (region.start, std::cmp::Reverse(region.end), region.note));
        self.draft.constants = self.constants;
        Ok(self.draft)
    }
}

fn slot_operand(slot: usize) -> Result<Operand, CompileError> {
    let slot = u16::try_from(slot).map_err(|_| CompileError::TooLarge)?;
    Operand::new(Place::Slot(slot)).ok_or(CompileError::TooLarge)
}

fn narrow(constant: usize) -> Result<u16, CompileError> {
    u16::try_from(constant).map_err(|_| CompileError::TooLarge)
}

/// The next number of a counter that counts what is open.
fn take(counter: &mut u8) -> Result<u8, CompileError> {
    let own = *counter;
    if own == MAX_LEVELS {
        return Err(CompileError::TooDeep);
    }
    *counter += 1;
    Ok(own)
}
