//! Whether a condition may take more steps than it has, for a large object.
//!
//! Promises that what is called cheap is cheap for every object that a
//! kube-apiserver takes. Deliberately estimates no more than it must: what has
//! a loop or computes anything is taken for costly.

use super::super::fault::FUEL;
use super::super::function::Function;
use super::super::hir::{Comparison, Expr, ExprKind, Node, NodeKind, SlotId};
use super::super::ty::Type;
use super::super::value::Value;
use super::leaf;
use super::reads::Reads;

/// The largest object that a kube-apiserver takes, in bytes.
const LARGEST: u64 = 3 << 20;

/// The conditions in `root` that may use up its fuel; none where all of them
/// together cannot. `longest` is the length of a slot's longest text in bytes,
/// where it has one.
pub fn costly<'n>(root: &'n Node, longest: &dyn Fn(SlotId) -> Option<u64>) -> Vec<&'n Node> {
    let (mut total, mut found) = (0, Vec::new());
    add(root, longest, &mut total, &mut found);
    match total > FUEL / 2 {
        true => found,
        false => Vec::new(),
    }
}

/// The comparisons in `root` that are not cheap.
pub fn expensive<'n>(root: &'n Node, longest: &dyn Fn(SlotId) -> Option<u64>) -> Vec<&'n Node> {
    let (mut total, mut found) = (0, Vec::new());
    add(root, longest, &mut total, &mut found);
    found
}

fn add<'n>(
    node: &'n Node,
    longest: &dyn Fn(SlotId) -> Option<u64>,
    total: &mut u64,
    found: &mut Vec<&'n Node>,
) {
    if matches!(
        node.kind,
        NodeKind::All(_) | NodeKind::Any(_) | NodeKind::Not(_)
    ) {
        for part in node.parts() {
            add(part, longest, total, found);
        }
        return;
    }
    let cost = cost(node, longest);
    *total = total.saturating_add(cost);
    if cost > CHEAP {
        found.push(node);
    }
}

/// What costs no more than this is never worth a word.
const CHEAP: u64 = 1000;

fn cost(node: &Node, longest: &dyn Fn(SlotId) -> Option<u64>) -> u64 {
    let sum = |parts: &[Node]| {
        let costs = parts.iter().map(|part| cost(part, longest));
        costs.fold(8, u64::saturating_add)
    };
    match &node.kind {
        NodeKind::All(_) | NodeKind::Any(_) | NodeKind::Not(_) => sum(node.parts()),
        NodeKind::Compare { of, with } => of_comparison(node, of, with, longest),
        NodeKind::Holds(expr) => match &expr.kind {
            ExprKind::If { condition, yes, no } => {
                let (yes, no) = (leaf::as_condition(yes), leaf::as_condition(no));
                sum(&[(**condition).clone(), yes, no])
            }
            _ => match leaf::as_condition(expr) {
                Node {
                    kind: NodeKind::Holds(_),
                    ..
                } => of_expression(node, longest),
                folded => cost(&folded, longest),
            },
        },
        _ => of_expression(node, longest),
    }
}

/// What compares with a list or map looks at its bytes first.
fn whole(reads: &Reads, longest: &dyn Fn(SlotId) -> Option<u64>) -> u64 {
    let unbounded = reads.slots.iter().any(|slot| longest(*slot).is_none());
    if unbounded { 8 + LARGEST / 64 } else { 8 }
}

fn of_expression(node: &Node, longest: &dyn Fn(SlotId) -> Option<u64>) -> u64 {
    let reads = Reads::of(node);
    match (reads.loops, reads.calls) {
        (false, 0) => 8,
        (false, 1) if is_membership(node) => whole(&reads, longest),
        _ => u64::MAX,
    }
}

/// Whether it looks for a constant in what a slot holds.
fn is_membership(node: &Node) -> bool {
    let NodeKind::Holds(expr) = &node.kind else {
        return false;
    };
    let ExprKind::Call { function, args } = &expr.kind else {
        return false;
    };
    let kinds = args.iter().map(|arg| &arg.kind);
    let kinds: Vec<&ExprKind> = kinds.collect();
    *function == Function::In
        && matches!(
            kinds.as_slice(),
            [ExprKind::Const(Value::String(_)), ExprKind::Slot(_)]
        )
}

fn of_comparison(
    node: &Node,
    of: &Expr,
    with: &Comparison,
    longest: &dyn Fn(SlotId) -> Option<u64>,
) -> u64 {
    let reads = Reads::of(node);
    let sized = leaf::sized_slot(of).is_some();
    if reads.loops || reads.calls > usize::from(sized) {
        return u64::MAX;
    }
    let slots = reads.slots.iter();
    let bytes: u64 = slots.map(|slot| longest(*slot).unwrap_or(LARGEST)).sum();
    let once = 2 + bytes / 16;
    let equal = whole(&reads, longest);
    match with {
        Comparison::Matches(regex) => once.saturating_add(bytes * regex.weight() / 16),
        Comparison::StartsWith(_) | Comparison::EndsWith(_) | Comparison::Contains(_) => once,
        Comparison::In(all) if of.ty == Type::Dyn => all.len() as u64 * equal,
        Comparison::Equal(_) if of.ty == Type::Dyn && !sized => equal,
        // No more is compared than the constants have.
        Comparison::In(all) => 8 + all.len() as u64 * 8,
        _ if sized => once,
        _ => 8,
    }
}
