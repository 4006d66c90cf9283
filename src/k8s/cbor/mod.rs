//! CBOR values (RFC 8949), read where a path leads: custom resources that were
//! stored while the feature gate `CBORServingAndStorage` was on.
//!
//! Promises to take what Kubernetes' decoder takes and to show it as the
//! Kubernetes API would in JSON: byte strings are strings (in base64 or base16
//! below a tag that says so), other tags but those of times are passed over,
//! a repeated key is an error where it is met. Nothing is copied but strings
//! that have to be changed. Deliberately does not look into what nobody asks
//! for, but for where it ends: [`validate()`] does.

mod cursor;
mod item;
mod labels;
mod malformed;
mod scan;
mod string;
mod time;
mod value;

pub(super) use cursor::MAGIC;
pub(super) use item::{Item, Items};
pub(super) use labels::{labels, type_meta};
pub(super) use malformed::Malformed;
pub(super) use scan::scan;
pub(super) use value::validate;
