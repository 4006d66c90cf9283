//! One pass over an object that fills the slots of a plan.

use std::borrow::Cow;

use super::super::field::Field;
use super::super::plan::Plan;
use super::super::schema::JsonType;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;
use super::object::Object;
use super::scalar::scalar;
use super::string::Raw;
use super::text::Text;

/// Fills the slots of `plan`, which hold `Absent` before. The recursion goes
/// as deep as the plan's paths are long.
pub(crate) fn scan<'a>(
    plan: &Plan,
    object: &Object<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    set(plan, out, object.value().view(JsonType::Dynamic));
    object.each_of(object.value(), |key, text| match wanted(plan, key)? {
        Some(child) if key.is("metadata")? => metadata(child, object, text, out),
        Some(child) => {
            reset(child, out);
            value(child, &mut text.cursor(), out)
        }
        None => Ok(()),
    })
}

/// Of the metadata, too, it is known where the members lie.
fn metadata<'a>(
    plan: &Plan,
    object: &Object<'a>,
    text: Text<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    reset(plan, out);
    if text.shape() != Shape::Object {
        return value(plan, &mut text.cursor(), out);
    }
    set(plan, out, text.view(JsonType::Dynamic));
    object.each_of(text, |key, text| match wanted(plan, key)? {
        Some(child) => {
            reset(child, out);
            value(child, &mut text.cursor(), out)
        }
        None => Ok(()),
    })
}

/// The object's own `apiVersion` and `kind`, where they are strings.
pub(crate) fn type_meta<'a>(object: &Object<'a>) -> Result<[Option<Cow<'a, str>>; 2], Malformed> {
    let mut found = [None, None];
    object.each_of(object.value(), |key, text| {
        for (name, place) in ["apiVersion", "kind"].iter().zip(&mut found) {
            if key.is(name)? {
                *place = Some(text);
            }
        }
        Ok(())
    })?;
    let [api_version, kind] = found;
    Ok([string(api_version)?, string(kind)?])
}

fn string(value: Option<Text<'_>>) -> Result<Option<Cow<'_, str>>, Malformed> {
    match value
        .map(|value| value.field(JsonType::Dynamic))
        .transpose()?
    {
        Some(Field::String(text)) => Ok(Some(text)),
        _ => Ok(None),
    }
}

fn set<'a>(plan: &Plan, out: &mut [Field<'a>], field: Field<'a>) {
    if let Some(place) = plan.slot().and_then(|slot| out.get_mut(slot as usize)) {
        *place = field;
    }
}

/// The value at the cursor as a view, if it is wanted as a whole.
fn set_whole<'a>(plan: &Plan, cursor: &Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    if plan.slot().is_some() {
        let text = Text::take(&mut cursor.clone())?;
        set(plan, out, text.view(JsonType::Dynamic));
    }
    Ok(())
}

fn value<'a>(plan: &Plan, cursor: &mut Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    match cursor.shape() {
        Shape::Object => {
            set_whole(plan, cursor, out)?;
            members(plan, cursor, out)
        }
        Shape::Array => {
            set_whole(plan, cursor, out)?;
            items(plan, cursor, out)
        }
        _ if plan.slot().is_none() => cursor.skip(),
        Shape::String => {
            let text = cursor.string()?;
            set(plan, out, Field::String(text.value()?));
            Ok(())
        }
        Shape::Word => {
            let at = cursor.at;
            set(plan, out, scalar(cursor.word()?, at)?);
            Ok(())
        }
    }
}

fn members<'a>(
    plan: &Plan,
    cursor: &mut Cursor<'a>,
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    if plan.members().is_empty() {
        return cursor.skip();
    }
    cursor.open();
    let mut first = true;
    while cursor.more(&mut first, b'}')? {
        let key = cursor.key()?;
        match wanted(plan, &key)? {
            Some(child) => {
                reset(child, out);
                value(child, cursor, out)?;
            }
            None => cursor.skip()?,
        }
    }
    Ok(())
}

fn wanted<'p>(plan: &'p Plan, key: &Raw<'_>) -> Result<Option<&'p Plan>, Malformed> {
    for (name, child) in plan.members() {
        if key.is(name)? {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

fn items<'a>(plan: &Plan, cursor: &mut Cursor<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    if !plan.wants_items() {
        return cursor.skip();
    }
    cursor.open();
    let (mut first, mut index) = (true, 0u32);
    while cursor.more(&mut first, b']')? {
        match plan.item(index) {
            Some(child) => value(child, cursor, out)?,
            None => cursor.skip()?,
        }
        index = index.saturating_add(1);
    }
    Ok(())
}

/// Forgets what an earlier member of the same name has left.
fn reset(plan: &Plan, out: &mut [Field<'_>]) {
    for &slot in plan.slots() {
        if let Some(field) = out.get_mut(slot as usize) {
            *field = Field::Absent;
        }
    }
}
