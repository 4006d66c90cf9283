//! Any bytes as an encrypted value, under several keys; what opens is
//! read. Also any bytes as an encryption configuration.
#![no_main]

use std::sync::LazyLock;

use carry::k8s::crypto::describe;
use carry::k8s::{Keyring, Record};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

const CONFIG: &str = "
kind: EncryptionConfig
apiVersion: v1
resources:
- resources: [secrets]
  providers:
  - aescbc: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}, {name: b, secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}]}
  - aesgcm: {keys: [{name: a, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}
  - identity: {}
";

static KEYRING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::parse("fuzz.yaml", CONFIG).expect("a configuration"));

fn open(value: &[u8]) {
    let _ = describe(value);
    let mut buffer = Zeroizing::default();
    if let Ok(opened) = KEYRING.open("", "secrets", b"/registry/secrets/a/b", value, &mut buffer) {
        let _ = Record::parse(opened.plain).map(|record| record.labels());
    }
}

fuzz_target!(|bytes: &[u8]| {
    open(bytes);
    for prefix in [
        "k8s:enc:aescbc:v1:a:",
        "k8s:enc:aescbc:v1:b:",
        "k8s:enc:aesgcm:v1:a:",
    ] {
        open(&[prefix.as_bytes(), bytes].concat());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Keyring::parse("fuzz.yaml", text).map_err(|error| error.to_string());
    }
});
