//! Fields of a message by the schema, one at a time: what a view reads.
//!
//! Promises the same as `scan` does, which is for many fields of many values.
//! Deliberately reads no deeper than asked.

use std::borrow::Cow;

use super::super::chunks::Chunks;
use super::super::field::{Composite, Field, View};
use super::super::schema::{Kind, Label, Omit, Row, Scalar, Type, any_kind, hidden, own_field};
use super::super::text::text;
use super::plan::is_nil;
use super::values::{gather, is_empty, values};
use super::wire::{Malformed, Reader, Value, entry};
use super::{scalar, special};

/// The field of `row`.
pub(crate) fn field<'a>(row: &'static Row, chunks: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    let nil = match row.omit {
        Omit::Never => Field::Null,
        Omit::Empty | Omit::Zero => Field::Absent,
    };
    if row.label != Label::One {
        return Ok(match is_empty(row, chunks)? {
            true => nil,
            false => Field::Composite(View(Composite::Whole(row, chunks.clone()))),
        });
    }
    let kind = match row.of {
        Type::Scalar(of) => return single(row, of, nil, chunks),
        Type::Message(kind) => kind,
    };
    match (gather(row, chunks)?, kind.special()) {
        (None, _) if is_nil(row) => Ok(nil),
        (found, Some(special)) => special::field(kind, special, row, &found.unwrap_or_default()),
        (found, None) => Ok(message(kind, found.unwrap_or_default())),
    }
}

fn message(kind: Kind, chunks: Chunks<'_>) -> Field<'_> {
    Field::Composite(View(Composite::Message(kind, chunks)))
}

fn single<'a>(
    row: &Row,
    of: Scalar,
    nil: Field<'a>,
    chunks: &Chunks<'a>,
) -> Result<Field<'a>, Malformed> {
    let mut found = None;
    for value in values(chunks, row.number) {
        found = Some(scalar::field(of, value?)?);
    }
    let nullable = row.pointer || of == Scalar::Bytes;
    let found = match found {
        None if nullable => return Ok(nil),
        None => scalar::zero(of),
        Some(found) => found,
    };
    let omitted = !row.pointer && row.omit != Omit::Never && scalar::is_zero(&found);
    Ok(if omitted { Field::Absent } else { found })
}

/// An element of a list or map.
fn element<'a>(row: &'static Row, value: Value<'a>) -> Result<Field<'a>, Malformed> {
    let kind = match row.of {
        Type::Scalar(of) => return scalar::field(of, value),
        Type::Message(kind) => kind,
    };
    let chunks = Chunks::from(value.bytes()?);
    match kind.special() {
        Some(special) => special::value(kind, special, &chunks),
        None => Ok(message(kind, chunks)),
    }
}

/// The field of a message by its JSON name.
pub(crate) fn member<'a>(
    kind: Kind,
    chunks: &Chunks<'a>,
    name: &str,
) -> Result<Field<'a>, Malformed> {
    if let Some(row) = own_field(kind, name) {
        return field(row, chunks);
    }
    match hidden(kind).find(|(_, hidden)| has(*hidden, name)) {
        Some((row, hidden)) => member(hidden, &gather(row, chunks)?.unwrap_or_default(), name),
        None => Ok(Field::Absent),
    }
}

/// The metadata of an object, whose kind makes no difference.
pub(crate) fn metadata<'a>(object: &Chunks<'a>) -> Result<Field<'a>, Malformed> {
    match any_kind() {
        Some(kind) => member(kind, object, "metadata"),
        None => Ok(Field::Absent),
    }
}

fn has(kind: Kind, name: &str) -> bool {
    own_field(kind, name).is_some() || hidden(kind).any(|(_, hidden)| has(hidden, name))
}

/// Every field of a message that JSON shows, hidden messages opened.
pub(crate) fn members<'a>(
    kind: Kind,
    chunks: &Chunks<'a>,
    into: &mut Vec<(Cow<'a, str>, Field<'a>)>,
) -> Result<(), Malformed> {
    for row in kind.rows() {
        if row.inline || row.name == "-" {
            continue;
        }
        // An outer field hides one of the same name within.
        let is_new = into.iter().all(|(name, _)| name != row.name);
        match field(row, chunks)? {
            Field::Absent => {}
            found if is_new => into.push((Cow::Borrowed(row.name), found)),
            _ => {}
        }
    }
    for (row, hidden) in hidden(kind) {
        members(hidden, &gather(row, chunks)?.unwrap_or_default(), into)?;
    }
    Ok(())
}

/// The last entry of this key.
pub(crate) fn value_at<'a>(
    row: &'static Row,
    chunks: &Chunks<'a>,
    key: &str,
) -> Result<Field<'a>, Malformed> {
    let mut found = None;
    for value in values(chunks, row.number) {
        let (own, value) = entry(value?.bytes()?)?;
        if own == key.as_bytes() {
            found = Some(value);
        }
    }
    let found = found.map(|value| element(row, value.unwrap_or_else(|| nothing(row))));
    found.unwrap_or(Ok(Field::Absent))
}

/// Every entry of a map, sorted by key; of a repeated key the last.
pub(crate) fn entries<'a>(
    row: &'static Row,
    chunks: &Chunks<'a>,
) -> Result<Vec<(Cow<'a, str>, Field<'a>)>, Malformed> {
    let mut found = Vec::new();
    for value in values(chunks, row.number) {
        let (key, value) = entry(value?.bytes()?)?;
        found.push((key, value.unwrap_or_else(|| nothing(row))));
    }
    found.reverse();
    found.sort_by_key(|(key, _)| *key);
    found.dedup_by_key(|(key, _)| *key);
    let read = |(key, value)| Ok((text(key), element(row, value)?));
    found.into_iter().map(read).collect()
}

/// The value of an entry that has none on the wire.
fn nothing(row: &Row) -> Value<'static> {
    match row.of {
        Type::Scalar(of) => scalar::nothing(of),
        Type::Message(_) => Value::Bytes(&[]),
    }
}

/// The elements of a list, packed or not.
#[derive(Clone)]
pub(crate) struct Items<'a> {
    row: &'static Row,
    chunks: Chunks<'a>,
    /// How many chunks have been begun.
    begun: usize,
    reader: Reader<'a>,
    packed: Reader<'a>,
}

/// The elements of the list of `row`.
pub(crate) fn items<'a>(row: &'static Row, chunks: &Chunks<'a>) -> Items<'a> {
    Items {
        row,
        chunks: chunks.clone(),
        begun: 0,
        reader: Reader::new(&[]),
        packed: Reader::new(&[]),
    }
}

impl<'a> Items<'a> {
    fn value(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        loop {
            if let Type::Scalar(of) = self.row.of
                && let Some(value) = scalar::unpack(of, &mut self.packed)?
            {
                return Ok(Some(value));
            }
            match (self.reader.field()?, self.row.of) {
                (None, _) => {
                    let Some(chunk) = self.chunks.as_slice().get(self.begun) else {
                        return Ok(None);
                    };
                    self.begun += 1;
                    self.reader = Reader::new(chunk);
                }
                (Some((number, _)), _) if number != self.row.number => {}
                (Some((_, Value::Bytes(bytes))), Type::Scalar(of)) if scalar::packs(of) => {
                    self.packed = Reader::new(bytes);
                }
                (Some((_, value)), _) => return Ok(Some(value)),
            }
        }
    }

    /// How many are left.
    pub fn count_left(mut self) -> Result<usize, Malformed> {
        let mut count = 0;
        while self.value()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Ends after an error.
    fn fuse(&mut self) {
        *self = items(self.row, &Chunks::default());
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row;
        let read = match self.value() {
            Ok(value) => value.map(|value| element(row, value)),
            Err(error) => Some(Err(error)),
        };
        if matches!(read, Some(Err(_))) {
            self.fuse();
        }
        read
    }
}
