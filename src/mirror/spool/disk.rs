//! The part of the spool that is on disk.
//!
//! Promises to hand out what was put in, in order, and to give room back as it
//! is read. Leaves nothing behind, not even when it is killed: a file has no
//! name any more before anything is written to it. Deliberately not durable,
//! and never an error where it is written: what the disk does not take stays
//! in memory.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use super::frame;
use crate::source::WatchEvent;

/// How much is written at a time, and read.
const BLOCK: usize = 256 << 10;

/// How much goes into one file.
const SEGMENT: u64 = 16 << 20;

pub(super) struct Disk {
    directory: PathBuf,
    segments: VecDeque<Segment>,
    /// Whole events behind those in the segments.
    unwritten: Vec<u8>,
    /// How much lies in all of them.
    bytes: u64,
    /// Counts segments, for their names.
    made: u64,
    /// Why nothing more can be written.
    broken: Option<io::Error>,
}

/// A file without a name.
struct Segment {
    file: File,
    /// Lengths of the blocks that are not read yet; each has whole events.
    blocks: VecDeque<usize>,
    read: u64,
    written: u64,
}

impl Disk {
    /// An empty one, whose files are made in `directory` when they are needed.
    /// What lies there is removed.
    pub(super) fn new(directory: PathBuf) -> Disk {
        // Another process may have died between making a file and unlinking
        // it. Where this fails, making files will fail too.
        let _ = std::fs::remove_dir_all(&directory);
        Disk {
            directory,
            segments: VecDeque::new(),
            unwritten: Vec::new(),
            bytes: 0,
            made: 0,
            broken: None,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Why the disk took nothing more, if so.
    pub(super) fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }

    /// Tries again to write.
    pub(super) fn mend(&mut self) {
        self.broken = None;
    }

    /// Puts in an event.
    pub(super) fn push(&mut self, event: &WatchEvent) {
        let before = self.unwritten.len();
        frame::write(event, &mut self.unwritten);
        self.bytes += (self.unwritten.len() - before) as u64;
        if self.unwritten.len() >= BLOCK && self.broken.is_none() {
            self.broken = self.flush().err();
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let full = self
            .segments
            .back()
            .is_none_or(|last| last.written >= SEGMENT);
        if full {
            let segment = self.segment()?;
            self.segments.push_back(segment);
        }
        if let Some(last) = self.segments.back_mut() {
            last.file.write_all_at(&self.unwritten, last.written)?;
            last.written += self.unwritten.len() as u64;
            last.blocks.push_back(self.unwritten.len());
            self.unwritten.clear();
        }
        Ok(())
    }

    fn segment(&mut self) -> io::Result<Segment> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        self.made += 1;
        let path = self.directory.join(self.made.to_string());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(Segment {
            file,
            blocks: VecDeque::new(),
            read: 0,
            written: 0,
        })
    }

    /// Takes the oldest events, about as many as were written at a time; none
    /// where there are none.
    pub(super) fn take(&mut self) -> io::Result<Vec<WatchEvent>> {
        let block = match self.segments.front_mut() {
            Some(first) => first.take()?,
            None => std::mem::take(&mut self.unwritten),
        };
        self.bytes -= block.len() as u64;
        self.segments.retain(|segment| !segment.blocks.is_empty());
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "not what was written");
        frame::read_all(&block).ok_or_else(damaged)
    }
}

impl Segment {
    fn take(&mut self) -> io::Result<Vec<u8>> {
        let mut block = vec![0; self.blocks.pop_front().unwrap_or(0)];
        self.file.read_exact_at(&mut block, self.read)?;
        self.read += block.len() as u64;
        Ok(block)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Only if it is empty, as it is unless somebody else uses it.
        let _ = std::fs::remove_dir(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::SourceRevision;
    use crate::source::Change;

    fn event(revision: i64, size: usize) -> WatchEvent {
        WatchEvent::Changes(vec![Change {
            key: b"/a".to_vec(),
            value: Some(vec![revision as u8; size]),
            revision: SourceRevision(revision),
            lease: 0,
        }])
    }

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ledger").join("spool");
        (dir, path)
    }

    /// How many files of ours are open, though nobody can see them.
    fn open_files(disk: &Disk) -> usize {
        disk.segments.len()
    }

    #[test]
    fn segments_come_and_go_without_a_name() {
        let (_dir, path) = directory();
        let mut disk = Disk::new(path.clone());
        let events: Vec<WatchEvent> = (0..50).map(|n| event(n, 1 << 20)).collect();
        let mut most = 0;
        for event in &events {
            disk.push(event);
            most = most.max(open_files(&disk));
            let visible = std::fs::read_dir(&path).map_or(0, Iterator::count);
            assert_eq!(visible, 0, "files have no names");
        }
        assert_eq!(most, 4, "50 MiB in files of 16 MiB");
        assert!(disk.bytes() > 50 << 20 && disk.broken().is_none());
        let mut taken = Vec::new();
        while disk.bytes() > 0 {
            taken.extend(disk.take().expect("read"));
            let left = disk.bytes().div_ceil(SEGMENT) as usize;
            assert!(open_files(&disk) <= left + 1, "{left}");
        }
        assert!(taken == events);
        assert_eq!(open_files(&disk), 0);
        drop(disk);
        assert!(!path.exists());
    }

    #[test]
    fn small_events_come_in_order_with_reads_between() {
        let (_dir, path) = directory();
        let mut disk = Disk::new(path);
        let mut taken = Vec::new();
        for n in 0..20_000 {
            disk.push(&event(n, 100));
            if n % 3_000 == 0 {
                taken.extend(disk.take().expect("read"));
            }
        }
        while disk.bytes() > 0 {
            taken.extend(disk.take().expect("read"));
        }
        assert!(taken == (0..20_000).map(|n| event(n, 100)).collect::<Vec<_>>());
        assert_eq!(disk.take().expect("nothing"), []);
    }

    #[test]
    fn what_the_disk_does_not_take_is_not_lost() {
        let (_dir, path) = directory();
        let mut disk = Disk::new(path.clone());
        // A file stands where the directory should be.
        std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        std::fs::write(&path, "in the way").expect("file");
        disk.push(&event(1, BLOCK));
        assert!(disk.broken().is_some());
        disk.push(&event(2, BLOCK));
        std::fs::remove_file(&path).expect("remove");
        disk.mend();
        disk.push(&event(3, 1));
        assert!(disk.broken().is_none() && open_files(&disk) == 1);
        let expected = vec![event(1, BLOCK), event(2, BLOCK), event(3, 1)];
        assert!(disk.take().expect("read") == expected);
        assert_eq!(disk.bytes(), 0);
    }
}
