//! Fields that may be absent, and the guards before they are read.
//!
//! Promises one warning for each place that is read without a guard, with the
//! text of a guard. Deliberately knows only guards that are written as such:
//! `has`, `in`, `hasValue`.

use std::ops::Range;

use crate::lang::ast::{BinaryOp, Expr, ExprKind, Literal};

use super::checker::Checker;
use super::names::Found;
use super::places::{Facts, Part, Place, Root};

/// How deep an expression may be to be the root or a step of a place: places
/// are compared often.
const MAX_DEPTH: u32 = 12;

impl<'a> Checker<'a> {
    /// The place that a chain of selections leads to, if it is one that is the
    /// same wherever it is written.
    pub fn place(&self, chain: &'a Expr) -> Option<Place<'a>> {
        let mut steps = Vec::new();
        let mut at = chain;
        while let ExprKind::Select { operand, .. } | ExprKind::Index { operand, .. } = &at.kind {
            steps.push(at);
            at = operand;
        }
        steps.reverse();
        let (mut place, used) = self.root(at, &steps)?;
        for step in steps.get(used..).unwrap_or_default() {
            place.parts.push(part(step)?);
        }
        Some(place)
    }

    fn root(&self, at: &'a Expr, steps: &[&'a Expr]) -> Option<(Place<'a>, usize)> {
        let at_start = |root| Place {
            root,
            parts: Vec::new(),
        };
        let ExprKind::Ident { .. } = &at.kind else {
            return shallow(at, MAX_DEPTH).then(|| (at_start(Root::Value(at)), 0));
        };
        match self.resolve(at, steps)? {
            (Found::Local(local), used) => Some((local.place.clone()?, used)),
            (Found::Variable(name, _), used) => Some((at_start(Root::Variable(name)), used)),
            (Found::Type(_), _) => None,
        }
    }

    /// What is present if a condition holds, and if it does not. `&&`, `||`
    /// and `!` put such facts together.
    pub fn facts(&self, from: &'a Expr) -> Facts<'a> {
        let mut facts = Facts::default();
        facts.yes.extend(self.tested(from));
        facts
    }

    fn tested(&self, from: &'a Expr) -> Option<Place<'a>> {
        match &from.kind {
            ExprKind::Binary {
                op: BinaryOp::In,
                left,
                right,
                ..
            } => {
                let mut place = self.place(right)?;
                place.parts.push(key(left)?);
                Some(place)
            }
            ExprKind::Call {
                target,
                function,
                args,
            } => match (target, function.text.as_str(), args.as_slice()) {
                (None, "has", [tested]) if self.options.macros => self.place(tested),
                (Some(tested), "hasValue", []) => self.place(tested),
                _ => None,
            },
            _ => None,
        }
    }

    /// Of conditions that are joined by `&&`, each is only of interest where
    /// the others hold: whatever the order, the whole is false where one is.
    pub fn guard(&mut self, reads: &[Range<usize>], facts: &[Facts<'a>]) {
        for (at, within) in reads.iter().enumerate() {
            for (other, facts) in facts.iter().enumerate() {
                if other != at && !facts.yes.is_empty() && !within.is_empty() {
                    self.reads.discharge(within.clone(), &facts.yes);
                }
            }
        }
    }
}

fn part(step: &Expr) -> Option<Part<'_>> {
    match &step.kind {
        ExprKind::Select { field, .. } => Some(Part::Name(&field.name)),
        ExprKind::Index { index, .. } => key(index),
        _ => None,
    }
}

fn key(index: &Expr) -> Option<Part<'_>> {
    match &index.kind {
        ExprKind::Literal(Literal::String(name)) => Some(Part::Name(name)),
        _ => shallow(index, MAX_DEPTH).then_some(Part::At(index)),
    }
}

/// Whether an expression is at most `depth` levels deep, and without macros:
/// their variables would be others elsewhere.
fn shallow(from: &Expr, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match &from.kind {
        ExprKind::Literal(_) | ExprKind::Ident { .. } => true,
        ExprKind::Select { operand, .. } | ExprKind::Unary { operand, .. } => {
            shallow(operand, depth)
        }
        ExprKind::Index { operand, index, .. } => shallow(operand, depth) && shallow(index, depth),
        ExprKind::Call { target, args, .. } => {
            target.iter().all(|target| shallow(target, depth))
                && args.iter().all(|arg| shallow(arg, depth))
        }
        ExprKind::Binary { left, right, .. } => shallow(left, depth) && shallow(right, depth),
        _ => false,
    }
}
