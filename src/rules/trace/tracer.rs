//! From a rule's predicate and the values of its slots to conditions that say
//! how they came out.
//!
//! Promises the truth that the oracle says of each node. Deliberately words
//! nothing but titles.

use crate::k8s::Step;
use crate::lang::hir::{Expr, ExprKind, Node, NodeKind, Predicate, SlotId};
use crate::lang::inspect::short;
use crate::lang::{Value, listing, oracle};

use super::super::member::bind;
use super::super::shown;
use super::super::slots::SlotSource;
use super::super::written::Written;
use super::condition::{Actual, Compared, Condition, Join};
use super::expression::Expression;
use super::truth::Truth;

/// Longer texts are cut: no name of Kubernetes is longer.
const TEXT: usize = 253;

/// One predicate over one value.
pub(super) struct Tracer<'t, 'v> {
    pub predicate: &'t Predicate,
    /// What its slots stand for, and where each is among `values`.
    pub sources: &'t [SlotSource],
    pub binding: &'t [u16],
    /// Its conditions in CEL as they were written.
    pub conditions: &'t [Written],
    pub values: &'t [Value<'v>],
    pub redact: bool,
}

impl Tracer<'_, '_> {
    /// The predicate as a condition.
    pub fn whole(&self) -> Condition {
        let mut whole = self.condition(&self.predicate.root, "");
        whole.mark_deciding();
        whole
    }

    /// How it comes out.
    pub fn truth(&self) -> Truth {
        let slots = bind(self.values, self.binding);
        Truth::from(oracle::truth(&self.predicate.root, &slots))
    }

    /// A list of one, without a name of its own, is its only part. `within` is
    /// where in the rule that is.
    fn condition(&self, node: &Node, within: &str) -> Condition {
        if let NodeKind::All(parts) | NodeKind::Any(parts) = &node.kind
            && let [only] = parts.as_slice()
            && node.title.is_empty()
        {
            return self.condition(only, within);
        }
        let slots = bind(self.values, self.binding);
        let truth = Truth::from(oracle::truth(node, &slots));
        if node.title == "when" {
            return self.when(node, truth, within);
        }
        let within = match node.title.starts_with("excludes[") {
            true => format!("{}.", node.title),
            false => within.to_owned(),
        };
        Condition {
            joins: joins(node),
            compares: self.compared(node),
            actual: self.actual(node),
            parts: self.parts(node, &within),
            ..Condition::new(&node.title, self.title(node), node.span, truth)
        }
    }

    fn when(&self, node: &Node, truth: Truth, within: &str) -> Condition {
        let place = format!("{within}when");
        let written = self.conditions.iter().find(|own| own.place == place);
        let private = |slot: SlotId| {
            let source = self.sources.get(usize::from(slot.0));
            self.redact && source.is_none_or(is_private)
        };
        let slots = bind(self.values, self.binding);
        Condition {
            expression: written.map(|own| Expression::of(own, &slots, &private, truth)),
            ..Condition::new("when", "when".to_owned(), node.span, truth)
        }
    }

    /// A negated comparison reads better as one line.
    fn parts(&self, node: &Node, within: &str) -> Vec<Condition> {
        let parts = match &node.kind {
            NodeKind::Not(part) if !is_joined(part) => &[],
            // `excludes` is "none of"; its parts are the entries.
            NodeKind::Not(part) => part.parts(),
            _ => node.parts(),
        };
        let parts = parts.iter().map(|part| self.condition(part, within));
        parts.collect()
    }

    fn title(&self, node: &Node) -> String {
        let own = match &node.kind {
            NodeKind::Const(true) => "any".to_owned(),
            NodeKind::Const(false) => "none".to_owned(),
            NodeKind::Test { slot, test } => {
                let source = self.sources.get(usize::from(slot.0));
                let name = source.map(SlotSource::to_string).unwrap_or_default();
                let own = listing::comparison(&name, test);
                if name == node.title {
                    // `group: group == ""` says it twice.
                    return own;
                }
                own
            }
            NodeKind::Not(part) if !is_joined(part) => format!("not ({})", self.title(part)),
            NodeKind::Not(_) => "none of".to_owned(),
            NodeKind::All(_) => "all of".to_owned(),
            NodeKind::Any(_) => "any of".to_owned(),
            _ => listing::on_one_line(node, &self.predicate.slots),
        };
        match node.title.as_str() {
            "" if is_resource(self.sources, node) => format!("resource: {own}"),
            "" => own,
            title => format!("{title}: {own}"),
        }
    }

    fn compared(&self, node: &Node) -> Option<Compared> {
        let (negated, node) = match &node.kind {
            NodeKind::Not(part) => (true, &**part),
            _ => (false, node),
        };
        let NodeKind::Test { slot, test } = &node.kind else {
            return None;
        };
        Some(Compared {
            what: self.sources.get(usize::from(slot.0))?.clone(),
            test: test.clone(),
            negated,
        })
    }

    fn actual(&self, node: &Node) -> Option<Actual> {
        let slot = match &node.kind {
            NodeKind::Not(part) => compared_slot(part)?,
            _ => compared_slot(node)?,
        };
        let at = usize::from(slot.0);
        let source = self.sources.get(at)?;
        let value = self.values.get(usize::from(*self.binding.get(at)?))?;
        Some(match (value, source) {
            (Value::Absent, _) => Actual::Absent,
            (Value::Fault(_), _) => Actual::Unreadable,
            (value, source) if self.redact && is_private(source) && value.is_present() => {
                Actual::Private
            }
            (_, SlotSource::Namespace) => Actual::Value("there".to_owned()),
            (Value::String(text), _) => Actual::Text(cut(text)),
            (value, _) => Actual::Value(short(value)),
        })
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The slot that a condition compares, where it compares but one.
fn compared_slot(node: &Node) -> Option<SlotId> {
    let expr = match &node.kind {
        NodeKind::Test { slot, .. } => return Some(*slot),
        NodeKind::Compare { of, .. } => of,
        NodeKind::Holds(expr) => expr,
        _ => return None,
    };
    read_slot(expr)
}

fn read_slot(expr: &Expr) -> Option<SlotId> {
    match &expr.kind {
        ExprKind::Slot(slot)
        | ExprKind::HasSlot { slot, .. }
        | ExprKind::OptionalSlot { slot, .. } => Some(*slot),
        ExprKind::OptionalOr { target, .. } => read_slot(target),
        _ => None,
    }
}

fn joins(node: &Node) -> Option<Join> {
    match &node.kind {
        NodeKind::All(_) => Some(Join::All),
        NodeKind::Any(_) => Some(Join::Any),
        NodeKind::Not(part) if is_joined(part) => Some(Join::None),
        _ => None,
    }
}

/// Whether it is what an exclude says of kinds.
fn is_resource(sources: &[SlotSource], node: &Node) -> bool {
    let (NodeKind::All(_), Some(first)) = (&node.kind, node.parts().first()) else {
        return false;
    };
    matches!(&first.kind, NodeKind::Test { slot, .. }
        if sources.get(usize::from(slot.0)) == Some(&SlotSource::Group))
}

/// Whether a condition is one of other conditions.
fn is_joined(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::All(_) | NodeKind::Any(_) | NodeKind::Not(_)
    )
}

/// Nobody can tell what a value outside of Kubernetes is.
fn is_private(source: &SlotSource) -> bool {
    if matches!(source, SlotSource::Value(_)) {
        return true;
    }
    let SlotSource::Field(path) = source else {
        return false;
    };
    let mut names = path.steps().iter().map(Step::name);
    let top = names.next().flatten().unwrap_or_default();
    shown::is_private(top, names.next().flatten())
}
