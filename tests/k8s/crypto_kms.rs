//! KMS providers against a toy plugin: how often it is asked, and what happens
//! when it is down, refuses, changes its key or answers wrongly.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carry::k8s::Keyring;
use carry::k8s::crypto::CryptoError;
use carry::k8s::crypto::kms::{KmsPlugin, KmsPlugins, PluginConfig, PluginError, Status, Wrapped};

use super::crypto_providers::{KEY, PLAIN, config, keyring_with, open, seal};
use crate::toy_kms::{Calls, ToyKms};

fn provider(version: &str, more: &str) -> String {
    format!("kms: {{name: p, apiVersion: {version}, endpoint: 'unix:///k'{more}}}")
}

fn v2(plugin: &ToyKms) -> Keyring {
    keyring_with(&[provider("v2", "")], plugin)
}

fn calls(status: usize, encrypt: usize, decrypt: usize) -> Calls {
    Calls {
        connect: 1,
        decrypt,
        encrypt,
        status,
    }
}

fn try_seal(keyring: &Keyring) -> Result<Vec<u8>, CryptoError> {
    let mut out = Vec::new();
    let outcome = keyring.seal("", "secrets", KEY, PLAIN, &mut out);
    outcome.map(|_| out)
}

#[track_caller]
fn assert_failed<T: std::fmt::Debug>(outcome: Result<T, CryptoError>, why: &str) {
    match outcome {
        Err(error @ CryptoError::Kms { .. }) => {
            let told = error.to_string();
            assert!(error.is_transient() && told.contains(why), "{told}");
            assert!(told.contains("`p`"), "{told}");
        }
        other => panic!("{other:?}, expected {why}"),
    }
}

fn unreachable() -> Option<PluginError> {
    Some(PluginError::Unreachable("no socket".to_owned()))
}

#[test]
fn one_seed_is_decrypted_once() {
    let plugin = ToyKms::default();
    let writer = v2(&plugin);
    let stored: Vec<_> = (0..100).map(|_| seal(&writer, PLAIN)).collect();
    // The seed is decrypted once before it is written with.
    assert_eq!(plugin.calls(), calls(1, 1, 1));
    for value in &stored {
        assert_eq!(open(&writer, KEY, value).as_deref(), Ok(PLAIN));
    }
    assert_eq!(plugin.calls(), calls(1, 1, 1));
    let plugin = ToyKms::default();
    let reader = v2(&plugin);
    for value in &stored {
        assert_eq!(open(&reader, KEY, value).as_deref(), Ok(PLAIN));
    }
    assert_eq!(plugin.calls(), calls(0, 0, 1));
    // A clone is the same keyring.
    assert_eq!(open(&reader.clone(), KEY, &stored[0]).as_deref(), Ok(PLAIN));
    assert_eq!(plugin.calls(), calls(0, 0, 1));
}

#[test]
fn many_threads_ask_once() {
    let stored = seal(&v2(&ToyKms::default()), PLAIN);
    let plugin = ToyKms::default();
    let reader = v2(&plugin);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(open(&reader, KEY, &stored).as_deref(), Ok(PLAIN)));
        }
    });
    assert_eq!(plugin.calls(), calls(0, 0, 1));
}

#[test]
fn the_status_is_asked_once_a_minute() {
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    for (after, expected) in [(0, 1), (59, 1), (1, 2), (59, 2), (60, 3)] {
        plugin.pass(Duration::from_secs(after));
        seal(&keyring, PLAIN);
        assert_eq!(plugin.calls(), calls(expected, 1, 1));
    }
}

#[test]
fn a_new_key_id_makes_a_new_seed() {
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    let before = seal(&keyring, PLAIN);
    plugin.rotate("vector-key-2");
    assert!(
        !contains(&seal(&keyring, PLAIN), b"vector-key-2"),
        "asked too early"
    );
    plugin.pass(Duration::from_secs(60));
    let after = seal(&keyring, PLAIN);
    assert!(contains(&before, b"vector-key-1") && contains(&after, b"vector-key-2"));
    assert_eq!(plugin.calls(), calls(2, 2, 2));
    for value in [&before, &after] {
        assert_eq!(open(&keyring, KEY, value).as_deref(), Ok(PLAIN));
    }
    assert_eq!(plugin.calls(), calls(2, 2, 2));
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_plugin_that_is_down_is_asked_again_after_a_pause() {
    let stored = seal(&v2(&ToyKms::default()), PLAIN);
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    plugin.toy().failure = unreachable();
    let mut pause = Duration::from_secs(1);
    for asked in 1..=7 {
        for _ in 0..100 {
            assert_failed(open(&keyring, KEY, &stored), "no socket");
        }
        assert_eq!(plugin.calls().decrypt, asked);
        plugin.pass(pause - Duration::from_millis(1));
        assert_failed(open(&keyring, KEY, &stored), "no socket");
        assert_eq!(plugin.calls().decrypt, asked, "after less than {pause:?}");
        plugin.pass(Duration::from_millis(1));
        pause = (pause * 2).min(Duration::from_secs(30));
    }
    plugin.toy().failure = None;
    assert_eq!(open(&keyring, KEY, &stored).as_deref(), Ok(PLAIN));
    // What has been decrypted needs no plugin any more.
    plugin.toy().failure = unreachable();
    assert_eq!(open(&keyring, KEY, &stored).as_deref(), Ok(PLAIN));
}

/// One key that the plugin will not decrypt costs the others nothing.
#[test]
fn a_refusal_stands_for_its_own_key() {
    let other = ToyKms::default();
    other.rotate("gone");
    let gone = seal(&v2(&other), PLAIN);
    let good = seal(&v2(&ToyKms::default()), PLAIN);
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    for _ in 0..100 {
        assert_failed(open(&keyring, KEY, &gone), "no such key");
    }
    assert_eq!(plugin.calls(), calls(0, 0, 1));
    assert_eq!(open(&keyring, KEY, &good).as_deref(), Ok(PLAIN));
    plugin.toy().known.push("gone".to_owned());
    plugin.pass(Duration::from_secs(1));
    assert_eq!(open(&keyring, KEY, &gone).as_deref(), Ok(PLAIN));
}

#[test]
fn writing_goes_on_for_three_minutes_without_the_plugin() {
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    seal(&keyring, PLAIN);
    plugin.toy().failure = unreachable();
    for _ in 0..17 {
        plugin.pass(Duration::from_secs(10));
        assert!(try_seal(&keyring).is_ok());
    }
    plugin.pass(Duration::from_secs(10));
    assert_failed(try_seal(&keyring), "no socket");
    plugin.toy().failure = None;
    plugin.pass(Duration::from_secs(30));
    assert!(try_seal(&keyring).is_ok());
    // The seed is still good: the plugin's key is the same.
    assert_eq!(plugin.calls().encrypt, 1);
}

#[test]
fn an_unwell_plugin_is_not_written_with() {
    let ok = ToyKms::default().toy().status.clone();
    let cases = [
        (
            Status {
                healthz: "sealed".to_owned(),
                ..ok.clone()
            },
            "it is not well: sealed",
        ),
        (
            Status {
                version: "v1beta1".to_owned(),
                ..ok.clone()
            },
            "`v1beta1`, expected `v2`",
        ),
        (
            Status {
                key_id: String::new(),
                ..ok.clone()
            },
            "key id is empty",
        ),
        (
            Status {
                key_id: "x".repeat(1025),
                ..ok.clone()
            },
            "longer than 1 KiB",
        ),
        (
            Status {
                key_id: "another".to_owned(),
                ..ok.clone()
            },
            "another key than it says",
        ),
    ];
    for (status, why) in cases {
        let plugin = ToyKms::default();
        plugin.toy().status = status;
        let keyring = v2(&plugin);
        assert_failed(try_seal(&keyring), why);
        assert_failed(try_seal(&keyring), why);
        assert_eq!(plugin.calls().status, 1, "asked again too early: {why}");
        plugin.toy().status = ok.clone();
        plugin.pass(Duration::from_secs(10));
        assert!(try_seal(&keyring).is_ok(), "{why}");
    }
    let plugin = ToyKms::default();
    plugin.toy().status.version = "v2beta1".to_owned();
    assert!(try_seal(&v2(&plugin)).is_ok());
}

#[test]
fn wrong_answers_to_encrypt_are_errors() {
    let good = Wrapped {
        ciphertext: vec![1; 32],
        key_id: "vector-key-1".to_owned(),
        annotations: BTreeMap::from([("vector.test.io".to_owned(), b"1".to_vec())]),
    };
    let with = |change: &dyn Fn(&mut Wrapped)| {
        let mut wrapped = good.clone();
        change(&mut wrapped);
        wrapped
    };
    let annotated = |key: &str, length: usize| {
        with(&|wrapped| drop(wrapped.annotations.insert(key.to_owned(), vec![0; length])))
    };
    let cases = [
        (good.clone(), "does not decrypt what it has just encrypted"),
        (
            with(&|wrapped| wrapped.ciphertext.clear()),
            "the encrypted key is empty",
        ),
        (
            with(&|wrapped| wrapped.ciphertext.resize(1025, 0)),
            "longer than 1 KiB",
        ),
        (
            with(&|wrapped| wrapped.key_id.clear()),
            "the key id is empty",
        ),
        (annotated("local", 1), "domain name"),
        (annotated("Upper.test.io", 1), "domain name"),
        (annotated("-a.test.io", 1), "domain name"),
        (
            annotated(&format!("{}.io", "a".repeat(64)), 1),
            "domain name",
        ),
        (annotated("a..io", 1), "domain name"),
        (annotated("big.test.io", 32 * 1024), "longer than 32 KiB"),
    ];
    for (wrapped, why) in cases {
        let plugin = ToyKms::default();
        plugin.toy().encrypted = Some(wrapped);
        assert_failed(try_seal(&v2(&plugin)), why);
    }
}

#[test]
fn wrong_answers_to_decrypt_are_errors_and_not_remembered() {
    for version in ["v2", "v1"] {
        let stored = match version {
            "v2" => seal(&v2(&ToyKms::default()), PLAIN),
            _ => v1_value(),
        };
        for (answer, expected) in [(vec![], false), (vec![1; 31], false), (vec![1; 32], true)] {
            let plugin = ToyKms::default();
            let keyring = keyring_with(&[provider(version, "")], &plugin);
            plugin.toy().decrypted = Some(answer);
            match expected {
                true => assert_eq!(open(&keyring, KEY, &stored), Err(CryptoError::NotAuthentic)),
                false => assert_failed(open(&keyring, KEY, &stored), "its answer is no"),
            }
            plugin.toy().decrypted = None;
            assert_eq!(open(&keyring, KEY, &stored).as_deref(), Ok(PLAIN));
        }
    }
}

fn v1_value() -> Vec<u8> {
    let case = super::crypto_providers::CASES
        .iter()
        .find(|case| case.name == "kms v1");
    case.expect("kms v1").stored()
}

#[test]
fn v1_remembers_as_many_keys_as_configured() {
    for (more, expected) in [("", 1), (", cachesize: 1", 1), (", cachesize: -1", 10)] {
        let plugin = ToyKms::default();
        let keyring = keyring_with(&[provider("v1", more)], &plugin);
        for _ in 0..10 {
            assert_eq!(open(&keyring, KEY, &v1_value()).as_deref(), Ok(PLAIN));
        }
        assert_eq!(plugin.calls(), calls(0, 0, expected), "{more}");
    }
}

#[test]
fn stored_objects_out_of_bounds_are_errors() {
    let plugin = ToyKms::default();
    let keyring = v2(&plugin);
    let stored = |body: &[u8]| [b"k8s:enc:kms:v2:p:", body].concat();
    let cases: [(&[u8], &str); 6] = [
        (b"", "no encrypted data"),
        (b"\x0a\x01x", "the encrypted key is empty"),
        (b"\x0a\x01x\x1a\x01x", "the key id is empty"),
        (b"\x0a\x01x\x1a\x01x\x12\x01k\x28\x02", "unknown type"),
        (
            b"\x0a\x01x\x1a\x01x\x12\x01k\x22\x03\x0a\x01a",
            "domain name",
        ),
        (b"\x0a\x01x\x1a\x01x\x12\x01\xff", "not UTF-8"),
    ];
    for (body, why) in cases {
        let told = open(&keyring, KEY, &stored(body))
            .expect_err(why)
            .to_string();
        assert!(told.contains(why), "{told}, expected {why}");
    }
    assert_eq!(plugin.calls(), calls(0, 0, 0));
}

#[test]
fn without_plugins_it_says_so() {
    let stored = seal(&v2(&ToyKms::default()), PLAIN);
    let keyring =
        Keyring::parse("enc.yaml", &config(&[provider("v2", "")])).expect("a configuration");
    for error in [open(&keyring, KEY, &stored).err(), try_seal(&keyring).err()] {
        let error = error.expect("an error");
        assert_eq!(
            error,
            CryptoError::NoPlugin {
                plugin: "p".to_owned()
            }
        );
        assert!(!error.is_transient());
    }
}

/// Hands out one plugin after the other.
struct InTurn(RefCell<Vec<ToyKms>>);

impl KmsPlugins for InTurn {
    fn connect(&self, plugin: &PluginConfig) -> Arc<dyn KmsPlugin> {
        let next = self.0.borrow_mut().pop();
        next.expect("enough plugins").connect(plugin)
    }
}

/// Of two providers that fail, the one that may yet succeed is told.
#[test]
fn a_transient_failure_is_told_first() {
    let two = config(&[provider("v1", ""), provider("v1", "")]);
    for down_is_first in [true, false] {
        let (down, wrong) = (ToyKms::default(), ToyKms::default());
        down.toy().failure = unreachable();
        wrong.toy().decrypted = Some(vec![9; 32]);
        let mut plugins = vec![wrong, down.clone()];
        if !down_is_first {
            plugins.reverse();
        }
        let plugins = InTurn(plugins.into());
        let keyring = Keyring::parse_with("enc.yaml", &two, &plugins).expect("a configuration");
        assert_failed(open(&keyring, KEY, &v1_value()), "no socket");
        down.toy().failure = None;
        down.pass(Duration::from_secs(1));
        assert_eq!(open(&keyring, KEY, &v1_value()).as_deref(), Ok(PLAIN));
    }
}
