//! `conformance::encryption`: values stored by a real kube-apiserver under
//! each provider decrypt to what the Kubernetes libraries decode, and what carry
//! writes under the same configuration has the same form; damaged ones, and
//! those opened with what does not fit, are errors and never panic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::{Key, Keyring, Record};
use serde_json::Value;
use zeroize::Zeroizing;

use super::fields::check_record;
use crate::shared;
use crate::toy_kms::ToyKms;

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
    read_with(&keyring(config)?, key, value, json)
}

fn keyring(config: &str) -> Result<Keyring, String> {
    let keyring = Keyring::parse_with("encryption.yaml", config, &ToyKms::default());
    keyring.map_err(|error| error.to_string())
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
    for vector in &vectors {
        if let Err(why) = read(&vector.config, &vector.key, &vector.value, &vector.json) {
            failed.push(format!("{}: {why}", vector.name));
        }
    }
    let passed = vectors.len() - failed.len();
    println!("encryption: {passed}/{}", vectors.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn with_keyrings(what: &str) -> Vec<(Vector, Keyring)> {
    let with_keyring = |vector: Vector| {
        let keyring = keyring(&vector.config).expect("a valid configuration");
        (vector, keyring)
    };
    vectors(what).into_iter().map(with_keyring).collect()
}

/// Sealed again, a value has the length and the prefix that kube-apiserver gave
/// it, and opens to the same with a keyring that did not write it.
#[test]
fn values_are_written_as_they_were() {
    for (vector, writer) in with_keyrings("values_are_written_as_they_were") {
        let key = Key::parse("/registry", &vector.key).expect("a key");
        let (group, plural) = (key.group(), key.plural());
        let mut buffer = Zeroizing::default();
        let opened = writer.open(group, plural, &vector.key, &vector.value, &mut buffer);
        let (mut sealed, opened) = (Vec::new(), opened.expect("opened"));
        let provider = writer
            .seal(group, plural, &vector.key, opened.plain, &mut sealed)
            .expect("sealed");
        assert_eq!(provider, opened.provider, "{}", vector.name);
        assert_eq!(sealed.len(), vector.value.len(), "{}", vector.name);
        let parts = |value: &[u8]| -> Vec<Vec<u8>> {
            let parts = value.splitn(6, |&byte| byte == b':').take(5);
            parts.map(<[u8]>::to_vec).collect()
        };
        assert_eq!(parts(&sealed), parts(&vector.value), "{}", vector.name);
        let fresh = keyring(&vector.config).expect("a valid configuration");
        let again = read_with(&fresh, &vector.key, &sealed, &vector.json);
        assert_eq!(again, Ok(()), "{}", vector.name);
    }
}

fn authenticated(vector: &Vector) -> bool {
    !vector.name.starts_with("aescbc")
}

/// Whether the etcd key is authenticated too.
fn bound(vector: &Vector) -> bool {
    vector.name.starts_with("aesgcm") || vector.name.starts_with("kms")
}

#[test]
fn truncated_values_are_errors() {
    for (vector, keyring) in with_keyrings("truncated_values_are_errors") {
        for length in 0..vector.value.len() {
            let cut = &vector.value[..length];
            let outcome = read_with(&keyring, &vector.key, cut, &vector.json);
            assert!(outcome.is_err(), "{} cut to {length} bytes", vector.name);
        }
    }
}

#[test]
fn flipped_bits_are_errors_where_authenticated() {
    for (vector, keyring) in with_keyrings("flipped_bits_are_errors_where_authenticated") {
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
    for (vector, keyring) in with_keyrings("another_etcd_key_is_an_error_where_authenticated") {
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
        assert_eq!(opened.is_err(), bound(&vector), "{}", vector.name);
    }
}

#[test]
fn another_secret_is_an_error() {
    for (vector, _) in with_keyrings("another_secret_is_an_error") {
        let Some((before, after)) = vector.config.split_once("secret: ") else {
            let plugin = ToyKms::default();
            plugin.toy().xor ^= 1;
            let other = Keyring::parse_with("encryption.yaml", &vector.config, &plugin);
            let other = other.expect("a valid configuration");
            let outcome = read_with(&other, &vector.key, &vector.value, &vector.json);
            assert!(outcome.is_err(), "{} with another plugin", vector.name);
            continue;
        };
        let swapped = match after.starts_with('A') {
            true => format!("{before}secret: B{}", &after[1..]),
            false => format!("{before}secret: A{}", &after[1..]),
        };
        let outcome = read(&swapped, &vector.key, &vector.value, &vector.json);
        assert!(outcome.is_err(), "{} with another secret", vector.name);
    }
}
