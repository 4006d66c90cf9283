//! One pass over a well-formed text that fills the slots of a plan.

use std::borrow::Cow;

use super::super::field::Field;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;
use super::plan::Plan;

/// Fills the slots of `plan`, which hold `Absent` before. The recursion goes
/// as deep as the plan's paths are long.
pub(crate) fn scan<'a>(
    plan: &Plan,
    text: &'a [u8],
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    value(plan, &mut Cursor::new(text), out)
}

/// The object's own `apiVersion` and `kind`, where they are strings.
pub(crate) fn type_meta(text: &[u8]) -> Result<[Option<Cow<'_, str>>; 2], Malformed> {
    let mut found = [None, None];
    let mut cursor = Cursor::new(text);
    cursor.open_object()?;
    while cursor.more() {
        let key = cursor.key()?;
        let place = ["apiVersion", "kind"]
            .iter()
            .position(|wanted| key.is(wanted));
        let is_string = cursor.shape() == Shape::String;
        match place.and_then(|place| found.get_mut(place)) {
            Some(slot) if is_string => *slot = Some(cursor.string()?.value()),
            Some(slot) => {
                *slot = None;
                cursor.skip()?;
            }
            None => cursor.skip()?,
        }
    }
    Ok(found)
}

fn set<'a>(plan: &Plan, out: &mut [Field<'a>], field: Field<'a>) {
    if let Some(place) = plan.slot.and_then(|slot| out.get_mut(slot as usize)) {
        *place = field;
    }
}

fn value<'a>(plan: &Plan, cursor: &mut Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    match cursor.shape() {
        Shape::Object => {
            set(plan, out, Field::Composite);
            object(plan, cursor, out)
        }
        Shape::Array => {
            set(plan, out, Field::Composite);
            array(plan, cursor, out)
        }
        Shape::String => {
            let text = cursor.string()?;
            if plan.slot.is_some() {
                set(plan, out, Field::String(text.value()));
            }
            Ok(())
        }
        Shape::Other => {
            let word = cursor.word()?;
            let field = scalar(word).ok_or_else(|| cursor.error("a number is out of range"))?;
            set(plan, out, field);
            Ok(())
        }
    }
}

fn object<'a>(
    plan: &Plan,
    cursor: &mut Cursor<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    if plan.members.is_empty() {
        return cursor.skip();
    }
    cursor.open();
    while cursor.more() {
        let key = cursor.key()?;
        match plan.members.iter().find(|(wanted, _)| key.is(wanted)) {
            Some((_, child)) => {
                reset(child, out);
                value(child, cursor, out)?;
            }
            None => cursor.skip()?,
        }
    }
    Ok(())
}

fn array<'a>(plan: &Plan, cursor: &mut Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    if plan.items.is_empty() {
        return cursor.skip();
    }
    cursor.open();
    let mut index = 0u32;
    while cursor.more() {
        match plan.items.iter().find(|(wanted, _)| *wanted == index) {
            Some((_, child)) => value(child, cursor, out)?,
            None => cursor.skip()?,
        }
        index = index.saturating_add(1);
    }
    Ok(())
}

/// Forgets what an earlier member of the same name has left.
fn reset(plan: &Plan, out: &mut [Field<'_>]) {
    for &slot in &plan.slots {
        if let Some(field) = out.get_mut(slot as usize) {
            *field = Field::Absent;
        }
    }
}

/// Whole numbers that fit are `Int`, all others `Double`, as in Kubernetes.
fn scalar(word: &str) -> Option<Field<'static>> {
    Some(match word {
        "null" => Field::Null,
        "true" => Field::Bool(true),
        "false" => Field::Bool(false),
        number => match number.parse() {
            Ok(whole) => Field::Int(whole),
            Err(_) => Field::Double(
                number
                    .parse()
                    .ok()
                    .filter(|value: &f64| value.is_finite())?,
            ),
        },
    })
}
