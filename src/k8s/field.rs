//! What reading a value yields: a field, or why there is none. Deliberately
//! knows nothing of encodings.

use std::borrow::Cow;

use super::path::Path;

/// A field as the Kubernetes API would show it, borrowed from the stored
/// bytes.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Field<'a> {
    /// The API would not show it.
    #[default]
    Absent,
    /// Shown as `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An unsigned whole number. No field of Kubernetes has that type today,
    /// and of JSON numbers what does not fit into `Int` is a `Double`.
    Uint(u64),
    /// Any other number.
    Double(f64),
    /// A text. Borrowed, but for JSON strings with escapes.
    String(Cow<'a, str>),
    /// Bytes, which the API shows in base64. A value that was stored as JSON
    /// has a `String` in base64 in its place.
    Bytes(&'a [u8]),
    /// Present, but not a scalar: an object, a map or a list.
    Composite,
}

/// Labels with their values.
pub type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Why a value, or a field of it, cannot be read. Never holds any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No bytes at all.
    #[error("the value is empty")]
    Empty,
    /// The value begins as encrypted ones do.
    #[error("the value is encrypted ({0}) and has to be decrypted first")]
    Encrypted(String),
    /// Told apart by its first bytes.
    #[error("the value is CBOR, which carry cannot read yet")]
    Cbor,
    /// Neither the protobuf envelope nor a JSON object.
    #[error("the value is neither Kubernetes protobuf nor a JSON object")]
    Unknown,
    /// Malformed protobuf.
    #[error("malformed protobuf: {0}")]
    Protobuf(&'static str),
    /// Malformed JSON.
    #[error("malformed JSON at byte {at}: {what}")]
    Json {
        /// The offset in the value.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// No object of Kubernetes.
    #[error("the value has no `{0}`")]
    Untyped(&'static str),
    /// A label that is no string.
    #[error("`metadata.labels` is not a map of strings")]
    Labels,
    /// A protobuf value of which only the metadata can be read.
    #[error("no schema for `{kind}` of `{api_version}`: `{path}` cannot be read")]
    NoSchema {
        /// The value's apiVersion.
        api_version: String,
        /// The value's kind.
        kind: String,
        /// What was asked for.
        path: Path,
    },
    /// The schema knows the field, but its type cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    NotReadable {
        /// What was asked for.
        path: Path,
        /// Why not.
        why: &'static str,
    },
    /// A query compiled for another kind, or too little room for its answers.
    #[error("the query was compiled for another kind of object")]
    OtherKind,
}

/// Why a field cannot be read.
pub type FieldError = RecordError;
