//! `conformance::encryption`: values stored by a real kube-apiserver under
//! each provider decrypt to what the Kubernetes libraries decode; damaged
//! ones, and those opened with what does not fit, are errors and never panic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::{Key, Keyring, Record};
use serde_json::Value;
use zeroize::Zeroizing;

use super::kube_corpus::check_record;
use crate::shared;

/// Cases whose provider comes later, by configuration and name.
const NOT_YET: [&str; 4] = [
    "kmsv2.yaml ConfigMap",
    "kmsv2.yaml Secret",
    "secretbox.yaml ConfigMap",
    "secretbox.yaml Secret",
];

struct Vector {
    name: String,
    config: String,
    key: Vec<u8>,
    value: Vec<u8>,
    json: Value,
}

fn vectors(what: &str) -> Vec<Vector> {
    let Some(folder) = shared::folder(what) else {
        return Vec::new();
    };
    let folder = folder.join("kube/encryption");
    let text = std::fs::read_to_string(folder.join("vectors.jsonl")).expect("vectors.jsonl");
    let parse = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a vector");
        let text = |name: &str| line[name].as_str().expect(name).to_owned();
        Vector {
            name: format!(
                "{} {}",
                text("config"),
                line["json"]["kind"].as_str().expect("kind")
            ),
            config: std::fs::read_to_string(folder.join(text("config"))).expect("a configuration"),
            key: text("key").into_bytes(),
            value: STANDARD.decode(text("value")).expect("base64"),
            json: line["json"].clone(),
        }
    };
    text.lines().map(parse).collect()
}

/// Opens `value` as the one at `key` and reads it; the error is for people.
fn read(config: &str, key: &[u8], value: &[u8], json: &Value) -> Result<(), String> {
    let keyring = Keyring::parse("encryption.yaml", config).map_err(|error| error.to_string())?;
    read_with(&keyring, key, value, json)
}

fn read_with(keyring: &Keyring, key: &[u8], value: &[u8], json: &Value) -> Result<(), String> {
    let parsed = Key::parse("/registry", key).map_err(|error| error.to_string())?;
    let mut buffer = Zeroizing::default();
    let opened = keyring
        .open(parsed.group(), parsed.plural(), key, value, &mut buffer)
        .map_err(|error| error.to_string())?;
    let record = Record::parse(opened.plain).map_err(|error| error.to_string())?;
    check_record(&record, json).map(|_| ())
}

#[test]
fn encryption() {
    let vectors = vectors("encryption");
    let mut failed = Vec::new();
    let mut passed = 0;
    for vector in &vectors {
        let outcome = read(&vector.config, &vector.key, &vector.value, &vector.json);
        match (outcome, NOT_YET.contains(&vector.name.as_str())) {
            (Ok(()), false) => passed += 1,
            (Ok(()), true) => {
                failed.push(format!("{}: passes, take it from the list", vector.name))
            }
            (Err(why), true) => println!("encryption: not yet: {}: {why}", vector.name),
            (Err(why), false) => failed.push(format!("{}: {why}", vector.name)),
        }
    }
    println!("encryption: {passed}/{}", vectors.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The vectors of the providers that exist, with their keyrings.
fn supported(what: &str) -> Vec<(Vector, Keyring)> {
    let vectors = vectors(what)
        .into_iter()
        .filter(|vector| !NOT_YET.contains(&vector.name.as_str()));
    vectors
        .map(|vector| {
            let keyring =
                Keyring::parse("encryption.yaml", &vector.config).expect("a valid configuration");
            (vector, keyring)
        })
        .collect()
}

fn authenticated(vector: &Vector) -> bool {
    vector.name.starts_with("aesgcm")
}

#[test]
fn truncated_values_are_errors() {
    for (vector, keyring) in supported("truncated_values_are_errors") {
        for length in 0..vector.value.len() {
            let cut = &vector.value[..length];
            let outcome = read_with(&keyring, &vector.key, cut, &vector.json);
            assert!(outcome.is_err(), "{} cut to {length} bytes", vector.name);
        }
    }
}

#[test]
fn flipped_bits_are_errors_where_authenticated() {
    for (vector, keyring) in supported("flipped_bits_are_errors_where_authenticated") {
        for place in 0..vector.value.len() {
            let mut value = vector.value.clone();
            value[place] ^= 1 << (place % 8);
            // Without authentication it may be a wrong value, but not a panic.
            let outcome = read_with(&keyring, &vector.key, &value, &vector.json);
            assert!(
                outcome.is_err() || !authenticated(&vector),
                "{} flipped at {place}",
                vector.name
            );
        }
    }
}

#[test]
fn another_etcd_key_is_an_error_where_authenticated() {
    for (vector, keyring) in supported("another_etcd_key_is_an_error_where_authenticated") {
        let mut key = vector.key.clone();
        key.extend(b"x");
        let mut buffer = Zeroizing::default();
        let parsed = Key::parse("/registry", &key).expect("a key");
        let opened = keyring.open(
            parsed.group(),
            parsed.plural(),
            &key,
            &vector.value,
            &mut buffer,
        );
        assert_eq!(opened.is_err(), authenticated(&vector), "{}", vector.name);
    }
}

#[test]
fn another_secret_is_an_error() {
    for (vector, _) in supported("another_secret_is_an_error") {
        let (before, after) = vector.config.split_once("secret: ").expect("a secret");
        let swapped = match after.starts_with('A') {
            true => format!("{before}secret: B{}", &after[1..]),
            false => format!("{before}secret: A{}", &after[1..]),
        };
        let outcome = read(&swapped, &vector.key, &vector.value, &vector.json);
        assert!(outcome.is_err(), "{} with another secret", vector.name);
    }
}
