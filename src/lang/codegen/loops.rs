//! Code of macros over lists and maps.
//!
//! Promises that the only jump back is a loop's own, which takes fuel.

use crate::diagnostic::Span;

use super::super::hir::{Expr, Loop, LoopVars, Makes, Node, Quantified};
use super::super::program::{Check, Op};
use super::super::value::Value;
use super::condition::{Exit, in_register};
use super::{CompileError, Generator, Label, narrow, take};

/// A loop that has been begun.
struct Open {
    iterator: u8,
    head: Label,
    done: Label,
    /// How many variables were in scope outside.
    locals: usize,
}

impl Generator {
    /// `all` (`decisive` is false) and `exists`.
    pub(super) fn quantified(
        &mut self,
        over: &Quantified,
        decisive: bool,
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let behind = self.label();
        let decided = if exit.sense == decisive {
            exit.label
        } else {
            behind
        };
        let outside = self.notes;
        let open = self.open(&over.source, over.vars, span, |own, span| {
            let note = own.enter()?;
            own.push(Op::Enter { note }, span)
        })?;
        let note = outside;
        self.part(&over.body, note, Exit::new(decisive, decided))?;
        self.close(open, span)?;
        self.push(Op::Raise { note }, span)?;
        self.notes = outside;
        if exit.sense != decisive {
            self.always(exit.label, span)?;
        }
        self.place(behind)
    }

    /// `exists_one`: counts, since a fault in any element counts too.
    pub(super) fn exactly_one(
        &mut self,
        over: &Quantified,
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let register = self.register()?;
        let from = self.constant_operand(&Value::Int(0))?;
        self.push(Op::Move { to: register, from }, span)?;
        let open = self.open(&over.source, over.vars, span, |_, _| Ok(()))?;
        let next = self.label();
        self.condition(&over.body, Exit::new(false, next))?;
        self.push(Op::Count { register }, span)?;
        self.place(next)?;
        self.close(open, span)?;
        let one = narrow(self.constants.value(&Value::Int(1)))?;
        self.jump(Check::Equal, (in_register(register)?, one), span, exit)
    }

    /// `map`, `filter` and the like.
    pub(super) fn comprehension(
        &mut self,
        own: &Loop,
        to: u16,
        span: Span,
    ) -> Result<(), CompileError> {
        let outside = self.builders;
        let builder = self.builder()?;
        let begin = match own.makes {
            Makes::List(_) => Op::NewList { builder },
            Makes::Values(_) | Makes::Entries(_) => Op::NewMap { builder },
        };
        let open = self.open(&own.source, own.vars, span, |own, span| {
            own.push(begin, span)
        })?;
        let next = self.label();
        if let Some(filter) = &own.filter {
            self.filter(filter, next)?;
        }
        let free = self.free;
        self.made(own, builder)?;
        self.free = free;
        self.place(next)?;
        self.close(open, span)?;
        self.builders = outside;
        self.push(Op::Finish { builder, to }, span)
    }

    fn filter(&mut self, filter: &Node, next: Label) -> Result<(), CompileError> {
        self.condition(filter, Exit::new(false, next))
    }

    fn made(&mut self, own: &Loop, builder: u8) -> Result<(), CompileError> {
        match &own.makes {
            Makes::List(item) => {
                let value = self.operand(item)?;
                self.push(Op::Push { builder, value }, item.span)
            }
            Makes::Values(item) => {
                let value = self.operand(item)?;
                let key = match own.vars {
                    LoopVars::One(key) | LoopVars::Two(key, _) => key,
                };
                let key = in_register(self.local(key))?;
                self.push(
                    Op::Insert {
                        builder,
                        key,
                        value,
                    },
                    item.span,
                )
            }
            Makes::Entries(map) => {
                let value = self.operand(map)?;
                self.push(Op::InsertAll { builder, value }, map.span)
            }
        }
    }

    /// Begins a loop: everything up to its body. `before` is done once the
    /// source is known.
    fn open(
        &mut self,
        source: &Expr,
        vars: LoopVars,
        span: Span,
        before: impl FnOnce(&mut Self, Span) -> Result<(), CompileError>,
    ) -> Result<Open, CompileError> {
        let of = self.operand(source)?;
        let iterator = take(&mut self.iterators)?;
        self.draft.iterators = self.draft.iterators.max(self.iterators);
        let begin = Op::Iterate {
            iterator,
            source: of,
        };
        self.push(begin, source.span)?;
        before(self, span)?;
        let (head, done) = (self.label(), self.label());
        self.place(head)?;
        let locals = self.locals.len();
        let to = self.register()?;
        let exit = done.0;
        let next = match vars {
            LoopVars::One(local) => {
                self.locals.push((local, to));
                Op::Next { iterator, to, exit }
            }
            LoopVars::Two(key, value) => {
                let second = self.register()?;
                self.locals.extend([(key, to), (value, second)]);
                Op::NextEntry { iterator, to, exit }
            }
        };
        self.push(next, source.span)?;
        Ok(Open {
            iterator,
            head,
            done,
            locals,
        })
    }

    fn close(&mut self, open: Open, span: Span) -> Result<(), CompileError> {
        self.locals.truncate(open.locals);
        let again = Op::Again {
            iterator: open.iterator,
            target: open.head.0,
        };
        self.push(again, span)?;
        self.iterators = open.iterator;
        self.place(open.done)
    }
}
