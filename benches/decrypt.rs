//! Opening and sealing values under each provider: MB of plaintext a second,
//! for values of 1 KB, 8 KB and 1 MB.
//!
//! Measured, on one core: `Keyring::open` into a buffer that is used again, and
//! `Keyring::seal`, with all that belongs to them: finding the resource's
//! providers, wiping the buffer, random nonces from the operating system, and
//! for KMS v2 the object around the ciphertext and the derivation of each
//! value's key (the plugin is a toy in memory, asked once before the clock
//! starts).
//!
//! Peers in the same run: `raw`, the same cipher from the same crate over the
//! same bytes with a key that is ready, without anything of the above and with
//! one nonce for all; and `ring`'s AES-GCM the same way, which has assembly for
//! it. Neither of the two would be safe to use so. They take turns, so that what
//! else the machine does meets them alike.
//!
//! Not measured: KMS plugins, several cores.
//!
//! `cargo bench --bench decrypt`

#[path = "report/mod.rs"]
mod report;
#[path = "../tests/toy_kms.rs"]
mod toy_kms;

use std::hint::black_box;
use std::time::{Duration, Instant};

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::Keyring;
use crypto_secretbox::XSalsa20Poly1305;
use report::{Better, Report, Row, median};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use toy_kms::ToyKms;
use zeroize::Zeroizing;

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(60);
const SIZES: [(&str, usize); 3] = [("1 KB", 1_000), ("8 KB", 8_000), ("1 MB", 1_000_000)];
const SECRET: [u8; 32] = [7; 32];
const KEY: &[u8] = b"/registry/secrets/namespace/name";

fn main() {
    if !report::asked_for() {
        println!("decrypt: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("decrypt");
    for (name, provider, raw) in providers() {
        for (size_name, size) in SIZES {
            let plain = vec![b'x'; size];
            let keyring = keyring(&provider);
            for what in [What::Open, What::Seal] {
                let mut works = vec![carry(&keyring, what, &plain), raw.work(what, &plain)];
                if matches!(raw, Raw::Gcm) {
                    works.push(Raw::Ring.work(what, &plain));
                }
                let mut rates = rates(size, &mut works).into_iter();
                let name = format!("{what:?}, {name}, {size_name}");
                let ours = rates.next().unwrap_or_default();
                let mut row = Row::new(name, "MB/s", Better::More, ours);
                for (peer, rate) in ["raw", "ring"].into_iter().zip(rates) {
                    row = row.peer(peer, rate);
                }
                report.add(row);
            }
        }
    }
    report.finish();
}

#[derive(Clone, Copy, Debug)]
enum What {
    Open,
    Seal,
}

/// The same work without carry.
#[derive(Clone, Copy)]
enum Raw {
    Cbc,
    Gcm,
    Secretbox,
    Ring,
}

fn providers() -> Vec<(&'static str, String, Raw)> {
    let key = |provider: &str| {
        let secret = STANDARD.encode(SECRET);
        format!("{provider}: {{keys: [{{name: key1, secret: {secret}}}]}}")
    };
    let kms = "kms: {name: plugin, apiVersion: v2, endpoint: 'unix:///kms.sock'}".to_owned();
    vec![
        ("aescbc", key("aescbc"), Raw::Cbc),
        ("aesgcm", key("aesgcm"), Raw::Gcm),
        ("secretbox", key("secretbox"), Raw::Secretbox),
        ("kms v2", kms, Raw::Gcm),
    ]
}

fn keyring(provider: &str) -> Keyring {
    let yaml = format!(
        "kind: EncryptionConfig\napiVersion: v1\nresources:\n- resources: [secrets]\n  providers:\n  - {provider}\n  - identity: {{}}\n"
    );
    Keyring::parse_with("bench.yaml", &yaml, &ToyKms::default()).expect("a configuration")
}

/// One value opened or sealed.
type Work<'w> = Box<dyn FnMut() + 'w>;

/// MB of plaintext a second of each: the medians of several rounds.
fn rates(size: usize, works: &mut [Work<'_>]) -> Vec<f64> {
    let mut rounds = vec![Vec::new(); works.len()];
    for _ in 0..ROUNDS {
        for (work, rounds) in works.iter_mut().zip(&mut rounds) {
            work();
            let (start, mut done) = (Instant::now(), 0_usize);
            while start.elapsed() < ROUND {
                work();
                done += size;
            }
            rounds.push(done as f64 / 1e6 / start.elapsed().as_secs_f64());
        }
    }
    rounds.into_iter().map(median).collect()
}

fn carry<'w>(keyring: &'w Keyring, what: What, plain: &'w [u8]) -> Work<'w> {
    let mut sealed = Vec::new();
    let provider = keyring.seal("", "secrets", KEY, plain, &mut sealed);
    provider.expect("sealed");
    let mut buffer = Zeroizing::default();
    match what {
        What::Open => Box::new(move || {
            let opened = keyring.open("", "secrets", KEY, black_box(&sealed), &mut buffer);
            assert_eq!(opened.expect("opened").plain.len(), plain.len());
        }),
        What::Seal => Box::new(move || {
            let provider = keyring.seal("", "secrets", KEY, black_box(plain), &mut sealed);
            provider.expect("sealed");
        }),
    }
}

impl Raw {
    fn work(self, what: What, plain: &[u8]) -> Work<'_> {
        let mut cipher = self.cipher();
        let mut sealed = plain.to_vec();
        let tag = cipher.seal(&mut sealed);
        let mut buffer = Vec::new();
        match what {
            What::Open => Box::new(move || {
                buffer.clear();
                buffer.extend_from_slice(black_box(&sealed));
                cipher.open(&mut buffer, &tag);
            }),
            What::Seal => Box::new(move || {
                buffer.clear();
                buffer.extend_from_slice(black_box(plain));
                black_box(cipher.seal(&mut buffer));
            }),
        }
    }

    fn cipher(self) -> Box<dyn Cipher> {
        match self {
            Raw::Cbc => Box::new(Cbc),
            Raw::Gcm => Box::new(Aes256Gcm::new(&SECRET.into())),
            Raw::Secretbox => Box::new(XSalsa20Poly1305::new(&SECRET.into())),
            Raw::Ring => {
                let key = UnboundKey::new(&AES_256_GCM, &SECRET).expect("a key");
                Box::new(LessSafeKey::new(key))
            }
        }
    }
}

/// In place, with one nonce for all.
trait Cipher {
    /// The tag, where there is one.
    fn seal(&mut self, buffer: &mut Vec<u8>) -> [u8; 16];
    fn open(&mut self, buffer: &mut Vec<u8>, tag: &[u8; 16]);
}

/// Its mode takes the key anew for each value.
struct Cbc;

impl Cipher for Cbc {
    fn seal(&mut self, buffer: &mut Vec<u8>) -> [u8; 16] {
        let length = buffer.len();
        buffer.resize(length + 16 - length % 16, 0);
        let encryptor = cbc::Encryptor::<Aes256>::new(&SECRET.into(), &[0; 16].into());
        let sealed = encryptor.encrypt_padded_mut::<Pkcs7>(buffer, length);
        sealed.expect("sealed");
        [0; 16]
    }

    fn open(&mut self, buffer: &mut Vec<u8>, _: &[u8; 16]) {
        let decryptor = cbc::Decryptor::<Aes256>::new(&SECRET.into(), &[0; 16].into());
        let opened = decryptor.decrypt_padded_mut::<Pkcs7>(buffer);
        black_box(opened.expect("opened").len());
    }
}

impl Cipher for Aes256Gcm {
    fn seal(&mut self, buffer: &mut Vec<u8>) -> [u8; 16] {
        let tag = self.encrypt_in_place_detached(&[0; 12].into(), KEY, buffer);
        tag.expect("sealed").into()
    }

    fn open(&mut self, buffer: &mut Vec<u8>, tag: &[u8; 16]) {
        self.decrypt_in_place_detached(&[0; 12].into(), KEY, buffer, tag.into())
            .expect("opened");
    }
}

impl Cipher for XSalsa20Poly1305 {
    fn seal(&mut self, buffer: &mut Vec<u8>) -> [u8; 16] {
        let tag = self.encrypt_in_place_detached(&[0; 24].into(), b"", buffer);
        tag.expect("sealed").into()
    }

    fn open(&mut self, buffer: &mut Vec<u8>, tag: &[u8; 16]) {
        self.decrypt_in_place_detached(&[0; 24].into(), b"", buffer, tag.into())
            .expect("opened");
    }
}

impl Cipher for LessSafeKey {
    fn seal(&mut self, buffer: &mut Vec<u8>) -> [u8; 16] {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = self.seal_in_place_separate_tag(nonce, Aad::from(KEY), buffer);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(tag.expect("sealed").as_ref());
        bytes
    }

    fn open(&mut self, buffer: &mut Vec<u8>, tag: &[u8; 16]) {
        buffer.extend_from_slice(tag);
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let opened = self.open_in_place(nonce, Aad::from(KEY), buffer);
        black_box(opened.expect("opened").len());
    }
}
