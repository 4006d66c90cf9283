//! A value of etcd seen as an object of Kubernetes, without decoding it.
//!
//! Promises that values are checked as far as paths lead, and as a whole by
//! [`Record::verify`]. Deliberately decrypts nothing, and leaves what cannot be
//! read to the caller: no field is ever guessed.

use std::borrow::Cow;

use serde_json::Value;

use super::crypto;
use super::field::{Composite, Field, FieldError, Labels, RecordError, View};
use super::path::Path;
use super::query::{EnvelopePart, Query};
use super::schema::{self, Encoding, JsonType, Kind};
use super::{cbor, json, protobuf, typed};

/// A view of one value. Cheap to make and to clone.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    body: Body<'a>,
}

#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each value"
)]
enum Body<'a> {
    /// The object's message, and all that follows the magic.
    Protobuf {
        object: &'a [u8],
        envelope: &'a [u8],
    },
    Json(json::Object<'a>),
    Cbor {
        bytes: &'a [u8],
        /// All of it.
        item: cbor::Item<'a>,
    },
}

/// Never shows the bytes: they may be a Secret.
impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Protobuf { object, .. } => write!(f, "Protobuf({} bytes)", object.len()),
            Body::Json(object) => write!(f, "Json({} bytes)", object.text().len()),
            Body::Cbor { bytes, .. } => write!(f, "Cbor({} bytes)", bytes.len()),
        }
    }
}

impl<'a> Record<'a> {
    /// Looks at a plain value: the protobuf envelope, JSON, or CBOR.
    pub fn parse(plain: &'a [u8]) -> Result<Record<'a>, RecordError> {
        if let Some(envelope) = plain.strip_prefix(protobuf::MAGIC) {
            return Record::parse_protobuf(envelope);
        }
        match plain.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Err(RecordError::Empty),
            Some(b'{') => Record::parse_json(plain),
            _ if plain.starts_with(cbor::MAGIC) => Record::parse_cbor(plain),
            _ if crypto::is_encrypted(plain) => {
                Err(RecordError::Encrypted(crypto::describe(plain)))
            }
            _ => Err(RecordError::Unknown),
        }
    }

    fn parse_protobuf(bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let envelope = protobuf::Envelope::parse(bytes)?;
        let body = Body::Protobuf {
            object: envelope.raw,
            envelope: bytes,
        };
        Record::typed(envelope.api_version, envelope.kind, body)
    }

    fn parse_json(text: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let object = json::Object::parse(text)?;
        let [api_version, kind] = json::type_meta(&object)?.map(Option::unwrap_or_default);
        Record::typed(api_version, kind, Body::Json(object))
    }

    fn parse_cbor(bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let [api_version, kind] = cbor::type_meta(bytes)?.map(Option::unwrap_or_default);
        let item = cbor::Item::stored(bytes)?;
        Record::typed(api_version, kind, Body::Cbor { bytes, item })
    }

    fn typed(
        api_version: Cow<'a, str>,
        kind: Cow<'a, str>,
        body: Body<'a>,
    ) -> Result<Record<'a>, RecordError> {
        match (api_version.is_empty(), kind.is_empty()) {
            (true, _) => Err(RecordError::Untyped("apiVersion")),
            (_, true) => Err(RecordError::Untyped("kind")),
            _ => Ok(Record {
                api_version,
                kind,
                body,
            }),
        }
    }

    /// The value's own apiVersion.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The value's own kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The API group of the apiVersion; the core group is the empty name.
    pub fn group(&self) -> &str {
        schema::group_version(&self.api_version).0
    }

    /// The version without the group.
    pub fn version(&self) -> &str {
        schema::group_version(&self.api_version).1
    }

    /// How the value is encoded.
    pub fn encoding(&self) -> Encoding {
        match &self.body {
            Body::Protobuf { .. } => Encoding::Protobuf,
            Body::Json(_) => Encoding::Json,
            Body::Cbor { .. } => Encoding::Cbor,
        }
    }

    /// The whole object.
    pub fn view(&self) -> View<'a> {
        let kind = self.schema();
        View(match &self.body {
            Body::Protobuf { envelope, .. } => Composite::Object(kind, envelope),
            Body::Json(object) => {
                let of = kind.map_or(JsonType::Dynamic, JsonType::Message);
                Composite::Json(of, object.value())
            }
            Body::Cbor { item, .. } => Composite::Cbor(Box::new(item.clone())),
        })
    }

    fn schema(&self) -> Option<Kind> {
        schema::find_stored_kind(&self.api_version, &self.kind)
    }

    fn has_metadata(&self) -> bool {
        self.schema().is_none_or(schema::has_metadata)
    }

    /// What the Kubernetes libraries print of the value, without any defaults
    /// that an apiserver fills in. An error for protobuf of a kind without a
    /// schema.
    pub fn to_json(&self) -> Result<Value, RecordError> {
        self.view().to_json()
    }

    /// [`Record::to_json`] as YAML.
    pub fn to_yaml(&self) -> Result<String, RecordError> {
        let yaml = serde_yaml::to_string(&self.to_json()?);
        yaml.map_err(|error| RecordError::Yaml(error.to_string()))
    }

    /// Looks at every byte of the value for what an apiserver could not
    /// decode, or not print again. Of protobuf without a schema only the
    /// metadata is known, and custom resources may hold anything.
    pub fn verify(&self) -> Result<(), RecordError> {
        match (&self.body, self.schema()) {
            (Body::Protobuf { object, .. }, Some(kind)) => protobuf::verify(kind, object)?,
            (Body::Protobuf { object, .. }, None) => protobuf::verify_unknown(object)?,
            (Body::Json(object), kind) => {
                json::validate(object.text())?;
                if let Some(kind) = kind {
                    typed::verify(kind, object.value())?;
                }
            }
            (Body::Cbor { bytes, .. }, _) => cbor::validate(bytes)?,
        }
        Ok(())
    }

    /// The field at `path`. For one field of one value: several at once, or of
    /// many values, are [`Record::scan`]'s.
    pub fn get(&self, path: &Path) -> Result<Field<'a>, FieldError> {
        match &self.body {
            Body::Protobuf { .. } => {}
            Body::Json(object) => return self.json_field(object, path),
            Body::Cbor { item, .. } => {
                let found = item.at(path)?.map(|found| found.field());
                return Ok(found.transpose()?.unwrap_or_default());
            }
        }
        let query = Query::new(std::slice::from_ref(path), &self.api_version, &self.kind);
        let mut out = [Field::Absent];
        self.scan(&query, &mut out)?;
        let [field] = out;
        Ok(field)
    }

    fn json_field(&self, object: &json::Object<'a>, path: &Path) -> Result<Field<'a>, FieldError> {
        let Some(found) = object.value().at(path)? else {
            return Ok(Field::Absent);
        };
        let (of, omits_null) = schema::json_type(self.schema(), path);
        Ok(match found.field(of)? {
            Field::Null if omits_null => Field::Absent,
            field => field,
        })
    }

    /// Fills `out[i]` with the field at the i-th path of `query`, all in one
    /// pass over the bytes. Copies nothing but what [`Field::String`] says.
    /// A field that the schema of the kind does not have is absent. After an
    /// error, `out` holds nothing to rely on.
    pub fn scan(&self, query: &Query, out: &mut [Field<'a>]) -> Result<(), RecordError> {
        if !query.fits(self) {
            return Err(RecordError::OtherKind);
        }
        let out = out.get_mut(..query.len).ok_or(RecordError::OtherKind)?;
        out.fill(Field::Absent);
        match &self.body {
            Body::Protobuf { object, .. } => self.scan_protobuf(query, object, out)?,
            Body::Json(object) => scan_json(query, object, out)?,
            Body::Cbor { bytes, .. } => cbor::scan(&query.tree, bytes, out)?,
        }
        for &(from, to) in &query.repeated {
            let field = out.get(from as usize).cloned();
            if let (Some(field), Some(place)) = (field, out.get_mut(to as usize)) {
                *place = field;
            }
        }
        Ok(())
    }

    fn scan_protobuf(
        &self,
        query: &Query,
        object: &'a [u8],
        out: &mut [Field<'a>],
    ) -> Result<(), RecordError> {
        let plan = query.protobuf.as_ref().map_err(RecordError::clone)?;
        protobuf::scan(plan, object, out)?;
        for &(slot, part) in &query.envelope {
            if let Some(place) = out.get_mut(slot as usize) {
                *place = self.envelope_field(part);
            }
        }
        for (slot, steps) in &query.within {
            if let Some(place) = out.get_mut(*slot as usize) {
                *place = std::mem::take(place).descend(steps)?;
            }
        }
        Ok(())
    }

    fn envelope_field(&self, part: EnvelopePart) -> Field<'a> {
        match part {
            EnvelopePart::ApiVersion => Field::String(self.api_version.clone()),
            EnvelopePart::Kind => Field::String(self.kind.clone()),
            EnvelopePart::Object => Field::Composite(self.view()),
        }
    }

    /// All labels, sorted by key; of a repeated key the last counts.
    pub fn labels(&self) -> Result<Labels<'a>, RecordError> {
        let mut labels = match &self.body {
            // A few kinds that are never stored have something else there.
            Body::Protobuf { .. } if !self.has_metadata() => Vec::new(),
            Body::Protobuf { object, .. } => protobuf::labels(object)?,
            Body::Json(object) => json::labels(object)?.ok_or(RecordError::Labels)?,
            Body::Cbor { bytes, .. } => cbor::labels(bytes)?.ok_or(RecordError::Labels)?,
        };
        labels.reverse();
        labels.sort_by(|(a, _), (b, _)| a.cmp(b));
        labels.dedup_by(|(later, _), (first, _)| later == first);
        Ok(labels)
    }
}

fn scan_json<'a>(
    query: &Query,
    object: &json::Object<'a>,
    out: &mut [Field<'a>],
) -> Result<(), RecordError> {
    json::scan(&query.tree, object, out)?;
    for &slot in &query.omits_null {
        if let Some(field) = out.get_mut(slot as usize)
            && *field == Field::Null
        {
            *field = Field::Absent;
        }
    }
    for &(slot, known) in &query.json_types {
        if let Some(Field::Composite(View(Composite::Json(of, _)))) = out.get_mut(slot as usize) {
            *of = known;
        }
    }
    Ok(())
}

impl Query {
    /// Whether it was compiled for the record's apiVersion and kind.
    pub fn fits(&self, record: &Record<'_>) -> bool {
        *self.kind == *record.kind && *self.api_version == *record.api_version
    }
}

impl From<protobuf::Malformed> for RecordError {
    fn from(error: protobuf::Malformed) -> RecordError {
        RecordError::Protobuf(error.0)
    }
}

impl From<json::Malformed> for RecordError {
    fn from(error: json::Malformed) -> RecordError {
        RecordError::Json {
            at: error.at,
            what: error.what,
        }
    }
}

impl From<cbor::Malformed> for RecordError {
    fn from(error: cbor::Malformed) -> RecordError {
        RecordError::Cbor {
            at: error.at,
            what: error.what,
        }
    }
}
