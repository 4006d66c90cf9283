//! The provider `kms` v2: a seed that the plugin has encrypted, and for each
//! value a key derived from it.
//!
//! Promises one call of the plugin for all values that share a seed, a new seed
//! when the plugin changes its key, and that a seed is written with only after
//! the plugin has decrypted it again. Written with Kubernetes' limits: a plugin
//! that is unwell is written with for three minutes more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::line::{Line, Turn};
use super::object::{self, EncryptedKey, EncryptedObject, SourceType};
use super::plugin::Status;
use super::source::Source;
use crate::k8s::crypto::buffer::grow;
use crate::k8s::crypto::error::CryptoError;

const HEALTHY: Duration = Duration::from_secs(60);
const UNHEALTHY: Duration = Duration::from_secs(10);
const COASTING: Duration = Duration::from_secs(180);
/// There are about as many seeds as there have been starts of apiservers since
/// the values were last rewritten.
const MAX_SEEDS: usize = 1024;
/// At least the tag and the length of the data.
const HEADER: usize = 16;
const VERSIONS: [&str; 2] = ["v2", "v2beta1"];
const OTHER_KEY: &str = "it encrypts with another key than it says";
const OTHER_SEED: &str = "it does not decrypt what it has just encrypted";

/// One v2 plugin, and the seeds that it has decrypted.
pub(in crate::k8s::crypto) struct KmsV2 {
    line: Line,
    seeds: Cache<Source>,
    writing: Mutex<Writing>,
}

#[derive(Default)]
struct Writing {
    seed: Option<Seed>,
    /// When the plugin's status is asked next.
    next: Option<Instant>,
    /// What was wrong when it was last asked.
    trouble: Option<CryptoError>,
}

/// What values are written with.
#[derive(Clone)]
struct Seed {
    source: Arc<Source>,
    key_id: Arc<str>,
    /// All of a stored object but its data.
    rest: Arc<[u8]>,
    /// Until when, if the plugin is never well again.
    until: Instant,
}

impl KmsV2 {
    pub(super) fn new(line: Line) -> KmsV2 {
        KmsV2 {
            line,
            seeds: Cache::new(MAX_SEEDS),
            writing: Mutex::default(),
        }
    }

    /// Decrypts the body of a value into `buffer`.
    pub fn open(
        &self,
        etcd_key: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let object = EncryptedObject::parse(body)?;
        let identity = object.key.identity();
        if let Some(source) = self.seeds.get(&identity) {
            return source.open(etcd_key, object.data, buffer);
        }
        let mut turn = self.line.turn()?;
        if let Some(source) = self.seeds.get(&identity) {
            return source.open(etcd_key, object.data, buffer);
        }
        let wrapped = object.key.to_wrapped();
        let plain = turn.ask(Some(identity), |plugin| plugin.decrypt(&wrapped))?;
        let source = Source::new(object.key.source_type, &plain);
        let source = source.ok_or_else(|| self.line.failed("its answer is no key or seed"))?;
        source.open(etcd_key, object.data, buffer)?;
        self.seeds.put(identity, Arc::new(source));
        Ok(())
    }

    /// Appends the body of a value to `out`.
    pub fn seal(
        &self,
        etcd_key: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let seed = self.seed()?;
        let length = Source::sealed_len(plain.len());
        grow(out, length + seed.rest.len() + HEADER);
        object::write_data_header(length, out);
        seed.source.seal(etcd_key, plain, out)?;
        out.extend_from_slice(&seed.rest);
        Ok(())
    }

    /// The seed to write with, after a look at the plugin when one is due.
    fn seed(&self) -> Result<Seed, CryptoError> {
        let now = self.line.now()?;
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.next.is_none_or(|next| next <= now) {
            writing.trouble = self.refresh(&mut writing, now).err();
            let pause = match writing.trouble {
                None => HEALTHY,
                Some(_) => UNHEALTHY,
            };
            writing.next = now.checked_add(pause);
        }
        match (&writing.seed, &writing.trouble) {
            (Some(seed), None) => Ok(seed.clone()),
            (Some(seed), Some(_)) if now < seed.until => Ok(seed.clone()),
            (_, Some(trouble)) => Err(trouble.clone()),
            (None, None) => Err(self.line.failed("it has encrypted no seed")),
        }
    }

    fn refresh(&self, writing: &mut Writing, now: Instant) -> Result<(), CryptoError> {
        let mut turn = self.line.turn()?;
        let status = turn.ask(None, |plugin| plugin.status())?;
        check_status(&status).map_err(|why| self.line.failed(why))?;
        let until = now.checked_add(COASTING).unwrap_or(now);
        match &mut writing.seed {
            Some(seed) if *seed.key_id == *status.key_id => seed.until = until,
            _ => writing.seed = Some(self.new_seed(&mut turn, &status.key_id, until)?),
        }
        Ok(())
    }

    fn new_seed(
        &self,
        turn: &mut Turn<'_>,
        key_id: &str,
        until: Instant,
    ) -> Result<Seed, CryptoError> {
        let plain = Source::random_seed()?;
        let wrapped = turn.ask(None, |plugin| plugin.encrypt(&plain))?;
        let key = EncryptedKey::of_seed(&wrapped);
        key.check()
            .map_err(|why| self.line.failed(format!("its answer: {why}")))?;
        if wrapped.key_id != key_id {
            return Err(self.line.failed(OTHER_KEY));
        }
        let identity = key.identity();
        let again = turn.ask(Some(identity), |plugin| plugin.decrypt(&wrapped))?;
        let source = Source::new(SourceType::Seed, &plain);
        let Some(source) = source.filter(|_| *again == *plain) else {
            return Err(self.line.failed(OTHER_SEED));
        };
        let source = Arc::new(source);
        self.seeds.put(identity, Arc::clone(&source));
        Ok(Seed {
            source,
            key_id: wrapped.key_id.as_str().into(),
            rest: key.to_fields().into(),
            until,
        })
    }
}

fn check_status(status: &Status) -> Result<(), String> {
    if !VERSIONS.contains(&status.version.as_str()) {
        let version = super::shown(&status.version);
        return Err(format!("its API version is `{version}`, expected `v2`"));
    }
    if status.healthz != "ok" {
        return Err(format!("it is not well: {}", super::shown(&status.healthz)));
    }
    object::check_key_id(&status.key_id).map_err(|why| format!("its status: {why}"))
}
