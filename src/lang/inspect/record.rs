//! What is told while a condition is evaluated.
//!
//! Promises to keep of a macro the round that decided, or faulted, or was the
//! only one, and nothing of the others: memory does not grow with the elements.
//! Deliberately makes no texts: most of what is kept is never shown.

use std::collections::HashMap;

use crate::diagnostic::Span;

use super::super::fault::FaultKind;
use super::super::hir::{Expr, Node};
use super::super::value::Value;
use super::super::watch::Watch;

/// What was met at a place.
#[derive(Clone)]
pub(super) enum Met<'a> {
    /// A value.
    Value(Value<'a>),
    /// None.
    Fault(FaultKind),
    /// What a macro went over.
    Round(Round<'a>),
}

/// An element, or an entry: index or key, and value.
pub(super) type Element<'a> = (Value<'a>, Value<'a>);

/// What a macro went over.
#[derive(Clone, Default)]
pub(super) struct Round<'a> {
    /// How many elements it came to.
    pub count: usize,
    /// The first two of which its condition held.
    pub held: Vec<Element<'a>>,
    /// The first of which it did not.
    pub failed: Option<Element<'a>>,
    /// The first at which it faulted.
    pub faulted: Option<Element<'a>>,
    /// Whether what was met within it is kept.
    pub kept: bool,
}

type Log<'a> = Vec<(Span, Met<'a>)>;

/// Looks on.
#[derive(Default)]
pub(super) struct Recorder<'a> {
    log: Log<'a>,
    open: Vec<Open<'a>>,
}

/// A macro that is not done.
struct Open<'a> {
    span: Span,
    seeks: Option<bool>,
    /// Where in the log its rounds begin.
    mark: usize,
    current: Option<Element<'a>>,
    last: Option<bool>,
    /// What was met in the first round that faulted.
    faulty: Log<'a>,
    round: Round<'a>,
}

/// Everything that was kept.
#[derive(Default)]
pub(super) struct Record<'a> {
    values: HashMap<Span, Result<Value<'a>, FaultKind>>,
    rounds: HashMap<Span, Round<'a>>,
}

impl<'a> Recorder<'a> {
    pub fn finish(self) -> Record<'a> {
        let mut record = Record::default();
        for (span, met) in self.log {
            match met {
                Met::Value(value) => {
                    record.values.insert(span, Ok(value));
                }
                Met::Fault(kind) => {
                    record.values.insert(span, Err(kind));
                }
                Met::Round(round) => {
                    record.rounds.insert(span, round);
                }
            }
        }
        record
    }
}

impl<'a> Record<'a> {
    /// What was met at a place; nothing where nobody looked.
    pub fn at(&self, span: Span) -> Option<Result<&Value<'a>, FaultKind>> {
        let found = self.values.get(&span)?;
        Some(found.as_ref().map_err(|kind| *kind))
    }

    /// What the macro at a place went over.
    pub fn round(&self, span: Span) -> Option<&Round<'a>> {
        self.rounds.get(&span)
    }

    /// The truth of a condition, where somebody looked.
    pub fn truth(&self, node: &Node) -> Option<Result<bool, FaultKind>> {
        Some(match self.at(node.span)? {
            Ok(Value::Bool(holds)) => Ok(*holds),
            Ok(_) => Err(FaultKind::NoSuchOverload),
            Err(kind) => Err(kind),
        })
    }
}

impl<'a> Watch<'a> for Recorder<'a> {
    fn value(&mut self, of: &Expr, found: Result<&Value<'a>, FaultKind>) {
        let met = match found {
            Ok(value) => Met::Value(value.clone()),
            Err(kind) => Met::Fault(kind),
        };
        self.log.push((of.span, met));
    }

    fn truth(&mut self, of: &Node, found: Result<bool, FaultKind>) {
        let met = match found {
            Ok(holds) => Met::Value(Value::Bool(holds)),
            Err(kind) => Met::Fault(kind),
        };
        self.log.push((of.span, met));
    }

    fn enter(&mut self, span: Span, seeks: Option<bool>) {
        self.open.push(Open {
            span,
            seeks,
            mark: self.log.len(),
            current: None,
            last: None,
            faulty: Vec::new(),
            round: Round::default(),
        });
    }

    fn element(&mut self, key: &Value<'a>, value: &Value<'a>) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        if open.round.count == 0 {
            // What it is called on has been evaluated by now.
            open.mark = self.log.len();
        }
        self.log.truncate(open.mark);
        open.round.count += 1;
        open.current = Some((key.clone(), value.clone()));
    }

    fn judged(&mut self, found: Result<bool, FaultKind>) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let current = open.current.take();
        open.last = found.ok();
        match found {
            Ok(true) if open.round.held.len() < 2 => open.round.held.extend(current),
            Ok(false) if open.round.failed.is_none() => open.round.failed = current,
            Err(_) if open.round.faulted.is_none() => {
                open.round.faulted = current;
                let mark = open.mark.min(self.log.len());
                open.faulty = self.log.split_off(mark);
            }
            _ => {}
        }
    }

    fn leave(&mut self) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        let none = open.round.count == 0;
        let decided = open.seeks.is_some() && open.last == open.seeks;
        let only = open.round.count == 1 && open.round.faulted.is_none();
        if !none && !decided && !only {
            self.log.truncate(open.mark);
        }
        if !decided {
            self.log.append(&mut open.faulty);
        }
        open.round.kept = decided || only || open.round.faulted.is_some();
        self.log.push((open.span, Met::Round(open.round)));
    }
}
