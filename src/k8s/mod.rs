//! Kubernetes objects as bytes in etcd: keys, values, the fields within them,
//! and encryption at rest.
//!
//! Promises that no bytes make it panic and that reading a field copies
//! nothing. Deliberately knows nothing of rules, and never decodes a whole
//! value.

pub mod crypto;
pub mod key;
pub mod path;
pub mod record;
pub mod schema;

mod field;
mod json;
mod protobuf;

pub use crypto::Keyring;
pub use field::{Field, FieldError, Labels, RecordError};
pub use key::{Key, KeyError, KeyResource};
pub use path::{Path, Step};
pub use record::{Query, Record};
pub use schema::{Encoding, FieldType, PathError, Resource, Special};
