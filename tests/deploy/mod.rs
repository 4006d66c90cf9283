//! What it takes to run carry: every file of `deploy/` against what it is
//! written for, which is Kubernetes' schemas, Prometheus, systemd, and carry's
//! own flags and metrics.
//!
//! Tools that read such files are used where they are there (`tests/run.sh`
//! fetches them); what is not run without them is said.

mod alerts;
mod dashboard;
mod hardening;
mod helm;
mod image;
mod kinds;
mod kustomize;
mod metrics;
mod query;
mod starts;
mod systemd;
pub mod tools;

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;

/// A file or folder of `deploy/`.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name)
}

/// A file of `deploy/`.
fn read(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of some YAML, without those that are empty.
fn documents(yaml: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(yaml);
    let values = documents.map(|one| Value::deserialize(one).expect("YAML"));
    values.filter(|value| !value.is_null()).collect()
}

/// The one document of some YAML.
fn document(yaml: &str) -> Value {
    let mut all = documents(yaml);
    assert_eq!(all.len(), 1, "one document in {yaml}");
    all.remove(0)
}

/// A text at a path of fields; empty where there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The objects of a kind.
fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let all = objects.iter();
    all.filter(|object| text(object, "/kind") == kind).collect()
}

/// The object of a kind, of which there is one.
fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = of_kind(objects, kind);
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

/// The elements of a list; none where there is none.
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}
