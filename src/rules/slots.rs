//! What the slots of a rule's predicate stand for.

use std::fmt;

use crate::k8s::Path;
use crate::lang::field_name;

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
    /// Any other field of the object's Namespace; the whole of it is `null`
    /// where there is none.
    NamespaceField(Path),
    /// The whole key.
    Key,
    /// A field of a value outside of Kubernetes; of one that is neither JSON
    /// nor YAML the whole is bytes.
    Value(Path),
}

impl SlotSource {
    /// Whether it can be unreadable while the object itself is not.
    pub fn may_fault(&self) -> bool {
        matches!(
            self,
            SlotSource::Namespace | SlotSource::NamespaceLabel(_) | SlotSource::NamespaceField(_)
        )
    }
}

impl fmt::Display for SlotSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotSource::Group => f.write_str("group"),
            SlotSource::Version => f.write_str("version"),
            SlotSource::Kind => f.write_str("kind"),
            SlotSource::Field(path) if path.steps().is_empty() => f.write_str("object"),
            SlotSource::Field(path) => path.fmt(f),
            SlotSource::Namespace => f.write_str("namespaceObject"),
            SlotSource::NamespaceLabel(key) => {
                write!(f, "namespaceObject.metadata.labels[{key:?}]")
            }
            SlotSource::NamespaceField(path) => f.write_str(&field_name("namespaceObject", path)),
            SlotSource::Key => f.write_str("key"),
            SlotSource::Value(path) => f.write_str(&field_name("value", path)),
        }
    }
}
