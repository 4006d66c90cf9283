//! Any bytes at all: nothing panics, and reading one by one says the same as
//! reading all at once.

use std::sync::LazyLock;

use carry::k8s::{Field, Key, Keyring, Path, Query, Record, RecordError};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::shared;

const PATHS: [&str; 22] = [
    "kind",
    "type",
    "immutable",
    "data",
    "data.a",
    "metadata",
    "metadata.name",
    "metadata.generation",
    "metadata.labels",
    "metadata.labels['app']",
    "metadata.labels['kubernetes.io/metadata.name']",
    "metadata.ownerReferences[0].kind",
    "spec.replicas",
    "spec.template.spec.containers[0].image",
    "spec.ports[0].name",
    "spec.names.kind",
    "metadata.creationTimestamp",
    "metadata.managedFields[0].fieldsV1['f:metadata']",
    "spec.template.spec.containers[0].resources.limits.cpu",
    "spec.template.spec.containers[0].livenessProbe.httpGet.port",
    "spec.template",
    "spec.ports[0].targetPort",
];

fn paths() -> Vec<Path> {
    PATHS.iter().map(|path| path.parse().expect(path)).collect()
}

/// Reads whatever can be read; the caller learns only whether all agreed.
fn read(plain: &[u8]) -> Result<(), TestCaseError> {
    let Ok(record) = Record::parse(plain) else {
        return Ok(());
    };
    let _ = record.labels();
    let printed = record.to_json();
    if record.verify().is_ok() {
        let no_schema = matches!(printed, Err(RecordError::NoSchema { .. }));
        prop_assert!(printed.is_ok() || no_schema, "{printed:?}");
    }
    if let Ok(printed) = &printed {
        prop_assert_eq!(
            record.view().len().ok(),
            printed.as_object().map(|object| object.len())
        );
    }
    let readable: Vec<Path> = paths()
        .into_iter()
        .filter(|path| record.get(path).is_ok())
        .collect();
    let query = Query::new(&readable, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; query.len()];
    let scanned = record.scan(&query, &mut out);
    if scanned.is_err() {
        // One path may skip what another one, or the pass over all, looks at.
        prop_assert!(record.verify().is_err(), "{scanned:?}");
        return Ok(());
    }
    for (path, field) in readable.iter().zip(&out) {
        let alone = record.get(path);
        // A number that is not one is equal to nothing.
        prop_assert!(
            alone.as_ref() == Ok(field) || matches!(field, Field::Double(n) if n.is_nan())
        );
    }
    Ok(())
}

static CORPUS: LazyLock<Vec<shared::Stored>> =
    LazyLock::new(|| shared::corpus("k8s::properties over the corpus").unwrap_or_default());

/// A stored value with some bytes changed, taken out or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    (
        any::<prop::sample::Index>(),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(which, edits)| {
            let Some(stored) = CORPUS.get(which.index(CORPUS.len().max(1))) else {
                return Vec::new();
            };
            let mut value = stored.value.clone();
            for (place, byte, how) in edits {
                let place = place.index(value.len().max(1));
                match how {
                    0 if place < value.len() => value[place] = byte,
                    1 if place < value.len() => drop(value.remove(place)),
                    _ => value.insert(place.min(value.len()), byte),
                }
            }
            value
        })
}

/// Bytes that get past the envelope.
fn enveloped() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![
        ("v1", "Secret"),
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("a/v1", "B"),
    ]);
    (kind, prop::collection::vec(any::<u8>(), 0..100)).prop_map(|((api_version, kind), raw)| {
        let mut value = b"k8s\0\x0a".to_vec();
        value.push((api_version.len() + kind.len() + 4) as u8);
        value.extend([0x0a, api_version.len() as u8]);
        value.extend(api_version.bytes());
        value.extend([0x12, kind.len() as u8]);
        value.extend(kind.bytes());
        value.extend([0x12, raw.len() as u8]);
        value.extend(raw);
        value
    })
}

fn jsonish() -> impl Strategy<Value = Vec<u8>> {
    r#"\{"apiVersion":"a/v1","kind":"B"(,"(spec|type|metadata|data)":[\[\]{}",:0-9eE.+\-a-z\\ ]{0,20}){0,4}\}"#
        .prop_map(String::into_bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes)?;
    }

    #[test]
    fn arbitrary_objects(bytes in enveloped()) {
        read(&bytes)?;
    }

    #[test]
    fn mutated_values(bytes in mutated()) {
        read(&bytes)?;
    }

    /// We and serde_json agree on what is one JSON object, up to numbers
    /// that fit into no float.
    #[test]
    fn json_is_what_serde_json_takes_for_it(bytes in jsonish()) {
        read(&bytes)?;
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        let out_of_range = matches!(&theirs, Err(error) if error.to_string().contains("out of range"));
        let ours = Record::parse(&bytes).and_then(|record| record.verify());
        let refused = matches!(ours, Err(RecordError::Json { .. }));
        prop_assert!(out_of_range || refused == theirs.is_err());
    }

    #[test]
    fn arbitrary_keys(key in prop::collection::vec(any::<u8>(), 0..40), tail in "(/[a-z.]{0,12}){0,5}") {
        let _ = Key::parse("/registry", &key);
        let key = [b"/registry", tail.as_bytes()].concat();
        if let Ok(parsed) = Key::parse("/registry", &key) {
            let namespace = parsed.namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
            let end = format!("/{namespace}{}", parsed.name);
            prop_assert!(tail.ends_with(&end));
        }
    }

    #[test]
    fn arbitrary_ciphertext(body in prop::collection::vec(any::<u8>(), 0..100), gcm in any::<bool>()) {
        let yaml = "{apiVersion: v1, kind: EncryptionConfig, resources: [{resources: [secrets], providers: [\
            {aescbc: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}},\
            {aesgcm: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}}]}]}";
        let keyring = Keyring::parse("enc.yaml", yaml).expect("a configuration");
        let prefix: &[u8] = if gcm { b"k8s:enc:aesgcm:v1:a:" } else { b"k8s:enc:aescbc:v1:a:" };
        let mut buffer = Zeroizing::default();
        let value = [prefix, &body].concat();
        if let Ok(opened) = keyring.open("", "secrets", b"/k", &value, &mut buffer) {
            prop_assert!(!gcm, "forged");
            read(opened.plain)?;
        }
    }
}
