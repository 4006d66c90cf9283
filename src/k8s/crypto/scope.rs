//! Which resources an entry of the encryption configuration is about:
//! `secrets`, `deployments.apps`, `*.apps`, `*.*`.
//!
//! Promises to refuse what kube-apiserver refuses, so that a configuration
//! that loads here means the same there.

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

impl Scope {
    pub fn parse(text: &str) -> Result<Scope, String> {
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

    /// Whether this wildcard leaves nothing for `other`.
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

fn refusal(text: &str, plural: &str, group: &str) -> Option<String> {
    if text == "*" {
        return Some(
            "`*` is not a resource; use `*.` for the core group or `*.*` for everything".to_owned(),
        );
    }
    if text.is_empty()
        || plural.is_empty()
        || group == "*"
        || group.contains("*")
        || plural.len() > 1 && plural.contains('*')
    {
        return Some(format!(
            "`{text}` is not a resource; use `secrets`, `deployments.apps`, `*.apps` or `*.*`"
        ));
    }
    if text.chars().any(char::is_uppercase) {
        return Some(format!(
            "`{text}` has capitals; write the plural as in URLs, in lower case"
        ));
    }
    match group {
        "events.k8s.io" => Some(format!(
            "`{text}` is stored as a resource of the core group; use `events`"
        )),
        "extensions" => Some(format!(
            "`{text}` is of the group `extensions`, which Kubernetes has removed"
        )),
        _ => None,
    }
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
