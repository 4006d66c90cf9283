//! The math extension.
//!
//! Promises that no result wraps around. Deliberately keeps each number in its
//! own type.

use std::cmp::Ordering;

use crate::lang::compare;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::Value;

use super::{Args, Outcome, bounds};

pub(super) fn greatest<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    furthest(args, Ordering::Greater, budget)
}

pub(super) fn least<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    furthest(args, Ordering::Less, budget)
}

/// Of several numbers or of a list of them, the first that all others are not
/// beyond.
fn furthest<'a>(args: Args<'_, 'a>, beyond: Ordering, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [list] if bounds::is_list(list) => {
            let items = bounds::items(list, budget)?;
            furthest_of(items.iter(), beyond)
        }
        args => {
            budget.spend(args.len() as u64)?;
            furthest_of(args.iter().copied(), beyond)
        }
    }
}

fn furthest_of<'s, 'a: 's>(
    mut numbers: impl Iterator<Item = &'s Value<'a>>,
    beyond: Ordering,
) -> Outcome<'a> {
    let mut best = numbers.next().ok_or(FaultKind::InvalidArgument)?;
    check_number(best)?;
    for number in numbers {
        check_number(number)?;
        if compare::order(number, best)? == Some(beyond) {
            best = number;
        }
    }
    Ok(best.clone())
}

fn check_number(value: &Value<'_>) -> Result<(), FaultKind> {
    match value {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => Ok(()),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn double<'a>(args: Args<'_, 'a>, of: fn(f64) -> f64) -> Outcome<'a> {
    match args {
        [Value::Double(own)] => Ok(Value::Double(of(*own))),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn ceil<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    double(args, f64::ceil)
}

pub(super) fn floor<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    double(args, f64::floor)
}

/// Halves go away from 0.
pub(super) fn round<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    double(args, f64::round)
}

pub(super) fn trunc<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    double(args, f64::trunc)
}

pub(super) fn abs<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(own)] => own.checked_abs().map(Value::Int).ok_or(FaultKind::Overflow),
        [Value::Uint(own)] => Ok(Value::Uint(*own)),
        args => double(args, f64::abs),
    }
}

pub(super) fn sign<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(own)] => Ok(Value::Int(own.signum())),
        [Value::Uint(own)] => Ok(Value::Uint((*own).min(1))),
        // `signum` has a sign for 0.
        args => double(args, |own| if own == 0.0 { 0.0 } else { own.signum() }),
    }
}

pub(super) fn sqrt<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(own)] => Ok(Value::Double((*own as f64).sqrt())),
        [Value::Uint(own)] => Ok(Value::Double((*own as f64).sqrt())),
        args => double(args, f64::sqrt),
    }
}

fn test<'a>(args: Args<'_, 'a>, holds: fn(f64) -> bool) -> Outcome<'a> {
    match args {
        [Value::Double(own)] => Ok(Value::Bool(holds(*own))),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn is_nan<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    test(args, f64::is_nan)
}

pub(super) fn is_inf<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    test(args, f64::is_infinite)
}

pub(super) fn is_finite<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    test(args, f64::is_finite)
}

fn bits<'a>(args: Args<'_, 'a>, of: fn(u64, u64) -> u64) -> Outcome<'a> {
    match args {
        [Value::Int(a), Value::Int(b)] => {
            let bits = of(a.cast_unsigned(), b.cast_unsigned());
            Ok(Value::Int(bits.cast_signed()))
        }
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(of(*a, *b))),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn bit_and<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    bits(args, |a, b| a & b)
}

pub(super) fn bit_or<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    bits(args, |a, b| a | b)
}

pub(super) fn bit_xor<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    bits(args, |a, b| a ^ b)
}

pub(super) fn bit_not<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    match args {
        [Value::Int(own)] => Ok(Value::Int(!own)),
        [Value::Uint(own)] => Ok(Value::Uint(!own)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

/// Of an `int` too, the bits are shifted as those of a `uint` are.
fn shift<'a>(args: Args<'_, 'a>, of: fn(u64, u32) -> Option<u64>) -> Outcome<'a> {
    let [own, Value::Int(by)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let by = u64::try_from(*by).map_err(|_| FaultKind::InvalidArgument)?;
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    match own {
        Value::Int(own) => {
            let bits = of(own.cast_unsigned(), by).unwrap_or(0);
            Ok(Value::Int(bits.cast_signed()))
        }
        Value::Uint(own) => Ok(Value::Uint(of(*own, by).unwrap_or(0))),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn shift_left<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    shift(args, u64::checked_shl)
}

pub(super) fn shift_right<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    shift(args, u64::checked_shr)
}
