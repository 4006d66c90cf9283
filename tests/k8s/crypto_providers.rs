//! Values under every provider: what carry writes it reads again, and what is
//! damaged, cut, moved or read with another secret is an error.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockEncryptMut as _, KeyIvInit as _};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::Keyring;
use carry::k8s::crypto::{CryptoError, Provider};
use zeroize::Zeroizing;

use crate::toy_kms::ToyKms;

pub const KEY: &[u8] = b"/registry/secrets/ns/name";
pub const PLAIN: &[u8] = b"k8s\0 not a real object, but bytes like one";

/// What one provider is tested with.
pub struct Case {
    pub name: &'static str,
    /// The provider in YAML, with a secret that `seed` tells from others.
    pub provider: fn(seed: u8) -> String,
    pub authenticated: bool,
    pub bound: bool,
    /// A value that carry itself does not write; `None` for what it does.
    stored: Option<fn() -> Vec<u8>>,
}

fn keys(provider: &str, length: usize, seed: u8) -> String {
    let secret = STANDARD.encode(vec![seed; length]);
    format!("{provider}: {{keys: [{{name: a, secret: {secret}}}]}}")
}

fn kms(version: &str) -> String {
    format!("kms: {{name: p, apiVersion: {version}, endpoint: 'unix:///k'}}")
}

pub const CASES: [Case; 11] = [
    written(
        "aescbc, 16 bytes",
        |seed| keys("aescbc", 16, seed),
        false,
        false,
    ),
    written(
        "aescbc, 24 bytes",
        |seed| keys("aescbc", 24, seed),
        false,
        false,
    ),
    written(
        "aescbc, 32 bytes",
        |seed| keys("aescbc", 32, seed),
        false,
        false,
    ),
    written(
        "aesgcm, 16 bytes",
        |seed| keys("aesgcm", 16, seed),
        true,
        true,
    ),
    written(
        "aesgcm, 24 bytes",
        |seed| keys("aesgcm", 24, seed),
        true,
        true,
    ),
    written(
        "aesgcm, 32 bytes",
        |seed| keys("aesgcm", 32, seed),
        true,
        true,
    ),
    written("secretbox", |seed| keys("secretbox", 32, seed), true, false),
    written("kms v2, a seed", |_| kms("v2"), true, true),
    read_only("kms v2, a key", |_| kms("v2"), true, kms_v2_key),
    read_only("kms v1", |_| kms("v1"), true, kms_v1_gcm),
    read_only("kms v1, AES-CBC", |_| kms("v1"), false, kms_v1_cbc),
];

const fn written(
    name: &'static str,
    provider: fn(u8) -> String,
    authenticated: bool,
    bound: bool,
) -> Case {
    Case {
        name,
        provider,
        authenticated,
        bound,
        stored: None,
    }
}

const fn read_only(
    name: &'static str,
    provider: fn(u8) -> String,
    authenticated: bool,
    stored: fn() -> Vec<u8>,
) -> Case {
    Case {
        name,
        provider,
        authenticated,
        bound: authenticated,
        stored: Some(stored),
    }
}

const DEK: [u8; 32] = [0x33; 32];

fn gcm(key: &[u8]) -> Vec<u8> {
    let nonce = [7; 12];
    let payload = Payload {
        msg: PLAIN,
        aad: key,
    };
    let sealed = aes_gcm::Aes256Gcm::new(&DEK.into()).encrypt(&nonce.into(), payload);
    [&nonce[..], &sealed.expect("sealed")].concat()
}

fn wrapped_key() -> Vec<u8> {
    DEK.iter().map(|byte| byte ^ 0x5a).collect()
}

fn kms_v1(sealed: &[u8]) -> Vec<u8> {
    [b"k8s:enc:kms:v1:p:\0\x20", &wrapped_key()[..], sealed].concat()
}

fn kms_v1_gcm() -> Vec<u8> {
    kms_v1(&gcm(KEY))
}

fn kms_v1_cbc() -> Vec<u8> {
    let iv = [9; 16];
    let encryptor = cbc::Encryptor::<Aes256>::new(&DEK.into(), &iv.into());
    let sealed = encryptor.encrypt_padded_vec_mut::<Pkcs7>(PLAIN);
    kms_v1(&[&iv[..], &sealed].concat())
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("short");
    assert!(length < 0x80);
    [&[number << 3 | 2, length], bytes].concat()
}

fn kms_v2_key() -> Vec<u8> {
    let annotation = [field(1, b"vector.test.io"), field(2, b"1")].concat();
    [
        b"k8s:enc:kms:v2:p:".to_vec(),
        field(1, &gcm(KEY)),
        field(2, b"vector-key-1"),
        field(3, &wrapped_key()),
        field(4, &annotation),
    ]
    .concat()
}

pub fn config(providers: &[String]) -> String {
    let list: String = providers
        .iter()
        .map(|provider| format!("  - {provider}\n"))
        .collect();
    format!(
        "kind: EncryptionConfig\napiVersion: v1\nresources:\n- resources: [secrets]\n  providers:\n{list}"
    )
}

pub fn keyring_with(providers: &[String], plugin: &ToyKms) -> Keyring {
    Keyring::parse_with("enc.yaml", &config(providers), plugin).expect("a configuration")
}

pub fn keyring(providers: &[String]) -> Keyring {
    keyring_with(providers, &ToyKms::default())
}

impl Case {
    pub fn keyring(&self) -> Keyring {
        keyring(&[(self.provider)(1)])
    }

    /// `PLAIN`, as it is stored under this provider.
    pub fn stored(&self) -> Vec<u8> {
        self.stored
            .map_or_else(|| seal(&self.keyring(), PLAIN), |stored| stored())
    }
}

pub fn seal(keyring: &Keyring, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    keyring
        .seal("", "secrets", KEY, plain, &mut out)
        .expect("sealed");
    out
}

pub fn open(keyring: &Keyring, key: &[u8], value: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut buffer = Zeroizing::default();
    let opened = keyring.open("", "secrets", key, value, &mut buffer);
    opened.map(|opened| opened.plain.to_vec())
}

#[test]
fn what_is_stored_opens_under_every_provider() {
    for case in &CASES {
        let opened = open(&case.keyring(), KEY, &case.stored());
        assert_eq!(opened.as_deref(), Ok(PLAIN), "{}", case.name);
    }
}

/// Every length around the blocks of the ciphers, read by a keyring that has
/// written nothing.
#[test]
fn what_is_sealed_opens_again() {
    let lengths = (1..=70).chain([1000, 4096, 100_003]);
    let plains: Vec<Vec<u8>> = lengths
        .map(|length| (0..length).map(|at| at as u8).collect())
        .collect();
    for case in CASES.iter().filter(|case| case.stored.is_none()) {
        let plugin = ToyKms::default();
        let writer = keyring_with(&[(case.provider)(1)], &plugin);
        let reader = case.keyring();
        for plain in &plains {
            let mut out = b"what was here before".to_vec();
            let provider = writer
                .seal("", "secrets", KEY, plain, &mut out)
                .expect("sealed");
            let prefix = format!(
                "k8s:enc:{}",
                case.name
                    .replace(" v2", ":v2:")
                    .split([',', ' '])
                    .next()
                    .unwrap_or_default()
            );
            assert!(
                out.starts_with(prefix.trim_end_matches(':').as_bytes()),
                "{}",
                case.name
            );
            assert_ne!(provider, Provider::Identity);
            let mut buffer = Zeroizing::new(vec![1; 17]);
            let opened = reader
                .open("", "secrets", KEY, &out, &mut buffer)
                .expect("opened");
            assert_eq!(
                (opened.plain, &opened.provider),
                (&plain[..], &provider),
                "{}",
                case.name
            );
        }
    }
}

/// IVs, nonces and derived keys are new for each value.
#[test]
fn one_value_is_never_sealed_alike() {
    for case in CASES.iter().filter(|case| case.stored.is_none()) {
        let keyring = case.keyring();
        let sealed: std::collections::HashSet<_> =
            (0..100).map(|_| seal(&keyring, PLAIN)).collect();
        assert_eq!(sealed.len(), 100, "{}", case.name);
    }
}

#[test]
fn cut_values_are_errors() {
    for case in &CASES {
        let (keyring, stored) = (case.keyring(), case.stored());
        for length in 0..stored.len() {
            let mut buffer = Zeroizing::new(b"before".to_vec());
            let cut = &stored[..length];
            let opened = keyring.open("", "secrets", KEY, cut, &mut buffer);
            // Whole blocks of CBC may end as padded ones do, once in 256 times.
            let by_chance =
                !case.authenticated && opened.as_ref().is_ok_and(|opened| opened.plain != PLAIN);
            assert!(
                opened.is_err() || by_chance,
                "{} cut to {length}",
                case.name
            );
            if opened.is_err() {
                assert!(
                    buffer.is_empty(),
                    "{} cut to {length} leaves bytes",
                    case.name
                );
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_where_authenticated() {
    for case in &CASES {
        let (keyring, mut stored) = (case.keyring(), case.stored());
        for bit in 0..stored.len() * 8 {
            stored[bit / 8] ^= 1 << (bit % 8);
            let opened = open(&keyring, KEY, &stored);
            stored[bit / 8] ^= 1 << (bit % 8);
            let damaged = opened.as_deref() != Ok(PLAIN);
            let right = if case.authenticated {
                opened.is_err()
            } else {
                damaged
            };
            assert!(
                right,
                "{}, bit {bit} of byte {}: {opened:?}",
                case.name,
                bit / 8
            );
        }
    }
}

#[test]
fn another_etcd_key_is_an_error_where_bound() {
    for case in &CASES {
        let opened = open(
            &case.keyring(),
            b"/registry/secrets/ns/other",
            &case.stored(),
        );
        match case.bound {
            true => assert_eq!(opened, Err(CryptoError::NotAuthentic), "{}", case.name),
            false => assert_eq!(opened.as_deref(), Ok(PLAIN), "{}", case.name),
        }
    }
}

#[test]
fn another_secret_is_an_error() {
    for case in &CASES {
        let plugin = ToyKms::default();
        plugin.toy().xor = 0x5b;
        let other = keyring_with(&[(case.provider)(2)], &plugin);
        let opened = open(&other, KEY, &case.stored());
        let wrong = opened.as_deref() != Ok(PLAIN);
        let right = if case.authenticated {
            opened.is_err()
        } else {
            wrong
        };
        assert!(right, "{}: {opened:?}", case.name);
    }
}

#[test]
fn errors_show_nothing_of_keys_and_values() {
    let plugin = ToyKms::default();
    plugin.toy().xor = 0x5b;
    for case in &CASES {
        let (keyring, stored) = (case.keyring(), case.stored());
        assert_eq!(format!("{keyring:?}"), r#"Keyring ["secrets"]"#);
        let mut buffer = Zeroizing::default();
        let opened = keyring.open("", "secrets", KEY, &stored, &mut buffer);
        let shown = format!("{opened:?}");
        assert!(
            shown.starts_with("Ok(Opened(42 bytes, ") && shown.len() < 80,
            "{shown}"
        );
        let other = keyring_with(&[(case.provider)(2)], &plugin);
        if let Err(error) = open(&other, KEY, &case.stored()) {
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("not a real object") && shown.len() < 300,
                "{shown}"
            );
        }
    }
}

/// An error moves on to the next that has the prefix: of the same name, and of
/// another provider.
#[test]
fn several_keys_and_providers_are_tried_in_order() {
    let secret = |seed: u8| STANDARD.encode([seed; 32]);
    let two = format!(
        "aesgcm: {{keys: [{{name: a, secret: {}}}, {{name: b, secret: {}}}]}}",
        secret(9),
        secret(8)
    );
    let again = keys("aesgcm", 32, 1);
    let all = [
        two.clone(),
        keys("secretbox", 32, 1),
        again.clone(),
        "identity: {}".to_owned(),
    ];
    let reader = keyring(&all);
    for (provider, seed) in [("aesgcm", 9), ("aesgcm", 1), ("secretbox", 1)] {
        let stored = seal(&keyring(&[keys(provider, 32, seed)]), PLAIN);
        assert_eq!(
            open(&reader, KEY, &stored).as_deref(),
            Ok(PLAIN),
            "{provider} {seed}"
        );
    }
    assert_eq!(open(&reader, KEY, PLAIN).as_deref(), Ok(PLAIN));
    let stored = seal(&keyring(&[keys("aesgcm", 32, 5)]), PLAIN);
    assert_eq!(open(&reader, KEY, &stored), Err(CryptoError::NotAuthentic));
    // The first key of the first provider writes.
    let sealed = seal(&reader, PLAIN);
    assert!(sealed.starts_with(b"k8s:enc:aesgcm:v1:a:"));
    assert_eq!(
        open(&keyring(&[keys("aesgcm", 32, 9)]), KEY, &sealed).as_deref(),
        Ok(PLAIN)
    );
}

/// A new key is first added behind, then put in front, then the old one goes.
#[test]
fn keys_are_rotated() {
    let key =
        |name: &str, seed: u8| format!("{{name: {name}, secret: {}}}", STANDARD.encode([seed; 32]));
    let provider =
        |keys: &[String]| keyring(&[format!("secretbox: {{keys: [{}]}}", keys.join(", "))]);
    let (old, new) = (key("old", 1), key("new", 2));
    let steps = [
        provider(std::slice::from_ref(&old)),
        provider(&[old.clone(), new.clone()]),
        provider(&[new.clone(), old]),
        provider(&[new]),
    ];
    let sealed = steps.each_ref().map(|writer| seal(writer, PLAIN));
    let written_with = ["old", "old", "new", "new"];
    for (value, name) in sealed.iter().zip(written_with) {
        let prefix = format!("k8s:enc:secretbox:v1:{name}:");
        assert!(value.starts_with(prefix.as_bytes()), "{name}");
    }
    // Any two configurations that follow each other read each other's values.
    for at in 0..3 {
        assert_eq!(
            open(&steps[at], KEY, &sealed[at + 1]).as_deref(),
            Ok(PLAIN),
            "{at}"
        );
        assert_eq!(
            open(&steps[at + 1], KEY, &sealed[at]).as_deref(),
            Ok(PLAIN),
            "{at}"
        );
    }
    assert!(open(&steps[0], KEY, &sealed[2]).is_err());
    assert!(open(&steps[3], KEY, &sealed[1]).is_err());
}

#[test]
fn what_is_never_written() {
    let mut out = b"before".to_vec();
    let mut seal = |keyring: &Keyring, plain: &[u8]| {
        let outcome = keyring.seal("", "secrets", KEY, plain, &mut out);
        (outcome, out.clone())
    };
    let identity = Keyring::identity();
    assert_eq!(seal(&identity, b""), (Err(CryptoError::Empty), Vec::new()));
    assert_eq!(
        seal(&identity, PLAIN),
        (Ok(Provider::Identity), PLAIN.to_vec())
    );
    let looks = seal(&identity, b"k8s:enc:aescbc:v1:a:x");
    assert_eq!(looks, (Err(CryptoError::LooksEncrypted), Vec::new()));
    let read_only = seal(&keyring(&[kms("v1")]), PLAIN);
    assert!(matches!(read_only.0, Err(CryptoError::ReadOnly { .. })) && read_only.1.is_empty());
    for case in &CASES {
        let empty = seal(&case.keyring(), b"");
        assert_eq!(
            empty,
            (Err(CryptoError::Empty), Vec::new()),
            "{}",
            case.name
        );
    }
}
