//! The calls of a plugin, in the terms of `k8s::crypto::kms`.
//!
//! Promises to ask a v1 plugin for its version before anything else, as
//! kube-apiserver does. Deliberately judges no answer beyond that.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Status as GrpcStatus;
use zeroize::Zeroizing;

use super::connection::{Client, Connection};
use super::messages::{v1beta1, v2};
use crate::k8s::crypto::kms::{KmsPlugin, PluginConfig, PluginError, Status, Wrapped};

const V1: &str = "v1beta1";
const V1_VERSION: &str = "/v1beta1.KeyManagementService/Version";
const V1_DECRYPT: &str = "/v1beta1.KeyManagementService/Decrypt";
const STATUS: &str = "/v2.KeyManagementService/Status";
const ENCRYPT: &str = "/v2.KeyManagementService/Encrypt";
const DECRYPT: &str = "/v2.KeyManagementService/Decrypt";

/// A plugin at a unix socket.
pub(super) struct UnixPlugin {
    connection: Connection,
    /// v1 only: it has said that it speaks our version.
    version_checked: Arc<AtomicBool>,
}

impl UnixPlugin {
    pub fn new(config: &PluginConfig) -> UnixPlugin {
        UnixPlugin {
            connection: Connection::new(config.socket.clone(), config.timeout),
            version_checked: Arc::default(),
        }
    }
}

impl KmsPlugin for UnixPlugin {
    fn decrypt_v1(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, PluginError> {
        let request = v1beta1::DecryptRequest {
            version: V1.to_owned(),
            cipher: ciphertext.to_vec(),
        };
        let checked = Arc::clone(&self.version_checked);
        let mut answer: v1beta1::DecryptResponse = self.connection.run(|client| async move {
            if !checked.load(Ordering::Relaxed) {
                check_version(&client).await?;
                checked.store(true, Ordering::Relaxed);
            }
            client.call(V1_DECRYPT, request).await
        })?;
        Ok(Zeroizing::new(take(&mut answer.plain)))
    }

    fn decrypt(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, PluginError> {
        let request = v2::DecryptRequest {
            ciphertext: wrapped.ciphertext.clone(),
            uid: uid()?,
            key_id: wrapped.key_id.clone(),
            annotations: wrapped.annotations.clone(),
        };
        let call = |client: Client| async move { client.call(DECRYPT, request).await };
        let mut answer: v2::DecryptResponse = self.connection.run(call)?;
        Ok(Zeroizing::new(take(&mut answer.plaintext)))
    }

    fn encrypt(&self, plain: &[u8]) -> Result<Wrapped, PluginError> {
        let request = v2::EncryptRequest {
            plaintext: plain.to_vec(),
            uid: uid()?,
        };
        let call = |client: Client| async move { client.call(ENCRYPT, request).await };
        let answer: v2::EncryptResponse = self.connection.run(call)?;
        Ok(Wrapped {
            ciphertext: answer.ciphertext,
            key_id: answer.key_id,
            annotations: answer.annotations,
        })
    }

    fn status(&self) -> Result<Status, PluginError> {
        let request = v2::StatusRequest {};
        let call = |client: Client| async move { client.call(STATUS, request).await };
        let answer: v2::StatusResponse = self.connection.run(call)?;
        Ok(Status {
            version: answer.version,
            healthz: answer.healthz,
            key_id: answer.key_id,
        })
    }
}

async fn check_version(client: &Client) -> Result<(), GrpcStatus> {
    let request = v1beta1::VersionRequest {
        version: V1.to_owned(),
    };
    let answer: v1beta1::VersionResponse = client.call(V1_VERSION, request).await?;
    match answer.version.as_str() {
        V1 => Ok(()),
        other => Err(GrpcStatus::failed_precondition(format!(
            "its API version is `{other}`, expected `{V1}`"
        ))),
    }
}

/// A name for the call in the plugin's log: a random UUID.
fn uid() -> Result<String, PluginError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| PluginError::Refused("no random bytes for the call's uid".to_owned()))?;
    let number = u128::from_be_bytes(bytes);
    // Version 4, variant 1.
    let number = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{number:032x}");
    let ranges = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts: Vec<_> = ranges
        .into_iter()
        .filter_map(|range| digits.get(range))
        .collect();
    Ok(parts.join("-"))
}
