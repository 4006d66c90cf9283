//! The ledger of a carry that may be running, to be read.
//!
//! Promises to leave nothing behind. Deliberately never writes to it: that is
//! for who leads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::state::{RocksStore, StateError};

/// A directory for the logs of a database that another process has open. It
/// goes when this is dropped; drop the store first.
pub struct Logs(PathBuf);

impl Logs {
    /// Of a name that nobody else has; it is made where it is used.
    fn new() -> Logs {
        let since = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or(Duration::ZERO);
        let name = format!("carry-beside-{}-{}", std::process::id(), since.as_nanos());
        Logs(Path::new(&std::env::temp_dir()).join(name))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        // Only logs of the database's own: what is left over harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens the ledger at `path`; `None` where there is none.
///
/// # Errors
///
/// Why it cannot be read.
pub fn open_beside(path: &Path) -> Result<Option<(RocksStore, Logs)>, StateError> {
    if !path.join("CURRENT").exists() {
        return Ok(None);
    }
    let logs = Logs::new();
    let store = RocksStore::open_beside(path, &logs.0)?;
    Ok(Some((store, logs)))
}

/// The same as it is now, for who asks what a run with it would do; `None` where
/// it would begin with none.
///
/// # Errors
///
/// Why it cannot be read, or could not be begun.
pub fn open_still(path: &Path) -> Result<Option<(RocksStore, Logs)>, StateError> {
    let logs = Logs::new();
    let store = RocksStore::open_still(path, &logs.0)?;
    Ok(store.map(|store| (store, logs)))
}
