//! What a call may take: memory, steps and depth.
//!
//! Promises that the cost of a text or list is paid before it is made.
//! Deliberately computes nothing itself.

use std::ops::Range;
use std::sync::Arc;

use crate::lang::fault::{Budget, FaultKind, MAX_TEXT};
use crate::lang::value::{Text, Value};
use crate::lang::{compare, container};

use super::Outcome;

/// How many elements a list may have.
const MAX_ITEMS: usize = 1_000_000;

/// How deep lists and maps may be nested where a function walks them.
pub(super) const DEPTH: usize = 128;

/// Pays for a text or bytes of so many bytes.
pub(super) fn room(bytes: usize, budget: &mut Budget) -> Result<(), FaultKind> {
    check(bytes, MAX_TEXT)?;
    budget.spend_bytes(bytes)
}

/// Pays for a list of so many elements.
pub(super) fn room_for_items(count: usize, budget: &mut Budget) -> Result<(), FaultKind> {
    check(count, MAX_ITEMS)?;
    budget.spend(count as u64)
}

fn check(size: usize, most: usize) -> Result<(), FaultKind> {
    match size <= most {
        true => Ok(()),
        false => Err(FaultKind::TooLarge),
    }
}

/// Adds to a text that is being made; paid for.
pub(super) fn append(out: &mut String, more: &str, budget: &mut Budget) -> Result<(), FaultKind> {
    check(out.len() + more.len(), MAX_TEXT)?;
    budget.spend_bytes(more.len())?;
    out.push_str(more);
    Ok(())
}

/// Adds to a list that is being made; paid for.
pub(super) fn push<'a>(
    out: &mut Vec<Value<'a>>,
    item: Value<'a>,
    budget: &mut Budget,
) -> Result<(), FaultKind> {
    check(out.len() + 1, MAX_ITEMS)?;
    budget.spend(1)?;
    out.push(item);
    Ok(())
}

/// A part of a text, borrowed where the text is.
pub(super) fn part<'a>(text: &Text<'a>, range: Range<usize>, budget: &mut Budget) -> Outcome<'a> {
    if range == (0..text.len()) {
        return Ok(Value::String(text.clone()));
    }
    let outside = FaultKind::IndexOutOfRange;
    if let Text::Borrowed(text) = text {
        return text.get(range).map(Value::str).ok_or(outside);
    }
    room(range.len(), budget)?;
    let part = text.get(range).ok_or(outside)?;
    Ok(Value::text(part))
}

/// The number of a count.
pub(super) fn int<'a>(count: usize) -> Value<'a> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The elements of a list of any origin.
pub(super) fn items<'a>(
    list: &Value<'a>,
    budget: &mut Budget,
) -> Result<Arc<[Value<'a>]>, FaultKind> {
    if let Value::List(items) = list {
        budget.spend(items.len() as u64)?;
        return Ok(Arc::clone(items));
    }
    if !is_list(list) {
        return Err(FaultKind::NoSuchOverload);
    }
    budget.spend(container::cost(list))?;
    let count = container::size(list)?.unwrap_or(0);
    budget.spend(count as u64)?;
    let entries = container::entries(list)?;
    entries.map(|entry| Ok(entry?.1)).collect()
}

/// Whether the value is a list of any origin.
pub(super) fn is_list(value: &Value<'_>) -> bool {
    match value {
        Value::List(_) => true,
        Value::View(view) => view.is_list(),
        Value::Object(object) => object.is_list(),
        _ => false,
    }
}

/// Pays for a walk over the value and all that is in it.
///
/// # Errors
///
/// [`FaultKind::TooLarge`] where it is nested deeper than `depth`.
pub(super) fn weigh(value: &Value<'_>, depth: usize, budget: &mut Budget) -> Result<(), FaultKind> {
    match value {
        Value::String(text) => return budget.spend_bytes(text.len()),
        Value::Bytes(bytes) => return budget.spend_bytes(bytes.len()),
        Value::Optional(Some(inner)) => return weigh(inner, deeper(depth)?, budget),
        _ => {}
    }
    budget.spend(container::cost(value))?;
    let Some(count) = container::size(value)? else {
        return budget.spend(1);
    };
    let depth = deeper(depth)?;
    let count = count as u64;
    // Where maps lie in bytes or are the embedder's, an entry is looked for.
    let each = match value {
        Value::View(_) | Value::Object(_) => 1 + count / 16,
        _ => 1,
    };
    budget.spend(1 + count.saturating_mul(each))?;
    for entry in container::entries(value)? {
        let (key, inner) = entry?;
        weigh(&key, depth, budget)?;
        weigh(&inner, depth, budget)?;
    }
    Ok(())
}

/// One level less.
pub(super) fn deeper(depth: usize) -> Result<usize, FaultKind> {
    depth.checked_sub(1).ok_or(FaultKind::TooLarge)
}

/// Whether two values are equal; paid for.
pub(super) fn equal(a: &Value<'_>, b: &Value<'_>, budget: &mut Budget) -> Result<bool, FaultKind> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => pay_for_shorter(a.len(), b.len(), budget)?,
        (Value::Bytes(a), Value::Bytes(b)) => pay_for_shorter(a.len(), b.len(), budget)?,
        (Value::Optional(Some(_)), Value::Optional(Some(_))) => weigh(a, DEPTH, budget)?,
        _ => {
            budget.spend(container::cost(a) + container::cost(b))?;
            match (container::size(a)?, container::size(b)?) {
                (Some(length), Some(other)) if length == other => weigh(a, DEPTH, budget)?,
                _ => budget.spend(1)?,
            }
        }
    }
    compare::equal(a, b)
}

/// Pays for comparing as many bytes as both have.
pub(super) fn pay_for_shorter(a: usize, b: usize, budget: &mut Budget) -> Result<(), FaultKind> {
    budget.spend_bytes(a.min(b))
}
