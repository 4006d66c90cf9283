//! Code of conditions: tests and jumps, lists with their notes.
//!
//! Promises to leave no register and no number in use. Deliberately computes no
//! values (see `expression`).

use crate::diagnostic::Span;

use super::super::hir::{Comparison, Expr, ExprKind, Node, NodeKind, SlotId, Test};
use super::super::program::{Check, NO_PARENT, Op, Operand, Operands, Place};
use super::super::value::Value;
use super::{CompileError, Generator, Label, narrow, slot_operand};

/// Where a condition leaves to when its truth is `sense`.
#[derive(Clone, Copy)]
pub(super) struct Exit {
    pub sense: bool,
    pub label: Label,
}

impl Exit {
    pub(super) fn new(sense: bool, label: Label) -> Exit {
        Exit { sense, label }
    }
}

impl Generator {
    pub(super) fn condition(&mut self, node: &Node, exit: Exit) -> Result<(), CompileError> {
        let free = self.free;
        let span = node.span;
        match &node.kind {
            NodeKind::Const(value) => self.constant(*value, span, exit),
            NodeKind::Test { slot, test } => self.test(*slot, test, span, exit),
            NodeKind::Compare { of, with } => self.compare(of, with, span, exit),
            NodeKind::Holds(expr) => self.holds(expr, exit),
            NodeKind::Not(part) => self.condition(part, Exit::new(!exit.sense, exit.label)),
            NodeKind::All(parts) => self.list(parts, false, node, exit),
            NodeKind::Any(parts) => self.list(parts, true, node, exit),
            NodeKind::Every(over) => self.quantified(over, false, span, exit),
            NodeKind::Some(over) => self.quantified(over, true, span, exit),
            NodeKind::One(over) => self.exactly_one(over, span, exit),
        }?;
        self.free = free;
        Ok(())
    }

    fn constant(&mut self, value: bool, span: Span, exit: Exit) -> Result<(), CompileError> {
        if value == exit.sense {
            self.always(exit.label, span)?;
        }
        Ok(())
    }

    pub(super) fn jump(
        &mut self,
        check: Check,
        (of, constant): (Operand, u16),
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let operands = Operands {
            of,
            constant,
            target: exit.label.0,
        };
        let op = match exit.sense {
            true => Op::If(check, operands),
            false => Op::Unless(check, operands),
        };
        self.push(op, span)
    }

    fn test(
        &mut self,
        slot: SlotId,
        test: &Test,
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let (check, constant) = match test {
            Test::Present => (Check::Present, 0),
            Test::Equals(text) => (Check::TextEqual, self.constants.string(text)),
            Test::OneOf(texts) => (Check::TextIn, self.constants.set(texts)),
            Test::Matches(pattern) => (Check::TextMatches, self.constants.pattern(pattern)),
        };
        let of = slot_operand(slot.0.into())?;
        self.jump(check, (of, narrow(constant)?), span, exit)
    }

    fn compare(
        &mut self,
        of: &Expr,
        with: &Comparison,
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let of = self.operand(of)?;
        let (check, constant) = self.comparison(with);
        self.jump(check, (of, narrow(constant)?), span, exit)
    }

    fn comparison(&mut self, with: &Comparison) -> (Check, usize) {
        let constants = &mut self.constants;
        match with {
            Comparison::Equal(Value::String(text)) => (Check::EqualString, constants.string(text)),
            Comparison::Equal(value) => (Check::Equal, constants.value(value)),
            Comparison::Less(value) => (Check::Less, constants.value(value)),
            Comparison::LessEqual(value) => (Check::LessEqual, constants.value(value)),
            Comparison::Greater(value) => (Check::Greater, constants.value(value)),
            Comparison::GreaterEqual(value) => (Check::GreaterEqual, constants.value(value)),
            Comparison::In(all) => (Check::In, constants.members(all)),
            Comparison::StartsWith(text) => (Check::StartsWith, constants.string(text)),
            Comparison::EndsWith(text) => (Check::EndsWith, constants.string(text)),
            Comparison::Contains(text) => (Check::Contains, constants.string(text)),
            Comparison::Matches(regex) => (Check::Matches, constants.regex(regex)),
        }
    }

    /// An expression as a condition; what jumps anyway needs no register.
    fn holds(&mut self, expr: &Expr, exit: Exit) -> Result<(), CompileError> {
        match &expr.kind {
            ExprKind::Truth(node) => self.condition(node, exit),
            ExprKind::Const(Value::Bool(value)) => self.constant(*value, expr.span, exit),
            ExprKind::If { condition, yes, no } => {
                self.choice_holds((condition, yes, no), expr.span, exit)
            }
            ExprKind::HasSlot { slot, parent } => {
                let parent = parent.map_or(NO_PARENT, |parent| parent.0);
                let of = slot_operand(slot.0.into())?;
                self.jump(Check::HasSlot, (of, parent), expr.span, exit)
            }
            ExprKind::Has { of, name } => {
                let of = self.operand(of)?;
                let name = narrow(self.constants.string(name))?;
                self.jump(Check::HasField, (of, name), expr.span, exit)
            }
            _ => {
                let of = self.operand(expr)?;
                self.jump(Check::True, (of, 0), expr.span, exit)
            }
        }
    }

    fn choice_holds(
        &mut self,
        (condition, yes, no): (&Node, &Expr, &Expr),
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let (otherwise, behind) = (self.label(), self.label());
        self.condition(condition, Exit::new(false, otherwise))?;
        self.holds(yes, exit)?;
        self.always(behind, span)?;
        self.place(otherwise)?;
        self.holds(no, exit)?;
        self.place(behind)
    }

    /// `decisive` is the truth of a part that decides the whole list.
    fn list(
        &mut self,
        parts: &[Node],
        decisive: bool,
        node: &Node,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let behind = self.label();
        let decided = if exit.sense == decisive {
            exit.label
        } else {
            behind
        };
        let leave = Exit::new(decisive, decided);
        if self.may_fault(node) {
            let outside = self.notes;
            let note = self.enter()?;
            self.push(Op::Enter { note }, node.span)?;
            for part in parts {
                self.part(part, note, leave)?;
            }
            self.push(Op::Raise { note }, node.span)?;
            self.notes = outside;
        } else {
            for part in parts {
                self.condition(part, leave)?;
            }
        }
        if exit.sense != decisive {
            self.always(exit.label, node.span)?;
        }
        self.place(behind)
    }

    /// A part of a list, whose faults are noted for the list.
    pub(super) fn part(&mut self, part: &Node, note: u8, leave: Exit) -> Result<(), CompileError> {
        let start = self.here()?;
        self.condition(part, leave)?;
        if self.may_fault(part) {
            self.region(start, note)?;
        }
        Ok(())
    }

    fn may_fault(&self, node: &Node) -> bool {
        match &node.kind {
            NodeKind::Test { slot, .. } => {
                let slot = self.draft.slots.get(usize::from(slot.0));
                slot.is_none_or(|slot| slot.may_fault)
            }
            NodeKind::Const(_) => false,
            NodeKind::Not(_) | NodeKind::All(_) | NodeKind::Any(_) => {
                node.parts().iter().any(|part| self.may_fault(part))
            }
            _ => true,
        }
    }
}

/// The operand for a register, which is known to be in range.
pub(super) fn in_register(register: u16) -> Result<Operand, CompileError> {
    Operand::new(Place::Register(register)).ok_or(CompileError::TooLarge)
}
