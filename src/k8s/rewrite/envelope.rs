//! The envelope around a protobuf object, with its lengths mended when the
//! object or its type changes. Deliberately does not look into the object.

use super::super::schema::{Hop, Kind, Type};
use super::error::Fault;
use super::goal::Goal;
use super::occurrence::occurrences;
use super::protobuf::{bodies, inside, replace};
use super::scalar::delimited;
use super::splice::{Splice, lift};

const TYPE_META: u32 = 1;
const RAW: u32 = 2;

/// What an edit of the object changes in the envelope, which is what follows
/// the magic.
pub(super) fn edit_object(
    envelope: &[u8],
    kind: Kind,
    hops: &[Hop],
    goal: Goal<'_>,
) -> Result<Vec<Splice>, Fault> {
    let mut found = occurrences(&[envelope], RAW)?;
    // The object is bytes here, not a message: the last counts, none merge.
    let overridden = found.all.len().saturating_sub(1);
    found.all.drain(..overridden);
    inside(RAW, Type::Message(kind), &found, hops, goal)
}

/// The two texts of the envelope's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypeMeta {
    ApiVersion,
    Kind,
}

/// What another apiVersion or kind changes in the envelope.
pub(super) fn set_type(envelope: &[u8], which: TypeMeta, text: &str) -> Result<Vec<Splice>, Fault> {
    let number = match which {
        TypeMeta::ApiVersion => 1,
        TypeMeta::Kind => 2,
    };
    let found = occurrences(&[envelope], TYPE_META)?;
    let bodies = bodies(&found.all)?;
    let mut field = Vec::new();
    delimited(number, text.as_bytes(), &mut field);
    let splices = replace(&occurrences(&bodies, number)?, field);
    Ok(lift(&found.all, splices))
}
