//! Which parts of a condition have a value, and which of them are private.
//!
//! Promises that whatever is computed of a private slot is private, and so is
//! whether something is looked at where a private value decides that.
//! Deliberately evaluates nothing.

use std::collections::HashMap;

use crate::diagnostic::Span;

use super::super::hir::{
    Expr, ExprKind, LocalId, Loop, LoopVars, Makes, Node, NodeKind, Quantified, SlotId,
};

/// What is known of a part before it is evaluated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Site {
    /// What it depends on.
    pub reads: Reads,
    /// Whether it is a condition that `&&`, `||` and `!` join to the whole.
    pub condition: bool,
    /// Whether it is `&&` or `||`.
    pub joins: bool,
    /// What macro it is.
    pub goes_over: Option<Macro>,
}

/// What a part depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Anything that is not known before.
    pub something: bool,
    /// Anything private.
    pub private: bool,
}

/// A macro that goes over elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Macro {
    /// How many of its arguments are names of variables.
    pub variables: usize,
    /// What it asks.
    pub asks: Asks,
}

/// What a macro asks of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Whether all satisfy its condition.
    Every,
    /// Whether any does.
    Some,
    /// Whether exactly one does.
    One,
    /// Nothing: it makes a list or map of them.
    Makes,
}

/// The parts of a condition by their places.
#[derive(Default)]
pub(super) struct Sites {
    sites: HashMap<Span, Site>,
    /// Where whether something is looked at is private.
    veiled: Vec<Span>,
}

struct Walk<'p> {
    private: &'p dyn Fn(SlotId) -> bool,
    locals: HashMap<LocalId, Reads>,
    found: Sites,
}

impl Sites {
    /// The parts of `node`.
    pub fn of(node: &Node, private: &dyn Fn(SlotId) -> bool) -> Sites {
        let mut walk = Walk {
            private,
            locals: HashMap::new(),
            found: Sites::default(),
        };
        walk.node(node, true);
        walk.found
    }

    pub fn at(&self, span: Span) -> Option<&Site> {
        self.sites.get(&span)
    }

    /// Whether nothing may be shown of it.
    pub fn is_private(&self, span: Span) -> bool {
        let within = |veil: &Span| veil.start <= span.start && span.end <= veil.end;
        let own = self.sites.get(&span).copied().unwrap_or_default();
        own.reads.private && !own.condition || self.veiled.iter().any(within)
    }

    /// One place may be that of a condition and of the expression that it is.
    fn add(&mut self, span: Span, site: Site) {
        let own = self.sites.entry(span).or_default();
        own.reads = own.reads.and(site.reads);
        own.condition |= site.condition;
        own.joins |= site.joins;
        own.goes_over = own.goes_over.or(site.goes_over);
    }
}

impl Reads {
    const CONSTANT: Reads = Reads {
        something: false,
        private: false,
    };

    fn and(self, other: Reads) -> Reads {
        Reads {
            something: self.something || other.something,
            private: self.private || other.private,
        }
    }
}

impl Walk<'_> {
    fn veil(&mut self, span: Span) {
        self.found.veiled.push(span);
    }

    fn slot(&self, slot: SlotId) -> Reads {
        Reads {
            something: true,
            private: (self.private)(slot),
        }
    }

    /// `condition`: whether it is joined to the whole.
    fn node(&mut self, of: &Node, condition: bool) -> Reads {
        let mut goes_over = None;
        let reads = match &of.kind {
            NodeKind::Const(_) => Reads::CONSTANT,
            NodeKind::Test { slot, .. } => self.slot(*slot),
            NodeKind::Not(part) => self.node(part, condition),
            NodeKind::All(parts) | NodeKind::Any(parts) => self.joined(of.span, parts, condition),
            NodeKind::Holds(value) | NodeKind::Compare { of: value, .. } => self.expr(value),
            NodeKind::Every(over) => self.quantified(over, Asks::Every, &mut goes_over),
            NodeKind::Some(over) => self.quantified(over, Asks::Some, &mut goes_over),
            NodeKind::One(over) => self.quantified(over, Asks::One, &mut goes_over),
        };
        let site = Site {
            reads,
            condition,
            joins: matches!(of.kind, NodeKind::All(_) | NodeKind::Any(_)),
            goes_over,
        };
        self.found.add(of.span, site);
        reads
    }

    fn joined(&mut self, span: Span, parts: &[Node], condition: bool) -> Reads {
        let parts = parts.iter().map(|part| self.node(part, condition));
        let reads = parts.fold(Reads::CONSTANT, Reads::and);
        if reads.private && !condition {
            self.veil(span);
        }
        reads
    }

    fn quantified(&mut self, over: &Quantified, asks: Asks, into: &mut Option<Macro>) -> Reads {
        let source = self.expr(&over.source);
        *into = Some(self.declare(over.vars, source, asks));
        let reads = source.and(self.node(&over.body, false));
        if reads.private {
            self.veil(over.body.span);
        }
        reads
    }

    /// Variables of a loop depend on what it goes over.
    fn declare(&mut self, vars: LoopVars, source: Reads, asks: Asks) -> Macro {
        let reads = Reads {
            something: true,
            ..source
        };
        let variables = match vars {
            LoopVars::One(only) => {
                self.locals.insert(only, reads);
                1
            }
            LoopVars::Two(first, second) => {
                self.locals.extend([(first, reads), (second, reads)]);
                2
            }
        };
        Macro { variables, asks }
    }

    fn expr(&mut self, of: &Expr) -> Reads {
        let mut goes_over = None;
        let reads = match &of.kind {
            ExprKind::Const(_) | ExprKind::Undeclared => Reads::CONSTANT,
            ExprKind::Slot(slot)
            | ExprKind::HasSlot { slot, .. }
            | ExprKind::OptionalSlot { slot, .. } => self.slot(*slot),
            ExprKind::Local(local) => self.locals.get(local).copied().unwrap_or_default(),
            ExprKind::Field { of, .. }
            | ExprKind::OptionalField { of, .. }
            | ExprKind::Has { of, .. } => self.expr(of),
            ExprKind::Call { args, .. } => self.exprs(args.iter()),
            ExprKind::Truth(node) => self.node(node, false),
            ExprKind::If { condition, yes, no } => {
                let reads = self.node(condition, false);
                self.depending(reads, [yes, no])
            }
            ExprKind::List(elements) => self.exprs(elements.iter().map(|own| &own.value)),
            ExprKind::Map(entries) => {
                self.exprs(entries.iter().flat_map(|own| [&own.key, &own.value]))
            }
            ExprKind::Loop(own) => self.comprehension(own, &mut goes_over),
            ExprKind::Bind { local, value, body } => {
                let bound = self.expr(value);
                self.locals.insert(*local, bound);
                bound.and(self.expr(body))
            }
            ExprKind::OptionalMap {
                target,
                local,
                body,
                ..
            } => {
                let held = self.expr(target);
                self.locals.insert(*local, held);
                self.depending(held, [body])
            }
            ExprKind::OptionalOr { target, other, .. } => {
                let held = self.expr(target);
                self.depending(held, [other])
            }
        };
        let site = Site {
            reads,
            goes_over,
            ..Site::default()
        };
        self.found.add(of.span, site);
        reads
    }

    fn exprs<'e>(&mut self, all: impl Iterator<Item = &'e Expr>) -> Reads {
        let all = all.map(|one| self.expr(one));
        all.fold(Reads::CONSTANT, Reads::and)
    }

    /// What is looked at only as `reads` says.
    fn depending<const N: usize>(&mut self, reads: Reads, on: [&Expr; N]) -> Reads {
        on.into_iter().fold(reads, |all, one| {
            if reads.private {
                self.veil(one.span);
            }
            all.and(self.expr(one))
        })
    }

    fn comprehension(&mut self, own: &Loop, into: &mut Option<Macro>) -> Reads {
        let source = self.expr(&own.source);
        *into = Some(self.declare(own.vars, source, Asks::Makes));
        let filter = own.filter.as_ref();
        let filtered = filter.map_or(Reads::CONSTANT, |node| self.node(node, false));
        let (Makes::List(made) | Makes::Values(made) | Makes::Entries(made)) = &own.makes;
        let reads = source.and(filtered).and(self.expr(made));
        if reads.private {
            let filter = filter.map(|node| node.span);
            filter
                .into_iter()
                .chain([made.span])
                .for_each(|span| self.veil(span));
        }
        reads
    }
}
