//! Kubernetes' protobuf: the envelope, and fields out of it in one pass.
//!
//! Promises proto2 as gogo writes and reads it: the last scalar wins, messages
//! merge, repeated fields append, packed lists are accepted. What no path
//! leads to is skipped and not looked at.

mod envelope;
mod labels;
mod plan;
mod scan;
mod wire;

pub(super) use envelope::{Envelope, MAGIC};
pub(super) use labels::labels;
pub(super) use plan::Plan;
pub(super) use scan::scan;
pub(super) use wire::Malformed;
