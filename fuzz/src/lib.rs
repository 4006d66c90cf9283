//! What several fuzz targets do with a stored value. Promises to read all that
//! can be read of it, and to panic where two ways of reading disagree.

pub mod expressions;

use std::sync::LazyLock;

use carry::k8s::{Encoding, Field, Path, Query, Record, RecordError, Step};
use serde_json::Value;

const PATHS: [&str; 20] = [
    "kind",
    "type",
    "immutable",
    "data.a",
    "metadata",
    "metadata.name",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.labels",
    "metadata.labels['app']",
    "metadata.ownerReferences[0].kind",
    "metadata.managedFields[0].fieldsV1",
    "spec.replicas",
    "spec.containers[0].resources.limits['cpu']",
    "spec.template.spec.containers[0].image",
    "spec.ports[0].targetPort",
    "spec.securityContext.supplementalGroups[2]",
    "spec.names.kind",
    "status",
    "webhooks[0].clientConfig.caBundle",
];

static PARSED: LazyLock<Vec<Path>> =
    LazyLock::new(|| PATHS.iter().map(|path| path.parse().expect(path)).collect());

/// At most so many places of one value are compared.
const MOST_PLACES: usize = 64;

/// Reads a stored value in every way: labels, fields one by one and all at
/// once, `extra` paths among them, and as a whole.
pub fn read(value: &[u8], extra: &[Path]) {
    let Ok(record) = Record::parse(value) else {
        return;
    };
    let _ = record.labels();
    let paths: Vec<Path> = PARSED.iter().chain(extra).cloned().collect();
    let fields = scan(&record, &paths);
    // One by one is slow: a path or two of each value.
    for place in [value.len() % paths.len(), paths.len() - 1] {
        let alone = record.get(&paths[place]);
        if let Some(fields) = &fields {
            assert_eq!(
                shown(alone.as_ref().ok()),
                shown(fields.get(place)),
                "{}",
                paths[place]
            );
        }
    }
    let json = record.to_json();
    match &json {
        Ok(json) if record.verify().is_ok() => {
            agree(&record, json);
            record.to_yaml().expect("what can be printed as JSON");
        }
        Err(error) if record.verify().is_ok() => {
            assert!(matches!(error, RecordError::NoSchema { .. }), "{error}");
        }
        _ => {}
    }
    if record.encoding() == Encoding::Json
        && record.group() == "test.io"
        && let Ok(wanted) = serde_json::from_slice::<Value>(value)
    {
        let json = json.expect("what serde_json reads");
        assert!(alike(&json, &wanted), "{json} and {wanted}");
    }
}

/// The same, but for the last digits of numbers that are no `i64`: those are
/// floats to Kubernetes, and serde_json may miss the nearest one.
fn alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
            a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if close(a, b))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |((a, ours), (b, theirs)): ((&String, &Value), (&String, &Value))| {
                a == b && alike(ours, theirs)
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        _ => ours == theirs,
    }
}

fn shown(field: Option<&Field<'_>>) -> Option<Value> {
    field?.to_json().ok()
}

fn scan<'r>(record: &Record<'r>, paths: &[Path]) -> Option<Vec<Field<'r>>> {
    let query = Query::new(paths, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; query.len()];
    record.scan(&query, &mut out).ok()?;
    Some(out)
}

/// What is printed of a place is what is read by its path.
fn agree(record: &Record<'_>, json: &Value) {
    let mut places = Vec::new();
    collect(json, &mut Vec::new(), &mut places);
    let (paths, values): (Vec<Path>, Vec<&Value>) = places.into_iter().unzip();
    let Some(fields) = scan(record, &paths) else {
        // Of protobuf without a schema only the metadata can be read.
        assert_eq!(record.encoding(), Encoding::Protobuf);
        return;
    };
    for ((path, field), value) in paths.iter().zip(&fields).zip(values) {
        assert_eq!(shown(Some(field)).as_ref(), Some(value), "{path}");
    }
}

/// Places of `json`, whole objects and lists among them.
fn collect<'j>(json: &'j Value, steps: &mut Vec<Step>, out: &mut Vec<(Path, &'j Value)>) {
    if out.len() >= MOST_PLACES {
        return;
    }
    out.push((Path::new(steps.clone()), json));
    let mut down = |step: Step, item: &'j Value| {
        steps.push(step);
        collect(item, steps, out);
        steps.pop();
    };
    match json {
        // A key that is not UTF-8 is printed with this character, and no path
        // leads there.
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !name.contains(char::REPLACEMENT_CHARACTER))
            .for_each(|(name, item)| down(Step::Key(name.as_str().into()), item)),
        Value::Array(items) => (0..)
            .zip(items)
            .for_each(|(index, item)| down(Step::Index(index), item)),
        _ => {}
    }
}

/// The paths that the first line of the input names, and the rest of it; all
/// of it where that line is no path.
pub fn path_and_value(input: &[u8]) -> (Option<Path>, &[u8]) {
    let line = input.split(|byte| *byte == b'\n').next().unwrap_or(input);
    let path = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.parse().ok());
    match (path, input.get(line.len() + 1..)) {
        (Some(path), Some(rest)) => (Some(path), rest),
        _ => (None, input),
    }
}

/// The protobuf envelope around an object.
pub fn envelope(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let type_meta = [part(1, api_version.as_bytes()), part(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), part(1, &type_meta), part(2, object)].concat()
}

/// A field that has a length.
fn part(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}
