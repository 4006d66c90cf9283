//! Which resources an entry of the encryption configuration is about:
//! `secrets`, `deployments.apps`, `*.apps`, `*.*`.
//!
//! Promises to refuse what kube-apiserver refuses, so that a configuration
//! that loads here means the same there; and deliberately refuses wildcards
//! within a name, which kube-apiserver would load and never match.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    One {
        plural: String,
        group: String,
    },
    /// Every resource of a group; the core group is the empty name.
    Group(String),
    All,
}

/// What is stored without being a resource of the API, and never encrypted.
const NOT_RESOURCES: [&str; 3] = [
    "apiserveripinfo",
    "serviceipallocations",
    "servicenodeportallocations",
];

impl Scope {
    /// The scope, or what is wrong with the text as the predicate of a
    /// sentence about it.
    pub fn parse(text: &str) -> Result<Scope, &'static str> {
        if text == "*.*" {
            return Ok(Scope::All);
        }
        let (plural, group) = text.split_once('.').unwrap_or((text, ""));
        if let Some(reason) = refusal(text, plural, group) {
            return Err(reason);
        }
        Ok(match plural {
            "*" => Scope::Group(group.to_owned()),
            _ => Scope::One {
                plural: plural.to_owned(),
                group: group.to_owned(),
            },
        })
    }

    /// Whether an entry for `other` after one for this has no effect.
    pub fn masks(&self, other: &Scope) -> bool {
        match (self, other) {
            (Scope::All, _) => true,
            (Scope::Group(group), Scope::One { group: other, .. } | Scope::Group(other)) => {
                group == other
            }
            _ => false,
        }
    }

    /// Whether the two cannot stand in one list.
    pub fn overlaps(&self, other: &Scope) -> bool {
        self == other || self.masks(other) || other.masks(self)
    }
}

fn refusal(text: &str, plural: &str, group: &str) -> Option<&'static str> {
    if text.to_lowercase() != text {
        return Some("has capitals; write the plural as in URLs, in lower case");
    }
    if text == "*" {
        return Some("is not a resource; use `*.` for the core group or `*.*` for everything");
    }
    if NOT_RESOURCES.contains(&text) {
        return Some("is no resource of the API and cannot be encrypted");
    }
    match group {
        "events.k8s.io" => {
            return Some("is stored as a resource of the core group; use `events`");
        }
        "extensions" => {
            return Some("is of the group `extensions`, which Kubernetes has removed");
        }
        _ => {}
    }
    let stray = group.contains('*') || plural != "*" && plural.contains('*');
    (plural.is_empty() || stray)
        .then_some("is not a resource; use `secrets`, `deployments.apps`, `*.apps` or `*.*`")
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::One { plural, group } if group.is_empty() => f.write_str(plural),
            Scope::One { plural, group } => write!(f, "{plural}.{group}"),
            Scope::Group(group) => write!(f, "*.{group}"),
            Scope::All => f.write_str("*.*"),
        }
    }
}
