//! Where the bytes of a backup are: in a file, or in memory.
//!
//! Promises that a read gives all bytes asked for or an error. Deliberately
//! keeps nothing: files may be larger than memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes that can be read from any place.
pub trait Medium {
    /// How many there are.
    fn length(&self) -> u64;

    /// Fills `into` with what begins at `at`.
    ///
    /// # Errors
    ///
    /// When there are not as many, or the system says no.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file on disk.
pub struct OnDisk {
    file: File,
    length: u64,
}

impl OnDisk {
    /// Opens `path` for reading.
    ///
    /// # Errors
    ///
    /// When it is no file, or the system says no.
    pub fn open(path: &Path) -> io::Result<OnDisk> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        match metadata.is_file() {
            true => Ok(OnDisk {
                file,
                length: metadata.len(),
            }),
            false => Err(io::Error::other("it is not a file")),
        }
    }
}

impl Medium for OnDisk {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

impl Medium for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).ok();
        let found = start.and_then(|start| self.get(start..start.checked_add(into.len())?));
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }
}
