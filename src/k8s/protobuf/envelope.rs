//! The envelope around every protobuf object: magic, apiVersion, kind, and
//! the object's own bytes. Deliberately accepts no content encoding.

use std::borrow::Cow;

use super::wire::{Malformed, Reader};

/// What every protobuf value begins with.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

const CONTENT_TYPE: &[u8] = b"application/vnd.kubernetes.protobuf";

/// A value without its wrapping.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub api_version: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    /// The object's message.
    pub raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes what follows the magic apart.
    pub fn parse(bytes: &'a [u8]) -> Result<Envelope<'a>, Malformed> {
        let mut envelope = Envelope::default();
        let (mut encoding, mut content_type): (&[u8], &[u8]) = (&[], &[]);
        let mut reader = Reader::new(bytes);
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => envelope.type_meta(value.bytes()?)?,
                2 => envelope.raw = value.bytes()?,
                3 => encoding = value.bytes()?,
                4 => content_type = value.bytes()?,
                _ => {}
            }
        }
        match encoding.is_empty() && matches!(content_type, b"" | CONTENT_TYPE) {
            true => Ok(envelope),
            false => Err(Malformed(
                "the envelope holds something other than protobuf",
            )),
        }
    }

    fn type_meta(&mut self, bytes: &'a [u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => self.api_version = value.text()?,
                2 => self.kind = value.text()?,
                _ => {}
            }
        }
        Ok(())
    }
}
