//! Fields out of the objects that have to do with addresses.
//!
//! Promises that a field of another type than expected is an error and never
//! taken for absent. Deliberately knows none of these objects.

use super::super::field::{Field, RecordError, View};
use super::super::path::{Path, Step};
use super::super::record::Record;

/// Why an object does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The value, or a field in it, cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The object is of another kind than its key says.
    #[error("it is no {0}")]
    Kind(&'static str),
    /// A field holds what it cannot hold.
    #[error("`{path}` is not {expected}")]
    Field {
        /// Where.
        path: Path,
        /// What fits.
        expected: &'static str,
    },
}

/// A path of field names.
pub(super) fn path(names: &[&str]) -> Path {
    Path::new(
        names
            .iter()
            .map(|name| Step::Field((*name).into()))
            .collect(),
    )
}

/// An error about the field at `names`.
pub(super) fn unfit(names: &[&str], expected: &'static str) -> Unreadable {
    let path = path(names);
    Unreadable::Field { path, expected }
}

/// The whole object, if it is of this group and kind.
pub(super) fn object<'a>(
    plain: &'a [u8],
    group: &str,
    kind: &'static str,
) -> Result<(Record<'a>, View<'a>), Unreadable> {
    let record = Record::parse(plain)?;
    match record.kind() == kind && record.group() == group {
        true => {
            let view = record.view();
            Ok((record, view))
        }
        false => Err(Unreadable::Kind(kind)),
    }
}

/// The field at `names` below `view`; absent where anything on the way is.
pub(super) fn field<'a>(view: &View<'a>, names: &[&str]) -> Result<Field<'a>, Unreadable> {
    let mut found = Field::Composite(view.clone());
    for name in names {
        found = match found {
            Field::Composite(view) if !view.is_list() => view.member(name)?,
            Field::Absent | Field::Null => Field::Absent,
            _ => return Err(unfit(names, "within an object")),
        };
    }
    Ok(match found {
        Field::Null => Field::Absent,
        found => found,
    })
}

/// The text at `names`; empty where there is none.
pub(super) fn text(view: &View<'_>, names: &[&str]) -> Result<String, Unreadable> {
    match field(view, names)? {
        Field::Absent => Ok(String::new()),
        Field::String(text) => Ok(text.into_owned()),
        _ => Err(unfit(names, "a text")),
    }
}

/// The number at `names`, which fits a port; 0 where there is none.
pub(super) fn port(view: &View<'_>, names: &[&str]) -> Result<u16, Unreadable> {
    const EXPECTED: &str = "a number from 0 to 65535";
    match field(view, names)? {
        Field::Absent => Ok(0),
        Field::Int(number) => u16::try_from(number).map_err(|_| unfit(names, EXPECTED)),
        _ => Err(unfit(names, EXPECTED)),
    }
}

/// The list at `names`; empty where there is none.
pub(super) fn list<'a>(view: &View<'a>, names: &[&str]) -> Result<Vec<Field<'a>>, Unreadable> {
    match field(view, names)? {
        Field::Absent => Ok(Vec::new()),
        Field::Composite(view) if view.is_list() => {
            Ok(view.items().collect::<Result<Vec<_>, _>>()?)
        }
        _ => Err(unfit(names, "a list")),
    }
}

/// The list of texts at `names`.
pub(super) fn texts(view: &View<'_>, names: &[&str]) -> Result<Vec<String>, Unreadable> {
    let text = |item: Field<'_>| match item {
        Field::String(text) => Ok(text.into_owned()),
        _ => Err(unfit(names, "a list of texts")),
    };
    list(view, names)?.into_iter().map(text).collect()
}

/// The objects in the list at `names`.
pub(super) fn objects<'a>(view: &View<'a>, names: &[&str]) -> Result<Vec<View<'a>>, Unreadable> {
    let object = |item: Field<'a>| match item {
        Field::Composite(view) if !view.is_list() => Ok(view),
        _ => Err(unfit(names, "a list of objects")),
    };
    list(view, names)?.into_iter().map(object).collect()
}
