//! The keys that values are read and written with, at either side.
//!
//! Promises nothing beyond holding them together, so that both change at once.
//! Deliberately reads no files.

use crate::k8s::Keyring;

/// How values are encrypted at either side.
#[derive(Clone, Debug)]
pub struct Keyrings {
    /// The source's configuration.
    pub(super) source: Keyring,
    /// The destination's.
    pub(super) destination: Keyring,
    /// Tells the destination's configuration from others.
    pub(super) destination_digest: String,
    /// Whether opening or sealing may wait for a KMS plugin.
    pub(super) asks_plugins: bool,
}

impl Keyrings {
    /// Each side has its own configuration.
    pub fn new(source: Keyring, destination: Keyring) -> Keyrings {
        let asks_plugins = source.asks_plugins() || destination.asks_plugins();
        let destination_digest = destination.digest();
        Keyrings {
            source,
            destination,
            destination_digest,
            asks_plugins,
        }
    }

    /// Whether opening or sealing may wait for a KMS plugin.
    pub fn may_block(&self) -> bool {
        self.asks_plugins
    }

    /// Both sides have one configuration.
    pub fn alike(keyring: Keyring) -> Keyrings {
        Keyrings::new(keyring.clone(), keyring)
    }
}
