//! Messages whose JSON is no object with their fields: quantities, times,
//! numbers or texts, embedded JSON, lists and choices in disguise.
//!
//! Promises what Go's decoders of these types make of the pieces of a message,
//! which is not always merging: a time replaces the one before. Deliberately
//! reads nothing that the value does not show.

use std::borrow::Cow;

use super::super::chunks::Chunks;
use super::super::field::{Composite, Field, View};
use super::super::json;
use super::super::quantity;
use super::super::schema::{Kind, Label, Omit, Row, Special, Type};
use super::super::time::{Time, duration};
use super::scalar;
use super::values::{gather, is_empty, values};
use super::wire::{Malformed, Reader, Value};

const WRONG: Malformed = Malformed("a field has the wrong wire type");

/// The special field of `row`, which is on the wire or always shown.
pub(super) fn field<'a>(
    kind: Kind,
    special: Special,
    row: &Row,
    chunks: &Chunks<'a>,
) -> Result<Field<'a>, Malformed> {
    let found = value(kind, special, chunks)?;
    let single = row.label == Label::One && !row.pointer;
    let omitted = match row.omit {
        Omit::Zero => single && is_zero(special, chunks, &found)?,
        // Of these types only a list can be empty.
        Omit::Empty => single && special == Special::Strings && is_empty_list(kind, chunks)?,
        Omit::Never => false,
    };
    Ok(if omitted { Field::Absent } else { found })
}

fn is_empty_list(kind: Kind, chunks: &Chunks<'_>) -> Result<bool, Malformed> {
    match kind.rows().first() {
        Some(row) => is_empty(row, chunks),
        None => Ok(true),
    }
}

fn is_zero(special: Special, chunks: &Chunks<'_>, found: &Field<'_>) -> Result<bool, Malformed> {
    Ok(match (special, found) {
        (Special::Time | Special::MicroTime | Special::Json, Field::Null) => true,
        (Special::Quantity, Field::String(text)) => text == "0",
        (Special::Duration, Field::String(text)) => text == "0s",
        (Special::IntOrString, Field::Int(0)) => last(chunks, 3)?.is_none(),
        _ => false,
    })
}

/// What a special message shows.
pub(super) fn value<'a>(
    kind: Kind,
    special: Special,
    chunks: &Chunks<'a>,
) -> Result<Field<'a>, Malformed> {
    match special {
        Special::Quantity => quantity(chunks),
        Special::Time | Special::MicroTime => time(special, chunks),
        Special::Duration => {
            let nanos = last(chunks, 1)?.map_or(Ok(0), varint)?;
            Ok(Field::String(duration(nanos as i64).into()))
        }
        Special::IntOrString => int_or_string(chunks),
        Special::Json => embedded(kind, chunks),
        Special::Strings => Ok(kind.rows().first().map_or(Field::Null, |row| {
            Field::Composite(View(Composite::Whole(row, chunks.clone())))
        })),
        Special::Choice => choice(kind, chunks),
    }
}

fn varint(value: Value<'_>) -> Result<u64, Malformed> {
    match value {
        Value::Varint(number) => Ok(number),
        _ => Err(WRONG),
    }
}

/// The last value of a field.
fn last<'a>(chunks: &Chunks<'a>, number: u32) -> Result<Option<Value<'a>>, Malformed> {
    values(chunks, number).try_fold(None, |_, value| value.map(Some))
}

fn quantity<'a>(chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    let mut shown = Cow::Borrowed("0");
    for value in values(chunks, 1) {
        shown = quantity_text(value?)?;
    }
    Ok(Field::String(shown))
}

fn quantity_text(value: Value<'_>) -> Result<Cow<'_, str>, Malformed> {
    let text = std::str::from_utf8(value.bytes()?).ok();
    let shown = text.and_then(|text| quantity::shown(text).ok());
    shown.ok_or(NOT_A_QUANTITY)
}

const NOT_A_QUANTITY: Malformed = Malformed("a quantity cannot be parsed");

fn time<'a>(special: Special, chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    let mut time = None;
    for chunk in chunks.as_slice() {
        time = timestamp(special, chunk)?;
    }
    let text = time
        .filter(|time| !time.is_zero())
        .map(|time| match special {
            Special::MicroTime => time.to_micros_text(),
            _ => time.to_seconds_text(),
        });
    Ok(text.map_or(Field::Null, |text| Field::String(text.into())))
}

/// No bytes are no time; any others are one, if only of 1970.
fn timestamp(special: Special, bytes: &[u8]) -> Result<Option<Time>, Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => seconds = varint(value)? as i64,
            2 => nanos = varint(value)? as i32,
            _ => {}
        }
    }
    Ok((!bytes.is_empty()).then(|| match special {
        Special::MicroTime => Time::micros(seconds, nanos),
        _ => Time::seconds(seconds),
    }))
}

fn int_or_string<'a>(chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    let kind = last(chunks, 1)?.map_or(Ok(0), varint)?;
    let number = last(chunks, 2)?.map_or(Ok(0), varint)?;
    let text = last(chunks, 3)?.unwrap_or(Value::Bytes(&[])).text()?;
    match kind {
        0 => Ok(Field::Int(i64::from(number as i32))),
        1 => Ok(Field::String(text)),
        _ => Err(Malformed("a field is neither a number nor a string")),
    }
}

/// Embedded JSON as it is stored, checked.
fn embedded<'a>(kind: Kind, chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    match last(chunks, 1)?.map(Value::bytes).transpose()? {
        None => Ok(Field::Null),
        Some([]) if is_tolerant(kind) => Ok(Field::Null),
        Some(text) => json::embedded(text).map_err(|_| NOT_JSON),
    }
}

const NOT_JSON: Malformed = Malformed("embedded JSON is malformed");

/// The JSON of CustomResourceDefinitions takes no bytes for null.
fn is_tolerant(kind: Kind) -> bool {
    kind.name() == "JSON"
}

/// A bool or a schema, a schema or a list of them, a schema or a list of
/// texts: a list that is not empty comes first, then a schema.
fn choice<'a>(kind: Kind, chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    let composite = |of| Ok(Field::Composite(View(of)));
    let rows = kind.rows();
    for row in rows.iter().filter(|row| row.label == Label::List) {
        if !is_empty(row, chunks)? {
            return composite(Composite::Whole(row, chunks.clone()));
        }
    }
    let mut found = Field::Null;
    for row in rows.iter().filter(|row| row.label == Label::One) {
        match row.of {
            Type::Message(schema) => {
                if let Some(schema_chunks) = gather(row, chunks)? {
                    return composite(Composite::Message(schema, schema_chunks));
                }
            }
            Type::Scalar(of) => {
                let last = last(chunks, row.number)?;
                found = last.map_or(Ok(scalar::zero(of)), |value| scalar::field(of, value))?;
            }
        }
    }
    Ok(found)
}

/// Whether Go reads and prints the pieces. Takes no memory.
pub(super) fn check(kind: Kind, special: Special, bytes: &[u8]) -> Result<(), Malformed> {
    let chunks = Chunks::from(bytes);
    match special {
        Special::Quantity => values(&chunks, 1).try_for_each(|value| {
            let text = std::str::from_utf8(value?.bytes()?).ok();
            let parsed = text.and_then(|text| quantity::check(text).ok());
            parsed.ok_or(NOT_A_QUANTITY)
        }),
        Special::IntOrString => int_or_string(&chunks).map(|_| ()),
        Special::Json => embedded(kind, &chunks).map(|_| ()),
        Special::Time
        | Special::MicroTime
        | Special::Duration
        | Special::Strings
        | Special::Choice => Ok(()),
    }
}
