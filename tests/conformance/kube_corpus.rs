//! `conformance::kube_corpus`: every stored value of a real cluster is
//! decrypted, and each of its fields that carry can read equals what the
//! Kubernetes libraries decode from the same bytes.
//!
//! The check goes both ways: every leaf of the JSON is read by its path, and
//! every field of the schema that the JSON does not show is absent.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::schema::{self, FieldType, PathError};
use carry::k8s::{Encoding, Field, Key, Keyring, Path, Query, Record, Step};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::shared;

#[test]
fn kube_corpus() {
    let Some(corpus) = shared::corpus("kube_corpus") else {
        return;
    };
    let Some(config) = shared::corpus_encryption("kube_corpus") else {
        return;
    };
    let keyring = Keyring::parse("encryption.yaml", &config).expect("a valid configuration");
    let (mut read, mut refused) = (0, 0);
    let mut failed = Vec::new();
    for stored in &corpus {
        match check(&keyring, stored) {
            Ok(leaves) => {
                read += leaves.read;
                refused += leaves.refused;
            }
            Err(why) => failed.push(format!("{}: {why}", stored.key)),
        }
    }
    println!(
        "kube_corpus: {}/{}",
        corpus.len() - failed.len(),
        corpus.len()
    );
    println!("kube_corpus: {read} leaves read, {refused} not readable yet");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Objects with every field filled, in every API version: each leaf that
/// carry can read, read by its path. (Whole values are `kube_golden`'s.)
#[test]
fn golden_leaves() {
    let Some(folder) = shared::folder("golden_leaves") else {
        return;
    };
    let file =
        std::fs::File::open(folder.join("conformance/kube/golden.jsonl.gz")).expect("golden");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let mut failed = Vec::new();
    let mut read = 0;
    let cases = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"));
    // The others are requests and answers, which are never stored.
    let cases: Vec<Value> = cases
        .filter(|case: &Value| case["json"]["metadata"]["uid"].is_string())
        .collect();
    for case in &cases {
        let bytes = STANDARD
            .decode(case["protobuf"].as_str().expect("protobuf"))
            .expect("base64");
        let outcome = Record::parse(&bytes).map_err(|error| error.to_string());
        match outcome.and_then(|record| check_record(&record, &case["json"])) {
            Ok(leaves) => read += leaves.read,
            Err(why) => failed.push(format!(
                "{} {}: {why}",
                case["json"]["apiVersion"], case["json"]["kind"]
            )),
        }
    }
    let total = cases.len();
    println!(
        "golden_leaves: {}/{total}, {read} leaves read",
        total - failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Leaves of one value's JSON.
#[derive(Debug)]
pub struct Leaves {
    pub read: usize,
    pub refused: usize,
}

fn check(keyring: &Keyring, stored: &shared::Stored) -> Result<Leaves, String> {
    let key = Key::parse("/registry", stored.key.as_bytes()).map_err(|error| error.to_string())?;
    let mut buffer = Zeroizing::default();
    let opened = keyring
        .open(
            key.group(),
            key.plural(),
            stored.key.as_bytes(),
            &stored.value,
            &mut buffer,
        )
        .map_err(|error| error.to_string())?;
    let metadata = &stored.json["metadata"];
    if metadata["name"]
        .as_str()
        .is_some_and(|name| name != key.name)
    {
        return Err(format!("the key's name is `{}`", key.name));
    }
    let record = Record::parse(opened.plain).map_err(|error| error.to_string())?;
    check_record(&record, &stored.json)
}

/// Compares everything that can be read of `record` with its JSON.
pub fn check_record(record: &Record<'_>, json: &Value) -> Result<Leaves, String> {
    equal(
        "apiVersion",
        Some(record.api_version()),
        json["apiVersion"].as_str(),
    )?;
    equal("kind", Some(record.kind()), json["kind"].as_str())?;
    check_labels(record, json)?;
    let mut paths = Vec::new();
    collect(json, &mut Vec::new(), &mut paths);
    absent_fields(record, json, &mut paths);
    let all = paths.len();
    paths.retain(|path| readable(record, path));
    let query = Query::new(&paths, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; query.len()];
    record
        .scan(&query, &mut out)
        .map_err(|error| error.to_string())?;
    for (path, field) in paths.iter().zip(&out) {
        let wanted = at(json, path);
        if !same(field, wanted) {
            return Err(format!("`{path}` is {field:?}, expected {wanted:?}"));
        }
        if record.get(path).as_ref() != Ok(field) {
            return Err(format!("`{path}` read alone differs"));
        }
    }
    Ok(Leaves {
        read: paths.len(),
        refused: all - paths.len(),
    })
}

fn equal(what: &str, found: Option<&str>, wanted: Option<&str>) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what} is {found:?}, expected {wanted:?}")),
    }
}

fn check_labels(record: &Record<'_>, json: &Value) -> Result<(), String> {
    let found = record.labels().map_err(|error| error.to_string())?;
    let empty = serde_json::Map::new();
    let wanted = json["metadata"]["labels"].as_object().unwrap_or(&empty);
    let mut wanted: Vec<_> = wanted
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    wanted.sort();
    let found: Vec<_> = found
        .iter()
        .map(|(key, value)| (&**key, Some(&**value)))
        .collect();
    match found == wanted {
        true => Ok(()),
        false => Err(format!("the labels are {found:?}, expected {wanted:?}")),
    }
}

/// Whether carry says that it can read the path of such a record.
fn readable(record: &Record<'_>, path: &Path) -> bool {
    if record.encoding() == Encoding::Json {
        return true;
    }
    match schema::resolve(record.group(), Some(record.version()), record.kind(), path) {
        Ok(_) => true,
        Err(PathError::NotReadable { .. }) => false,
        // Of a kind without a schema the metadata can be read, as of any.
        Err(PathError::UnknownKind) => {
            path.steps().first().and_then(Step::name) == Some("metadata")
                && schema::resolve("", Some("v1"), "ConfigMap", path).is_ok()
        }
        Err(error) => panic!("`{path}` of `{}`: {error}", record.kind()),
    }
}

/// The path of every value within `json`, whole objects and lists included.
fn collect(json: &Value, steps: &mut Vec<Step>, paths: &mut Vec<Path>) {
    paths.push(Path::new(steps.clone()));
    let children: Vec<(Step, &Value)> = match json {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (Step::Field(name.as_str().into()), value))
            .collect(),
        Value::Array(items) => (0..).map(Step::Index).zip(items).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        steps.push(step);
        collect(child, steps, paths);
        steps.pop();
    }
}

/// For every object of the JSON, the fields that its message has besides.
fn absent_fields(record: &Record<'_>, json: &Value, paths: &mut Vec<Path>) {
    let resolve =
        |path: &Path| schema::resolve(record.group(), Some(record.version()), record.kind(), path);
    let mut more = Vec::new();
    for path in paths.iter() {
        if !matches!(resolve(path), Ok(FieldType::Message)) {
            continue;
        }
        let mut steps = path.steps().to_vec();
        steps.push(Step::Field("no such field".into()));
        let Err(PathError::UnknownField { candidates, .. }) = resolve(&Path::new(steps.clone()))
        else {
            panic!("`{path}` has every field")
        };
        for name in candidates {
            steps.pop();
            steps.push(Step::Field(name.into()));
            let path = Path::new(steps.clone());
            if at(json, &path).is_none() {
                more.push(path);
            }
        }
    }
    paths.extend(more);
}

fn at<'j>(json: &'j Value, path: &Path) -> Option<&'j Value> {
    path.steps().iter().try_fold(json, |json, step| match step {
        Step::Field(name) | Step::Key(name) => json.get(&**name),
        Step::Index(index) => json.get(*index as usize),
    })
}

fn same(field: &Field<'_>, json: Option<&Value>) -> bool {
    match (field, json) {
        (Field::Absent, json) => json.is_none(),
        (Field::Null, Some(Value::Null)) => true,
        (Field::Bool(value), Some(json)) => json.as_bool() == Some(*value),
        (Field::Int(value), Some(json)) => json.as_i64() == Some(*value),
        (Field::Uint(value), Some(json)) => json.as_u64() == Some(*value),
        (Field::Double(value), Some(json)) => json.as_f64() == Some(*value),
        (Field::String(value), Some(json)) => json.as_str() == Some(value),
        (Field::Bytes(value), Some(json)) => json.as_str() == Some(&STANDARD.encode(value)),
        (Field::Composite, Some(json)) => json.is_object() || json.is_array(),
        _ => false,
    }
}
