//! The values of one field of a message, wherever its pieces are.
//!
//! Promises each of them, in the order of the bytes. Deliberately knows their
//! types only as far as lists are packed.

use super::super::chunks::Chunks;
use super::super::schema::{Label, Row, Type};
use super::scalar;
use super::wire::{Malformed, Reader, Value};

/// Every value of a field, in the order of the bytes. Ends after an error.
pub(super) struct Values<'c, 'a> {
    reader: Reader<'a>,
    rest: std::slice::Iter<'c, &'a [u8]>,
    number: u32,
}

/// The values of field `number`.
pub(super) fn values<'c, 'a>(chunks: &'c Chunks<'a>, number: u32) -> Values<'c, 'a> {
    Values {
        reader: Reader::new(&[]),
        rest: chunks.as_slice().iter(),
        number,
    }
}

impl<'a> Iterator for Values<'_, 'a> {
    type Item = Result<Value<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.field() {
                Ok(Some((number, value))) if number == self.number => return Some(Ok(value)),
                Ok(Some(_)) => {}
                Ok(None) => self.reader = Reader::new(self.rest.next()?),
                Err(error) => {
                    (self.reader, self.rest) = (Reader::new(&[]), [].iter());
                    return Some(Err(error));
                }
            }
        }
    }
}

/// The pieces of a message field; `None` where it is not on the wire.
pub(super) fn gather<'a>(row: &Row, chunks: &Chunks<'a>) -> Result<Option<Chunks<'a>>, Malformed> {
    let mut found = None;
    for value in values(chunks, row.number) {
        let gathered: &mut Chunks<'a> = found.get_or_insert_default();
        gathered.push(value?.bytes()?);
    }
    Ok(found)
}

/// Whether a list or map has nothing on the wire.
pub(super) fn is_empty(row: &Row, chunks: &Chunks<'_>) -> Result<bool, Malformed> {
    for value in values(chunks, row.number) {
        if !matches!((value?, row.of), (Value::Bytes([]), Type::Scalar(of)) if row.label == Label::List && scalar::packs(of))
        {
            return Ok(false);
        }
    }
    Ok(true)
}
