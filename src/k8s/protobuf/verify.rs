//! Whether Go's decoders accept a value, and can print it again.
//!
//! Promises to look at every field that the schema knows, to take no memory,
//! and to stop at a bounded depth. Deliberately passes over unknown fields as
//! Go does.

use super::super::schema::{Kind, Label, Row, Type, any_kind, own_field};
use super::wire::{Malformed, Reader, Value, entry};
use super::{scalar, special};

/// Messages within messages: deeper ones are refused. Only the schema of a
/// CustomResourceDefinition nests without bound, and never comes near.
pub(crate) const MAX_DEPTH: usize = 256;
/// Messages within messages beyond that.
pub(crate) const TOO_DEEP: Malformed = Malformed("messages are nested too deeply");

/// Checks an object of a kind.
pub(crate) fn verify(kind: Kind, object: &[u8]) -> Result<(), Malformed> {
    message(kind, object, MAX_DEPTH)
}

/// Checks what is known of an object whose kind is not: its metadata, and that
/// the rest is a message.
pub(crate) fn verify_unknown(object: &[u8]) -> Result<(), Malformed> {
    let metadata = any_kind().and_then(|kind| own_field(kind, "metadata"));
    let mut reader = Reader::new(object);
    while let Some((number, value)) = reader.field()? {
        if let Some(row) = metadata.filter(|row| row.number == number) {
            field(row, value, MAX_DEPTH)?;
        }
    }
    Ok(())
}

fn message(kind: Kind, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
    let rows = kind.rows();
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        if let Some(row) = rows.iter().find(|row| row.number == number) {
            field(row, value, depth)?;
        }
    }
    match kind.special() {
        Some(special) => special::check(kind, special, bytes),
        None => Ok(()),
    }
}

fn field(row: &'static Row, value: Value<'_>, depth: usize) -> Result<(), Malformed> {
    match (row.label, row.of, value) {
        (Label::Map, ..) => match entry(value.bytes()?)? {
            (_, Some(value)) => element(row.of, value, depth),
            (_, None) => Ok(()),
        },
        (Label::List, Type::Scalar(of), Value::Bytes(bytes)) if scalar::packs(of) => {
            let mut packed = Reader::new(bytes);
            while let Some(value) = scalar::unpack(of, &mut packed)? {
                element(row.of, value, depth)?;
            }
            Ok(())
        }
        _ => element(row.of, value, depth),
    }
}

fn element(of: Type, value: Value<'_>, depth: usize) -> Result<(), Malformed> {
    match (of, value) {
        (Type::Message(kind), _) => message(kind, value.bytes()?, depth),
        (Type::Scalar(of), _) => scalar::check(of, value),
    }
}
