//! Paths compiled for one kind of object, to be read from many values.
//!
//! Promises that a field which the schema of the kind does not have is absent.
//! Deliberately reads nothing itself: a record is scanned with it.

use super::field::RecordError;
use super::path::{Path, Step};
use super::plan::Plan;
use super::protobuf;
use super::schema::{self, JsonType};

/// A set of paths, compiled for one apiVersion and kind.
#[derive(Clone, Debug)]
pub struct Query {
    pub(super) api_version: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) len: usize,
    /// Or why one of the paths cannot be read from protobuf.
    pub(super) protobuf: Result<protobuf::Plan, RecordError>,
    pub(super) envelope: Vec<(u32, EnvelopePart)>,
    /// What lies within special messages: the slot that holds the message, and
    /// the steps from there.
    pub(super) within: Vec<(u32, Box<[Step]>)>,
    /// What is wanted of JSON and CBOR.
    pub(super) tree: Plan,
    /// What the schema says of JSON fields, where it says anything.
    pub(super) json_types: Vec<(u32, JsonType)>,
    /// The slots of fields that the API leaves out rather than show `null`.
    pub(super) omits_null: Vec<u32>,
    /// Paths that occur more than once: the place of the first and of this.
    pub(super) repeated: Vec<(u32, u32)>,
}

/// What lies in the envelope and not in the object.
#[derive(Clone, Copy, Debug)]
pub(super) enum EnvelopePart {
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
            within: Vec::new(),
            tree: Plan::default(),
            json_types: Vec::new(),
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
        self.tree.add(path, slot);
        let (of, omits_null) = schema::json_type(self.find_kind(), path);
        if of != JsonType::Dynamic {
            self.json_types.push((slot, of));
        }
        if omits_null {
            self.omits_null.push(slot);
        }
        if let Some(part) = envelope_part(path) {
            self.envelope.push((slot, part));
            return;
        }
        match self.wire_path(path) {
            Ok(Some(way)) => {
                plan.add(&way.hops, slot);
                if !way.rest.is_empty() {
                    self.within.push((slot, way.rest.into()));
                }
            }
            Ok(None) => {}
            Err(error) => self.protobuf = Err(error),
        }
    }

    /// The way to `path` in protobuf; `None` where the kind has no such field.
    fn wire_path<'p>(&self, path: &'p Path) -> Result<Option<schema::Way<'p>>, RecordError> {
        let in_metadata = path.steps().first().and_then(Step::name) == Some("metadata");
        let kind = self
            .find_kind()
            .or_else(|| schema::any_kind().filter(|_| in_metadata));
        let kind = kind.ok_or_else(|| RecordError::NoSchema {
            api_version: self.api_version.to_string(),
            kind: self.kind.to_string(),
            path: path.clone(),
        })?;
        Ok(schema::wire_path(kind, path).ok())
    }

    fn find_kind(&self) -> Option<schema::Kind> {
        schema::find_stored_kind(&self.api_version, &self.kind)
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
