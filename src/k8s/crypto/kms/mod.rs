//! KMS providers: the keys of values are themselves encrypted by a plugin.
//!
//! Promises that a plugin is asked once for what many values share, and that
//! one which is down does not make each of them wait. Deliberately leaves the
//! way to the plugin to whoever implements [`KmsPlugins`].

mod cache;
mod line;
mod object;
mod plugin;
mod source;
mod v1;
mod v2;

use std::sync::Arc;

use line::Line;
pub use plugin::{
    KmsPlugin, KmsPlugins, KmsVersion, PluginConfig, PluginError, Socket, Status, Wrapped,
};
pub(super) use v1::KmsV1;
pub(super) use v2::KmsV2;

/// What a plugin says of itself may be long.
const MAX_SHOWN: usize = 200;

/// A configured plugin, by its version.
pub(super) enum Kms {
    V1(KmsV1),
    V2(KmsV2),
}

impl Kms {
    /// Without a way to plugins, every value is an error that says so.
    pub fn new(config: &PluginConfig, cache_size: usize, plugins: Option<&dyn KmsPlugins>) -> Kms {
        let plugin = plugins.map(|plugins| plugins.connect(config));
        let line = Line::new(Arc::from(config.name.as_str()), plugin);
        match config.version {
            KmsVersion::V1 => Kms::V1(KmsV1::new(line, cache_size)),
            KmsVersion::V2 => Kms::V2(KmsV2::new(line)),
        }
    }
}

/// A plugin's text for people: on one line and not too long.
fn shown(text: &str) -> String {
    text.chars()
        .take(MAX_SHOWN)
        .flat_map(char::escape_debug)
        .collect()
}
