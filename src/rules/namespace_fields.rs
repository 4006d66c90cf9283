//! What slots read of an object's Namespace.
//!
//! Promises that a Namespace that could not be read is a fault, and one that
//! does not exist has no fields. Deliberately decrypts nothing.

use crate::k8s::{Field, Path, Record};
use crate::lang::{FaultKind, Value};

use super::namespaces::{Known, View};
use super::slots::SlotSource;

/// The value of a slot of the Namespace.
pub(super) fn of_namespace<'v>(source: &SlotSource, view: &'v View) -> Value<'v> {
    match (view, source) {
        (View::Unreadable, _) => Value::Fault(FaultKind::Unreadable),
        // As in admission policies: of cluster-scoped objects it is `null`.
        (View::Absent, SlotSource::NamespaceField(path)) if path.steps().is_empty() => Value::Null,
        (View::Absent, _) => Value::Absent,
        (View::Present(known), SlotSource::NamespaceLabel(key)) => label(known, key),
        (View::Present(known), SlotSource::NamespaceField(path)) => match field(known, path) {
            Ok(field) => Value::from(field),
            Err(kind) => Value::Fault(kind),
        },
        (View::Present(_), _) => Value::Bool(true),
    }
}

fn label<'v>(known: &'v Known, key: &str) -> Value<'v> {
    let found = known.binary_search_by(|(own, _)| own.as_ref().cmp(key));
    let label = found.ok().and_then(|at| known.get(at));
    label.map_or(Value::Absent, |(_, value)| Value::str(value))
}

fn field<'v>(known: &'v Known, path: &Path) -> Result<Field<'v>, FaultKind> {
    let object = known.object().ok_or(FaultKind::Unreadable)?;
    let record = Record::parse(object).map_err(|_| FaultKind::Unreadable)?;
    record.get(path).map_err(|_| FaultKind::Unreadable)
}

/// What a slot sees of a Namespace, for comparing two states of it.
#[derive(PartialEq)]
pub(super) enum Seen {
    Unreadable,
    Absent,
    Label(String),
    Field(Result<serde_json::Value, FaultKind>),
}

/// What the slots among `sources` that read the Namespace see.
pub(super) fn seen(sources: &[SlotSource], view: &View) -> Vec<Seen> {
    let of_namespace = sources.iter().filter(|source| source.may_fault());
    of_namespace.map(|source| seen_by(source, view)).collect()
}

fn seen_by(source: &SlotSource, view: &View) -> Seen {
    match (view, source) {
        (View::Unreadable, _) => Seen::Unreadable,
        (View::Absent, _) => Seen::Absent,
        (View::Present(known), SlotSource::NamespaceField(path)) => match field(known, path) {
            Ok(Field::Absent) => Seen::Absent,
            Ok(field) => Seen::Field(field.to_json().map_err(|_| FaultKind::Unreadable)),
            Err(kind) => Seen::Field(Err(kind)),
        },
        (View::Present(known), SlotSource::NamespaceLabel(key)) => match label(known, key) {
            Value::String(text) => Seen::Label(text.to_string()),
            _ => Seen::Absent,
        },
        // That it exists.
        (View::Present(_), _) => Seen::Label(String::new()),
    }
}
