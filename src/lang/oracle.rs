//! Evaluates HIR by walking it: slow, short, and what the VM is compared with
//! in tests and fuzzing.

use super::fault::{Fault, FaultKind, Verdict};
use super::hir::{Node, NodeKind, Predicate, SlotId, Test};
use super::value::{Slots, Value};

/// What `predicate` says of `slots`.
///
/// # Errors
///
/// A fault where the verdict depends on a slot that could not be read.
pub fn evaluate(predicate: &Predicate, slots: &(impl Slots + ?Sized)) -> Result<Verdict, Fault> {
    truth(&predicate.root, slots).map(Verdict::from)
}

/// The truth of one node.
///
/// # Errors
///
/// As [`evaluate`].
pub fn truth(node: &Node, slots: &(impl Slots + ?Sized)) -> Result<bool, Fault> {
    match &node.kind {
        NodeKind::Const(value) => Ok(*value),
        NodeKind::Test { slot, test } => compare(test, *slot, slots),
        NodeKind::Not(part) => truth(part, slots).map(|holds| !holds),
        NodeKind::All(parts) => join(parts, slots, false),
        NodeKind::Any(parts) => join(parts, slots, true),
    }
}

/// The first part that is `decisive` decides, whatever faulted before it.
fn join(parts: &[Node], slots: &(impl Slots + ?Sized), decisive: bool) -> Result<bool, Fault> {
    let mut first_fault = None;
    for part in parts {
        match truth(part, slots) {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    first_fault.map_or(Ok(!decisive), Err)
}

fn compare(test: &Test, slot: SlotId, slots: &(impl Slots + ?Sized)) -> Result<bool, Fault> {
    let value = slots.value(slot.0);
    if let Value::Fault(kind) = value {
        return Err(fault(*kind, slot));
    }
    Ok(match test {
        Test::Present => value.is_present(),
        Test::Equals(text) => value.with_text(|own| own == &**text),
        Test::OneOf(texts) => value.with_text(|own| texts.iter().any(|text| own == &**text)),
        Test::Matches(pattern) => value.with_text(|own| pattern.matches(own)),
    })
}

fn fault(kind: FaultKind, slot: SlotId) -> Fault {
    Fault {
        kind,
        at: u32::from(slot.0),
    }
}
