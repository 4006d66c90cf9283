//! The labels of every Namespace of the source, as `namespaceSelectors` see
//! them. Deliberately holds nothing else of a Namespace.

use std::collections::HashMap;
use std::sync::Arc;

/// The labels of one Namespace, sorted by key.
pub type Labels = Arc<[(Box<str>, Box<str>)]>;

/// What is known of one Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// It does not exist at the source: no selector matches it.
    #[default]
    Absent,
    /// It exists with these labels.
    Present(Labels),
    /// It exists but could not be read: who depends on it is held.
    Unreadable,
}

/// All Namespaces of the source at one revision.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    by_name: HashMap<Box<str>, View>,
}

impl Namespaces {
    /// What is known of `name`.
    pub fn get(&self, name: &str) -> &View {
        self.by_name.get(name).unwrap_or(&View::Absent)
    }

    /// The names of those that could not be read.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        let unreadable = self
            .by_name
            .iter()
            .filter(|(_, view)| **view == View::Unreadable);
        unreadable.map(|(name, _)| name.as_ref())
    }

    /// Sets what is known of `name` and returns what was known before.
    pub fn set(&mut self, name: &str, view: View) -> View {
        let before = match view {
            View::Absent => self.by_name.remove(name),
            view => self.by_name.insert(name.into(), view),
        };
        before.unwrap_or_default()
    }
}
