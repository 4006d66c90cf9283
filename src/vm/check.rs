//! What a fused test says of its operand: one small function per kind.

use std::cmp::Ordering;

use crate::lang::{Budget, Check, FaultKind, Program, Value, access, compare, container, library};

/// The outcome of a test.
type Outcome = Result<bool, FaultKind>;

/// Whether `value` passes `check` with the constant `id`. [`Check::HasSlot`]
/// is the dispatcher's, since it needs another slot.
#[inline]
pub(super) fn passes(
    program: &Program,
    check: Check,
    id: u16,
    value: &Value<'_>,
    budget: &mut Budget,
) -> Outcome {
    match check {
        Check::TextEqual => structural(value, |value| value.text_is(program.string(id))),
        Check::EqualString => equals_string(value, program.string(id)),
        Check::TextIn => structural(value, |value| in_set(program, id, value)),
        Check::Present => structural(value, |value| value.is_present()),
        Check::TextMatches => structural(value, |value| matches_glob(program, id, value)),
        Check::True => is_true(value),
        Check::Equal => equals(value, program.constant(id), budget),
        Check::In => is_member(program, id, value.present()?, budget),
        Check::Less => ordered(program, id, value, Ordering::is_lt),
        Check::LessEqual => ordered(program, id, value, Ordering::is_le),
        Check::Greater => ordered(program, id, value, Ordering::is_gt),
        Check::GreaterEqual => ordered(program, id, value, Ordering::is_ge),
        Check::StartsWith => Ok(text(value, budget)?.starts_with(program.string(id))),
        Check::EndsWith => Ok(text(value, budget)?.ends_with(program.string(id))),
        Check::Contains => Ok(text(value, budget)?.contains(program.string(id))),
        Check::Matches => matches(program, id, value, budget),
        Check::HasField | Check::HasSlot => has_field(value.present()?, program.string(id), budget),
    }
}

/// The structural selectors take what is absent for a value.
#[inline]
fn structural(value: &Value<'_>, look: impl FnOnce(&Value<'_>) -> bool) -> Outcome {
    match value {
        Value::Fault(kind) => Err(*kind),
        value => Ok(look(value)),
    }
}

fn in_set(program: &Program, id: u16, value: &Value<'_>) -> bool {
    let set = program.set(id);
    set.is_some_and(|set| value.with_text(|text| set.contains(text)))
}

fn matches_glob(program: &Program, id: u16, value: &Value<'_>) -> bool {
    let pattern = program.pattern(id);
    pattern.is_some_and(|pattern| value.with_text(|text| pattern.matches(text)))
}

#[inline]
fn equals_string(value: &Value<'_>, text: &str) -> Outcome {
    match value {
        Value::String(own) => Ok(**own == *text),
        other => other.present().map(|_| false),
    }
}

#[inline]
fn is_true(value: &Value<'_>) -> Outcome {
    match value.present()? {
        Value::Bool(value) => Ok(*value),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn is_member(program: &Program, id: u16, value: &Value<'_>, budget: &mut Budget) -> Outcome {
    let members = program.members(id);
    members.map_or(Ok(false), |members| members.contains(value, budget))
}

fn has_field(of: &Value<'_>, name: &str, budget: &mut Budget) -> Outcome {
    budget.spend(container::cost(of))?;
    access::has_field(of, name)
}

/// Lists and maps may be large: they are paid for.
#[inline]
fn equals(value: &Value<'_>, constant: &Value<'static>, budget: &mut Budget) -> Outcome {
    match constant {
        Value::List(_) | Value::Map(_) | Value::Optional(_) => {
            library::equal(value.present()?, constant, budget)
        }
        constant => compare::equal(value.present()?, constant),
    }
}

#[inline]
fn ordered(program: &Program, id: u16, value: &Value<'_>, wanted: fn(Ordering) -> bool) -> Outcome {
    // Integers with integers are what predicates compare most.
    if let (Value::Int(own), Value::Int(other)) = (value, program.constant(id)) {
        return Ok(wanted(own.cmp(other)));
    }
    let order = compare::order(value.present()?, program.constant(id))?;
    Ok(order.is_some_and(wanted))
}

#[inline]
fn text<'v>(value: &'v Value<'_>, budget: &mut Budget) -> Result<&'v str, FaultKind> {
    match value {
        Value::String(text) => {
            budget.spend_bytes(text.len())?;
            Ok(text)
        }
        other => other.present().and(Err(FaultKind::NoSuchOverload)),
    }
}

fn matches(program: &Program, id: u16, value: &Value<'_>, budget: &mut Budget) -> Outcome {
    let text = text(value, budget)?;
    Ok(program.regex(id).is_some_and(|regex| regex.is_match(text)))
}
