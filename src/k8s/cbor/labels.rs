//! What is read of every object: its type, and all its labels. Sorting these
//! is the caller's.

use std::borrow::Cow;

use super::super::field::{Field, Labels};
use super::cursor::Head;
use super::item::{Item, REPEATED, Shape};
use super::malformed::Malformed;

/// The object's own `apiVersion` and `kind`, where they are strings. Goes
/// over all bytes once.
pub(crate) fn type_meta(bytes: &[u8]) -> Result<[Option<Cow<'_, str>>; 2], Malformed> {
    let (head, mut cursor) = Item::stored(bytes)?.open()?;
    let Head::Map(mut left) = head else {
        return Err(cursor.error("not a map"));
    };
    let mut found = [None, None];
    while cursor.more(&mut left)? {
        let (at, key) = (cursor.at(), cursor.key()?);
        let item = Item::take(&mut cursor)?;
        for (name, place) in ["apiVersion", "kind"].iter().zip(&mut found) {
            if key.is(name) && place.replace(item.clone()).is_some() {
                return Err(Malformed { at, what: REPEATED });
            }
        }
    }
    if !cursor.at_end() {
        return Err(cursor.error("more follows after the object"));
    }
    let [api_version, kind] = found;
    Ok([string(api_version)?, string(kind)?])
}

fn string(item: Option<Item<'_>>) -> Result<Option<Cow<'_, str>>, Malformed> {
    match item.map(|item| item.field()).transpose()? {
        Some(Field::String(text)) => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// The labels in the order in which they are stored; `None` where
/// `metadata.labels` is there and no map of strings.
pub(crate) fn labels(bytes: &[u8]) -> Result<Option<Labels<'_>>, Malformed> {
    let labels = match Item::stored(bytes)?.member("metadata")? {
        Some(metadata) => metadata.member("labels")?,
        None => None,
    };
    match labels {
        Some(labels) if labels.shape()? == Shape::Map => strings(&labels),
        Some(labels) if labels.field()? != Field::Null => Ok(None),
        _ => Ok(Some(Vec::new())),
    }
}

fn strings<'a>(map: &Item<'a>) -> Result<Option<Labels<'a>>, Malformed> {
    let mut labels = Vec::new();
    for (key, value) in map.sorted()? {
        match value.field()? {
            Field::String(value) => labels.push((key, value)),
            // Go leaves a text as it is that is said to be null: empty.
            Field::Null => labels.push((key, "".into())),
            _ => return Ok(None),
        }
    }
    Ok(Some(labels))
}
