//! One edit of a JSON text.
//!
//! Promises that the rest of the text keeps its order and its spaces, that of
//! a repeated key the last counts, and that what is new is written as a
//! kube-apiserver would. Deliberately knows no schema.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::field::RecordError;
use super::super::path::Step;
use super::error::{Fault, Refusal};
use super::goal::Change;
use super::json_span::{Member, Scanner, Shape};
use super::json_text;
use super::splice::Splice;

/// What an edit at `steps` changes in a text that is one JSON value, of
/// whatever shape.
pub(super) fn edit(text: &[u8], steps: &[Step], change: Change<'_>) -> Result<Vec<Splice>, Fault> {
    check(text)?;
    let scanner = Scanner::new(text);
    descend(&scanner, scanner.root()?, steps, change)
}

/// Refuses what is no JSON.
fn check(text: &[u8]) -> Result<(), Fault> {
    let malformed = |at, what| RecordError::Json { at, what };
    let text =
        std::str::from_utf8(text).map_err(|error| malformed(error.valid_up_to(), "not UTF-8"))?;
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(malformed(0, "it is not one JSON value").into()),
    }
}

fn descend(
    scanner: &Scanner<'_>,
    value: Range<usize>,
    steps: &[Step],
    change: Change<'_>,
) -> Result<Vec<Splice>, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(match change {
            Change::Set(new) => {
                let text = json_text::write(new);
                vec![Splice::replace(0, value, text.into_bytes())]
            }
            // What holds the value has taken it out.
            Change::Remove => Vec::new(),
        });
    };
    match (scanner.shape(&value), step, change) {
        (Shape::Object, Step::Field(name) | Step::Key(name), _) => {
            object(scanner, value, name, rest, change)
        }
        (Shape::Array, Step::Index(index), _) => array(scanner, value, *index, rest, change),
        (_, _, Change::Remove) => Ok(Vec::new()),
        (Shape::Null, _, Change::Set(new)) => {
            let text = nested(steps, new)?;
            Ok(vec![Splice::replace(0, value, text.into_bytes())])
        }
        (found, step, Change::Set(_)) => {
            let expected = match step {
                Step::Index(_) => "a list",
                Step::Field(_) | Step::Key(_) => "an object",
            };
            let found = found.name();
            Err(Fault::above(Refusal::Type { expected, found }, steps.len()))
        }
    }
}

fn object(
    scanner: &Scanner<'_>,
    value: Range<usize>,
    name: &str,
    rest: &[Step],
    change: Change<'_>,
) -> Result<Vec<Splice>, Fault> {
    let members = scanner.members(&value)?;
    let same = |member: &Member| scanner.key(member) == name;
    match (members.iter().rev().find(|member| same(member)), change) {
        (Some(_), Change::Remove) if rest.is_empty() => {
            let spans = members.iter().map(|member| member.start..member.value.end);
            let gone = members.iter().map(same);
            Ok(without(spans.zip(gone)))
        }
        (Some(member), _) => descend(scanner, member.value.clone(), rest, change),
        (None, Change::Remove) => Ok(Vec::new()),
        (None, Change::Set(new)) => {
            let mut text = String::new();
            json_text::string(name, &mut text);
            text.push(':');
            text.push_str(&nested(rest, new)?);
            let last = members.last().map(|member| member.value.end);
            Ok(vec![insert(value.start, last, text)])
        }
    }
}

fn array(
    scanner: &Scanner<'_>,
    value: Range<usize>,
    index: u32,
    rest: &[Step],
    change: Change<'_>,
) -> Result<Vec<Splice>, Fault> {
    let items = scanner.items(&value)?;
    match (items.get(index as usize), change) {
        (Some(_), Change::Remove) if rest.is_empty() => {
            let gone = (0..).map(|place: u32| place == index);
            Ok(without(items.iter().cloned().zip(gone)))
        }
        (Some(item), _) => descend(scanner, item.clone(), rest, change),
        (None, Change::Remove) => Ok(Vec::new()),
        (None, Change::Set(new)) if items.len() == index as usize => {
            let last = items.last().map(|item| item.end);
            Ok(vec![insert(value.start, last, nested(rest, new)?)])
        }
        (None, Change::Set(_)) => {
            let len = items.len();
            Err(Fault::above(Refusal::Index { len }, rest.len()))
        }
    }
}

/// Puts `text` behind the last part of an object or list, which begins at
/// `start`.
fn insert(start: usize, last: Option<usize>, text: String) -> Splice {
    match last {
        Some(end) => Splice::insert(0, end, format!(",{text}").into_bytes()),
        None => Splice::insert(0, start + 1, text.into_bytes()),
    }
}

/// Takes out the parts that go, each with a comma.
fn without(parts: impl Iterator<Item = (Range<usize>, bool)>) -> Vec<Splice> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // The end of the last part that stays, and whether the comma behind it
    // waits for another part that stays.
    let mut kept_end = None;
    let mut open: Option<usize> = None;
    let mut end = 0;
    for (part, gone) in parts {
        match (gone, open) {
            (true, None) => open = Some(part.start),
            (false, Some(start)) => {
                ranges.push(start..part.start);
                open = None;
            }
            _ => {}
        }
        if !gone {
            kept_end = Some(part.end);
        }
        end = part.end;
    }
    ranges.extend(open.map(|start| kept_end.unwrap_or(start)..end));
    ranges
        .into_iter()
        .map(|range| Splice::remove(0, range))
        .collect()
}

/// `value` within new objects and lists, one for each step.
fn nested(steps: &[Step], value: &Value) -> Result<String, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(json_text::write(value));
    };
    match step {
        Step::Field(name) | Step::Key(name) => {
            let mut text = "{".to_owned();
            json_text::string(name, &mut text);
            Ok(format!("{text}:{}}}", nested(rest, value)?))
        }
        Step::Index(0) => Ok(format!("[{}]", nested(rest, value)?)),
        Step::Index(_) => Err(Fault::above(Refusal::Index { len: 0 }, rest.len())),
    }
}
