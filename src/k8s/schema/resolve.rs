//! From a kind and a path to what stands there, and the way to it on the
//! wire.
//!
//! Promises that a path that leads nowhere is never taken for one that leads
//! to something absent. Deliberately does not look at values.

use super::super::path::{Path, Step};
use super::lookup::{by_kind, is_built_in_group};
use super::table::{Kind, Label, Omit, Package, Row, Scalar, Special, Type, table};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// A text.
    String,
    /// A truth value.
    Bool,
    /// A signed whole number.
    Int,
    /// An unsigned whole number.
    Uint,
    /// Any other number.
    Double,
    /// Bytes.
    Bytes,
    /// A map with string keys.
    Map,
    /// A list.
    List,
    /// An object.
    Message,
    /// A type with a JSON form of its own ([`Special::json_shape`]). Anything
    /// within embedded JSON is `Special::Json` as well.
    Special(Special),
}

/// Why a path means nothing for a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No schema: a custom resource, whose fields are dynamic, or a kind that
    /// does not exist.
    #[error("no schema is known for this kind")]
    UnknownKind,
    /// The schema has no such field.
    #[error("unknown field `{name}`")]
    UnknownField {
        /// The place of the step in the path, from 0.
        segment: usize,
        /// The step as written.
        name: String,
        /// The field that was probably meant.
        suggestion: Option<String>,
        /// Every field that there is, sorted; empty where nothing lies
        /// beneath.
        candidates: Vec<String>,
    },
}

/// What a path means for a kind. Without a version it is the one that
/// Kubernetes 1.36 stores. A path for custom resources is `UnknownKind`.
pub fn resolve(
    group: &str,
    version: Option<&str>,
    kind: &str,
    path: &Path,
) -> Result<FieldType, PathError> {
    let kind = find_kind(group, version, kind).ok_or(PathError::UnknownKind)?;
    match is_type_meta(path) {
        true => Ok(FieldType::String),
        false => type_at(kind, path.steps(), 0),
    }
}

/// Whether the API may leave out what stands at `path`, so that reading it is
/// an error: it is empty, or optional and not set. True where the schema does
/// not say.
pub fn may_be_absent(group: &str, version: Option<&str>, kind: &str, path: &Path) -> bool {
    if is_type_meta(path) {
        return false;
    }
    let way = find_kind(group, version, kind).and_then(|kind| walk(kind, path.steps(), 0).ok());
    way.is_none_or(|way| !way.rest.is_empty() || way.hops.last().is_some_and(Hop::may_be_absent))
}

/// Whether Kubernetes 1.36 can read this kind in this version: it knows
/// versions for years after it has ceased to serve them.
pub fn has_version(group: &str, version: &str, kind: &str) -> bool {
    find_kind(group, Some(version), kind).is_some()
}

/// Whether the path is `apiVersion` or `kind`, which lie in the envelope.
fn is_type_meta(path: &Path) -> bool {
    matches!(path.steps(), [step] if matches!(step.name(), Some("apiVersion" | "kind")))
}

/// What stands at `steps` from `kind` on; the first of them is the path's
/// step number `segment`.
fn type_at(kind: Kind, steps: &[Step], segment: usize) -> Result<FieldType, PathError> {
    let way = walk(kind, steps, segment)?;
    let Some(last) = way.hops.last() else {
        return Ok(FieldType::Message);
    };
    match (way.rest.is_empty(), last.row.of) {
        (false, Type::Message(special)) => {
            type_within(special, way.rest, segment + steps.len() - way.rest.len())
        }
        _ => Ok(type_of(last.leaf())),
    }
}

fn type_of(leaf: Leaf) -> FieldType {
    match leaf {
        Leaf::Scalar(Scalar::String) => FieldType::String,
        Leaf::Scalar(Scalar::Int32 | Scalar::Int64) => FieldType::Int,
        Leaf::Scalar(Scalar::Bool) => FieldType::Bool,
        Leaf::Scalar(Scalar::Double) => FieldType::Double,
        Leaf::Scalar(Scalar::Bytes) => FieldType::Bytes,
        Leaf::Map => FieldType::Map,
        Leaf::List => FieldType::List,
        Leaf::Message => FieldType::Message,
        Leaf::Special(special) => FieldType::Special(special),
    }
}

/// What stands at `steps`, of which there is at least one, within a special
/// message.
fn type_within(kind: Kind, steps: &[Step], segment: usize) -> Result<FieldType, PathError> {
    let unknown = || unknown_field(None, segment, steps.first());
    match (kind.special(), steps) {
        (Some(Special::Json), _) => Ok(FieldType::Special(Special::Json)),
        (Some(Special::Strings), [Step::Index(_)]) => Ok(FieldType::String),
        (Some(Special::Choice), [Step::Index(_), rest @ ..]) => match (choice(kind, true), rest) {
            (Some(Type::Message(item)), rest) => type_at(item, rest, segment + 1),
            (Some(Type::Scalar(item)), []) => Ok(type_of(Leaf::Scalar(item))),
            _ => Err(unknown()),
        },
        (Some(Special::Choice), _) => match choice(kind, false) {
            Some(Type::Message(schema)) => type_at(schema, steps, segment),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// The message that one of the shapes of a choice is, or the elements of the
/// list that the other is.
pub(crate) fn choice(kind: Kind, list: bool) -> Option<Type> {
    let wanted = |row: &&Row| match list {
        true => row.label == Label::List,
        false => row.label == Label::One && matches!(row.of, Type::Message(_)),
    };
    kind.rows().iter().find(wanted).map(|row| row.of)
}

/// The message of a kind: stored, only sent (a review, options, `Status`) or
/// of an older release. The kinds of `meta.k8s.io` are kinds of every group of
/// Kubernetes' own.
pub(crate) fn find_kind(group: &str, version: Option<&str>, kind: &str) -> Option<Kind> {
    let stored = by_kind(group, kind).filter(|resource| resource.group == group);
    let wanted = version.or(stored.map(|resource| resource.version));
    let own = kind_of(group, wanted, kind);
    own.or_else(|| kind_of("meta.k8s.io", None, kind).filter(|_| is_built_in_group(group)))
}

/// The message of a value's own apiVersion and kind.
pub(crate) fn find_stored_kind(api_version: &str, kind: &str) -> Option<Kind> {
    let (group, version) = group_version(api_version);
    find_kind(group, Some(version), kind)
}

/// The two parts of an apiVersion; the core group is the empty name.
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn kind_of(group: &str, version: Option<&str>, kind: &str) -> Option<Kind> {
    let table = table();
    let fits = |package: &&Package| {
        package.group == Some(group) && version.is_none_or(|version| version == package.version)
    };
    let packages = (0..).zip(&table.packages).filter(|(_, own)| fits(own));
    let mut found = packages.filter_map(|(package, _)| table.message(package, kind));
    found.find(|&message| message.is_kind())
}

/// Some kind: its metadata is that of every other kind too.
pub(crate) fn any_kind() -> Option<Kind> {
    find_kind("", Some("v1"), "ConfigMap")
}

/// Whether an object of this kind has the metadata that stored ones have.
pub(crate) fn has_metadata(message: Kind) -> bool {
    let is_meta = |row: &Row| match row.of {
        Type::Message(of) => row.name == "metadata" && of.name() == "ObjectMeta",
        Type::Scalar(_) => false,
    };
    message.rows().iter().any(is_meta)
}

/// One field on the way through the wire format.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub row: &'static Row,
    pub select: Select,
}

/// Which part of a field is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    Whole,
    Item(u32),
    Entry(Box<str>),
}

/// What stands at the end of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    Scalar(Scalar),
    Map,
    List,
    Message,
    Special(Special),
}

impl Hop {
    /// What is reached when this is the last hop.
    pub fn leaf(&self) -> Leaf {
        match (self.row.label, &self.select) {
            (Label::List, Select::Whole) => return Leaf::List,
            (Label::Map, Select::Whole) => return Leaf::Map,
            _ => {}
        }
        match self.row.of {
            Type::Scalar(scalar) => Leaf::Scalar(scalar),
            Type::Message(message) => message.special().map_or(Leaf::Message, Leaf::Special),
        }
    }

    /// Whether JSON may lack it where what holds it is there. Structs that are
    /// no pointers are always shown.
    fn may_be_absent(&self) -> bool {
        let row = self.row;
        let is_struct = row.label == Label::One
            && !row.pointer
            && matches!(row.of, Type::Message(message) if message.special().is_none());
        self.select != Select::Whole || (row.omit != Omit::Never && !is_struct)
    }

    /// What lies beneath: the message to look up the next step in.
    pub fn beneath(&self) -> Option<Kind> {
        match (self.leaf(), self.row.of) {
            (Leaf::Message, Type::Message(message)) => Some(message),
            _ => None,
        }
    }
}

/// The way to a field: through messages, and from a special one on by steps
/// that only its value gives a meaning.
#[derive(Clone, Debug)]
pub(crate) struct Way<'p> {
    /// Hidden messages are hops of their own.
    pub hops: Vec<Hop>,
    /// What is left after a hop to a special message; else empty.
    pub rest: &'p [Step],
}

/// The way to `path` on the wire.
pub(crate) fn wire_path(kind: Kind, path: &Path) -> Result<Way<'_>, PathError> {
    type_at(kind, path.steps(), 0)?;
    walk(kind, path.steps(), 0)
}

/// The way along `steps` from `kind` on, as far as messages lead; the first of
/// them is the path's step number `segment`.
pub(crate) fn walk(kind: Kind, steps: &[Step], segment: usize) -> Result<Way<'_>, PathError> {
    let mut hops: Vec<Hop> = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        if let Some(hop) = hops.last_mut()
            && select(hop, step)
        {
            continue;
        }
        if let Some(Leaf::Special(_)) = hops.last().map(Hop::leaf) {
            let rest = steps.get(place..).unwrap_or_default();
            return Ok(Way { hops, rest });
        }
        let within = hops.last().map_or(Some(kind), Hop::beneath);
        let found = within.and_then(|message| find_field(message, step.name()?));
        hops.extend(found.ok_or_else(|| unknown_field(within, segment + place, Some(step)))?);
    }
    Ok(Way { hops, rest: &[] })
}

/// Takes `step` as an index or key into the last hop, where it is one.
fn select(hop: &mut Hop, step: &Step) -> bool {
    if hop.select != Select::Whole {
        return false;
    }
    hop.select = match (hop.row.label, step) {
        (Label::List, Step::Index(index)) => Select::Item(*index),
        (Label::Map, Step::Key(key) | Step::Field(key)) => Select::Entry(key.clone()),
        _ => return false,
    };
    true
}

/// The way to a field by its JSON name, through hidden messages. The fields of
/// the message itself come before hidden ones, as in Go.
pub(crate) fn find_field(message: Kind, name: &str) -> Option<Vec<Hop>> {
    let hop = |row| Hop {
        row,
        select: Select::Whole,
    };
    if let Some(row) = own_field(message, name) {
        return Some(vec![hop(row)]);
    }
    hidden(message).find_map(|(row, message)| {
        let mut way = vec![hop(row)];
        way.extend(find_field(message, name)?);
        Some(way)
    })
}

/// The field of this JSON name, hidden messages left out.
pub(crate) fn own_field(message: Kind, name: &str) -> Option<&'static Row> {
    let own = |row: &&Row| row.name == name && !row.inline && name != "-";
    message.rows().iter().find(own)
}

/// The hidden messages, whose fields JSON shows in their place.
pub(crate) fn hidden(message: Kind) -> impl Iterator<Item = (&'static Row, Kind)> {
    let inline = message.rows().iter().filter(|row| row.inline);
    inline.filter_map(|row| match row.of {
        Type::Message(hidden) => Some((row, hidden)),
        Type::Scalar(_) => None,
    })
}

/// The error for `step`, the one at `segment` of a path, that leads nowhere
/// from the message `within`.
pub(crate) fn unknown_field(
    within: Option<Kind>,
    segment: usize,
    step: Option<&Step>,
) -> PathError {
    let name = match step {
        Some(Step::Field(name) | Step::Key(name)) => name.to_string(),
        Some(Step::Index(index)) => format!("[{index}]"),
        None => String::new(),
    };
    let mut candidates = Vec::new();
    if let Some(message) = within {
        collect_names(message, &mut candidates);
    }
    if segment == 0 {
        candidates.extend(["apiVersion".to_owned(), "kind".to_owned()]);
    }
    candidates.sort();
    candidates.dedup();
    let suggestion = suggest(&name, &candidates);
    PathError::UnknownField {
        segment,
        name,
        suggestion,
        candidates,
    }
}

fn collect_names(message: Kind, names: &mut Vec<String>) {
    for row in message.rows() {
        match (row.inline, row.of) {
            (true, Type::Message(hidden)) => collect_names(hidden, names),
            _ if row.name != "-" => names.push(row.name.to_owned()),
            _ => {}
        }
    }
}

fn suggest(name: &str, candidates: &[String]) -> Option<String> {
    const CLOSE: f64 = 0.7;
    let likeness =
        |candidate: &String| strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
    let best = candidates
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= CLOSE).then(|| best.clone())
}
