//! The Namespaces of the source, as `namespaceSelectors` and `when` see them:
//! their labels, and where a condition reads more, what is stored of them.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// The labels of one Namespace, sorted by key, and the decrypted object itself
/// where a rule reads more of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    labels: Arc<[(Box<str>, Box<str>)]>,
    object: Option<Arc<[u8]>>,
}

impl Known {
    /// With what is stored of it, in plain text.
    pub fn with_object(self, plain: &[u8]) -> Known {
        Known {
            object: Some(plain.into()),
            ..self
        }
    }

    /// What is stored of it, in plain text; `None` where no rule reads it.
    pub fn object(&self) -> Option<&[u8]> {
        self.object.as_deref()
    }
}

/// The labels, which are sorted by key.
impl From<Vec<(Box<str>, Box<str>)>> for Known {
    fn from(labels: Vec<(Box<str>, Box<str>)>) -> Known {
        Known {
            labels: labels.into(),
            object: None,
        }
    }
}

/// The labels.
impl Deref for Known {
    type Target = [(Box<str>, Box<str>)];

    fn deref(&self) -> &Self::Target {
        &self.labels
    }
}

/// What is known of one Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// It does not exist at the source: no selector matches it.
    #[default]
    Absent,
    /// It exists, and this is known of it.
    Present(Known),
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
