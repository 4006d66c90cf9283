//! Which providers of an encryption configuration a value meets.

use carry::k8s::Keyring;
use carry::k8s::crypto::{CryptoError, Provider, describe};
use zeroize::Zeroizing;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

fn config(resources: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{resources}"
    )
}

fn entry(resources: &str, providers: &str) -> String {
    config(&format!(
        "- resources: [{resources}]\n  providers:\n{providers}"
    ))
}

/// Which provider a value of the resource meets, told by the error.
fn meets(keyring: &Keyring, group: &str, plural: &str) -> &'static str {
    let mut buffer = Zeroizing::default();
    let mut open = |value: &[u8]| keyring.open(group, plural, b"/k", value, &mut buffer).err();
    match (
        open(b"k8s:enc:aescbc:v1:a:x"),
        open(b"k8s:enc:aesgcm:v1:b:x"),
    ) {
        (Some(CryptoError::Short), Some(CryptoError::Short)) => "both",
        (Some(CryptoError::Short), _) => "a",
        (_, Some(CryptoError::Short)) => "b",
        _ => "none",
    }
}

#[test]
fn resources_are_looked_up_from_narrow_to_wide() {
    let aescbc = format!("  - aescbc: {{keys: [{{name: a, secret: {KEY}}}]}}\n");
    let aesgcm = format!("  - aesgcm: {{keys: [{{name: b, secret: {KEY}}}]}}\n");
    let yaml = config(&format!(
        "- resources: [deployments.apps, secrets]\n  providers:\n{aescbc}\
         - resources: [secrets]\n  providers:\n{aesgcm}\
         - resources: ['*.apps', '*.']\n  providers:\n{aesgcm}\
         - resources: ['*.*']\n  providers:\n{aescbc}"
    ));
    let keyring = Keyring::parse("enc.yaml", &yaml).expect("a configuration");
    for (group, plural, expected) in [
        ("", "secrets", "both"),
        ("apps", "deployments", "a"),
        ("apps", "daemonsets", "b"),
        ("", "configmaps", "b"),
        ("test.io", "cells", "a"),
    ] {
        assert_eq!(meets(&keyring, group, plural), expected, "{group} {plural}");
    }
    let only_secrets =
        Keyring::parse("enc.yaml", &entry("secrets", &aescbc)).expect("a configuration");
    assert_eq!(meets(&only_secrets, "", "configmaps"), "none");
    assert_eq!(meets(&only_secrets, "test.io", "secrets"), "none");
}

#[test]
fn plain_values_are_read_where_identity_is_allowed() {
    let mut buffer = Zeroizing::default();
    let opened = Keyring::identity()
        .open("", "secrets", b"/k", b"plain", &mut buffer)
        .expect("plain");
    assert_eq!(
        (opened.plain, opened.provider),
        (&b"plain"[..], Provider::Identity)
    );
    let aescbc = format!("  - aescbc: {{keys: [{{name: a, secret: {KEY}}}]}}\n");
    let strict = Keyring::parse("enc.yaml", &entry("secrets", &aescbc)).expect("a configuration");
    let refused = strict
        .open("", "secrets", b"/k", b"plain", &mut buffer)
        .err();
    assert_eq!(refused, Some(CryptoError::NotEncrypted));
    assert!(
        strict
            .open("", "pods", b"/k", b"plain", &mut buffer)
            .is_ok()
    );
    let encrypted =
        Keyring::identity().open("", "secrets", b"/k", b"k8s:enc:aescbc:v1:a:x", &mut buffer);
    let told = encrypted
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert_eq!(
        told,
        "the value is encrypted (aescbc, key `a`), and no encryption configuration was given"
    );
    // One that was given and is for others is another matter.
    let others = Keyring::parse("enc.yaml", &entry("pods", &aescbc)).expect("a configuration");
    let refused = others.open("", "secrets", b"/k", b"k8s:enc:aescbc:v1:a:x", &mut buffer);
    assert!(matches!(refused.err(), Some(CryptoError::NoKey(_))));
    let forgotten = Keyring::identity_since("nobody has said where it is");
    let refused = forgotten.open("", "secrets", b"/k", b"k8s:enc:aescbc:v1:a:x", &mut buffer);
    assert_eq!(
        refused.err().map(|error| error.to_string()).as_deref(),
        Some("the value is encrypted (aescbc, key `a`), and nobody has said where it is")
    );
}

/// Key names may hold colons, and one may begin as another does.
#[test]
fn prefixes_are_matched_whole() {
    let keys = format!(
        "  - aescbc: {{keys: [{{name: 'a:b', secret: {KEY}}}, {{name: a, secret: {KEY}}}]}}\n"
    );
    let keyring = Keyring::parse("enc.yaml", &entry("secrets", &keys)).expect("a configuration");
    let mut buffer = Zeroizing::default();
    let mut open = |value: &[u8]| keyring.open("", "secrets", b"/k", value, &mut buffer).err();
    assert_eq!(open(b"k8s:enc:aescbc:v1:a:b:"), Some(CryptoError::Short));
    assert!(matches!(
        open(b"k8s:enc:aescbc:v1:ab:"),
        Some(CryptoError::NoKey(_))
    ));
    let iv = [0u8; 16];
    assert_eq!(
        open(&[b"k8s:enc:aescbc:v1:a:", &iv[..]].concat()),
        Some(CryptoError::PartialBlock)
    );
    assert_eq!(
        open(&[b"k8s:enc:aescbc:v1:a:", &iv[..], b"part"].concat()),
        Some(CryptoError::PartialBlock)
    );
}

#[test]
fn prefixes_are_described() {
    for (value, expected) in [
        (&b"k8s\0"[..], "not encrypted"),
        (b"", "not encrypted"),
        (b"k8s:enc:aescbc:v1:key1:\xff\xfe", "aescbc, key `key1`"),
        (b"k8s:enc:aesgcm:v1:a:", "aesgcm, key `a`"),
        (b"k8s:enc:secretbox:v1:a:", "secretbox, key `a`"),
        (b"k8s:enc:kms:v2:vec:", "kms v2, plugin `vec`"),
        (b"k8s:enc:kms:v1:vec:", "kms v1, plugin `vec`"),
        (b"k8s:enc:rot13:v1:x:", "an unknown provider, `rot13`"),
        (b"k8s:enc:\x07", "an unknown provider, `\\u{7}`"),
    ] {
        assert_eq!(describe(value), expected);
    }
    assert!(describe(&[b"k8s:enc:", &[b'x'; 5000][..]].concat()).len() < 200);
}
