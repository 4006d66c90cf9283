//! The files that say how values are encrypted, at either side: read at start
//! and again when they change.
//!
//! Promises that their text is wiped after use, that a file which cannot be
//! used leaves those before in use, that one which is still being written is
//! not taken (two looks in a row must find the same), and that each change is
//! told once.
//! Deliberately compares contents, not times: a Secret that is mounted changes
//! by swapping links.

use std::hash::{BuildHasher, RandomState};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::k8s::Keyring;
use crate::kms::UnixPlugins;
use crate::mirror::{Reload, Reloaded};
use crate::rules::decide::{Judge, Keyrings};

/// Where the encryption configurations are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionFiles {
    /// The source's; `None` where it encrypts nothing.
    pub source: Option<PathBuf>,
    /// The destination's; may be the same file.
    pub destination: Option<PathBuf>,
}

impl EncryptionFiles {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// What cannot be read or used, with the place.
    pub fn load(&self) -> Result<Keyrings, String> {
        let flag = "--dest-encryption-provider-config";
        let source = keyring(
            "--encryption-provider-config",
            self.source.as_deref(),
            NO_SOURCE,
        )?;
        let destination = match (&self.source, &self.destination) {
            (Some(one), Some(other)) if one == other => source.clone(),
            (Some(_), None) => keyring(flag, None, NONE_AT_DESTINATION)?,
            (_, file) => keyring(flag, file.as_deref(), NO_DESTINATION)?,
        };
        Ok(Keyrings::new(source, destination))
    }

    /// One line for each file that others than its owner can read.
    pub fn warnings(&self) -> Vec<String> {
        self.each()
            .filter_map(|path| readable_by_others(path, "keys"))
            .collect()
    }

    fn each(&self) -> impl Iterator<Item = &PathBuf> {
        let second = self.destination.as_ref();
        let second = second.filter(|_| self.source != self.destination);
        self.source.iter().chain(second)
    }

    /// Tells one state of the files from another; nothing can be learnt from
    /// it.
    fn fingerprint(&self, hasher: &RandomState) -> Vec<u64> {
        let of = |path: &PathBuf| match read(path) {
            Ok(text) => hasher.hash_one(text.as_slice()),
            Err(error) => hasher.hash_one(error.to_string()),
        };
        self.each().map(of).collect()
    }
}

/// Why values that are encrypted cannot be read: a file that was forgotten is
/// not a wrong one.
const NO_SOURCE: &str = "no encryption configuration was given: `--encryption-provider-config`";
const NO_DESTINATION: &str =
    "no encryption configuration was given: `--dest-encryption-provider-config`";
const NONE_AT_DESTINATION: &str = "`--dest-encryption-provider-config` is `none`";

fn keyring(flag: &str, path: Option<&Path>, without: &str) -> Result<Keyring, String> {
    let Some(path) = path else {
        return Ok(Keyring::identity_since(without));
    };
    let name = path.display();
    let unreadable = |why: String| {
        format!(
            "`{flag}`: cannot read the encryption configuration `{name}`: {why}; give the path of a readable file"
        )
    };
    let text = read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(&text).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let keyring = Keyring::parse_with(&name.to_string(), text, &UnixPlugins);
    keyring.map_err(|error| {
        format!("`{flag}` has to name an EncryptionConfiguration that can be used: {error}")
    })
}

/// Into a buffer that never grows: what it would leave behind is not wiped.
fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut file = std::fs::File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut text = Zeroizing::new(Vec::with_capacity(length.min(MAX_BYTES) + 64));
    // One byte more tells a file that is longer from one that ends here.
    let most = u64::try_from(text.capacity()).unwrap_or(0);
    file.by_ref().take(most).read_to_end(&mut text)?;
    match text.len() == text.capacity() {
        true => Err(std::io::Error::other(
            "it is too long, or was written to just now",
        )),
        false => Ok(text),
    }
}

/// Far more than any configuration has.
const MAX_BYTES: usize = 16 << 20;

/// A warning where a file that holds `what` can be read by others than its
/// owner.
pub(super) fn readable_by_others(path: &Path, what: &str) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    let us = std::fs::metadata("/proc/self").map_or(metadata.uid(), |own| own.uid());
    (metadata.is_file() && is_exposed(mode, metadata.uid(), us)).then(|| {
        format!(
            "`{}` holds {what} and can be read by others than its owner (mode {mode:04o}): make it 0600, or set `defaultMode: 0400` where it is a mounted Secret",
            path.display()
        )
    })
}

/// Whether others than those who are meant to can read a file of this owner.
/// Where that is somebody else, as root is of what is mounted into a container,
/// it is the group that we may read it by.
fn is_exposed(mode: u32, owner: u32, us: u32) -> bool {
    let by_group = owner != us && us != 0;
    mode & if by_group { 0o037 } else { 0o077 } != 0
}

/// The files as they were when they were last looked at.
pub struct Encryption {
    files: EncryptionFiles,
    hasher: RandomState,
    /// What was last put into use, or refused.
    seen: Vec<u64>,
    /// A change that the last look found.
    changed: Option<Vec<u64>>,
}

impl Encryption {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// See [`EncryptionFiles::load`].
    pub fn load(files: EncryptionFiles) -> Result<(Encryption, Keyrings), String> {
        let hasher = RandomState::new();
        // Before they are used: what changes in between is seen as a change.
        let seen = files.fingerprint(&hasher);
        let keyrings = files.load()?;
        let encryption = Encryption {
            files,
            hasher,
            seen,
            changed: None,
        };
        Ok((encryption, keyrings))
    }

    /// Reads the files again if they have changed and were found so by the
    /// last look too: one that is being written may parse before it is whole.
    fn load_changed(&mut self) -> Option<Result<Keyrings, String>> {
        let now = self.files.fingerprint(&self.hasher);
        let before = self.changed.take();
        if now == self.seen {
            return None;
        }
        if before.as_ref() != Some(&now) {
            self.changed = Some(now);
            return None;
        }
        let loaded = self.files.load();
        // Written to between the two: a later look takes it.
        if self.files.fingerprint(&self.hasher) != now {
            return None;
        }
        self.seen = now;
        Some(loaded)
    }

    /// See [`EncryptionFiles::warnings`].
    pub fn warnings(&self) -> Vec<String> {
        self.files.warnings()
    }

    /// From now on `judge` is told of changes, whenever it is asked for them.
    pub fn reload_into(self, judge: Arc<Judge>) -> EncryptionReload {
        let encryption = Mutex::new(self);
        EncryptionReload { encryption, judge }
    }
}

/// Puts changed configurations into use.
pub struct EncryptionReload {
    encryption: Mutex<Encryption>,
    judge: Arc<Judge>,
}

impl Reload for EncryptionReload {
    fn reload(&self) -> Reloaded {
        let mut encryption = self
            .encryption
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match encryption.load_changed() {
            None => Reloaded::Unchanged,
            Some(Ok(keyrings)) => {
                self.judge.set_keyrings(keyrings);
                Reloaded::Applied(encryption.warnings())
            }
            Some(Err(why)) => Reloaded::Refused(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_exposed;

    #[test]
    fn a_mounted_file_may_be_read_by_its_group() {
        let (root, carry) = (0, 65532);
        // As Kubernetes mounts a Secret for `fsGroup`.
        assert!(!is_exposed(0o440, root, carry));
        for (mode, owner, us) in [
            (0o444, root, carry),
            (0o460, root, carry),
            (0o440, carry, carry),
            (0o440, root, root),
            (0o640, carry, root),
        ] {
            assert!(is_exposed(mode, owner, us), "{mode:o} {owner} {us}");
        }
        assert!(!is_exposed(0o600, carry, carry));
    }
}
