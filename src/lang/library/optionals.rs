//! Optionals.
//!
//! Promises that `null` is a value like any other. Deliberately strict: that
//! `or` and `orValue` leave their argument alone is the evaluator's doing.

use crate::lang::container;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::Value;

use super::{Args, Outcome, bounds};

pub(super) fn of<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [own] => Ok(Value::some((*own).clone())),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn none<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [] => Ok(Value::Optional(None)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn of_non_zero<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [own] if is_zero(own)? => Ok(Value::Optional(None)),
        args => of(args),
    }
}

/// Whether it is what a field of its type holds that nobody has set.
fn is_zero(value: &Value<'_>) -> Result<bool, FaultKind> {
    Ok(match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
        Value::Duration(0) | Value::Optional(None) => true,
        Value::Double(own) => *own == 0.0,
        Value::String(own) => own.is_empty(),
        Value::Bytes(own) => own.is_empty(),
        Value::Timestamp(own) => own.seconds == 0 && own.nanos == 0,
        other => container::size(other)? == Some(0),
    })
}

pub(super) fn has_value<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Optional(own)] => Ok(Value::Bool(own.is_some())),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn value<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Optional(Some(own))] => Ok((**own).clone()),
        [Value::Optional(None)] => Err(FaultKind::NoValue),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn or<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [own @ Value::Optional(Some(_)), Value::Optional(_)]
        | [Value::Optional(None), own @ Value::Optional(_)] => Ok((*own).clone()),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn or_value<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Optional(Some(own)), _] => Ok((**own).clone()),
        [Value::Optional(None), other] => Ok((*other).clone()),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

/// The values of the optionals that have one.
pub(super) fn unwrap<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [list] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let mut values = Vec::new();
    for item in bounds::items(list, budget)?.iter() {
        match item {
            Value::Optional(Some(own)) => values.push((**own).clone()),
            Value::Optional(None) => {}
            _ => return Err(FaultKind::NoSuchOverload),
        }
    }
    Ok(Value::list(values))
}
