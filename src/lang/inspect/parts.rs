//! The parts of a condition as it was written, with what was met at each.
//!
//! Promises a part for whatever has a value and is no constant, and none within
//! what was not looked at or may not be shown. Deliberately makes nothing up:
//! names of variables and what a slot's path leads through have no part.

use std::collections::HashSet;

use crate::diagnostic::Span;

use super::super::ast::{BinaryOp, Expr, ExprKind};
use super::super::hir::{Node, NodeKind};
use super::super::value::Value;
use super::record::{Element, Record, Round};
use super::short::short;
use super::sites::{Asks, Macro, Site, Sites};
use super::{Found, Part};

/// The parts that decide, and the one that does without any part of it.
pub(super) fn deciding(root: &Node, record: &Record<'_>) -> (HashSet<Span>, Option<Span>) {
    let mut marked = HashSet::new();
    let mut at = root;
    loop {
        let chosen = match &at.kind {
            NodeKind::Not(part) => Some(&**part),
            NodeKind::All(parts) | NodeKind::Any(parts) => {
                let decisive = matches!(at.kind, NodeKind::Any(_));
                let whole = record.truth(at);
                let decides = |part: &&Node| match (whole, record.truth(part)) {
                    (Some(Ok(own)), Some(Ok(holds))) => own == decisive && holds == decisive,
                    (Some(Err(_)), Some(Err(_))) => true,
                    _ => false,
                };
                let chosen = parts.iter().find(decides);
                let Some(chosen) = chosen else {
                    return (marked, None);
                };
                marked.insert(chosen.span);
                Some(chosen)
            }
            _ => None,
        };
        match chosen {
            Some(next) => at = next,
            None => return (marked, Some(at.span)),
        }
    }
}

/// The parts of `tree`, which stands in `text`.
pub(super) fn parts(
    (text, tree): (&str, &Expr),
    sites: &Sites,
    record: &Record<'_>,
    decides: &HashSet<Span>,
) -> Vec<Part> {
    let mut visit = Visit {
        text,
        whole: tree.span,
        sites,
        record,
        decides,
        parts: Vec::new(),
    };
    visit.visit(tree);
    visit.parts.sort_by_key(|part| (part.at, part.span.start));
    visit.parts
}

struct Visit<'v, 'a> {
    text: &'v str,
    whole: Span,
    sites: &'v Sites,
    record: &'v Record<'a>,
    decides: &'v HashSet<Span>,
    parts: Vec<Part>,
}

impl Visit<'_, '_> {
    fn visit(&mut self, of: &Expr) {
        let Some(site) = self.sites.at(of.span).copied() else {
            return self.visit_all(&of.parts());
        };
        if let Some(found) = self.found(of.span, &site) {
            // What was looked at before a private value was amiss tells of it.
            let amiss = site.reads.private && !site.joins && matches!(found, Found::Fault(..));
            let ends = matches!(found, Found::NotLookedAt | Found::Private)
                || amiss && !matches!(of.kind, ExprKind::Unary { .. });
            self.parts.push(Part {
                span: of.span,
                at: anchor(self.text, of),
                whole: of.span == self.whole,
                joins: site.joins,
                decides: self.decides.contains(&of.span),
                found,
            });
            if ends {
                return;
            }
        } else if !site.reads.something {
            return;
        }
        match site.goes_over {
            Some(own) => self.visit_macro(of, own),
            None if matches!(self.record.at(of.span), Some(Ok(_))) => self.visit_chain(of),
            None => self.visit_all(&of.parts()),
        }
    }

    /// Of a path that leads to a value only that value is shown.
    fn visit_chain(&mut self, of: &Expr) {
        match &of.kind {
            ExprKind::Select { operand, .. } if is_path(operand) => self.visit_chain(operand),
            ExprKind::Index { operand, index, .. } if is_path(operand) => {
                self.visit_chain(operand);
                self.visit(index);
            }
            _ => self.visit_all(&of.parts()),
        }
    }

    fn visit_all(&mut self, parts: &[&Expr]) {
        parts.iter().for_each(|part| self.visit(part));
    }

    /// What is within a macro is shown as it was in the round that is kept.
    fn visit_macro(&mut self, of: &Expr, own: Macro) {
        let ExprKind::Call { target, args, .. } = &of.kind else {
            return;
        };
        if let Some(target) = target {
            self.visit(target);
        }
        let round = self.record.round(of.span);
        let private = self
            .sites
            .at(of.span)
            .is_some_and(|site| site.reads.private);
        if !private && round.is_some_and(|round| round.kept) {
            let bodies = args.iter().skip(own.variables);
            bodies.for_each(|body| self.visit(body));
        }
    }

    /// What is shown of a place; nothing of constants that have a value.
    fn found(&self, span: Span, site: &Site) -> Option<Found> {
        if !site.reads.something {
            let kind = self.record.at(span)?.err()?;
            return Some(Found::Fault(kind, None));
        }
        if self.sites.is_private(span) {
            return Some(Found::Private);
        }
        let Some(met) = self.record.at(span) else {
            return Some(Found::NotLookedAt);
        };
        let round = self.record.round(span).zip(site.goes_over);
        let round = round.filter(|_| !site.reads.private);
        Some(match met {
            Ok(Value::Bool(holds)) => {
                let because = round.and_then(|(round, own)| because(round, own.asks, *holds));
                Found::Truth(*holds, because)
            }
            Ok(value) => Found::Value(short(value)),
            Err(kind) => {
                let at = round.and_then(|(round, _)| round.faulted.as_ref());
                Found::Fault(kind, at.map(element))
            }
        })
    }
}

fn is_path(of: &Expr) -> bool {
    matches!(
        of.kind,
        ExprKind::Ident { .. } | ExprKind::Select { .. } | ExprKind::Index { .. }
    )
}

/// Which element it was.
fn because(round: &Round<'_>, asks: Asks, holds: bool) -> Option<String> {
    let none_of = || match round.count {
        0 => "it is empty".to_owned(),
        count => format!("none of {count}"),
    };
    match (asks, holds) {
        (Asks::Makes, _) => None,
        (Asks::Every, true) => Some(match round.count {
            0 => "it is empty".to_owned(),
            count => format!("all {count}"),
        }),
        (Asks::Every, false) => round.failed.as_ref().map(element),
        (Asks::Some, true) => round.held.first().map(element),
        (Asks::One, true) => Some(format!("only {}", element(round.held.first()?))),
        (Asks::Some, false) => Some(none_of()),
        (Asks::One, false) => Some(match round.held.as_slice() {
            [first, second, ..] => format!("{} and {}", element(first), element(second)),
            _ => none_of(),
        }),
    }
}

/// An element with its index, or the key of an entry with its value.
fn element((key, value): &Element<'_>) -> String {
    format!("[{}] = {}", short(key), short(value))
}

/// Where the value of a node is best shown.
fn anchor(text: &str, of: &Expr) -> u32 {
    let after = |start: u32, wanted: char| {
        let rest = text.get(start as usize..).unwrap_or_default();
        let at = rest.find(wanted).and_then(|at| u32::try_from(at).ok());
        at.map_or(of.span.start, |at| start + at)
    };
    match &of.kind {
        ExprKind::Select { field, .. } => field.span.start,
        ExprKind::Index { operand, .. } => after(operand.span.end, '['),
        ExprKind::Call { function, .. } => function.span.start,
        ExprKind::Binary { op_span, .. } => op_span.0.start,
        ExprKind::Conditional { condition, .. } => after(condition.span.end, '?'),
        _ => of.span.start,
    }
}

/// Where the text of a condition may be broken, and how deep within it that
/// is: before operators, arguments and elements.
pub fn breaks(tree: &Expr) -> Vec<(u32, usize)> {
    let mut found = Vec::new();
    let mut open = vec![(tree, 0)];
    while let Some((of, depth)) = open.pop() {
        match &of.kind {
            ExprKind::Binary { op, op_span, .. } => {
                found.push((op_span.0.start, depth * 2 + weight(*op)));
            }
            ExprKind::Conditional { yes, no, .. } => {
                found.extend([(yes.span.start, depth * 2), (no.span.start, depth * 2)]);
            }
            // Before the dot, rather than between what belongs together more.
            ExprKind::Call {
                target: Some(_),
                function,
                ..
            } => found.push((function.span.start.saturating_sub(1), depth * 2 + 2)),
            _ => {}
        }
        let listed = match &of.kind {
            ExprKind::List(elements) => elements.iter().map(|own| &own.value).collect(),
            ExprKind::Map(entries) => entries.iter().map(|own| &own.key).collect(),
            ExprKind::Call { args, .. } => args.iter().collect(),
            _ => Vec::new(),
        };
        let later = listed.iter().skip(1);
        found.extend(later.map(|part| (part.span.start, depth * 2 + 1)));
        for part in of.parts() {
            let same = matches!((&of.kind, &part.kind),
                (ExprKind::Binary { op: one, .. }, ExprKind::Binary { op: other, .. }) if one == other);
            open.push((part, depth + usize::from(!same)));
        }
    }
    found
}

/// A comparison is rather kept together than what `&&` joins.
fn weight(op: BinaryOp) -> usize {
    usize::from(!matches!(op, BinaryOp::And | BinaryOp::Or))
}
