//! What an edit comes to once its path has been followed. Deliberately knows
//! neither whether the field is there nor how it is encoded.

use serde_json::Value as Json;

use super::super::path::Step;

/// What becomes of the field at the end of the way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'e> {
    Set(&'e Json),
    Remove,
}

/// A change, and the steps within embedded JSON that lead to its place.
#[derive(Clone, Copy)]
pub(super) struct Goal<'e> {
    pub change: Change<'e>,
    pub beneath: &'e [Step],
}

impl<'e> Goal<'e> {
    /// Whether the field goes.
    pub fn removes(&self) -> bool {
        matches!(self.change, Change::Remove)
    }

    /// The value to be written; `null` for one that goes.
    pub fn value(&self) -> &'e Json {
        match self.change {
            Change::Set(value) => value,
            Change::Remove => &Json::Null,
        }
    }
}
