//! What is true of each thing that rules read, for every stored object.
//!
//! Promises only facts that a kube-apiserver enforces on everything that it
//! stores: the types of metadata, and which names and labels are valid.
//! Deliberately knows nothing of other fields: CRDs decide about those.

use std::sync::LazyLock;

use crate::k8s::Path;
use crate::lang::opaque::Regex;
use crate::lang::solve::{Base, Constraint, Language, States};

use super::super::keys::{COMPACTION, OWN};
use super::super::slots::SlotSource;

/// What is true of what `source` reads, whatever the object; of a rule over keys
/// outside of Kubernetes if `plain`.
pub fn base_of(source: &SlotSource, plain: bool, prefix: &str) -> Base {
    let states = match source {
        SlotSource::Group => return likely(text(), &["", "apps", "example.com"]),
        SlotSource::Version => return likely(not_empty(States::TEXT), &["v1"]),
        SlotSource::Kind => return likely(not_empty(States::TEXT), &KINDS),
        SlotSource::Key => return of_key(plain, prefix),
        SlotSource::Field(path) => return of_field(path),
        SlotSource::Namespace => States::NOTHING | States::TRUE,
        SlotSource::NamespaceLabel(_) => {
            return valid(&LABEL, States::NOTHING | States::TEXT, &[]);
        }
        SlotSource::NamespaceField(path) => match names(path).as_slice() {
            [] => States::FAULT | States::NULL | States::MAP,
            path if is_labels(path) => States::NOTHING | States::MAP,
            ["metadata", "labels" | "annotations", _] | ["metadata", "name"] => {
                States::NOTHING | States::TEXT
            }
            _ => States::ANY,
        },
        SlotSource::Value(path) if path.steps().is_empty() => States::SIZED,
        SlotSource::Value(_) => States::ANY,
    };
    Base::states(states)
}

fn of_key(plain: bool, prefix: &str) -> Base {
    if !plain {
        let start = Language::starts_with(&format!("{}/", prefix));
        return likely(Constraint::text(start, true), &[]);
    }
    let barred = format!(
        r"\A(?:\z|{}/|{}|{})",
        regex::escape(prefix),
        regex::escape(OWN),
        regex::escape(COMPACTION)
    );
    match Regex::new(&barred) {
        Ok(barred) => {
            let outside = Constraint::text(Language::matches(&barred), false);
            likely(outside, &["/example"])
        }
        Err(_) => Base::states(States::TEXT),
    }
}

/// Kinds that everybody knows.
const KINDS: [&str; 6] = [
    "ConfigMap",
    "Deployment",
    "Secret",
    "ClusterRole",
    "StatefulSet",
    "Example",
];

fn text() -> Constraint {
    Constraint::states(States::TEXT)
}

/// In one of `states`, and if it is a text, not an empty one.
fn not_empty(states: States) -> Constraint {
    let empty = Language::set([Box::from("")]);
    Constraint::text(empty, false).or(states)
}

fn likely(constraint: Constraint, texts: &[&str]) -> Base {
    Base {
        constraint: constraint.into(),
        likely: texts.iter().map(|text| Box::from(*text)).collect(),
    }
}

fn of_field(path: &Path) -> Base {
    let states = match names(path).as_slice() {
        [] | ["metadata"] => States::MAP,
        ["apiVersion"] => return likely(not_empty(States::TEXT), &["v1", "apps/v1"]),
        ["metadata", "name"] => return valid(&NAME, States::TEXT, &["example"]),
        ["metadata", "namespace"] => {
            return valid(&NAMESPACE, States::ABSENT | States::TEXT, &["default"]);
        }
        path if is_labels(path) => States::ABSENT | States::MAP,
        ["metadata", "labels", _] => return valid(&LABEL, States::ABSENT | States::TEXT, &[]),
        ["metadata", "annotations", _] => States::ABSENT | States::TEXT,
        _ => States::ANY,
    };
    Base::states(states)
}

/// Texts that a kube-apiserver takes.
type Valid = LazyLock<Option<Constraint>>;

fn written(pattern: &str) -> Option<Constraint> {
    let regex = Regex::new(pattern).ok()?;
    Some(Constraint::text(Language::matches(&regex), true))
}

/// Of any name: it is a part of a path.
static NAME: Valid = LazyLock::new(|| written(r"\A[^/%]+\z"));

/// Of a Namespace's name.
static NAMESPACE: Valid = LazyLock::new(|| written(r"\A[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\z"));

/// Of a label's value.
static LABEL: Valid =
    LazyLock::new(|| written(r"\A(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?\z"));

/// In one of `states`, and if it is a text, a valid one.
fn valid(texts: &Valid, states: States, some: &[&str]) -> Base {
    match &**texts {
        Some(constraint) => likely(constraint.clone().or(states), some),
        None => Base::states(states),
    }
}

/// The names of the steps; of indexes nothing.
pub fn names(path: &Path) -> Vec<&str> {
    let steps = path.steps().iter();
    steps.map(|step| step.name().unwrap_or_default()).collect()
}

/// Whether the path is that of the labels or annotations, as a whole.
pub fn is_labels(path: &[&str]) -> bool {
    matches!(path, ["metadata", "labels" | "annotations"])
}
