//! Every field of every stored value, rewritten: values of a real cluster,
//! and objects with every field filled, in every API version.
//!
//! What a kube-apiserver wrote is what the encoder has to write: a field that
//! is taken out and set again gives the very bytes that were stored.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::schema::{self, FieldType, PathError};
use carry::k8s::{
    Edit, Encoding, Key, Keyring, Path, Record, Refusal, RewriteError, Special, Step, rewrite,
};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::conformance::fields::collect;
use crate::shared;

/// A stored value, decrypted, and the JSON that the Kubernetes API shows.
pub struct Plain {
    pub name: String,
    pub bytes: Vec<u8>,
    pub json: Value,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// The values of the shared corpus and the objects with every field.
pub fn values(what: &str) -> Vec<Plain> {
    let Some(folder) = shared::folder(what) else {
        return Vec::new();
    };
    let mut values = golden(&folder.join("conformance/kube/golden.jsonl.gz"));
    let config = shared::corpus_encryption(what).expect("a configuration");
    let keyring = Keyring::parse("encryption.yaml", &config).expect("a valid configuration");
    for stored in shared::corpus(what).expect("the corpus") {
        let key = Key::parse("/registry", stored.key.as_bytes()).expect("a key");
        let mut buffer = Zeroizing::default();
        let opened = keyring
            .open(
                key.group(),
                key.plural(),
                stored.key.as_bytes(),
                &stored.value,
                &mut buffer,
            )
            .expect("a value that opens");
        values.push(Plain {
            name: stored.key.clone(),
            bytes: opened.plain.to_vec(),
            json: stored.json,
        });
    }
    values
}

fn golden(file: &std::path::Path) -> Vec<Plain> {
    let file = std::fs::File::open(file).expect("golden");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let plain = |line| {
        let case: Value = serde_json::from_str(line).expect("a case");
        Plain {
            name: case["name"].as_str().expect("a name").to_owned(),
            bytes: STANDARD
                .decode(case["protobuf"].as_str().expect("protobuf"))
                .expect("base64"),
            json: case["json"].clone(),
        }
    };
    text.lines().map(plain).collect()
}

/// The path of every value within `json`, but for the object itself.
pub fn paths(json: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    collect(json, &mut Vec::new(), &mut paths);
    paths.remove(0);
    paths
}

pub fn at<'j>(json: &'j Value, path: &Path) -> Option<&'j Value> {
    path.steps().iter().try_fold(json, |json, step| match step {
        Step::Field(name) | Step::Key(name) => json.get(&**name),
        Step::Index(index) => json.get(*index as usize),
    })
}

/// Whether carry has a schema for the value, or needs none.
fn has_schema(value: &Plain) -> bool {
    let set = |path: &str| {
        let edit = (path.parse().expect("a path"), Edit::Remove);
        rewrite(&value.bytes, &[edit])
    };
    let unknown = |error: &RewriteError| matches!(error.why, Refusal::NoSchema);
    !set("spec").as_ref().is_err_and(unknown)
}

/// One edit of one value.
pub fn edited(bytes: &[u8], path: &Path, edit: Edit) -> Result<Vec<u8>, String> {
    match rewrite(bytes, &[(path.clone(), edit)]) {
        Ok(mut value) => Ok(std::mem::take(&mut *value)),
        Err(error) => Err(error.to_string()),
    }
}

/// What stands at `path`; for the metadata of kinds without a schema, too.
pub fn type_at(value: &Plain, path: &Path) -> Result<FieldType, PathError> {
    let record = Record::parse(&value.bytes).expect("a value");
    let (group, version) = (record.group(), Some(record.version()));
    match schema::resolve(group, version, record.kind(), path) {
        Err(PathError::UnknownKind)
            if path.steps().first().and_then(Step::name) == Some("metadata") =>
        {
            schema::resolve("", Some("v1"), "ConfigMap", path)
        }
        found => found,
    }
}

/// Whether the path leads into embedded JSON, whose members have an order of
/// their own.
fn is_within_json(value: &Plain, path: &Path) -> bool {
    let Some((_, parent)) = path.steps().split_last() else {
        return false;
    };
    let parent = type_at(value, &Path::new(parent.to_vec()));
    matches!(parent, Ok(FieldType::Special(Special::Json)))
}

#[test]
fn what_is_set_to_what_it_is_keeps_its_bytes() {
    let (mut fields, mut failed) = (0, Vec::new());
    let values = values("what_is_set_to_what_it_is_keeps_its_bytes");
    for value in values.iter().filter(|value| has_schema(value)) {
        for path in paths(&value.json) {
            let now = at(&value.json, &path).expect("a value").clone();
            let set = edited(&value.bytes, &path, Edit::Set(now));
            if set.as_ref() != Ok(&value.bytes) {
                failed.push(format!("{} `{path}`: {:?}", value.name, set.err()));
            }
            fields += 1;
        }
    }
    println!("rewrite_same: {fields} fields of {} values", values.len());
    assert!(failed.is_empty(), "{}: {}", failed.len(), failed.join("\n"));
}

#[test]
fn what_is_removed_and_set_again_has_the_bytes_that_a_kube_apiserver_wrote() {
    let (mut fields, mut failed) = (0, Vec::new());
    let values = values("what_is_removed_and_set_again");
    for value in values.iter().filter(|value| has_schema(value)) {
        let record = Record::parse(&value.bytes).expect("a value");
        if record.encoding() == Encoding::Json {
            continue;
        }
        for path in paths(&value.json) {
            let is_element = matches!(path.steps().last(), Some(Step::Index(_)));
            let is_type = path.steps().len() == 1
                && matches!(path.to_string().as_str(), "apiVersion" | "kind");
            if is_element || is_type {
                continue;
            }
            let now = at(&value.json, &path).expect("a value").clone();
            if now.is_null() || is_within_json(value, &path) {
                continue;
            }
            let again = edited(&value.bytes, &path, Edit::Remove)
                .and_then(|removed| edited(&removed, &path, Edit::Set(now)));
            if again.as_ref() != Ok(&value.bytes) {
                failed.push(format!("{} `{path}`: {:?}", value.name, again.err()));
            }
            fields += 1;
        }
    }
    println!("rewrite_again: {fields} fields of {} values", values.len());
    assert!(failed.is_empty(), "{}: {}", failed.len(), failed.join("\n"));
}
