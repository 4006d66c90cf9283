//! Whether two configurations agree about a stored value, so that its bytes
//! can stand at the destination as they stand at the source.
//!
//! Compares names and fingerprints of secrets. Deliberately decrypts nothing.

use std::sync::Arc;

use super::keyring::{Keyring, Opened};
use super::transformer::Transformer;

impl Keyring {
    /// Whether a value of the resource that opened here as `opened` says may be
    /// stored as it is where `to` applies: `to` reads it with the same secret,
    /// and would write with that one, or has the very same list of providers.
    pub(in crate::k8s) fn agrees_with(
        &self,
        to: &Keyring,
        [group, plural]: [&str; 2],
        value: &[u8],
        opened: &Opened<'_>,
    ) -> bool {
        let theirs = to.providers(group, plural);
        // Only the first that may have written it: without authentication, one
        // before the right one could open it to something else.
        let reader = theirs.iter().position(|their| their.body(value).is_some());
        let reads = reader.and_then(|at| theirs.get(at)).is_some_and(|their| {
            their.provider == opened.provider && their.fingerprint == opened.fingerprint
        });
        reads && (reader == Some(0) || same(self.providers(group, plural), theirs))
    }
}

fn same(ours: &[Arc<Transformer>], theirs: &[Arc<Transformer>]) -> bool {
    let pairs = || ours.iter().zip(theirs);
    ours.len() == theirs.len() && pairs().all(|(our, their)| our.is_same_as(their))
}
