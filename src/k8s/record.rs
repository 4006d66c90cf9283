//! A value of etcd seen as an object of Kubernetes, without decoding it.
//!
//! Promises that JSON is checked as a whole before anything is read from it,
//! and protobuf as far as paths lead. Deliberately decrypts nothing, and
//! leaves what cannot be read to the caller: no field is ever guessed.

use std::borrow::Cow;

use super::crypto;
use super::field::{Field, FieldError, Labels, RecordError};
use super::path::{Path, Step};
use super::schema::{self, Encoding, PathError};
use super::{json, protobuf};

/// A view of one value. Cheap to make and to clone.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    body: Body<'a>,
}

#[derive(Clone, Copy)]
enum Body<'a> {
    Protobuf(&'a [u8]),
    Json(&'a [u8]),
}

/// Never shows the bytes: they may be a Secret.
impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Protobuf(bytes) => write!(f, "Protobuf({} bytes)", bytes.len()),
            Body::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
        }
    }
}

const CBOR_MAGIC: &[u8] = &[0xd9, 0xd9, 0xf7];

impl<'a> Record<'a> {
    /// Looks at a plain value: the protobuf envelope, or JSON.
    pub fn parse(plain: &'a [u8]) -> Result<Record<'a>, RecordError> {
        if let Some(envelope) = plain.strip_prefix(protobuf::MAGIC) {
            return Record::parse_protobuf(envelope);
        }
        match plain.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Err(RecordError::Empty),
            Some(b'{') => Record::parse_json(plain),
            _ if plain.starts_with(CBOR_MAGIC) => Err(RecordError::Cbor),
            _ if crypto::is_encrypted(plain) => {
                Err(RecordError::Encrypted(crypto::describe(plain)))
            }
            _ => Err(RecordError::Unknown),
        }
    }

    fn parse_protobuf(bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let envelope = protobuf::Envelope::parse(bytes)?;
        let (api_version, kind) = (
            Cow::Borrowed(envelope.api_version),
            Cow::Borrowed(envelope.kind),
        );
        Record {
            api_version,
            kind,
            body: Body::Protobuf(envelope.raw),
        }
        .typed()
    }

    fn parse_json(text: &'a [u8]) -> Result<Record<'a>, RecordError> {
        json::validate(text)?;
        let [api_version, kind] = json::type_meta(text)?.map(Option::unwrap_or_default);
        Record {
            api_version,
            kind,
            body: Body::Json(text),
        }
        .typed()
    }

    fn typed(self) -> Result<Record<'a>, RecordError> {
        match (self.api_version.is_empty(), self.kind.is_empty()) {
            (true, _) => Err(RecordError::Untyped("apiVersion")),
            (_, true) => Err(RecordError::Untyped("kind")),
            _ => Ok(self),
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
        group_version(&self.api_version).0
    }

    /// The version without the group.
    pub fn version(&self) -> &str {
        group_version(&self.api_version).1
    }

    /// How the value is encoded.
    pub fn encoding(&self) -> Encoding {
        match self.body {
            Body::Protobuf(_) => Encoding::Protobuf,
            Body::Json(_) => Encoding::Json,
        }
    }

    /// The field at `path`. For one field of one value: several at once, or of
    /// many values, are [`Record::scan`]'s.
    pub fn get(&self, path: &Path) -> Result<Field<'a>, FieldError> {
        let query = Query::new(std::slice::from_ref(path), &self.api_version, &self.kind);
        let mut out = [Field::Absent];
        self.scan(&query, &mut out)?;
        let [field] = out;
        Ok(field)
    }

    /// Fills `out[i]` with the field at the i-th path of `query`, all in one
    /// pass over the bytes. Copies nothing but JSON strings with escapes.
    /// A field that the schema of the kind does not have is absent. After an
    /// error, `out` holds nothing to rely on.
    pub fn scan(&self, query: &Query, out: &mut [Field<'a>]) -> Result<(), RecordError> {
        if !query.fits(self) {
            return Err(RecordError::OtherKind);
        }
        let out = out.get_mut(..query.len).ok_or(RecordError::OtherKind)?;
        out.fill(Field::Absent);
        match self.body {
            Body::Protobuf(object) => self.scan_protobuf(query, object, out)?,
            Body::Json(text) => scan_json(query, text, out)?,
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
        Ok(())
    }

    fn envelope_field(&self, part: EnvelopePart) -> Field<'a> {
        match part {
            EnvelopePart::ApiVersion => Field::String(self.api_version.clone()),
            EnvelopePart::Kind => Field::String(self.kind.clone()),
            EnvelopePart::Object => Field::Composite,
        }
    }

    /// All labels, sorted by key; of a repeated key the last counts.
    pub fn labels(&self) -> Result<Labels<'a>, RecordError> {
        let mut labels = match self.body {
            Body::Protobuf(object) => protobuf::labels(object)?,
            Body::Json(text) => json::labels(text)?.ok_or(RecordError::Labels)?,
        };
        labels.reverse();
        labels.sort_by(|(a, _), (b, _)| a.cmp(b));
        labels.dedup_by(|(later, _), (first, _)| later == first);
        Ok(labels)
    }
}

fn scan_json<'a>(query: &Query, text: &'a [u8], out: &mut [Field<'a>]) -> Result<(), RecordError> {
    json::scan(&query.json, text, out)?;
    for &slot in &query.omits_null {
        if let Some(field) = out.get_mut(slot as usize)
            && *field == Field::Null
        {
            *field = Field::Absent;
        }
    }
    Ok(())
}

fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// A set of paths, compiled for one apiVersion and kind.
#[derive(Clone, Debug)]
pub struct Query {
    api_version: Box<str>,
    kind: Box<str>,
    len: usize,
    /// Or why one of the paths cannot be read from protobuf.
    protobuf: Result<protobuf::Plan, RecordError>,
    envelope: Vec<(u32, EnvelopePart)>,
    json: json::Plan,
    /// The slots of fields that the API leaves out rather than show `null`.
    omits_null: Vec<u32>,
    /// Paths that occur more than once: the place of the first and of this.
    repeated: Vec<(u32, u32)>,
}

/// What lies in the envelope and not in the object.
#[derive(Clone, Copy, Debug)]
enum EnvelopePart {
    ApiVersion,
    Kind,
    Object,
}

impl Query {
    /// Compiles `paths`. One that cannot be read from protobuf makes scanning
    /// such values an error: `schema::resolve` tells beforehand.
    pub fn new(paths: &[Path], api_version: &str, kind: &str) -> Query {
        let mut query = Query {
            api_version: api_version.into(),
            kind: kind.into(),
            len: paths.len(),
            protobuf: Ok(protobuf::Plan::default()),
            envelope: Vec::new(),
            json: json::Plan::default(),
            omits_null: Vec::new(),
            repeated: Vec::new(),
        };
        let mut plan = protobuf::Plan::default();
        for (slot, path) in (0u32..).zip(paths) {
            let first = (0u32..slot).zip(paths).find(|(_, other)| same(other, path));
            match first {
                Some((first, _)) => query.repeated.push((first, slot)),
                None => query.add(path, slot, &mut plan),
            }
        }
        plan.finish();
        query.protobuf = query.protobuf.map(|_| plan);
        query
    }

    fn add(&mut self, path: &Path, slot: u32, plan: &mut protobuf::Plan) {
        self.json.add(path, slot);
        if self
            .find_kind()
            .is_some_and(|kind| schema::omits_null(kind, path))
        {
            self.omits_null.push(slot);
        }
        if let Some(part) = envelope_part(path) {
            self.envelope.push((slot, part));
            return;
        }
        match self.wire_path(path) {
            Ok(hops) => plan.add(&hops, slot),
            Err(error) => self.protobuf = Err(error),
        }
    }

    /// The way to `path` in protobuf; empty where the kind has no such field.
    fn wire_path(&self, path: &Path) -> Result<Vec<schema::Hop>, RecordError> {
        let in_metadata = path.steps().first().and_then(Step::name) == Some("metadata");
        let kind = self
            .find_kind()
            .or_else(|| schema::any_kind().filter(|_| in_metadata));
        let kind = kind.ok_or_else(|| RecordError::NoSchema {
            api_version: self.api_version.to_string(),
            kind: self.kind.to_string(),
            path: path.clone(),
        })?;
        match schema::wire_path(kind, path) {
            Ok(hops) => Ok(hops),
            Err(PathError::NotReadable { why }) => Err(RecordError::NotReadable {
                path: path.clone(),
                why,
            }),
            Err(PathError::UnknownField { .. } | PathError::UnknownKind) => Ok(Vec::new()),
        }
    }

    fn find_kind(&self) -> Option<schema::Kind> {
        let (group, version) = group_version(&self.api_version);
        schema::find_kind(group, Some(version), &self.kind)
    }

    /// Whether it was compiled for the record's apiVersion and kind.
    pub fn fits(&self, record: &Record<'_>) -> bool {
        *self.kind == *record.kind && *self.api_version == *record.api_version
    }

    /// How many paths it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no paths.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn envelope_part(path: &Path) -> Option<EnvelopePart> {
    match path.steps() {
        [] => Some(EnvelopePart::Object),
        [step] => match step.name()? {
            "apiVersion" => Some(EnvelopePart::ApiVersion),
            "kind" => Some(EnvelopePart::Kind),
            _ => None,
        },
        _ => None,
    }
}

/// Whether two paths lead to the same place: a field and a key of the same
/// name do.
fn same(a: &Path, b: &Path) -> bool {
    let same_step = |a: &Step, b: &Step| match (a.name(), b.name()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    };
    a.steps().len() == b.steps().len()
        && a.steps()
            .iter()
            .zip(b.steps())
            .all(|(a, b)| same_step(a, b))
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
