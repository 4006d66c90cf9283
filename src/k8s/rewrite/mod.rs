//! Single fields of a stored value changed by splicing its bytes.
//!
//! Promises that everything but the field stays as it is, to the byte:
//! unknown fields, order, spaces, and how the rest was encoded. Never decodes
//! a value to encode it again. Deliberately does not know what may be changed:
//! neither what an apiserver would validate, nor whether an object keeps its
//! name.

mod encode;
mod envelope;
mod error;
mod goal;
mod json;
mod json_span;
mod json_text;
mod occurrence;
mod protobuf;
mod scalar;
mod special;
mod splice;
mod way;

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use super::field::{Field, RecordError};
use super::path::{Path, Step};
use super::protobuf::MAGIC;
use super::record::Record;
use super::schema::{self, Encoding, Hop, Kind, Select};
use envelope::TypeMeta;
use error::Fault;
pub use error::{Refusal, RewriteError};
use goal::{Change, Goal};
use splice::Splice;
use way::Way;

/// What is to become of a field. Values are the API's JSON: a number within
/// its range, bytes in base64, `"100m"` for a quantity, RFC 3339 for a time.
#[derive(Clone, PartialEq)]
pub enum Edit {
    /// The field gets this value. Objects, maps and lists around it are made
    /// where they are absent; the index behind a list's last element appends.
    /// An object replaces what was there, unknown fields included. `null`
    /// removes where Go would have no value: pointers, lists, maps, entries.
    Set(Value),
    /// The same, but only where the field is present as JSON shows it, even
    /// as `null`.
    Replace(Value),
    /// The field, the map's entry or the list's element goes, and where the
    /// wire always has the field, becomes zero. Elements behind it move up.
    Remove,
}

/// Never shows a value: it may be of a Secret.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Edit::Set(_) => "Set",
            Edit::Replace(_) => "Replace",
            Edit::Remove => "Remove",
        })
    }
}

/// The plain value `plain` after `edits`, one after the other. A field that
/// reads as asked already keeps its bytes.
///
/// ```
/// use carry::k8s::{Edit, rewrite};
/// use serde_json::json;
///
/// let stored = br#"{"apiVersion":"example.com/v1","kind":"Site","spec":{"size":1}}"#;
/// let edits = [
///     ("metadata.labels['site']".parse()?, Edit::Set(json!("b"))),
///     ("spec.size".parse()?, Edit::Replace(json!(2))),
///     ("spec.color".parse()?, Edit::Remove),
/// ];
/// let rewritten = rewrite(stored, &edits)?;
/// assert_eq!(
///     std::str::from_utf8(&rewritten)?,
///     r#"{"apiVersion":"example.com/v1","kind":"Site","spec":{"size":2},"metadata":{"labels":{"site":"b"}}}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Protobuf is spliced in the same way, and every length around mended:
///
/// ```
/// use carry::k8s::{Edit, rewrite};
/// use serde_json::json;
///
/// let stored = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x0a\x12\x08\x0a\x01a\x12\x03old\x1a\0\x22\0";
/// let rewritten = rewrite(stored, &[("data.a".parse()?, Edit::Set(json!("newer")))])?;
/// assert_eq!(
///     **rewritten,
///     *b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x0c\x12\x0a\x0a\x01a\x12\x05newer\x1a\0\x22\0",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first edit that cannot be made, by its path: an unknown field, a value
/// of the wrong type, an index beyond the list, a value that cannot be read,
/// or one in CBOR. Custom resources are taken as they are; of a kind without
/// a schema that is stored as protobuf, only the metadata can be rewritten.
pub fn rewrite(plain: &[u8], edits: &[(Path, Edit)]) -> Result<Zeroizing<Vec<u8>>, RewriteError> {
    let mut rewritten = None;
    for (path, edit) in edits {
        let value = rewritten.as_deref().map_or(plain, Vec::as_slice);
        let splices = one(value, path, edit).map_err(|fault| fault.at(path))?;
        if !splices.is_empty() {
            rewritten = Some(splice::apply(value, splices));
        }
    }
    Ok(rewritten.unwrap_or_else(|| Zeroizing::new(plain.to_vec())))
}

/// What one edit changes in the value.
fn one(plain: &[u8], path: &Path, edit: &Edit) -> Result<Vec<Splice>, Fault> {
    if path.steps().is_empty() {
        return Err(Refusal::Object.into());
    }
    let record = Record::parse(plain).map_err(unreadable)?;
    let change = match edit {
        Edit::Set(value) | Edit::Replace(value) => Change::Set(value),
        Edit::Remove => Change::Remove,
    };
    if let Some(which) = type_meta(path) {
        return edit_type(&record, plain, path, which, change);
    }
    let place = Place::find(&record, path)?;
    place.check(change)?;
    let is_needless = match edit {
        Edit::Replace(_) if record.get(path)? == Field::Absent => true,
        Edit::Set(value) | Edit::Replace(value) => place.reads_as(&record, path, value),
        Edit::Remove => false,
    };
    match (is_needless, place.null_is_removal(path, change)) {
        (true, _) => Ok(Vec::new()),
        (false, true) => place.splices(plain, path, Change::Remove),
        (false, false) => place.splices(plain, path, change),
    }
}

fn unreadable(error: RecordError) -> Refusal {
    match error {
        RecordError::Cbor { .. } => Refusal::Cbor,
        other => Refusal::Unreadable(other),
    }
}

fn type_meta(path: &Path) -> Option<TypeMeta> {
    match path.steps() {
        [step] if step.name() == Some("apiVersion") => Some(TypeMeta::ApiVersion),
        [step] if step.name() == Some("kind") => Some(TypeMeta::Kind),
        _ => None,
    }
}

/// Changes the apiVersion or the kind, without which a value is none.
fn edit_type(
    record: &Record<'_>,
    plain: &[u8],
    path: &Path,
    which: TypeMeta,
    change: Change<'_>,
) -> Result<Vec<Splice>, Fault> {
    let text = match change {
        Change::Remove | Change::Set(Value::Null) => Err(Refusal::Needed.into()),
        Change::Set(Value::String(text)) if text.is_empty() => Err(Refusal::Needed.into()),
        Change::Set(Value::String(text)) => Ok(text),
        Change::Set(other) => Err(scalar::mismatch("a text", other)),
    }?;
    let now = match which {
        TypeMeta::ApiVersion => record.api_version(),
        TypeMeta::Kind => record.kind(),
    };
    match (record.encoding(), plain.strip_prefix(MAGIC)) {
        (Encoding::Cbor, _) => Err(Refusal::Cbor.into()),
        _ if now == text => Ok(Vec::new()),
        (_, Some(envelope)) => Ok(behind_magic(envelope::set_type(envelope, which, text)?)),
        (_, None) => json::edit(plain, path.steps(), change),
    }
}

fn behind_magic(splices: Vec<Splice>) -> Vec<Splice> {
    let moved = |splice: Splice| splice.within(0, MAGIC.len());
    splices.into_iter().map(moved).collect()
}

/// What is known of the field that an edit is about.
enum Place<'p> {
    Protobuf(Kind, Way<'p>),
    /// With a schema: JSON of Kubernetes' own, and any metadata.
    Json(Option<(Kind, Way<'p>)>),
}

impl<'p> Place<'p> {
    fn find(record: &Record<'_>, path: &'p Path) -> Result<Place<'p>, Fault> {
        let in_metadata = path.steps().first().and_then(Step::name) == Some("metadata");
        let kind = schema::find_stored_kind(record.api_version(), record.kind())
            .or_else(|| schema::any_kind().filter(|_| in_metadata));
        let way = kind.map(|kind| Ok::<_, Fault>((kind, way::way(kind, path)?)));
        match (record.encoding(), way.transpose()?) {
            (Encoding::Cbor, _) => Err(Refusal::Cbor.into()),
            (Encoding::Json, way) => Ok(Place::Json(way)),
            (Encoding::Protobuf, Some((kind, way))) => Ok(Place::Protobuf(kind, way)),
            (Encoding::Protobuf, None) => Err(Refusal::NoSchema.into()),
        }
    }

    /// The field itself, where a schema knows it.
    fn hop(&self) -> Option<&Hop> {
        match self {
            Place::Protobuf(_, way) | Place::Json(Some((_, way))) if way.beneath.is_empty() => {
                way.hops.last()
            }
            _ => None,
        }
    }

    /// Refuses what does not fit the field.
    fn check(&self, change: Change<'_>) -> Result<(), Fault> {
        match (self.hop(), change) {
            (Some(hop), Change::Set(value)) => encoded(hop, value).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Whether the field reads as `wanted` already: whether an apiserver would
    /// write the same for both.
    fn reads_as(&self, record: &Record<'_>, path: &Path, wanted: &Value) -> bool {
        let protobuf = self.hop().filter(|_| matches!(self, Place::Protobuf(..)));
        let whole = protobuf.is_some_and(|hop| hop.select == Select::Whole);
        // What cannot be shown, such as a number that is none, reads otherwise.
        let shown = match record.get(path) {
            Ok(Field::Absent) if !whole => None,
            Ok(field) => field.to_json().ok(),
            Err(_) => None,
        };
        let Some(shown) = shown else {
            return false;
        };
        match protobuf {
            // Setting `null` takes an entry away, unless it is `null` already.
            Some(_) if !whole && wanted.is_null() => shown.is_null(),
            Some(hop) => {
                let (shown, wanted) = (encoded(hop, &shown), encoded(hop, wanted));
                shown.is_ok_and(|shown| wanted.is_ok_and(|wanted| shown == wanted))
            }
            None => json_text::write(&shown) == json_text::write(wanted),
        }
    }

    /// Whether the change sets `null` where Go would have no value at all.
    fn null_is_removal(&self, path: &Path, change: Change<'_>) -> bool {
        let nullable = || match self {
            Place::Protobuf(..) => self.hop().is_some_and(protobuf::null_removes),
            Place::Json(Some((kind, _))) => {
                let is_entry = |hop: &Hop| matches!(hop.select, Select::Entry(_));
                schema::json_type(Some(*kind), path).1 || self.hop().is_some_and(is_entry)
            }
            Place::Json(None) => false,
        };
        matches!(change, Change::Set(Value::Null)) && nullable()
    }

    fn splices(&self, plain: &[u8], path: &Path, change: Change<'_>) -> Result<Vec<Splice>, Fault> {
        match (self, plain.strip_prefix(MAGIC)) {
            (Place::Protobuf(kind, way), Some(envelope)) => {
                let beneath = way.beneath;
                let goal = Goal { change, beneath };
                let splices = envelope::edit_object(envelope, *kind, &way.hops, goal)?;
                Ok(behind_magic(splices))
            }
            _ => json::edit(plain, path.steps(), change),
        }
    }
}

/// What gogo would write for `value` at the end of the way.
fn encoded(hop: &Hop, value: &Value) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    match hop.select {
        Select::Whole => encode::field(hop.row, value, &mut out)?,
        Select::Item(_) => encode::list_item(hop.row, value, &mut out)?,
        Select::Entry(_) => encode::entry_value(hop.row, value, &mut out)?,
    }
    Ok(out)
}
