//! KMS plugins over gRPC on a unix socket, as kube-apiserver speaks to them:
//! packages `v2` and `v1beta1`.
//!
//! Promises that no call takes longer than the configured timeout, that a
//! plugin which is started again is found again, and that calls may come from
//! inside a runtime and from outside. Deliberately remembers nothing of what
//! plugins answer: that is `k8s::crypto`'s. What the HTTP/2 connection buffers
//! of a key is not wiped by it.

mod connection;
mod messages;
mod plugin;

use std::sync::Arc;

use crate::k8s::crypto::kms::{KmsPlugin, KmsPlugins, PluginConfig};
use plugin::UnixPlugin;

/// Connects plugins by their unix sockets, when they are first asked
/// something.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnixPlugins;

impl KmsPlugins for UnixPlugins {
    fn connect(&self, plugin: &PluginConfig) -> Arc<dyn KmsPlugin> {
        Arc::new(UnixPlugin::new(plugin))
    }
}
