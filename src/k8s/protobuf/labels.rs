//! All labels of an object at once. Sorting them is the caller's.

use std::borrow::Cow;

use super::super::field::Labels;
use super::super::text::text;
use super::wire::{Malformed, Reader, Value, entry};

const METADATA: u32 = 1;
const LABELS: u32 = 11;

/// The labels in the order in which they are stored.
pub(crate) fn labels<'a>(object: &'a [u8]) -> Result<Labels<'a>, Malformed> {
    let mut labels = Vec::new();
    let mut object = Reader::new(object);
    while let Some((number, value)) = object.field()? {
        if number == METADATA {
            collect(value.bytes()?, &mut labels)?;
        }
    }
    Ok(labels)
}

fn collect<'a>(metadata: &'a [u8], labels: &mut Labels<'a>) -> Result<(), Malformed> {
    let mut metadata = Reader::new(metadata);
    while let Some((number, value)) = metadata.field()? {
        if number == LABELS {
            let (key, value) = entry(value.bytes()?)?;
            let value = value.map_or(Ok(Cow::Borrowed("")), Value::text)?;
            labels.push((text(key), value));
        }
    }
    Ok(())
}
