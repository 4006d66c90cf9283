//! One edit of a protobuf value: the fields on the way to the one that
//! changes are spliced, from the inside out.
//!
//! Promises proto2's meaning: of a scalar that occurs several times the last
//! counts, a message in several chunks is one, of an entry the last of its
//! key, and a packed list is a list. Deliberately decodes nothing beside the
//! way.

use serde_json::Value as Json;

use super::super::protobuf::Value;
use super::super::schema::{Hop, Row, Select, Type};
use super::encode;
use super::error::{Fault, Refusal};
use super::goal::{Change, Goal};
use super::json;
use super::occurrence::{Element, Occurrence, Occurrences, elements, occurrences};
use super::scalar::delimited;
use super::splice::{Splice, apply, lift};

/// What has to change in the chunks of a message so that the field at the end
/// of `hops` is as wanted.
pub(super) fn edit(chunks: &[&[u8]], hops: &[Hop], goal: Goal<'_>) -> Result<Vec<Splice>, Fault> {
    let Some((hop, rest)) = hops.split_first() else {
        return Ok(Vec::new());
    };
    let found = occurrences(chunks, hop.row.number)?;
    match &hop.select {
        Select::Whole if rest.is_empty() => whole(hop.row, &found, goal),
        Select::Whole => inside(hop.row.number, hop.row.of, &found, rest, goal),
        Select::Item(index) => item(hop.row, *index, &found, rest, goal),
        Select::Entry(key) => entry(hop.row, key, &found, rest, goal),
    }
}

/// The field as a whole, with everything in it.
fn whole(row: &Row, found: &Occurrences<'_>, goal: Goal<'_>) -> Result<Vec<Splice>, Fault> {
    if !goal.beneath.is_empty() {
        return embedded(row, found, goal);
    }
    if goal.removes() && found.all.is_empty() {
        return Ok(Vec::new());
    }
    let mut field = Vec::new();
    encode::field(row, goal.value(), &mut field)?;
    Ok(replace(found, field))
}

/// Within the bytes that hold embedded JSON, of which the last count.
fn embedded(row: &Row, found: &Occurrences<'_>, goal: Goal<'_>) -> Result<Vec<Splice>, Fault> {
    const NOTHING: &[u8] = b"null";
    if let Some(last) = found.all.last() {
        let text = last.value.bytes()?;
        let splices = json::edit(text, goal.beneath, goal.change)?;
        return Ok(lift(std::slice::from_ref(last), splices));
    }
    if goal.removes() {
        return Ok(Vec::new());
    }
    let text = apply(NOTHING, json::edit(NOTHING, goal.beneath, goal.change)?);
    let mut field = Vec::with_capacity(text.len() + 10);
    delimited(row.number, &text, &mut field);
    Ok(replace(found, field))
}

/// Puts `field` in the place of all that was found, or where gogo would.
pub(super) fn replace(found: &Occurrences<'_>, field: Vec<u8>) -> Vec<Splice> {
    let Some((first, others)) = found.all.split_first() else {
        let (chunk, at) = found.home;
        return vec![Splice::insert(chunk, at, field)];
    };
    let mut splices = vec![Splice::replace(first.chunk, first.range(), field)];
    splices.extend(others.iter().map(remove));
    splices
}

fn remove(field: &Occurrence<'_>) -> Splice {
    Splice::remove(field.chunk, field.range())
}

/// Below a single message, in one chunk or several, or in none yet.
pub(super) fn inside(
    number: u32,
    of: Type,
    found: &Occurrences<'_>,
    rest: &[Hop],
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    if !found.all.is_empty() {
        return below(&found.all, rest, goal);
    }
    if goal.removes() {
        return Ok(Vec::new());
    }
    let (chunk, at) = found.home;
    Ok(vec![Splice::insert(
        chunk,
        at,
        made(number, of, rest, goal)?,
    )])
}

/// Below the message that `fields` make up together.
fn below(fields: &[Occurrence<'_>], rest: &[Hop], goal: Goal<'_>) -> Result<Vec<Splice>, Fault> {
    let splices = edit(&bodies(fields)?, rest, goal)?;
    Ok(lift(fields, splices))
}

/// What is within `fields`.
pub(super) fn bodies<'a>(fields: &[Occurrence<'a>]) -> Result<Vec<&'a [u8]>, Fault> {
    let bytes = |field: &Occurrence<'a>| field.value.bytes().map_err(Fault::from);
    fields.iter().map(bytes).collect()
}

/// A message that was not there, tag and all, with the goal reached in it.
fn made(number: u32, of: Type, rest: &[Hop], goal: Goal<'_>) -> Result<Vec<u8>, Fault> {
    let empty = match of {
        Type::Message(kind) => encode::message(kind, &Json::Null)?,
        // A way goes on beneath messages only.
        Type::Scalar(_) => Vec::new(),
    };
    let content = apply(&empty, edit(&[&empty], rest, goal)?);
    let mut out = Vec::with_capacity(content.len() + 10);
    delimited(number, &content, &mut out);
    Ok(out)
}

fn item(
    row: &Row,
    index: u32,
    found: &Occurrences<'_>,
    rest: &[Hop],
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    let scalar = match row.of {
        Type::Scalar(scalar) => Some(scalar),
        Type::Message(_) => None,
    };
    let elements = elements(&found.all, scalar)?;
    match elements.get(index as usize) {
        Some(element) if !rest.is_empty() => below(std::slice::from_ref(element.of), rest, goal),
        Some(element) => replace_element(row, element, goal),
        None if goal.removes() => Ok(Vec::new()),
        None if elements.len() == index as usize => {
            let (chunk, at) = end(found);
            let item = match rest.is_empty() {
                true => list_item(row, goal.value())?,
                false => made(row.number, row.of, rest, goal)?,
            };
            Ok(vec![Splice::insert(chunk, at, item)])
        }
        None => Err(Refusal::Index {
            len: elements.len(),
        }
        .into()),
    }
}

/// Behind everything that was found.
fn end(found: &Occurrences<'_>) -> (usize, usize) {
    let last = found.all.last();
    last.map_or(found.home, |last| (last.chunk, last.end))
}

fn list_item(row: &Row, value: &Json) -> Result<Vec<u8>, Fault> {
    let mut item = Vec::new();
    encode::list_item(row, value, &mut item)?;
    Ok(item)
}

fn replace_element(
    row: &Row,
    element: &Element<'_, '_>,
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    let item = match goal.change {
        Change::Set(value) => list_item(row, value)?,
        Change::Remove => Vec::new(),
    };
    let of = element.of;
    match (&element.packed, goal.change) {
        (None, _) => Ok(vec![Splice::replace(of.chunk, of.range(), item)]),
        (Some(range), Change::Remove) if range.len() == of.end - of.body => Ok(vec![remove(of)]),
        (Some(range), _) => {
            // As it stands in the list, but for the tag.
            let tag = item.iter().take_while(|byte| **byte >= 0x80).count() + 1;
            let payload = item.get(tag..).unwrap_or_default().to_vec();
            let splice = Splice::replace(0, range.clone(), payload);
            Ok(lift(std::slice::from_ref(of), vec![splice]))
        }
    }
}

fn entry(
    row: &Row,
    key: &str,
    found: &Occurrences<'_>,
    rest: &[Hop],
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    let mut same = Vec::new();
    let mut greater = None;
    for field in &found.all {
        let other = entry_key(field)?;
        if other == key.as_bytes() {
            same.push(field);
        } else if other > key.as_bytes() && greater.is_none() {
            greater = Some((field.chunk, field.start));
        }
    }
    match (same.last(), goal.removes() && rest.is_empty()) {
        (_, true) => Ok(same.into_iter().map(remove).collect()),
        (Some(last), false) => entry_value(row, last, rest, goal),
        (None, false) if goal.removes() => Ok(Vec::new()),
        (None, false) => {
            let (chunk, at) = greater.unwrap_or_else(|| end(found));
            let entry = new_entry(row, key, rest, goal)?;
            Ok(vec![Splice::insert(chunk, at, entry)])
        }
    }
}

fn entry_key<'a>(entry: &Occurrence<'a>) -> Result<&'a [u8], Fault> {
    let keys = occurrences(&[entry.value.bytes()?], 1)?;
    let last = keys.all.last().map(|key| key.value);
    Ok(last.map_or(Ok(&[] as &[u8]), Value::bytes)?)
}

/// Within the entry that counts. Its value is replaced by a later one, never
/// merged with it.
fn entry_value(
    row: &Row,
    entry: &Occurrence<'_>,
    rest: &[Hop],
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    let body = entry.value.bytes()?;
    let mut values = occurrences(&[body], 2)?;
    let splices = match rest.is_empty() {
        true => {
            let mut value = Vec::new();
            encode::entry_value(row, goal.value(), &mut value)?;
            replace(&values, value)
        }
        false => {
            let overridden = values.all.len().saturating_sub(1);
            values.all.drain(..overridden);
            inside(2, row.of, &values, rest, goal)?
        }
    };
    Ok(lift(std::slice::from_ref(entry), splices))
}

fn new_entry(row: &Row, key: &str, rest: &[Hop], goal: Goal<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    if rest.is_empty() {
        encode::entry(row, key, goal.value(), &mut out)?;
        return Ok(out);
    }
    let mut body = Vec::new();
    delimited(1, key.as_bytes(), &mut body);
    body.extend(made(2, row.of, rest, goal)?);
    delimited(row.number, &body, &mut out);
    Ok(out)
}

/// Whether the field goes where it is set to `null`.
pub(super) fn null_removes(hop: &Hop) -> bool {
    match hop.select {
        Select::Whole => encode::has_no_zero(hop.row),
        Select::Entry(_) => true,
        Select::Item(_) => false,
    }
}
