//! Fields of a message, one after the other, straight from its bytes.
//!
//! Promises an error for overlong varints, lengths past the end, field number
//! 0 and groups (which Kubernetes never writes). Deliberately knows no types.

use std::borrow::Cow;

use super::super::text::text;

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub &'static str);

/// A field's value as far as the wire format tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The bytes of a string, message or byte field.
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed("a field has the wrong wire type")),
        }
    }

    /// The text of a string field, as JSON shows it.
    #[inline]
    pub fn text(self) -> Result<Cow<'a, str>, Malformed> {
        self.bytes().map(text)
    }
}

/// Reads a message from its start to its end.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Reader<'a> {
        Reader { rest: message }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are still to be read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next field, or `None` at the end.
    #[inline]
    pub fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        // Most have a number below 16 and fewer than 128 bytes.
        if let [tag @ 8..0x80, length @ ..0x80, rest @ ..] = self.rest
            && tag & 7 == 2
            && let Some((taken, rest)) = rest.split_at_checked(usize::from(*length))
        {
            self.rest = rest;
            return Ok(Some((u32::from(tag >> 3), Value::Bytes(taken))));
        }
        self.any_field()
    }

    fn any_field(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).unwrap_or(0);
        if number == 0 || number > MAX_NUMBER {
            return Err(Malformed("a field number is out of range"));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => Value::Bytes(self.delimited()?),
            5 => self.take(4).map(|_| Value::Fixed32)?,
            3 | 4 => return Err(Malformed("groups are not used by Kubernetes")),
            _ => return Err(Malformed("unknown wire type")),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (place, &byte) in self.rest.iter().take(MAX_VARINT).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                if place == MAX_VARINT - 1 && byte > 1 {
                    return Err(Malformed("a varint does not fit into 64 bits"));
                }
                self.rest = self.rest.get(place + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(match self.rest.len() < MAX_VARINT {
            true => Malformed("the bytes end within a varint"),
            false => Malformed("a varint is longer than ten bytes"),
        })
    }

    pub fn fixed64(&mut self) -> Result<u64, Malformed> {
        let bytes = self.take(8)?;
        Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
    }

    #[inline]
    fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed("a length goes past the end"))?;
        self.rest = rest;
        Ok(taken)
    }
}

const MAX_NUMBER: u32 = (1 << 29) - 1;
const MAX_VARINT: usize = 10;

/// A map's entry: its key and its value, where that is on the wire.
#[inline]
pub(crate) fn entry(bytes: &[u8]) -> Result<(&[u8], Option<Value<'_>>), Malformed> {
    let (mut key, mut value) = (&[] as &[u8], None);
    let mut reader = Reader::new(bytes);
    while let Some((number, found)) = reader.field()? {
        match number {
            1 => key = found.bytes()?,
            2 => value = Some(found),
            _ => {}
        }
    }
    Ok((key, value))
}
