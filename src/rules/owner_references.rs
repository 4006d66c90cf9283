//! Whom an object belongs to: `metadata.ownerReferences`.
//!
//! Promises to leave nothing out that it cannot read. Deliberately does not
//! know whether an owner exists.

use std::sync::LazyLock;

use crate::k8s::{Edit, Field, Path, Record, RecordError, Step, View};

use super::policy::Policy;
use super::rewriting::Rewriting;

/// One owner of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The API group; the core group is the empty name.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name; the namespace is the dependent's, if it has one at all.
    pub name: String,
    /// The owner itself, whatever has its name later.
    pub uid: String,
}

static REFERENCES: LazyLock<Option<Path>> =
    LazyLock::new(|| "metadata.ownerReferences".parse().ok());

/// All owners of an object, in their order.
///
/// # Errors
///
/// What of them cannot be read.
pub fn references(record: &Record<'_>) -> Result<Vec<Reference>, RecordError> {
    let field = REFERENCES.as_ref().map(|path| record.get(path));
    match field.transpose()? {
        Some(Field::Composite(list)) => list.items().map(|item| reference(&item?)).collect(),
        None | Some(Field::Absent | Field::Null) => Ok(Vec::new()),
        Some(_) => Err(RecordError::Mistyped("a list of owners")),
    }
}

fn reference(item: &Field<'_>) -> Result<Reference, RecordError> {
    let Field::Composite(view) = item else {
        return Err(RecordError::Mistyped("an owner"));
    };
    let version = text(view, "apiVersion")?;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Ok(Reference {
        group: group.to_owned(),
        kind: text(view, "kind")?,
        name: text(view, "name")?,
        uid: text(view, "uid")?,
    })
}

fn text(view: &View<'_>, name: &str) -> Result<String, RecordError> {
    match view.member(name)? {
        Field::String(text) => Ok(text.into_owned()),
        Field::Absent | Field::Null => Ok(String::new()),
        _ => Err(RecordError::Mistyped("a text of an owner")),
    }
}

/// What takes away the references at these places of `len`: the last first, so
/// that none moves before it goes.
pub fn without(places: &[usize], len: usize) -> Vec<Rewriting> {
    let Some(path) = REFERENCES.as_ref() else {
        return Vec::new();
    };
    let removed = |path: Path| Rewriting {
        policy: Policy::Owners,
        path,
        edit: Edit::Remove,
    };
    if places.len() == len {
        return vec![removed(path.clone())];
    }
    let mut places: Vec<u32> = places
        .iter()
        .filter_map(|at| u32::try_from(*at).ok())
        .collect();
    places.sort_unstable();
    let places = places.into_iter().rev();
    let at = places.map(|at| {
        let steps = path.steps().iter().cloned().chain([Step::Index(at)]);
        removed(Path::new(steps.collect()))
    });
    at.collect()
}
