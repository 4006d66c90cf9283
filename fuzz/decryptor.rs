//! What every decryptor's target does with any bytes: opens them as a value,
//! seals and opens them, and damages one bit of a good value.
#![allow(dead_code)]

use carry::k8s::{Keyring, Record};
use zeroize::Zeroizing;

use super::toy_kms::ToyKms;

const KEY: &[u8] = b"/registry/secrets/a/b";
const PLAIN: &[u8] = b"k8s\0 a plaintext of a length that CBC would not take";

/// A secret of 32 bytes.
const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// One provider, with a good value under it.
pub struct Decryptor {
    keyring: Keyring,
    prefix: &'static str,
    good: Vec<u8>,
    authenticated: bool,
    writes: bool,
}

impl Decryptor {
    /// A provider with the key `a`.
    pub fn of_key(provider: &str, prefix: &'static str, authenticated: bool) -> Decryptor {
        let keyring = keyring(&of_key(provider));
        let good = seal(&keyring, PLAIN);
        Decryptor {
            keyring,
            prefix,
            good,
            authenticated,
            writes: true,
        }
    }

    /// The toy plugin as v2.
    pub fn kms_v2() -> Decryptor {
        let keyring = keyring("kms: {name: p, apiVersion: v2, endpoint: 'unix:///k'}");
        let good = seal(&keyring, PLAIN);
        Decryptor {
            keyring,
            prefix: "k8s:enc:kms:v2:p:",
            good,
            authenticated: true,
            writes: true,
        }
    }

    /// The toy plugin as v1, whose values end as those of `aesgcm` do.
    pub fn kms_v1() -> Decryptor {
        let sealed = seal(&keyring(&of_key("aesgcm")), PLAIN);
        let body = sealed
            .strip_prefix(b"k8s:enc:aesgcm:v1:a:")
            .expect("its prefix");
        let prefix = "k8s:enc:kms:v1:p:";
        let wrapped = [0x5a; 32];
        Decryptor {
            keyring: keyring("kms: {name: p, endpoint: 'unix:///k'}"),
            prefix,
            good: [prefix.as_bytes(), b"\0\x20", &wrapped, body].concat(),
            authenticated: true,
            writes: false,
        }
    }

    pub fn run(&self, bytes: &[u8]) {
        self.any(bytes);
        self.any(&[self.prefix.as_bytes(), bytes].concat());
        if self.writes && !bytes.is_empty() {
            let sealed = seal(&self.keyring, bytes);
            assert_eq!(self.open(&sealed).as_deref(), Some(bytes));
        }
        self.damaged(bytes);
    }

    fn any(&self, value: &[u8]) {
        if let Some(plain) = self.open(value) {
            let _ = Record::parse(&plain).map(|record| record.labels());
        }
    }

    /// The first bytes say which bit.
    fn damaged(&self, bytes: &[u8]) {
        let Some(place) = bytes.first_chunk().map(|two| u16::from_le_bytes(*two)) else {
            return;
        };
        let bit = usize::from(place) % (self.good.len() * 8);
        let mut value = self.good.clone();
        assert_eq!(self.open(&value).as_deref(), Some(PLAIN));
        value[bit / 8] ^= 1 << (bit % 8);
        let opened = self.open(&value);
        assert!(opened.as_deref() != Some(PLAIN));
        assert!(opened.is_none() || !self.authenticated);
    }

    fn open(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = Zeroizing::default();
        let opened = self.keyring.open("", "secrets", KEY, value, &mut buffer);
        opened.ok().map(|opened| opened.plain.to_vec())
    }
}

fn of_key(provider: &str) -> String {
    format!("{provider}: {{keys: [{{name: a, secret: {SECRET}}}]}}")
}

fn keyring(provider: &str) -> Keyring {
    let yaml = format!(
        "kind: EncryptionConfig\napiVersion: v1\nresources:\n- resources: [secrets]\n  providers:\n  - {provider}\n"
    );
    Keyring::parse_with("fuzz.yaml", &yaml, &ToyKms::default()).expect("a configuration")
}

fn seal(keyring: &Keyring, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    keyring
        .seal("", "secrets", KEY, plain, &mut out)
        .expect("sealed");
    out
}
