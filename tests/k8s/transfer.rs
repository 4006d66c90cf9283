//! Values between two encryption configurations: which stay as they are, which
//! are sealed anew, and what is refused.

use carry::k8s::crypto::{CryptoError, Provider};
use carry::k8s::{Keyring, RecordError, Transfer, TransferBuffers, Transferred};

use super::crypto_providers::{keyring, keyring_with, open, seal};
use crate::toy_kms::ToyKms;

/// A Secret of no namespace, as it would be stored in protobuf.
const PLAIN: &[u8] =
    b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x08\x0a\x06\x0a\x01a\x1a\x01b\x1a\0\"\0";
const KEY: &[u8] = super::crypto_providers::KEY;
const OTHER_KEY: &[u8] = b"/standby/secrets/ns/name";

fn keys(provider: &str, names: &[(&str, char)]) -> String {
    let key = |(name, letter): &(&str, char)| {
        let secret: String = std::iter::repeat_n(*letter, 43).collect();
        format!("{{name: {name}, secret: '{secret}='}}")
    };
    let list: Vec<_> = names.iter().map(key).collect();
    format!("{provider}: {{keys: [{}]}}", list.join(", "))
}

fn identity() -> String {
    "identity: {}".to_owned()
}

fn kms(version: &str, name: &str, path: &str) -> String {
    format!("kms: {{name: {name}, apiVersion: {version}, endpoint: 'unix://{path}'}}")
}

/// What a transfer says, in one word.
fn outcome(from: &[String], to: &[String], to_key: &[u8]) -> String {
    let (from, to) = (keyring(from), keyring(to));
    let value = seal(&from, PLAIN);
    check(&from, &to, &value, to_key)
}

fn check(from: &Keyring, to: &Keyring, value: &[u8], to_key: &[u8]) -> String {
    let mut buffers = TransferBuffers::default();
    let object = Transfer {
        group: "",
        plural: "secrets",
        from_key: KEY,
        to_key,
        value,
    };
    match from.transfer(to, object, &mut buffers) {
        Ok(Transferred::AsItIs) => {
            assert_eq!(open(to, to_key, value).as_deref(), Ok(PLAIN));
            "as it is".to_owned()
        }
        Ok(Transferred::Sealed {
            value, provider, ..
        }) => {
            assert_eq!(open(to, to_key, value).as_deref(), Ok(PLAIN));
            provider.to_string()
        }
        Err(error) => format!("error: {error}"),
    }
}

/// Under the same etcd key, and under another one.
#[track_caller]
fn assert_outcomes(from: &[String], to: &[String], same_key: &str, other_key: &str) {
    assert_eq!(
        outcome(from, to, KEY),
        same_key,
        "{from:?} → {to:?}, the same key"
    );
    assert_eq!(
        outcome(from, to, OTHER_KEY),
        other_key,
        "{from:?} → {to:?}, another key"
    );
}

#[test]
fn the_same_configuration() {
    let (cbc, gcm) = (keys("aescbc", &[("a", 'A')]), keys("aesgcm", &[("a", 'A')]));
    let (box_, plugin) = (keys("secretbox", &[("a", 'A')]), kms("v2", "p", "/k"));
    for (provider, other_key) in [
        (identity(), "as it is"),
        (cbc, "as it is"),
        (box_, "as it is"),
        (gcm, "aesgcm, key `a`"),
        (plugin, "kms v2, plugin `p`"),
    ] {
        let both = [provider, identity()];
        assert_outcomes(&both, &both, "as it is", other_key);
    }
}

#[test]
fn another_key_or_name() {
    let one = [keys("secretbox", &[("a", 'A')])];
    let other_secret = [keys("secretbox", &[("a", 'B')])];
    let other_name = [keys("secretbox", &[("b", 'A')])];
    assert_outcomes(
        &one,
        &other_secret,
        "secretbox, key `a`",
        "secretbox, key `a`",
    );
    assert_outcomes(
        &one,
        &other_name,
        "secretbox, key `b`",
        "secretbox, key `b`",
    );
    let cbc = [keys("aescbc", &[("a", 'A')])];
    assert_outcomes(&one, &cbc, "aescbc, key `a`", "aescbc, key `a`");
}

/// What the destination reads but would not write itself is rewritten, unless
/// the lists are the same.
#[test]
fn known_but_not_written() {
    let old = [keys("secretbox", &[("old", 'A')])];
    let rotating = [keys("secretbox", &[("new", 'B'), ("old", 'A')])];
    assert_outcomes(
        &old,
        &rotating,
        "secretbox, key `new`",
        "secretbox, key `new`",
    );
    let (from, to) = (keyring(&rotating), keyring(&rotating));
    let value = seal(&keyring(&old), PLAIN);
    assert_eq!(check(&from, &to, &value, OTHER_KEY), "as it is");
    let reversed = keyring(&[keys("secretbox", &[("old", 'A'), ("new", 'B')])]);
    assert_eq!(check(&reversed, &to, &value, KEY), "secretbox, key `new`");
    assert_eq!(check(&to, &reversed, &value, KEY), "as it is");
}

#[test]
fn plain_and_encrypted() {
    let gcm = keys("aesgcm", &[("a", 'A')]);
    let (plain, encrypts) = ([identity()], [gcm.clone(), identity()]);
    assert_outcomes(&plain, &encrypts, "aesgcm, key `a`", "aesgcm, key `a`");
    assert_outcomes(&encrypts, &plain, "not encrypted", "not encrypted");
    assert_outcomes(
        std::slice::from_ref(&gcm),
        &[identity(), gcm.clone()],
        "not encrypted",
        "not encrypted",
    );
    // Not yet encrypted at the source, under the same list: nor will it be here.
    let both = keyring(&encrypts);
    assert_eq!(
        check(&both, &keyring(&encrypts), PLAIN, OTHER_KEY),
        "as it is"
    );
    let none = Keyring::identity();
    assert_eq!(
        check(&none, &Keyring::identity(), PLAIN, OTHER_KEY),
        "as it is"
    );
    assert_eq!(check(&none, &keyring(&plain), PLAIN, KEY), "as it is");
    assert_eq!(check(&none, &both, PLAIN, KEY), "aesgcm, key `a`");
    assert_eq!(check(&keyring(&plain), &none, PLAIN, KEY), "as it is");
}

#[test]
fn kms_plugins_are_the_same_by_version_name_and_endpoint() {
    let one = [kms("v2", "p", "/k")];
    let again = "kms v2, plugin `p`";
    assert_outcomes(&one, &[kms("v2", "p", "/k")], "as it is", again);
    assert_outcomes(&one, &[kms("v2", "p", "/other")], again, again);
    assert_outcomes(&one, &[kms("v2", "p", "/@k")], again, again);
    assert_outcomes(
        &one,
        &[kms("v2", "q", "/k")],
        "kms v2, plugin `q`",
        "kms v2, plugin `q`",
    );
    let told = outcome(&one, &[kms("v1", "p", "/k")], KEY);
    assert!(
        told.contains("kms v1, plugin `p`, which carry reads but does not write"),
        "{told}"
    );
}

/// Without authentication, a key of the same name that comes first could open
/// the value to something else.
#[test]
fn a_key_that_is_shadowed_does_not_agree() {
    let from = keyring(&[keys("aescbc", &[("a", 'A')])]);
    let value = seal(&from, PLAIN);
    let shadowed = keyring(&[keys("aescbc", &[("a", 'B'), ("a", 'A')])]);
    assert_eq!(check(&from, &shadowed, &value, KEY), "aescbc, key `a`");
}

/// Encrypted objects of the source that cannot be opened, and plaintext that no
/// apiserver could read.
#[test]
fn what_is_refused() {
    let plain = Keyring::identity();
    let gcm = keyring(&[keys("aesgcm", &[("a", 'A')])]);
    let mut buffers = TransferBuffers::default();
    let mut transfer = |from: &Keyring, to: &Keyring, value: &[u8]| {
        let object = Transfer {
            group: "",
            plural: "secrets",
            from_key: KEY,
            to_key: KEY,
            value,
        };
        from.transfer(to, object, &mut buffers).err()
    };
    assert_eq!(
        transfer(&plain, &gcm, b""),
        Some(CryptoError::Record(RecordError::Empty))
    );
    let empty = transfer(&plain, &plain, b"");
    assert_eq!(empty, Some(CryptoError::Record(RecordError::Empty)));
    let garbage = transfer(&plain, &gcm, b"garbage");
    assert_eq!(garbage, Some(CryptoError::Record(RecordError::Unknown)));
    let value = seal(&gcm, PLAIN);
    assert!(matches!(
        transfer(&plain, &gcm, &value),
        Some(CryptoError::NoConfiguration { .. })
    ));
    assert_eq!(transfer(&gcm, &gcm, PLAIN), Some(CryptoError::NotEncrypted));
    let other = keyring(&[keys("aesgcm", &[("a", 'B')])]);
    assert_eq!(
        transfer(&other, &gcm, &value),
        Some(CryptoError::NotAuthentic)
    );
    let garbage = seal(&gcm, b"garbage");
    let unreadable = CryptoError::Record(RecordError::Unknown);
    assert_eq!(transfer(&gcm, &gcm, &garbage), Some(unreadable));
}

/// A plugin that cannot be asked makes the transfer fail for now.
#[test]
fn a_plugin_that_is_down_is_transient() {
    let plugin = ToyKms::default();
    plugin.toy().failure = Some(carry::k8s::crypto::kms::PluginError::Unreachable(
        "gone".to_owned(),
    ));
    let providers = [kms("v2", "p", "/k")];
    let down = keyring_with(&providers, &plugin);
    let value = seal(&keyring(&providers), PLAIN);
    let mut buffers = TransferBuffers::default();
    let object = Transfer {
        group: "",
        plural: "secrets",
        from_key: KEY,
        to_key: KEY,
        value: &value,
    };
    let reading = down.transfer(&down, object, &mut buffers).err();
    assert!(reading.is_some_and(|error| error.is_transient()));
    let object = Transfer {
        value: PLAIN,
        ..object
    };
    let writing = Keyring::identity()
        .transfer(&down, object, &mut buffers)
        .err();
    assert!(writing.is_some_and(|error| error.is_transient()));
}

#[test]
fn what_has_sealed_it_is_told() {
    let (from, to) = (
        Keyring::identity(),
        keyring(&[keys("secretbox", &[("k", 'A')])]),
    );
    let mut buffers = TransferBuffers::default();
    let object = Transfer {
        group: "",
        plural: "secrets",
        from_key: KEY,
        to_key: KEY,
        value: PLAIN,
    };
    let sealed = from.transfer(&to, object, &mut buffers).expect("sealed");
    let expected = Provider::Secretbox { key: "k".into() };
    assert!(matches!(sealed, Transferred::Sealed { provider, .. } if provider == expected));
    // Another resource is not encrypted there.
    let object = Transfer {
        plural: "configmaps",
        ..object
    };
    assert_eq!(
        from.transfer(&to, object, &mut buffers),
        Ok(Transferred::AsItIs)
    );
}
