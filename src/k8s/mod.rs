//! Kubernetes objects as bytes in etcd: keys, values, the fields within them,
//! and encryption at rest.
//!
//! Promises that no bytes make it panic and that reading a field copies
//! nothing but what [`Field::String`] says. Deliberately knows nothing of rules,
//! and decodes a whole value only to show or verify it.
//!
//! ```
//! use carry::k8s::{Edit, Field, Record, rewrite};
//! use serde_json::json;
//!
//! // As etcd holds it, in protobuf, JSON or CBOR; decrypted by a `Keyring`.
//! let stored = br#"{"apiVersion":"example.com/v1","kind":"Site","spec":{"size":1}}"#;
//! let site = Record::parse(stored)?;
//! assert_eq!(site.kind(), "Site");
//! assert_eq!(site.get(&"spec.size".parse()?)?, Field::Int(1));
//! assert_eq!(site.get(&"spec.color".parse()?)?, Field::Absent);
//! assert_eq!(site.to_json()?["spec"], json!({"size": 1}));
//!
//! let larger = rewrite(stored, &[("spec.size".parse()?, Edit::Set(json!(2)))])?;
//! assert_eq!(Record::parse(&larger)?.get(&"spec.size".parse()?)?, Field::Int(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod crypto;
pub mod key;
pub mod path;
pub mod quantity;
pub mod record;
pub mod rewrite;
pub mod schema;
pub mod services;

mod base64;
mod cbor;
mod chunks;
mod field;
mod json;
mod number;
mod plan;
mod protobuf;
mod query;
mod text;
mod time;
mod transfer;
mod typed;
mod view;

pub use crypto::{Keyring, Provider};
pub use field::{Field, FieldError, Labels, RecordError, View};
pub use key::{Key, KeyError, KeyResource};
pub use path::{Path, Step};
pub use quantity::Quantity;
pub use query::Query;
pub use record::Record;
pub use rewrite::{Edit, Refusal, RewriteError, rewrite};
pub use schema::{Encoding, FieldType, JsonShape, PathError, Resource, Special};
pub use transfer::{Transfer, TransferBuffers, Transferred};
pub use view::Items;
