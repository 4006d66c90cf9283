//! A place between two data items, and how to go on from there.
//!
//! Promises never to panic or to run on, and that an item which has been
//! stepped over was well-formed and of a kind that Kubernetes takes.

use std::borrow::Cow;

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::malformed::Malformed;
use super::string::{Later, Raw};
use super::time;

/// The tag of self-described CBOR, which every stored value begins with.
pub(crate) const MAGIC: &[u8] = &[0xd9, 0xd9, 0xf7];

/// Kubernetes refuses what is nested deeper.
pub(super) const MAX_DEPTH: usize = 64;

/// The beginning of a data item, or the whole of it where that has no parts.
#[derive(Debug)]
pub(super) enum Head<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    String(Raw<'a>),
    /// The text of a point in time.
    Time(String),
    /// With the number of items, if it is known beforehand.
    Array(Option<u64>),
    /// With the number of members, if it is known beforehand.
    Map(Option<u64>),
}

#[derive(Clone)]
pub(super) struct Cursor<'a> {
    decoder: Decoder<'a>,
    /// How byte strings are shown here.
    pub later: Option<Later>,
    /// How deep the item lies whose head was read last.
    pub depth: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            decoder: Decoder::new(bytes),
            later: None,
            depth: 0,
        }
    }

    pub fn at(&self) -> usize {
        self.decoder.position()
    }

    /// All the bytes, from the first on.
    pub fn bytes(&self) -> &'a [u8] {
        self.decoder.input()
    }

    pub fn error(&self, what: &'static str) -> Malformed {
        Malformed {
            at: self.at(),
            what,
        }
    }

    /// Whether all bytes are read.
    pub fn at_end(&self) -> bool {
        self.at() >= self.decoder.input().len()
    }

    fn read<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Error>,
    ) -> Result<T, Malformed> {
        let at = self.at();
        read(&mut self.decoder).map_err(|error| match error.is_end_of_input() {
            true => Malformed {
                at: self.decoder.input().len(),
                what: "the value ends too early",
            },
            false => Malformed { at, what },
        })
    }

    fn kind(&mut self) -> Result<Type, Malformed> {
        self.read("not CBOR", |decoder| decoder.datatype())
    }

    /// Reads the head of the next item, which lies within `depth` others.
    pub fn head(&mut self, depth: usize) -> Result<Head<'a>, Malformed> {
        self.depth = depth;
        let mut first = true;
        let mut kind = self.kind()?;
        while kind == Type::Tag {
            if !std::mem::take(&mut first) {
                self.descend()?;
            }
            if let Some(time) = self.tag()? {
                return Ok(Head::Time(time));
            }
            kind = self.kind()?;
        }
        match kind {
            Type::Array | Type::ArrayIndef => {
                self.descend()?;
                Ok(Head::Array(
                    self.read("not CBOR", |decoder| decoder.array())?,
                ))
            }
            Type::Map | Type::MapIndef => {
                self.descend()?;
                Ok(Head::Map(self.read("not CBOR", |decoder| decoder.map())?))
            }
            Type::Bytes | Type::BytesIndef | Type::String | Type::StringIndef => {
                self.string(kind).map(Head::String)
            }
            _ => self.scalar(kind),
        }
    }

    fn descend(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(self.error("nested too deeply")),
            false => Ok(()),
        }
    }

    /// Takes a tag, and with one of time the time.
    fn tag(&mut self) -> Result<Option<String>, Malformed> {
        let at = self.at();
        let tag = self.read("not CBOR", |decoder| decoder.tag())?.as_u64();
        match tag {
            0 | 1 => {}
            2 | 3 => {
                return Err(Malformed {
                    at,
                    what: "a number of more than 64 bits",
                });
            }
            21 => self.later = Some(Later::Base64Url),
            22 => self.later = Some(Later::Base64),
            23 => self.later = Some(Later::Base16),
            _ => {}
        }
        if tag > 1 {
            return Ok(None);
        }
        let kind = self.kind()?;
        let time = match (tag, kind) {
            (0, Type::String | Type::StringIndef) => time::normal(&self.string(kind)?.value()),
            (1, _) => match self.scalar(kind)? {
                Head::Int(seconds) => time::of_seconds(seconds, 0),
                Head::Double(seconds) => time::of_double(seconds),
                _ => None,
            },
            _ => None,
        };
        time.map(Some).ok_or(Malformed {
            at,
            what: "not a point in time",
        })
    }

    fn scalar(&mut self, kind: Type) -> Result<Head<'a>, Malformed> {
        let double = match kind {
            Type::Bool => {
                return self
                    .read("not CBOR", |decoder| decoder.bool())
                    .map(Head::Bool);
            }
            Type::Null => {
                return self
                    .read("not CBOR", |decoder| decoder.null())
                    .map(|()| Head::Null);
            }
            Type::F16 => self.read("not CBOR", |decoder| decoder.f16())?.into(),
            Type::F32 => self.read("not CBOR", |decoder| decoder.f32())?.into(),
            Type::F64 => self.read("not CBOR", |decoder| decoder.f64())?,
            Type::Undefined | Type::Simple => {
                return Err(self.error("a simple value other than true, false and null"));
            }
            Type::Break => return Err(self.error("an end where nothing has begun")),
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int => {
                let int = self.read("a number of more than 64 bits", |decoder| decoder.i64());
                return int.map(Head::Int);
            }
            _ => return Err(self.error("not CBOR")),
        };
        match double.is_finite() {
            true => Ok(Head::Double(double)),
            false => Err(self.error("a number that JSON has not")),
        }
    }

    fn string(&mut self, kind: Type) -> Result<Raw<'a>, Malformed> {
        let what = match kind {
            Type::String | Type::StringIndef => "a text that is not UTF-8",
            _ => "not CBOR",
        };
        let later = self.later;
        self.read(what, |decoder| {
            let (bytes, later) = match kind {
                Type::Bytes => (Cow::Borrowed(decoder.bytes()?), later),
                Type::String => (Cow::Borrowed(decoder.str()?.as_bytes()), None),
                Type::BytesIndef => {
                    let chunks: Result<Vec<&[u8]>, Error> = decoder.bytes_iter()?.collect();
                    (Cow::Owned(chunks?.concat()), later)
                }
                _ => {
                    let chunks: Result<String, Error> = decoder.str_iter()?.collect();
                    (Cow::Owned(chunks?.into_bytes()), None)
                }
            };
            Ok(Raw { bytes, later })
        })
    }

    /// A member's key, which has to be a string of either kind.
    pub fn key(&mut self) -> Result<Raw<'a>, Malformed> {
        let at = self.at();
        let (depth, later) = (self.depth, self.later);
        let key = match self.head(depth)? {
            Head::String(key) => Ok(key),
            Head::Time(key) => Ok(Raw {
                bytes: Cow::Owned(key.into_bytes()),
                later: None,
            }),
            _ => Err(Malformed {
                at,
                what: "a key that is no string",
            }),
        };
        (self.depth, self.later) = (depth, later);
        key
    }

    /// Whether another item or member follows in an array or map, of which
    /// `left` are to come; steps over its end where that is marked.
    pub fn more(&mut self, left: &mut Option<u64>) -> Result<bool, Malformed> {
        match left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => {
                let more = self.kind()? != Type::Break;
                if !more {
                    self.decoder.set_position(self.at() + 1);
                }
                Ok(more)
            }
        }
    }

    /// Steps over an item that lies within `depth` others. The recursion is
    /// bounded by [`MAX_DEPTH`].
    pub fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        let later = self.later;
        let head = self.head(depth)?;
        self.skip_rest(&head)?;
        self.later = later;
        Ok(())
    }

    /// Steps over what belongs to a head that has just been read.
    pub fn skip_rest(&mut self, head: &Head<'_>) -> Result<(), Malformed> {
        let depth = self.depth;
        let (mut left, is_map) = match head {
            Head::Array(left) => (*left, false),
            Head::Map(left) => (*left, true),
            _ => return Ok(()),
        };
        while self.more(&mut left)? {
            if is_map {
                self.depth = depth;
                self.key()?;
            }
            self.skip(depth)?;
        }
        Ok(())
    }
}
