//! What the slots of a rule's predicate stand for.

use std::fmt;

use crate::k8s::Path;

/// One thing that a rule reads of an object or of its Namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SlotSource {
    /// The API group of the object's own `apiVersion`; empty for core.
    Group,
    /// The version of its `apiVersion`.
    Version,
    /// Its `kind`.
    Kind,
    /// A field, label or annotation.
    Field(Path),
    /// Whether the object's Namespace exists at the source.
    Namespace,
    /// A label of the object's Namespace.
    NamespaceLabel(Box<str>),
}

impl SlotSource {
    /// Whether it can be unreadable while the object itself is not.
    pub fn may_fault(&self) -> bool {
        matches!(self, SlotSource::Namespace | SlotSource::NamespaceLabel(_))
    }
}

impl fmt::Display for SlotSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotSource::Group => f.write_str("group"),
            SlotSource::Version => f.write_str("version"),
            SlotSource::Kind => f.write_str("kind"),
            SlotSource::Field(path) => path.fmt(f),
            SlotSource::Namespace => f.write_str("namespaceObject"),
            SlotSource::NamespaceLabel(key) => {
                write!(f, "namespaceObject.metadata.labels[{key:?}]")
            }
        }
    }
}
