//! Numbers that satisfy comparisons with constants.
//!
//! Promises to find one wherever there is one: between two neighbouring
//! constants all numbers of a type come out alike, so that it is enough to try
//! the constants, what lies next to them, and the ends of the type.

use super::super::value::Value;
use super::outcome::Wanted;
use super::probe::Probe;
use super::states::States;

/// A number of one of the types in `states` for which every probe comes out as
/// is wanted of it.
pub fn satisfying(states: States, tests: &[(&Probe, Wanted)]) -> Option<Value<'static>> {
    let fits = |value: &Value<'static>| {
        let mut tests = tests.iter();
        tests.all(|(probe, wanted)| wanted.meets(probe.outcome(value)))
    };
    let constants = || tests.iter().flat_map(|(probe, _)| &probe.constants);
    if states.meets(States::INT) {
        let found = integers(constants()).find_map(|number| {
            let value = Value::Int(i64::try_from(number).ok()?);
            fits(&value).then_some(value)
        });
        if found.is_some() {
            return found;
        }
    }
    if states.meets(States::DOUBLE) {
        let found = doubles(constants()).map(Value::Double).find(fits);
        if found.is_some() {
            return found;
        }
    }
    if states.meets(States::UINT) {
        return integers(constants()).find_map(|number| {
            let value = Value::Uint(u64::try_from(number).ok()?);
            fits(&value).then_some(value)
        });
    }
    None
}

fn integers<'c>(constants: impl Iterator<Item = &'c Value<'static>>) -> impl Iterator<Item = i128> {
    let ends = [0, 1, i64::MAX, i64::MIN, i64::MAX - 1].map(i128::from);
    let beyond = [i128::from(i64::MAX) + 1, i128::from(u64::MAX)];
    let near = constants.flat_map(|constant| {
        let whole = match constant {
            Value::Int(value) => i128::from(*value),
            Value::Uint(value) => i128::from(*value),
            // Saturates far beyond either type.
            Value::Double(value) => value.floor() as i128,
            _ => 0,
        };
        [0, 1, -1, 2].map(|step| whole.saturating_add(step))
    });
    let near: Vec<i128> = near.collect();
    near.into_iter().chain(ends).chain(beyond)
}

fn doubles<'c>(constants: impl Iterator<Item = &'c Value<'static>>) -> impl Iterator<Item = f64> {
    let near = constants.flat_map(|constant| {
        let nearest = match constant {
            Value::Int(value) => *value as f64,
            Value::Uint(value) => *value as f64,
            Value::Double(value) => *value,
            _ => 0.0,
        };
        [
            nearest,
            nearest + 0.5,
            nearest - 0.5,
            nearest + 1.0,
            nearest - 1.0,
            nearest.next_up(),
            nearest.next_down(),
        ]
    });
    let ends = [0.5, 0.0, -0.0, f64::MAX, f64::MIN];
    let special = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let near: Vec<f64> = near.collect();
    near.into_iter().chain(ends).chain(special)
}

/// A number of elements or bytes for which every probe comes out as is wanted.
pub fn size_satisfying(tests: &[(&Probe, Wanted)]) -> Option<usize> {
    let constants = || tests.iter().flat_map(|(probe, _)| &probe.constants);
    let sizes = [0, 1].into_iter().chain(integers(constants()));
    sizes
        .filter_map(|size| usize::try_from(size).ok())
        .find(|size| {
            let value = Value::Int(i64::try_from(*size).unwrap_or(i64::MAX));
            let mut tests = tests.iter();
            tests.all(|(probe, wanted)| wanted.meets(probe.outcome(&value)))
        })
}
