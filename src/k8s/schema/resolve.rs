//! From a kind and a path to what stands there, and the way to it on the
//! wire.
//!
//! Promises that a path that leads nowhere is never taken for one that leads
//! to something absent. Deliberately does not look at values.

use super::super::path::{Path, Step};
use super::lookup::by_kind;
use super::table::{Label, Message, Omit, Row, Scalar, Special, Type, table};

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
    /// A type with a JSON form of its own.
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
    /// The field exists, but carry cannot read it.
    #[error("{why}")]
    NotReadable {
        /// Why not.
        why: &'static str,
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
    let message = find_kind(group, version, kind).ok_or(PathError::UnknownKind)?;
    if path.steps().is_empty() {
        return Ok(FieldType::Message);
    }
    if is_type_meta(path) {
        return Ok(FieldType::String);
    }
    let hops = wire_path(message, path)?;
    let leaf = hops.last().map_or(Leaf::Message, Hop::leaf);
    Ok(match leaf {
        Leaf::Scalar(Scalar::String) => FieldType::String,
        Leaf::Scalar(Scalar::Int32 | Scalar::Int64) => FieldType::Int,
        Leaf::Scalar(Scalar::Bool) => FieldType::Bool,
        Leaf::Scalar(Scalar::Double) => FieldType::Double,
        Leaf::Scalar(Scalar::Bytes) => FieldType::Bytes,
        Leaf::Map => FieldType::Map,
        Leaf::List => FieldType::List,
        Leaf::Message => FieldType::Message,
        Leaf::Special(special) => return Err(not_readable(special)),
    })
}

/// Whether the path is `apiVersion` or `kind`, which lie in the envelope.
fn is_type_meta(path: &Path) -> bool {
    matches!(path.steps(), [step] if matches!(step.name(), Some("apiVersion" | "kind")))
}

/// A message of the table that is an object of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(usize);

/// The message of a kind.
pub(crate) fn find_kind(group: &str, version: Option<&str>, kind: &str) -> Option<Kind> {
    let stored = by_kind(group, kind).filter(|resource| resource.group == group);
    let wanted = version.or(stored.map(|resource| resource.version));
    let table = table();
    let fits = |package: usize| {
        let package = table.packages.get(package)?;
        let version_fits = wanted.is_none_or(|version| version == package.version);
        (package.group == Some(group) && version_fits).then_some(())
    };
    let packages = (0..table.packages.len()).filter(|&package| fits(package).is_some());
    let mut found = packages.filter_map(|package| table.message(package, kind));
    found.find(|&message| is_object(message)).map(Kind)
}

/// Some kind: its metadata is that of every other kind too.
pub(crate) fn any_kind() -> Option<Kind> {
    find_kind("", Some("v1"), "ConfigMap")
}

fn is_object(message: usize) -> bool {
    let metadata = object_meta().map(|Kind(meta)| Type::Message(meta));
    rows(message)
        .iter()
        .any(|row| row.name == "metadata" && Some(row.of) == metadata)
}

/// The message of `metadata`, which makes a message an object.
fn object_meta() -> Option<Kind> {
    let is_meta = |message: &Message| message.name == "ObjectMeta";
    table().messages.iter().position(is_meta).map(Kind)
}

fn rows(message: usize) -> &'static [Row] {
    table()
        .messages
        .get(message)
        .map_or(&[], |message| &message.rows)
}

fn special(of: Type) -> Option<Special> {
    match of {
        Type::Scalar(_) => None,
        Type::Message(message) => table().messages.get(message)?.special,
    }
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
        match (special(self.row.of), self.row.of) {
            (Some(special), _) => Leaf::Special(special),
            (None, Type::Scalar(scalar)) => Leaf::Scalar(scalar),
            (None, Type::Message(_)) => Leaf::Message,
        }
    }

    /// What lies beneath: the message to look up the next step in.
    fn beneath(&self) -> Option<usize> {
        match (self.leaf(), self.row.of) {
            (Leaf::Message, Type::Message(message)) => Some(message),
            _ => None,
        }
    }
}

/// The way to `path` on the wire: hidden messages are hops of their own.
pub(crate) fn wire_path(kind: Kind, path: &Path) -> Result<Vec<Hop>, PathError> {
    let hops = walk(kind, path)?;
    match hops.last().map(Hop::leaf) {
        Some(Leaf::Special(special)) => Err(not_readable(special)),
        _ => Ok(hops),
    }
}

/// Whether a `null` at `path` in stored JSON is a field that the API leaves
/// out.
pub(crate) fn omits_null(kind: Kind, path: &Path) -> bool {
    let hops = walk(kind, path).unwrap_or_default();
    hops.last()
        .is_some_and(|hop| hop.select == Select::Whole && hop.row.omit != Omit::Never)
}

fn walk(Kind(message): Kind, path: &Path) -> Result<Vec<Hop>, PathError> {
    let mut hops: Vec<Hop> = Vec::new();
    for (segment, step) in path.steps().iter().enumerate() {
        if let Some(hop) = hops.last_mut()
            && select(hop, step)
        {
            continue;
        }
        if let Some(Leaf::Special(special)) = hops.last().map(Hop::leaf) {
            return Err(not_readable(special));
        }
        let within = hops.last().map_or(Some(message), Hop::beneath);
        let found = within.and_then(|message| find_field(message, step.name()?));
        hops.extend(found.ok_or_else(|| unknown_field(within, segment, step))?);
    }
    Ok(hops)
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
fn find_field(message: usize, name: &str) -> Option<Vec<Hop>> {
    let hop = |row| Hop {
        row,
        select: Select::Whole,
    };
    let own = |row: &&Row| row.name == name && !row.inline && name != "-";
    if let Some(row) = rows(message).iter().find(own) {
        return Some(vec![hop(row)]);
    }
    rows(message)
        .iter()
        .filter(|row| row.inline)
        .find_map(|row| {
            let Type::Message(hidden) = row.of else {
                return None;
            };
            let mut way = vec![hop(row)];
            way.extend(find_field(hidden, name)?);
            Some(way)
        })
}

fn unknown_field(within: Option<usize>, segment: usize, step: &Step) -> PathError {
    let name = match step {
        Step::Field(name) | Step::Key(name) => name.to_string(),
        Step::Index(index) => format!("[{index}]"),
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

fn collect_names(message: usize, names: &mut Vec<String>) {
    for row in rows(message) {
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

fn not_readable(special: Special) -> PathError {
    let why = match special {
        Special::Quantity => "quantities cannot be compared yet",
        Special::Time | Special::MicroTime => "times cannot be compared yet",
        Special::IntOrString => "fields that hold a number or a string cannot be compared yet",
        Special::Json => "embedded JSON cannot be compared yet",
        Special::Strings => "lists of extra values cannot be compared yet",
        Special::Choice => "fields of several shapes cannot be compared yet",
    };
    PathError::NotReadable { why }
}
