//! A stored value on its way from one etcd to another: opened with the
//! source's encryption configuration, sealed with the destination's.
//!
//! Promises that what it hands out as sealed has been opened again from exactly
//! those bytes, under the destination's key, and equals the plaintext; and that
//! no value passes which an apiserver could not decode. Deliberately writes
//! nothing, and changes no plaintext but as it is told.

use std::fmt;

use zeroize::Zeroizing;

use super::crypto::{CryptoError, Keyring, Opened, Provider};
use super::path::Path;
use super::record::Record;
use super::rewrite::{Edit, rewrite};

/// A value of the source and where it stands.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    /// The resource's group; the core group is the empty name.
    pub group: &'a str,
    /// The resource's lower-case plural.
    pub plural: &'a str,
    /// The whole etcd key at the source.
    pub from_key: &'a [u8],
    /// The whole etcd key at the destination.
    pub to_key: &'a [u8],
    /// The stored bytes.
    pub value: &'a [u8],
}

/// What to write at the destination.
#[derive(Clone, PartialEq, Eq)]
pub enum Transferred<'b> {
    /// The bytes of the source: both configurations agree about them.
    AsItIs,
    /// Other bytes: for the same plaintext, or for one with other fields.
    Sealed {
        /// What is to be stored.
        value: &'b [u8],
        /// What has encrypted it.
        provider: Provider,
        /// Whether that is not how the source has encrypted it.
        anew: bool,
    },
}

impl Transferred<'_> {
    /// What is to be stored for the source's `own` value.
    pub fn stored(&self, own: &[u8]) -> Vec<u8> {
        match self {
            Transferred::AsItIs => own.to_vec(),
            Transferred::Sealed { value, .. } => value.to_vec(),
        }
    }

    /// With what it is encrypted, where that is not how the source has it.
    pub fn reencrypted(&self) -> Option<String> {
        match self {
            Transferred::AsItIs => None,
            Transferred::Sealed { provider, anew, .. } => anew.then(|| provider.to_string()),
        }
    }
}

/// Shows what has encrypted it, and nothing of it: it may be plain.
impl fmt::Debug for Transferred<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transferred::AsItIs => f.write_str("AsItIs"),
            Transferred::Sealed {
                value, provider, ..
            } => {
                write!(f, "Sealed({} bytes, {provider})", value.len())
            }
        }
    }
}

/// Room for one transfer after the other. Nothing of an earlier value stays
/// behind a later one, and all is wiped when dropped.
#[derive(Default)]
pub struct TransferBuffers {
    plain: Zeroizing<Vec<u8>>,
    /// May be plaintext, where the destination encrypts nothing.
    sealed: Zeroizing<Vec<u8>>,
    proof: Zeroizing<Vec<u8>>,
}

impl Keyring {
    /// Opens a value of the source, whose configuration this is, and says what
    /// to write at the destination, whose configuration is `to`. The bytes stay
    /// as they are where the two agree and the provider allows it.
    ///
    /// May wait for KMS plugins, as [`Keyring::open`] and [`Keyring::seal`] may.
    pub fn transfer<'b>(
        &self,
        to: &Keyring,
        object: Transfer<'_>,
        buffers: &'b mut TransferBuffers,
    ) -> Result<Transferred<'b>, CryptoError> {
        self.transfer_with(to, object, |_| Ok(Vec::new()), buffers)
    }

    /// [`Keyring::transfer`] of the value after the edits that `edits` asks for,
    /// unless that refuses the value.
    pub fn transfer_with<'b, E: From<CryptoError>>(
        &self,
        to: &Keyring,
        object: Transfer<'_>,
        edits: impl FnOnce(&Record<'_>) -> Result<Vec<(Path, Edit)>, E>,
        buffers: &'b mut TransferBuffers,
    ) -> Result<Transferred<'b>, E> {
        let Transfer { group, plural, .. } = object;
        let TransferBuffers {
            plain,
            sealed,
            proof,
        } = buffers;
        let opened = self.open(group, plural, object.from_key, object.value, plain)?;
        let record = Record::parse(opened.plain).map_err(CryptoError::from)?;
        record.verify().map_err(CryptoError::from)?;
        let edits = edits(&record)?;
        let rewritten = match edits.is_empty() {
            true => None,
            false => Some(rewrite(opened.plain, &edits).map_err(CryptoError::from)?),
        };
        let anew = !self.agrees(to, object, &opened);
        if rewritten.is_none() && !anew {
            return Ok(Transferred::AsItIs);
        }
        // What was spliced is proven with what is sealed.
        let plain = rewritten.as_deref().map_or(opened.plain, Vec::as_slice);
        let provider = to.seal(group, plural, object.to_key, plain, sealed)?;
        prove(to, object, plain, sealed, proof)?;
        Ok(Transferred::Sealed {
            value: sealed,
            provider,
            anew,
        })
    }

    fn agrees(&self, to: &Keyring, object: Transfer<'_>, opened: &Opened<'_>) -> bool {
        let stays = object.from_key == object.to_key || !opened.provider.is_bound_to_key();
        stays && self.agrees_with(to, [object.group, object.plural], object.value, opened)
    }
}

/// Whether an apiserver could decode this plaintext, to its last byte.
fn readable(plain: &[u8]) -> Result<(), CryptoError> {
    Ok(Record::parse(plain)?.verify()?)
}

/// Opens what is about to be written, from exactly those bytes, as the
/// destination's apiserver will.
fn prove(
    to: &Keyring,
    object: Transfer<'_>,
    plain: &[u8],
    sealed: &[u8],
    buffer: &mut Zeroizing<Vec<u8>>,
) -> Result<(), CryptoError> {
    let opened = to
        .open(object.group, object.plural, object.to_key, sealed, buffer)
        .map_err(|error| CryptoError::NotReadBack(Box::new(error)))?;
    match opened.plain == plain {
        true => readable(opened.plain),
        false => Err(CryptoError::ReadBackDiffers),
    }
}
