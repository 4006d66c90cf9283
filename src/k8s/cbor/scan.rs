//! One pass over an object that fills the slots of a plan.

use std::borrow::Cow;

use super::super::field::Field;
use super::super::plan::Plan;
use super::cursor::{Cursor, Head};
use super::item::{Item, REPEATED};
use super::malformed::Malformed;

/// Fills the slots of `plan`, which hold `Absent` before. The recursion goes
/// as deep as the plan's paths are long.
pub(crate) fn scan<'a>(
    plan: &Plan,
    bytes: &'a [u8],
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    let item = Item::stored(bytes)?;
    let (head, mut cursor) = item.open()?;
    value(plan, &item, head, &mut cursor, out)
}

fn value<'a>(
    plan: &Plan,
    item: &Item<'a>,
    head: Head<'a>,
    cursor: &mut Cursor<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    let field = match head {
        Head::Map(left) if !plan.members().is_empty() => {
            set_whole(plan, item, out);
            return members(plan, left, cursor, out);
        }
        Head::Array(left) if plan.wants_items() => {
            set_whole(plan, item, out);
            return items(plan, left, cursor, out);
        }
        Head::Map(_) | Head::Array(_) => {
            cursor.skip_rest(&head)?;
            set_whole(plan, item, out);
            return Ok(());
        }
        Head::Null => Field::Null,
        Head::Bool(value) => Field::Bool(value),
        Head::Int(value) => Field::Int(value),
        Head::Double(value) => Field::Double(value),
        Head::String(text) => Field::String(text.value()),
        Head::Time(text) => Field::String(Cow::Owned(text)),
    };
    set(plan, out, field);
    Ok(())
}

/// The item as a view, if it is wanted as a whole.
fn set_whole<'a>(plan: &Plan, item: &Item<'a>, out: &mut [Field<'a>]) {
    if plan.slot().is_some() {
        set(plan, out, item.view());
    }
}

fn set<'a>(plan: &Plan, out: &mut [Field<'a>], field: Field<'a>) {
    if let Some(place) = plan.slot().and_then(|slot| out.get_mut(slot as usize)) {
        *place = field;
    }
}

/// Reads the item at the cursor into the plan.
fn next<'a>(plan: &Plan, cursor: &mut Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    let (depth, later) = (cursor.depth, cursor.later);
    let item = Item::at_cursor(cursor, depth);
    let head = cursor.head(depth)?;
    value(plan, &item, head, cursor, out)?;
    (cursor.depth, cursor.later) = (depth, later);
    Ok(())
}

fn members<'a>(
    plan: &Plan,
    mut left: Option<u64>,
    cursor: &mut Cursor<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    let mut seen = vec![false; plan.members().len()];
    let depth = cursor.depth;
    while cursor.more(&mut left)? {
        let at = cursor.at();
        let key = cursor.key()?;
        let mut wanted = plan.members().iter().zip(&mut seen);
        match wanted.find(|((name, _), _)| key.is(name)) {
            Some((_, seen)) if *seen => return Err(Malformed { at, what: REPEATED }),
            Some(((_, child), seen)) => {
                *seen = true;
                next(child, cursor, out)?;
            }
            None => cursor.skip(depth)?,
        }
        cursor.depth = depth;
    }
    Ok(())
}

fn items<'a>(
    plan: &Plan,
    mut left: Option<u64>,
    cursor: &mut Cursor<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    let (depth, mut index) = (cursor.depth, 0u32);
    while cursor.more(&mut left)? {
        match plan.item(index) {
            Some(child) => next(child, cursor, out)?,
            None => cursor.skip(depth)?,
        }
        cursor.depth = depth;
        index = index.saturating_add(1);
    }
    Ok(())
}
