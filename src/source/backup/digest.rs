//! The SHA-256 that follows the database in what `etcdctl snapshot save`
//! writes.
//!
//! Promises that a file with one is what the server has sent. Deliberately
//! demands none: `member/snap/db` of a data directory has none.

use sha2::{Digest as _, Sha256};

use super::error::BackupError;
use super::medium::Medium;

const DIGEST: u64 = 32;
/// Databases are made of pages of so many bytes, or a multiple.
const UNIT: u64 = 512;
const AT_A_TIME: u64 = 1 << 18;

/// How many bytes are the database's own.
pub fn database_length(length: u64) -> u64 {
    match length % UNIT {
        DIGEST => length - DIGEST,
        _ => length,
    }
}

/// Compares the digest where there is one.
pub fn check(medium: &impl Medium) -> Result<(), BackupError> {
    let length = medium.length();
    let database = database_length(length);
    if database == length {
        return match length % UNIT {
            0 => Ok(()),
            _ => Err(BackupError::Length(length)),
        };
    }
    let mut hasher = Sha256::new();
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < database {
        let here = AT_A_TIME.min(database - at);
        buffer.resize(usize::try_from(here).unwrap_or(0), 0);
        medium.read(at, &mut buffer)?;
        hasher.update(&buffer);
        at += here;
    }
    let mut wanted = [0; DIGEST as usize];
    medium.read(database, &mut wanted)?;
    match hasher.finalize().as_slice() == wanted {
        true => Ok(()),
        false => Err(BackupError::Digest),
    }
}
