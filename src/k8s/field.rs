//! What reading a value yields: a field, or why there is none. Deliberately
//! reads nothing itself: `view` walks what lies beneath a field.

use std::borrow::Cow;
use std::fmt;

use super::chunks::Chunks;
use super::path::Path;
use super::schema::{JsonType, Kind, Row};
use super::{cbor, json};

/// A field as the Kubernetes API would show it, borrowed from the stored
/// bytes.
#[derive(Clone, PartialEq, Default)]
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
    /// A text. Borrowed, but for JSON strings with escapes, bytes that are not
    /// UTF-8, times, and quantities that are not stored in canonical form; and
    /// in CBOR for the few that are not stored as they are shown.
    String(Cow<'a, str>),
    /// Bytes, which the API shows in base64. A value that was stored as JSON
    /// has a `String` in base64 in its place.
    Bytes(&'a [u8]),
    /// An object, a map or a list.
    Composite(View<'a>),
}

/// Never shows a value: it may be of a Secret.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Absent => f.write_str("Absent"),
            Field::Null => f.write_str("Null"),
            Field::Bool(_) => f.write_str("Bool"),
            Field::Int(_) => f.write_str("Int"),
            Field::Uint(_) => f.write_str("Uint"),
            Field::Double(_) => f.write_str("Double"),
            Field::String(text) => write!(f, "String({} bytes)", text.len()),
            Field::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Field::Composite(view) => write!(f, "Composite({view:?})"),
        }
    }
}

/// An object, map or list where it lies in the stored bytes, read only when
/// asked. Cheap to clone. Two are equal when they are of the same type and of
/// the same bytes, cut into the same pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct View<'a>(pub(super) Composite<'a>);

/// What a view is of, and its bytes.
#[derive(Clone, PartialEq)]
pub(super) enum Composite<'a> {
    /// A whole protobuf value, from behind the magic on.
    Object(Option<Kind>, &'a [u8]),
    Message(Kind, Chunks<'a>),
    /// A list or map, with the bytes of the message that holds it.
    Whole(&'static Row, Chunks<'a>),
    /// An object or array of which brackets and quotes are in pairs.
    Json(JsonType, json::Text<'a>),
    /// A map or array. Boxed: it is large and rare.
    Cbor(Box<cbor::Item<'a>>),
}

/// Never shows the bytes: they may be of a Secret.
impl fmt::Debug for Composite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Composite::Object(_, bytes) => write!(f, "object, {} bytes", bytes.len()),
            Composite::Message(kind, chunks) => write!(f, "{}, {chunks:?}", kind.name()),
            Composite::Whole(row, chunks) => write!(f, "`{}` in {chunks:?}", row.name),
            Composite::Json(_, text) => write!(f, "JSON, {text:?}"),
            Composite::Cbor(item) => write!(f, "CBOR, {item:?}"),
        }
    }
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
    /// Neither the protobuf envelope nor a JSON object nor self-described CBOR.
    #[error("the value is neither Kubernetes protobuf nor a JSON object nor CBOR")]
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
    /// JSON of another type than the kind's schema says.
    #[error("a field of the object is not {0}")]
    Mistyped(&'static str),
    /// Malformed CBOR, or such as Kubernetes does not take.
    #[error("malformed CBOR at byte {at}: {what}")]
    Cbor {
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
    #[error("no schema for `{kind}` of `{api_version}`: {} cannot be read", of_path(.path))]
    NoSchema {
        /// The value's apiVersion.
        api_version: String,
        /// The value's kind.
        kind: String,
        /// What was asked for.
        path: Path,
    },
    /// Printing went wrong.
    #[error("the object cannot be shown as YAML: {0}")]
    Yaml(String),
    /// A query compiled for another kind, or too little room for its answers.
    #[error("the query was compiled for another kind of object")]
    OtherKind,
}

fn of_path(path: &Path) -> String {
    match path.steps().is_empty() {
        true => "the whole object".to_owned(),
        false => format!("`{path}`"),
    }
}

/// Why a field cannot be read.
pub type FieldError = RecordError;
