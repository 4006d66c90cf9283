//! Why a file is no use as a backup of etcd.
//!
//! Promises to say what is wrong with the file and where, in words for whoever
//! has made it. Deliberately never holds what is stored in it.

use std::io;

/// Why a snapshot file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The system said no.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is not a database of etcd: {0}")]
    Foreign(&'static str),
    /// Bytes are missing at its end.
    #[error("it is cut off: {}, of {wanted}", are_there(*found))]
    CutOff {
        /// How many bytes there are.
        found: u64,
        /// How many its own table of contents speaks of.
        wanted: u64,
    },
    /// There is more than a database and its SHA-256.
    #[error(
        "its length, {0} {unit}, is neither that of a database nor that of a database with its SHA-256: it was cut off, or written to", unit = unit(*.0)
    )]
    Length(u64),
    /// The SHA-256 at its end is that of other bytes.
    #[error("its bytes do not have the SHA-256 that stands at its end: it was damaged on its way")]
    Digest,
    /// What it says of itself does not hold.
    #[error("its page {page} is damaged: {what}")]
    Damaged {
        /// The page; a file begins with page 0.
        page: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The revision asked for is no longer in it.
    #[error(
        "revision {asked} is compacted away: the oldest that can be read from it is {oldest}, the newest {newest}"
    )]
    Compacted {
        /// The revision asked for.
        asked: i64,
        /// The oldest that is whole.
        oldest: i64,
        /// Its last revision.
        newest: i64,
    },
    /// The revision asked for is not in it yet.
    #[error("revision {asked} is not in it: it ends at revision {newest}")]
    Future {
        /// The revision asked for.
        asked: i64,
        /// Its last revision.
        newest: i64,
    },
}

fn are_there(bytes: u64) -> String {
    match bytes {
        1 => "1 byte is there".to_owned(),
        bytes => format!("{bytes} bytes are there"),
    }
}

fn unit(bytes: u64) -> &'static str {
    if bytes == 1 { "byte" } else { "bytes" }
}
