//! Code of expressions: values in registers.
//!
//! Promises that a slot or constant is used where it lies, without a copy.
//! Deliberately leaves registers in use to whoever asked for the value: a
//! condition frees them all at its end.

use crate::diagnostic::Span;

use super::super::function::Function;
use super::super::hir::{Element, Entry, Expr, ExprKind, LocalId, Node, SlotId};
use super::super::program::{NO_PARENT, Op, Operand, Place};
use super::super::value::Value;
use super::condition::{Exit, in_register};
use super::{CompileError, Generator, narrow, slot_operand, take};

impl Generator {
    /// Where the value of `expr` is; a new register where it is computed.
    pub(super) fn operand(&mut self, expr: &Expr) -> Result<Operand, CompileError> {
        match &expr.kind {
            ExprKind::Const(value) => self.constant_operand(value),
            ExprKind::Slot(slot) => slot_operand(slot.0.into()),
            ExprKind::Local(local) => in_register(self.local(*local)),
            _ => self.copied(expr),
        }
    }

    /// Where two values are. A slot is read where it is used: one whose fault
    /// would come behind a fault of the second is copied before that.
    fn operands(&mut self, a: &Expr, b: &Expr) -> Result<(Operand, Operand), CompileError> {
        let is_slot = matches!(a.kind, ExprKind::Slot(_));
        let computes = !matches!(
            b.kind,
            ExprKind::Const(_) | ExprKind::Slot(_) | ExprKind::Local(_)
        );
        let a = match is_slot && computes {
            true => self.copied(a)?,
            false => self.operand(a)?,
        };
        Ok((a, self.operand(b)?))
    }

    /// Its value in a new register.
    fn copied(&mut self, expr: &Expr) -> Result<Operand, CompileError> {
        let to = self.register()?;
        self.value(expr, to)?;
        in_register(to)
    }

    pub(super) fn constant_operand(
        &mut self,
        value: &Value<'static>,
    ) -> Result<Operand, CompileError> {
        let constant = narrow(self.constants.value(value))?;
        Operand::new(Place::Constant(constant)).ok_or(CompileError::TooLarge)
    }

    /// The register of a variable. Checked HIR uses none outside of its scope;
    /// the one that stands for it then is never written.
    pub(super) fn local(&self, local: LocalId) -> u16 {
        let found = self.locals.iter().rev().find(|(own, _)| *own == local);
        found.map_or(0, |(_, register)| *register)
    }

    /// Computes `expr` into the register `to`. Registers above it are free
    /// again afterwards.
    pub(super) fn value(&mut self, expr: &Expr, to: u16) -> Result<(), CompileError> {
        let free = self.free;
        let span = expr.span;
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Slot(_) | ExprKind::Local(_) => {
                let from = self.operand(expr)?;
                self.push(Op::Move { to, from }, span)
            }
            ExprKind::Field { of, name } => {
                let (of, name) = self.named(of, name)?;
                self.push(Op::Field { to, of, name }, span)
            }
            ExprKind::OptionalField { of, name } => {
                let (of, name) = self.named(of, name)?;
                self.push(Op::OptionalField { to, of, name }, span)
            }
            ExprKind::OptionalSlot { slot, parent } => self.optional_slot(*slot, *parent, to, span),
            ExprKind::Has { .. } | ExprKind::HasSlot { .. } => self.truth(&holds(expr), to, span),
            ExprKind::Truth(node) => self.truth(node, to, span),
            ExprKind::Call { function, args } => self.call(*function, args, to, span),
            ExprKind::If { condition, yes, no } => self.choice((condition, yes, no), to, span),
            ExprKind::List(elements) => self.list_literal(elements, to, span),
            ExprKind::Map(entries) => self.map_literal(entries, to, span),
            ExprKind::Loop(own) => self.comprehension(own, to, span),
            ExprKind::Bind { local, value, body } => self.bind(*local, value, body, to),
            ExprKind::OptionalMap {
                target,
                local,
                body,
                flat,
            } => self.optional_map((target, *local, body, *flat), to, span),
            ExprKind::OptionalOr {
                target,
                other,
                value,
            } => self.optional_or((target, other, *value), to, span),
            ExprKind::Undeclared => self.push(Op::Undeclared, span),
        }?;
        self.free = free;
        Ok(())
    }

    fn named(&mut self, of: &Expr, name: &str) -> Result<(Operand, u16), CompileError> {
        let of = self.operand(of)?;
        Ok((of, narrow(self.constants.string(name))?))
    }

    fn optional_slot(
        &mut self,
        slot: SlotId,
        parent: Option<SlotId>,
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let parent = parent.map_or(NO_PARENT, |parent| parent.0);
        let slot = slot.0;
        self.push(Op::OptionalSlot { to, slot, parent }, span)
    }

    /// A condition as a value.
    fn truth(&mut self, node: &Node, to: u16, span: Span) -> Result<(), CompileError> {
        let (otherwise, behind) = (self.label(), self.label());
        self.condition(node, Exit::new(false, otherwise))?;
        self.set(true, to, span)?;
        self.always(behind, span)?;
        self.place(otherwise)?;
        self.set(false, to, span)?;
        self.place(behind)
    }

    fn set(&mut self, value: bool, to: u16, span: Span) -> Result<(), CompileError> {
        let from = self.constant_operand(&Value::Bool(value))?;
        self.push(Op::Move { to, from }, span)
    }

    fn call(
        &mut self,
        function: Function,
        args: &[Expr],
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        match args {
            [a] => {
                let a = self.operand(a)?;
                self.push(Op::Call1 { function, to, a }, span)
            }
            [a, b] => {
                let (a, b) = self.operands(a, b)?;
                self.push(Op::Call2 { function, to, a, b }, span)
            }
            args => self.long_call(function, args, to, span),
        }
    }

    fn long_call(
        &mut self,
        function: Function,
        args: &[Expr],
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let first = self.free;
        let count = narrow(args.len())?;
        for _ in args {
            self.register()?;
        }
        for (arg, register) in args.iter().zip(first..) {
            self.value(arg, register)?;
        }
        let call = Op::Call {
            function,
            to,
            first,
            count,
        };
        self.push(call, span)
    }

    fn choice(
        &mut self,
        (condition, yes, no): (&Node, &Expr, &Expr),
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let (otherwise, behind) = (self.label(), self.label());
        self.condition(condition, Exit::new(false, otherwise))?;
        self.value(yes, to)?;
        self.always(behind, span)?;
        self.place(otherwise)?;
        self.value(no, to)?;
        self.place(behind)
    }

    fn list_literal(
        &mut self,
        elements: &[Element],
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let outside = self.builders;
        let builder = self.builder()?;
        self.push(Op::NewList { builder }, span)?;
        for element in elements {
            let free = self.free;
            let value = self.operand(&element.value)?;
            let op = match element.optional {
                true => Op::PushOptional { builder, value },
                false => Op::Push { builder, value },
            };
            self.push(op, element.value.span)?;
            self.free = free;
        }
        self.builders = outside;
        self.push(Op::Finish { builder, to }, span)
    }

    fn map_literal(&mut self, entries: &[Entry], to: u16, span: Span) -> Result<(), CompileError> {
        let outside = self.builders;
        let builder = self.builder()?;
        self.push(Op::NewMap { builder }, span)?;
        for entry in entries {
            let free = self.free;
            let (key, value) = self.operands(&entry.key, &entry.value)?;
            let op = match entry.optional {
                true => Op::InsertOptional {
                    builder,
                    key,
                    value,
                },
                false => Op::Insert {
                    builder,
                    key,
                    value,
                },
            };
            self.push(op, entry.key.span)?;
            self.free = free;
        }
        self.builders = outside;
        self.push(Op::Finish { builder, to }, span)
    }

    pub(super) fn builder(&mut self) -> Result<u8, CompileError> {
        let builder = take(&mut self.builders)?;
        self.draft.builders = self.draft.builders.max(self.builders);
        Ok(builder)
    }

    fn bind(
        &mut self,
        local: LocalId,
        value: &Expr,
        body: &Expr,
        to: u16,
    ) -> Result<(), CompileError> {
        let register = self.register()?;
        self.value(value, register)?;
        self.locals.push((local, register));
        self.value(body, to)?;
        self.locals.pop();
        Ok(())
    }

    fn optional_map(
        &mut self,
        (target, local, body, flat): (&Expr, LocalId, &Expr, bool),
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let (none, behind) = (self.label(), self.label());
        let from = self.operand(target)?;
        let register = self.register()?;
        let unwrap = Op::Unwrap {
            to: register,
            from,
            none: none.0,
        };
        self.push(unwrap, target.span)?;
        self.locals.push((local, register));
        self.value(body, to)?;
        self.locals.pop();
        if !flat {
            let from = in_register(to)?;
            self.push(Op::Wrap { to, from }, span)?;
        }
        self.always(behind, span)?;
        self.place(none)?;
        let from = self.constant_operand(&Value::Optional(None))?;
        self.push(Op::Move { to, from }, span)?;
        self.place(behind)
    }

    fn optional_or(
        &mut self,
        (target, other, value): (&Expr, &Expr, bool),
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let (none, behind) = (self.label(), self.label());
        let from = self.operand(target)?;
        let unwrap = Op::Unwrap {
            to,
            from,
            none: none.0,
        };
        self.push(unwrap, target.span)?;
        if !value {
            let from = in_register(to)?;
            self.push(Op::Wrap { to, from }, span)?;
        }
        self.always(behind, span)?;
        self.place(none)?;
        self.value(other, to)?;
        self.place(behind)
    }
}

/// The condition that an expression is.
fn holds(expr: &Expr) -> Node {
    let kind = super::super::hir::NodeKind::Holds(Box::new(expr.clone()));
    Node::new(kind, expr.span)
}
