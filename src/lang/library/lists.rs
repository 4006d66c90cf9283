//! Lists and sets.
//!
//! Promises that lists of every origin are taken. Deliberately sorts only what
//! is of one type.

use std::cmp::Ordering;

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::Value;

use super::{Args, Outcome, arithmetic, bounds, relation};

pub(super) fn is_sorted<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    for pair in items.windows(2) {
        if let [a, b] = pair
            && relation::order(a, b, budget)? == Some(Ordering::Greater)
        {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

/// The sum; 0 of none.
pub(super) fn sum<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let Some((first, rest)) = items.split_first() else {
        return Ok(Value::Int(0));
    };
    let mut sum = first.clone();
    match sum {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_) => {}
        _ => return Err(FaultKind::NoSuchOverload),
    }
    for item in rest {
        sum = arithmetic::add(&[&sum, item], budget)?;
    }
    Ok(sum)
}

pub(super) fn min<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    furthest(args, Ordering::Less, budget)
}

pub(super) fn max<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    furthest(args, Ordering::Greater, budget)
}

fn furthest<'a>(args: Args<'_, 'a>, beyond: Ordering, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let (mut best, rest) = items.split_first().ok_or(FaultKind::InvalidArgument)?;
    relation::order(best, best, budget)?;
    for item in rest {
        if relation::order(item, best, budget)? == Some(beyond) {
            best = item;
        }
    }
    Ok(best.clone())
}

pub(super) fn index_of<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list, sought] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    for (at, item) in items.iter().enumerate() {
        if bounds::equal(item, sought, budget)? {
            return Ok(bounds::int(at));
        }
    }
    Ok(Value::Int(-1))
}

pub(super) fn last_index_of<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list, sought] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    for (at, item) in items.iter().enumerate().rev() {
        if bounds::equal(item, sought, budget)? {
            return Ok(bounds::int(at));
        }
    }
    Ok(Value::Int(-1))
}

pub(super) fn first<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    end(args, <[Value<'a>]>::first, budget)
}

pub(super) fn last<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    end(args, <[Value<'a>]>::last, budget)
}

fn end<'a>(
    args: Args<'_, 'a>,
    of: for<'s> fn(&'s [Value<'a>]) -> Option<&'s Value<'a>>,
    budget: &mut Budget,
) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    Ok(of(&items).map_or(Value::Optional(None), |item| Value::some(item.clone())))
}

/// Each of several equal elements but the first is left out.
pub(super) fn distinct<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in items.iter() {
        if !is_among(item, &kept, budget)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn is_among(item: &Value<'_>, items: &[Value<'_>], budget: &mut Budget) -> Result<bool, FaultKind> {
    for other in items {
        if bounds::equal(item, other, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lists in the list give way to their elements, down to a depth.
pub(super) fn flatten<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (list, depth) = match args {
        [list] => (list, 1),
        [list, Value::Int(depth)] => (list, *depth),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    let depth = usize::try_from(depth).map_err(|_| FaultKind::InvalidArgument)?;
    if !bounds::is_list(list) {
        return Err(FaultKind::NoSuchOverload);
    }
    bounds::weigh(list, bounds::DEPTH, budget)?;
    let mut out = Vec::new();
    flatten_into(&mut out, list, depth, budget)?;
    bounds::room_for_items(out.len(), budget)?;
    Ok(Value::list(out))
}

/// Its depth is that of the list, which has been weighed.
fn flatten_into<'a>(
    out: &mut Vec<Value<'a>>,
    list: &Value<'a>,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), FaultKind> {
    for item in bounds::items(list, budget)?.iter() {
        match depth.checked_sub(1) {
            Some(depth) if bounds::is_list(item) => flatten_into(out, item, depth, budget)?,
            _ => out.push(item.clone()),
        }
    }
    Ok(())
}

/// The numbers from 0 up to the given one.
pub(super) fn range<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::Int(end)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::room_for_items(usize::try_from(*end).unwrap_or(0), budget)?;
    Ok(Value::List((0..*end).map(Value::Int).collect()))
}

pub(super) fn reverse<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    Ok(Value::List(items.iter().rev().cloned().collect()))
}

pub(super) fn slice<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list, Value::Int(from), Value::Int(to)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let place = |index: i64| usize::try_from(index).map_err(|_| FaultKind::IndexOutOfRange);
    let part = items.get(place(*from)?..place(*to)?);
    Ok(Value::List(part.ok_or(FaultKind::IndexOutOfRange)?.into()))
}

pub(super) fn sort<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let items = bounds::items(list, budget)?;
    let Some(first) = items.first() else {
        return Ok(Value::List(items));
    };
    relation::order(first, first, budget)?;
    if items
        .iter()
        .any(|item| item.type_name() != first.type_name())
    {
        return Err(FaultKind::NoSuchOverload);
    }
    // Paid beforehand: each level of a merge compares every element once.
    let levels = u64::from(items.len().ilog2()) + 1;
    for item in items.iter() {
        budget.spend(levels.saturating_mul(1 + length(item) / 16))?;
    }
    let mut sorted = items.to_vec();
    sorted.sort_by(in_total);
    Ok(Value::list(sorted))
}

fn length(value: &Value<'_>) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Bytes(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

/// The order of two values of one type, with NaN before all numbers.
fn in_total(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    let is_nan = |value: &Value<'_>| matches!(value, Value::Double(own) if own.is_nan());
    match crate::lang::compare::order(a, b) {
        Ok(Some(order)) => order,
        _ => is_nan(b).cmp(&is_nan(a)),
    }
}

/// Whether all of the second list are in the first.
pub(super) fn sets_contains<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list, sought] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let (list, sought) = (bounds::items(list, budget)?, bounds::items(sought, budget)?);
    has_all(&list, &sought, budget).map(Value::Bool)
}

pub(super) fn sets_equivalent<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [a, b] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let (a, b) = (bounds::items(a, budget)?, bounds::items(b, budget)?);
    let both = has_all(&a, &b, budget)? && has_all(&b, &a, budget)?;
    Ok(Value::Bool(both))
}

pub(super) fn sets_intersects<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [a, b] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let (a, b) = (bounds::items(a, budget)?, bounds::items(b, budget)?);
    for item in a.iter() {
        if is_among(item, &b, budget)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn has_all(
    items: &[Value<'_>],
    sought: &[Value<'_>],
    budget: &mut Budget,
) -> Result<bool, FaultKind> {
    for item in sought {
        if !is_among(item, items, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}
