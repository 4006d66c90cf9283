//! Kubernetes' protobuf: the envelope, and fields out of it in one pass.
//!
//! Promises proto2 as gogo writes and reads it: the last scalar wins, messages
//! merge, repeated fields append, packed lists are accepted. What no path
//! leads to is skipped and not looked at, but by `verify`.

mod envelope;
mod labels;
mod message;
mod plan;
mod scalar;
mod scan;
mod special;
mod values;
mod verify;
mod wire;

pub(super) use envelope::{Envelope, MAGIC};
pub(super) use labels::labels;
pub(super) use message::{Items, entries, items, member, members, metadata, value_at};
pub(super) use plan::Plan;
pub(super) use scalar::NOT_FINITE;
pub(super) use scan::scan;
pub(super) use verify::{MAX_DEPTH, TOO_DEEP, verify, verify_unknown};
pub(super) use wire::{Malformed, Reader, Value, entry};
