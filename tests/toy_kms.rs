//! A toy KMS plugin inside the test: every byte XOR 0x5a, key id
//! `vector-key-1`, annotation `vector.test.io: 1`. It can be down, refuse, give
//! wrong answers and change its key, counts its calls and has a clock of its
//! own.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use carry::k8s::crypto::kms::{KmsPlugin, KmsPlugins, PluginConfig, PluginError, Status, Wrapped};
use zeroize::Zeroizing;

/// The plugin, and the way to it. Clones are the same plugin.
#[derive(Clone)]
pub struct ToyKms(Arc<Mutex<Toy>>);

/// What can be changed while a keyring uses it.
pub struct Toy {
    pub xor: u8,
    pub key_id: String,
    /// Key ids that it still decrypts.
    pub known: Vec<String>,
    pub annotations: BTreeMap<String, Vec<u8>>,
    pub status: Status,
    pub failure: Option<PluginError>,
    /// Instead of what it should answer to `decrypt`.
    pub decrypted: Option<Vec<u8>>,
    /// Instead of what it should answer to `encrypt`.
    pub encrypted: Option<Wrapped>,
    pub calls: Calls,
    clock: Instant,
}

/// How often what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub connect: usize,
    pub decrypt: usize,
    pub encrypt: usize,
    pub status: usize,
}

impl Default for ToyKms {
    fn default() -> ToyKms {
        let key_id = "vector-key-1".to_owned();
        ToyKms(Arc::new(Mutex::new(Toy {
            xor: 0x5a,
            known: vec![key_id.clone()],
            annotations: [("vector.test.io".to_owned(), b"1".to_vec())].into(),
            status: Status {
                version: "v2".to_owned(),
                healthz: "ok".to_owned(),
                key_id: key_id.clone(),
            },
            key_id,
            failure: None,
            decrypted: None,
            encrypted: None,
            calls: Calls::default(),
            clock: Instant::now(),
        })))
    }
}

impl ToyKms {
    pub fn toy(&self) -> MutexGuard<'_, Toy> {
        self.0.lock().expect("a toy")
    }

    pub fn calls(&self) -> Calls {
        self.toy().calls
    }

    /// Lets its clock go forward.
    pub fn pass(&self, time: Duration) {
        self.toy().clock += time;
    }

    pub fn rotate(&self, key_id: &str) {
        let mut toy = self.toy();
        toy.key_id = key_id.to_owned();
        toy.status.key_id = key_id.to_owned();
        toy.known.push(key_id.to_owned());
    }
}

impl Toy {
    fn flip(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ self.xor).collect()
    }

    fn well(&self) -> Result<(), PluginError> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl KmsPlugins for ToyKms {
    fn connect(&self, _: &PluginConfig) -> Arc<dyn KmsPlugin> {
        self.toy().calls.connect += 1;
        Arc::new(self.clone())
    }
}

impl KmsPlugin for ToyKms {
    fn decrypt_v1(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, PluginError> {
        let mut toy = self.toy();
        toy.calls.decrypt += 1;
        toy.well()?;
        let plain = toy.decrypted.clone();
        Ok(Zeroizing::new(
            plain.unwrap_or_else(|| toy.flip(ciphertext)),
        ))
    }

    fn decrypt(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, PluginError> {
        let mut toy = self.toy();
        toy.calls.decrypt += 1;
        toy.well()?;
        if let Some(plain) = &toy.decrypted {
            return Ok(Zeroizing::new(plain.clone()));
        }
        if !toy.known.contains(&wrapped.key_id) || wrapped.annotations != toy.annotations {
            return Err(PluginError::Refused("no such key".to_owned()));
        }
        Ok(Zeroizing::new(toy.flip(&wrapped.ciphertext)))
    }

    fn encrypt(&self, plain: &[u8]) -> Result<Wrapped, PluginError> {
        let mut toy = self.toy();
        toy.calls.encrypt += 1;
        toy.well()?;
        Ok(toy.encrypted.clone().unwrap_or_else(|| Wrapped {
            ciphertext: toy.flip(plain),
            key_id: toy.key_id.clone(),
            annotations: toy.annotations.clone(),
        }))
    }

    fn status(&self) -> Result<Status, PluginError> {
        let mut toy = self.toy();
        toy.calls.status += 1;
        toy.well()?;
        Ok(toy.status.clone())
    }

    fn now(&self) -> Instant {
        self.toy().clock
    }
}
