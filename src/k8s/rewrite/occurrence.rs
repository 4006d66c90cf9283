//! Where a field stands in the bytes of a message.
//!
//! Promises to look at every field of the message: a later one counts, and
//! bytes that are malformed are not rewritten. Deliberately knows no types.

use std::ops::Range;

use super::super::protobuf::{Malformed, Reader, Value};
use super::super::schema::Scalar;

/// One field on the wire.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<'a> {
    /// Which of the message's chunks it is in; the rest are offsets therein.
    pub chunk: usize,
    pub start: usize,
    pub after_tag: usize,
    /// Where the content begins, after a length.
    pub body: usize,
    pub end: usize,
    pub value: Value<'a>,
}

impl Occurrence<'_> {
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// All fields of one number.
#[derive(Debug)]
pub(super) struct Occurrences<'a> {
    pub all: Vec<Occurrence<'a>>,
    /// The chunk and the place where gogo would have written the field.
    pub home: (usize, usize),
}

/// Finds the fields `number` of the message that `chunks` make up together.
pub(super) fn occurrences<'a>(
    chunks: &[&'a [u8]],
    number: u32,
) -> Result<Occurrences<'a>, Malformed> {
    let (mut all, mut home) = (Vec::new(), None);
    for (chunk, bytes) in chunks.iter().enumerate() {
        let mut reader = Reader::new(bytes);
        loop {
            let start = bytes.len() - reader.remaining();
            let Some((found, value)) = reader.field()? else {
                break;
            };
            if found > number && home.is_none() {
                home = Some((chunk, start));
            }
            if found == number {
                let end = bytes.len() - reader.remaining();
                all.push(occurrence(chunk, bytes, start, end, value));
            }
        }
    }
    let last = chunks.len().saturating_sub(1);
    let end = chunks.last().map_or(0, |bytes| bytes.len());
    let home = home.unwrap_or((last, end));
    Ok(Occurrences { all, home })
}

fn occurrence<'a>(
    chunk: usize,
    bytes: &[u8],
    start: usize,
    end: usize,
    value: Value<'a>,
) -> Occurrence<'a> {
    let field = bytes.get(start..end).unwrap_or_default();
    let tag = field.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let after_tag = start + tag;
    let body = match value {
        Value::Bytes(content) => end - content.len(),
        _ => after_tag,
    };
    Occurrence {
        chunk,
        start,
        after_tag,
        body,
        end,
        value,
    }
}

/// One element of a list: an occurrence of its own, or a part of a packed one.
#[derive(Debug)]
pub(super) struct Element<'o, 'a> {
    pub of: &'o Occurrence<'a>,
    /// Its place in the content of a packed occurrence.
    pub packed: Option<Range<usize>>,
}

/// The elements of a list, packed ones included.
pub(super) fn elements<'o, 'a>(
    list: &'o [Occurrence<'a>],
    scalar: Option<Scalar>,
) -> Result<Vec<Element<'o, 'a>>, Malformed> {
    let mut elements = Vec::new();
    for of in list {
        match (scalar, of.value) {
            (Some(scalar), Value::Bytes(content))
                if !matches!(scalar, Scalar::String | Scalar::Bytes) =>
            {
                unpack(of, scalar, content, &mut elements)?;
            }
            _ => elements.push(Element { of, packed: None }),
        }
    }
    Ok(elements)
}

fn unpack<'o, 'a>(
    of: &'o Occurrence<'a>,
    scalar: Scalar,
    content: &[u8],
    elements: &mut Vec<Element<'o, 'a>>,
) -> Result<(), Malformed> {
    let mut reader = Reader::new(content);
    while !reader.is_empty() {
        let start = content.len() - reader.remaining();
        match scalar {
            Scalar::Double => reader.fixed64()?,
            _ => reader.varint()?,
        };
        let end = content.len() - reader.remaining();
        let packed = Some(start..end);
        elements.push(Element { of, packed });
    }
    Ok(())
}
