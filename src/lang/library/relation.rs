//! Equality, order, membership and indexing.
//!
//! Promises that lists and maps of every origin behave alike. Deliberately
//! leaves what equality and order mean to `compare`.

use std::cmp::Ordering;

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::Value;
use crate::lang::{compare, container};

use super::{Args, Outcome, bounds};

pub(super) fn equal<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    are_equal(args, budget).map(Value::Bool)
}

pub(super) fn not_equal<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    are_equal(args, budget).map(|equal| Value::Bool(!equal))
}

fn are_equal(args: Args<'_, '_>, budget: &mut Budget) -> Result<bool, FaultKind> {
    let [a, b] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::equal(a, b, budget)
}

pub(super) fn less<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    ordered(args, Ordering::is_lt, budget)
}

pub(super) fn less_equal<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    ordered(args, Ordering::is_le, budget)
}

pub(super) fn greater<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    ordered(args, Ordering::is_gt, budget)
}

pub(super) fn greater_equal<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    ordered(args, Ordering::is_ge, budget)
}

fn ordered<'a>(
    args: Args<'_, 'a>,
    holds: fn(Ordering) -> bool,
    budget: &mut Budget,
) -> Outcome<'a> {
    let [a, b] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let order = order(a, b, budget)?;
    // NaN is neither less nor more than anything.
    Ok(Value::Bool(order.is_some_and(holds)))
}

/// The order of two values; `None` with NaN. Paid for.
pub(super) fn order(
    a: &Value<'_>,
    b: &Value<'_>,
    budget: &mut Budget,
) -> Result<Option<Ordering>, FaultKind> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            bounds::pay_for_shorter(a.len(), b.len(), budget)?;
        }
        (Value::Bytes(a), Value::Bytes(b)) => bounds::pay_for_shorter(a.len(), b.len(), budget)?,
        _ => budget.spend(1)?,
    }
    compare::order(a, b)
}

pub(super) fn is_in<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [element, container] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    if let Value::List(items) = container {
        for item in items.iter() {
            if bounds::equal(element, item, budget)? {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    if !bounds::is_list(container) {
        budget.spend(1 + container::cost(container))?;
        return Ok(Value::Bool(container::index(container, element)?.is_some()));
    }
    budget.spend(container::cost(container))?;
    for entry in container::entries(container)? {
        if bounds::equal(element, &entry?.1, budget)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn index<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [of, key] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    if matches!(of, Value::Optional(_)) {
        return optional_index(args, budget);
    }
    budget.spend(1 + container::cost(of))?;
    let missing = match bounds::is_list(of) {
        true => FaultKind::IndexOutOfRange,
        false => FaultKind::NoSuchKey,
    };
    container::index(of, key)?.ok_or(missing)
}

/// None where there is no such element or entry, or nothing to look in.
pub(super) fn optional_index<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [of, key] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    budget.spend(1 + container::cost(of))?;
    let found = match of {
        Value::Optional(None) => None,
        Value::Optional(Some(inner)) => container::index(inner, key)?,
        of => container::index(of, key)?,
    };
    Ok(found.map_or(Value::Optional(None), Value::some))
}
