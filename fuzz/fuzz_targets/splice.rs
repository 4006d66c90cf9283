//! Any bytes as a stored value, a field of it, and what becomes of that: what
//! was rewritten can be read, the field reads as asked, and every other one
//! as before.
//!
//! The first byte chooses the field, the second one the edit.
#![no_main]

use std::sync::LazyLock;

use carry::k8s::{Edit, Path, Record, rewrite};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const PATHS: [&str; 22] = [
    "kind",
    "type",
    "immutable",
    "data.a",
    "data.b",
    "metadata.name",
    "metadata.generation",
    "metadata.labels['app']",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.ownerReferences[0].kind",
    "metadata.ownerReferences[1].controller",
    "metadata.managedFields[0].fieldsV1['f:a'].b",
    "spec.replicas",
    "spec.clusterIPs[0]",
    "spec.ports[0].targetPort",
    "spec.extra.k[0]",
    "spec.template.spec.containers[0].image",
    "spec.template.spec.containers[0].resources.limits['cpu']",
    "spec.securityContext.supplementalGroups[0]",
    "spec.volumes[0].secret.secretName",
    "spec.names.kind",
];

static PARSED: LazyLock<Vec<Path>> =
    LazyLock::new(|| PATHS.iter().map(|path| path.parse().expect(path)).collect());

static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![
        json!("x"),
        json!("<\u{2028}>"),
        json!(7),
        json!(-1),
        json!(true),
        json!("250m"),
        json!("AQL/"),
        json!("2020-01-02T03:04:05Z"),
        json!({"a": ["b"]}),
    ]
});

fn read(record: &Record<'_>, path: &Path) -> Option<Value> {
    record.get(path).ok()?.to_json().ok()
}

fuzz_target!(|bytes: &[u8]| {
    let [which, how, plain @ ..] = bytes else {
        return;
    };
    let path = &PARSED[usize::from(*which) % PARSED.len()];
    let value = &VALUES[usize::from(how >> 2) % VALUES.len()];
    let edit = match how & 3 {
        0 => Edit::Remove,
        1 => Edit::Replace(value.clone()),
        _ => Edit::Set(value.clone()),
    };
    let Ok(rewritten) = rewrite(plain, &[(path.clone(), edit.clone())]) else {
        return;
    };
    let before = Record::parse(plain).expect("what was rewritten was a value");
    let after = Record::parse(&rewritten).expect("what was rewritten is a value");
    // Where the way to the field is malformed, it is not read.
    if let (Edit::Set(value), Ok(_)) = (&edit, before.get(path)) {
        let read = read(&after, path);
        // A quantity may be given as a number, and is read as text.
        let as_text = || Some(Value::String(value.to_string()));
        let same = read.as_ref() == Some(value) || value.is_number() && read == as_text();
        assert!(same, "{path}: {read:?}");
        let again = rewrite(&rewritten, &[(path.clone(), edit.clone())]);
        assert_eq!(again.as_ref(), Ok(&rewritten), "{path}");
    }
    // Another kind has other fields; and in a list the elements move up.
    if PATHS[0].parse::<Path>().as_ref() == Ok(path) {
        return;
    }
    for other in PARSED.iter().filter(|other| *other != path) {
        let is_list = |path: &Path| path.to_string().contains("ownerReferences[");
        if edit == Edit::Remove && is_list(path) && is_list(other) {
            continue;
        }
        let (was, is) = (read(&before, other), read(&after, other));
        let made = matches!((&was, &is), (Some(Value::Null), Some(_)) | (None, _));
        assert!(was == is || made, "{other} after {path}");
    }
});
