//! Random bytes from the operating system, for IVs, nonces and seeds.
//! Deliberately has no generator of its own and keeps no state.

use super::error::CryptoError;

/// Fills `bytes` with random ones.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(bytes).map_err(|_| CryptoError::NoRandomBytes)
}

/// `N` random bytes, for what is no secret.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    fill(&mut bytes).map(|()| bytes)
}
