//! Why an edit could not be made. Never holds any of the stored value, nor
//! of the value that was to be set: only names and what kind of thing
//! something is.

use super::super::field::RecordError;
use super::super::path::{Path, Step};
use super::super::protobuf;
use super::super::schema::PathError;

/// Which edit could not be made, and why. The value stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot be rewritten: {why}")]
pub struct RewriteError {
    /// The path of the edit; or of that part of a value to be set, or of what
    /// is stored on the way there, that does not fit.
    pub path: Path,
    /// Why not.
    pub why: Refusal,
}

/// Why an edit could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stored value is CBOR.
    #[error("the value is CBOR; only protobuf and JSON values can be rewritten")]
    Cbor,
    /// The stored value cannot be read.
    #[error(transparent)]
    Unreadable(#[from] RecordError),
    /// No schema for a protobuf value, of which only the metadata can be
    /// rewritten then.
    #[error("no schema is known for its kind, so only `metadata` can be")]
    NoSchema,
    /// The kind, or the object given as a value, has no such field.
    #[error("unknown field `{name}`{}", suggestion.as_ref().map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default())]
    UnknownField {
        /// The name as written.
        name: String,
        /// The field that was probably meant.
        suggestion: Option<String>,
    },
    /// A value of the wrong type or out of its range.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What fits.
        expected: &'static str,
        /// What kind of value it is.
        found: &'static str,
    },
    /// An index beyond the end of the list.
    #[error("the list ends before it; index {len} would append an element")]
    Index {
        /// How many elements there are.
        len: usize,
    },
    /// The object itself, its apiVersion or its kind cannot go.
    #[error("it cannot be removed, or empty: without it the value is no object")]
    Needed,
    /// The object as a whole.
    #[error("it is the object itself; name a field of it")]
    Object,
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Refusal {
        match error {
            PathError::UnknownField {
                name, suggestion, ..
            } => Refusal::UnknownField { name, suggestion },
            PathError::UnknownKind => Refusal::NoSchema,
        }
    }
}

impl From<protobuf::Malformed> for Refusal {
    fn from(error: protobuf::Malformed) -> Refusal {
        Refusal::Unreadable(error.into())
    }
}

/// A refusal with its distance from the edit's own path.
#[derive(Debug)]
pub(super) struct Fault {
    why: Refusal,
    /// How many of the path's last steps were not reached.
    left: usize,
    /// Steps into the value to be set, from the inside out.
    below: Vec<Step>,
}

impl Fault {
    /// About what is stored `left` steps above the end of the path.
    pub fn above(why: Refusal, left: usize) -> Fault {
        let below = Vec::new();
        Fault { why, left, below }
    }

    /// Below `step` of the value to be set.
    pub fn below(mut self, step: Step) -> Fault {
        self.below.push(step);
        self
    }

    /// The error of the edit at `path`.
    pub fn at(self, path: &Path) -> RewriteError {
        let mut steps = path.steps().to_vec();
        steps.truncate(steps.len().saturating_sub(self.left));
        steps.extend(self.below.into_iter().rev());
        RewriteError {
            path: Path::new(steps),
            why: self.why,
        }
    }
}

impl<E: Into<Refusal>> From<E> for Fault {
    fn from(error: E) -> Fault {
        Fault::above(error.into(), 0)
    }
}
