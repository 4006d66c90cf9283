//! `+`, `-`, `*`, `/` and `%`.
//!
//! Promises that integers never wrap around, and that times stay in their
//! range. Deliberately mixes no types of numbers.

use std::sync::Arc;

use crate::lang::calendar;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::{Blob, Text, Timestamp, Value};

use super::{Args, Outcome, bounds};

fn int<'a>(result: Option<i64>) -> Outcome<'a> {
    result.map(Value::Int).ok_or(FaultKind::Overflow)
}

fn uint<'a>(result: Option<u64>) -> Outcome<'a> {
    result.map(Value::Uint).ok_or(FaultKind::Overflow)
}

fn duration<'a>(result: Option<i64>) -> Outcome<'a> {
    result.map(Value::Duration).ok_or(FaultKind::OutOfRange)
}

fn moved<'a>(time: Timestamp, by: Option<i64>) -> Outcome<'a> {
    const SECOND: i64 = 1_000_000_000;
    let by = by.ok_or(FaultKind::OutOfRange)?;
    let nanos = by % SECOND + i64::from(time.nanos);
    calendar::timestamp(time.seconds + by / SECOND, nanos).map(Value::Timestamp)
}

pub(super) fn add<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [Value::Int(a), Value::Int(b)] => int(a.checked_add(*b)),
        [Value::Uint(a), Value::Uint(b)] => uint(a.checked_add(*b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a + b)),
        [Value::String(a), Value::String(b)] => joined(a, b, budget),
        [Value::Bytes(a), Value::Bytes(b)] => joined_bytes(a, b, budget),
        [Value::Duration(a), Value::Duration(b)] => duration(a.checked_add(*b)),
        [Value::Timestamp(time), Value::Duration(by)]
        | [Value::Duration(by), Value::Timestamp(time)] => moved(*time, Some(*by)),
        [a, b] if bounds::is_list(a) && bounds::is_list(b) => joined_lists(a, b, budget),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn joined<'a>(a: &Text<'a>, b: &Text<'a>, budget: &mut Budget) -> Outcome<'a> {
    if a.is_empty() || b.is_empty() {
        let own = if a.is_empty() { b } else { a };
        return Ok(Value::String(own.clone()));
    }
    bounds::room(a.len() + b.len(), budget)?;
    Ok(Value::text([&**a, &**b].concat()))
}

fn joined_bytes<'a>(a: &Blob<'a>, b: &Blob<'a>, budget: &mut Budget) -> Outcome<'a> {
    bounds::room(a.len() + b.len(), budget)?;
    Ok(Value::bytes([&**a, &**b].concat()))
}

fn joined_lists<'a>(a: &Value<'a>, b: &Value<'a>, budget: &mut Budget) -> Outcome<'a> {
    let (a, b) = (bounds::items(a, budget)?, bounds::items(b, budget)?);
    if a.is_empty() || b.is_empty() {
        return Ok(Value::List(if a.is_empty() { b } else { a }));
    }
    bounds::room_for_items(a.len() + b.len(), budget)?;
    let items: Arc<[Value<'a>]> = a.iter().chain(b.iter()).cloned().collect();
    Ok(Value::List(items))
}

pub(super) fn subtract<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(a), Value::Int(b)] => int(a.checked_sub(*b)),
        [Value::Uint(a), Value::Uint(b)] => uint(a.checked_sub(*b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a - b)),
        [Value::Duration(a), Value::Duration(b)] => duration(a.checked_sub(*b)),
        [Value::Timestamp(time), Value::Duration(by)] => moved(*time, by.checked_neg()),
        [Value::Timestamp(to), Value::Timestamp(from)] => {
            calendar::between(*from, *to).map(Value::Duration)
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn multiply<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(a), Value::Int(b)] => int(a.checked_mul(*b)),
        [Value::Uint(a), Value::Uint(b)] => uint(a.checked_mul(*b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a * b)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn divide<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => {
            Err(FaultKind::DivideByZero)
        }
        [Value::Int(a), Value::Int(b)] => int(a.checked_div(*b)),
        [Value::Uint(a), Value::Uint(b)] => uint(a.checked_div(*b)),
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(a / b)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn modulo<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => {
            Err(FaultKind::ModuloByZero)
        }
        [Value::Int(a), Value::Int(b)] => int(a.checked_rem(*b)),
        [Value::Uint(a), Value::Uint(b)] => uint(a.checked_rem(*b)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn negate<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(own)] => int(own.checked_neg()),
        [Value::Double(own)] => Ok(Value::Double(-own)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}
