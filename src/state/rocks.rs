//! Local state in RocksDB.
//!
//! Promises that what was written survives SIGKILL at once, and a crash of the
//! machine up to the last checkpoint: checkpoints are synced, and the log
//! before them with them. Memory stays well under 64 MB however many keys the
//! ledger has. Whoever reads beside another process changes nothing.

use std::io::ErrorKind;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    Direction, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::schema::{
    CHECKPOINTS_KEY, ENCRYPTION_KEY, FORMAT, FORMAT_KEY, HELD, HELD_END, KEPT, KEPT_END, LEDGER,
    META, PAIR_KEY, add_checkpoint, decode_entry, decode_format, decode_held, decode_json,
    encode_entry, encode_held, encode_json,
};
use super::{Checkpoint, HeldKey, LedgerChange, LedgerEntry, Pair, StateError, StateStore};
use crate::rules::decide::KeyRange;

const MIB: usize = 1 << 20;

/// Local state in a directory of its own.
pub struct RocksStore {
    db: DB,
    view: View,
}

/// What is seen of what another process writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    /// Nobody else writes.
    Alone,
    /// Each scan sees all that there is when it begins.
    Following,
    /// All is as it was when it was last asked for.
    Still,
}

impl RocksStore {
    /// Opens `path`, which is made where it is missing.
    pub fn open(path: &Path) -> Result<RocksStore, StateError> {
        make_directory(path)?;
        refuse_foreign(path)?;
        let cache = Cache::new_lru_cache(8 * MIB);
        let families = [
            ColumnFamilyDescriptor::new(LEDGER, family_options(&cache, 4 * MIB)),
            ColumnFamilyDescriptor::new(META, family_options(&cache, 256 << 10)),
        ];
        let db = DB::open_cf_descriptors(&database_options(), path, families)
            .map_err(|error| open_error(path, &error))?;
        let view = View::Alone;
        let store = RocksStore { db, view };
        store.check_format(path)?;
        Ok(store)
    }

    /// Opens `path`, which another process may have open, to read what it had
    /// when each scan began. `logs` is a directory of our own; it is made.
    pub fn open_beside(path: &Path, logs: &Path) -> Result<RocksStore, StateError> {
        RocksStore::open_with(path, logs, View::Following)
    }

    /// The same as it is now, and until it is asked to catch up; `None` where
    /// there is nothing yet. Nothing is made at `path`.
    pub fn open_still(path: &Path, logs: &Path) -> Result<Option<RocksStore>, StateError> {
        if !path.join("CURRENT").exists() {
            return refuse_files(path).map(|()| None);
        }
        refuse_foreign(path)?;
        RocksStore::open_with(path, logs, View::Still).map(Some)
    }

    fn open_with(path: &Path, logs: &Path, view: View) -> Result<RocksStore, StateError> {
        let cache = Cache::new_lru_cache(8 * MIB);
        let families = [
            ColumnFamilyDescriptor::new(LEDGER, family_options(&cache, 4 * MIB)),
            ColumnFamilyDescriptor::new(META, family_options(&cache, 256 << 10)),
        ];
        let mut options = database_options();
        make_directory(logs)?;
        // What the other process removes can be read as long as it is open.
        options.set_max_open_files(-1);
        let db = DB::open_cf_descriptors_as_secondary(&options, path, logs, families)
            .map_err(|error| open_error(path, &error))?;
        let store = RocksStore { db, view };
        store.catch_up()?;
        match store.meta(FORMAT_KEY)? {
            Some(_) => store.check_format(path).map(|()| store),
            None => Err(refused(path, "it holds another program's database")),
        }
    }

    fn check_format(&self, path: &Path) -> Result<(), StateError> {
        let Some(bytes) = self.meta(FORMAT_KEY)? else {
            return self.set_meta(FORMAT_KEY, &FORMAT.to_be_bytes());
        };
        match decode_format(&bytes)? {
            found if found > FORMAT => Err(StateError::Version {
                path: shown(path),
                found,
                known: FORMAT,
            }),
            _ => Ok(()),
        }
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, StateError> {
        let missing = || StateError::Io(format!("the column family `{name}` is missing"));
        self.db.cf_handle(name).ok_or_else(missing)
    }

    fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.db.get_cf(self.family(META)?, key).map_err(failed)
    }

    /// Synced: with it everything written before.
    fn set_meta(&self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.db
            .put_cf_opt(self.family(META)?, key, value, &synced())
            .map_err(failed)
    }

    fn last_key(&self) -> Result<Option<Vec<u8>>, StateError> {
        let mut from_end = self.db.iterator_cf(self.family(LEDGER)?, IteratorMode::End);
        let last = from_end.next().transpose().map_err(failed)?;
        Ok(last.map(|(key, _)| key.into_vec()))
    }
}

/// Keys that are noted in `meta`, each under a prefix.
impl RocksStore {
    /// Each with what `made` makes of it and its value.
    fn keys_in<T>(
        &self,
        prefix: &[u8],
        end: &[u8],
        made: impl Fn(Vec<u8>, &[u8]) -> Result<T, StateError>,
    ) -> Result<Vec<T>, StateError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(end);
        let mode = IteratorMode::From(prefix, Direction::Forward);
        let found = self.db.iterator_cf_opt(self.family(META)?, options, mode);
        let all = found.map(|item| {
            let (key, value) = item.map_err(failed)?;
            let key = key.get(prefix.len()..).unwrap_or_default();
            made(key.to_vec(), &value)
        });
        all.collect()
    }

    fn add_key(&self, prefix: &[u8], key: &[u8], value: &[u8]) -> Result<(), StateError> {
        let (meta, key) = (self.family(META)?, [prefix, key].concat());
        self.db.put_cf(meta, key, value).map_err(failed)
    }

    fn remove_keys(&self, prefix: &[u8], keys: &[Vec<u8>]) -> Result<(), StateError> {
        let meta = self.family(META)?;
        let mut batch = WriteBatch::default();
        for key in keys {
            batch.delete_cf(meta, [prefix, key].concat());
        }
        self.db.write(batch).map_err(failed)
    }
}

impl StateStore for RocksStore {
    fn catch_up(&self) -> Result<(), StateError> {
        match self.view {
            View::Following | View::Still => self.db.try_catch_up_with_primary().map_err(failed),
            View::Alone => Ok(()),
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError> {
        let found = self
            .db
            .get_pinned_cf(self.family(LEDGER)?, key)
            .map_err(failed)?;
        found.map(|bytes| decode_entry(&bytes)).transpose()
    }

    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError> {
        let ledger = self.family(LEDGER)?;
        let mut batch = WriteBatch::default();
        for LedgerChange { key, entry } in changes {
            match entry {
                None => batch.delete_cf(ledger, key),
                Some(entry) => batch.put_cf(ledger, key, encode_entry(entry)),
            }
        }
        self.db.write(batch).map_err(failed)
    }

    fn sync(&self) -> Result<(), StateError> {
        self.db.flush_wal(true).map_err(failed)
    }

    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError> {
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        if self.view == View::Following {
            self.catch_up()?;
        }
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(range.end.as_slice());
        let mode = IteratorMode::From(&range.start, Direction::Forward);
        let found = self.db.iterator_cf_opt(self.family(LEDGER)?, options, mode);
        let entries = found.take(limit).map(|item| {
            let (key, value) = item.map_err(failed)?;
            Ok((key.into_vec(), decode_entry(&value)?))
        });
        entries.collect()
    }

    fn pair(&self) -> Result<Option<Pair>, StateError> {
        let bytes = self.meta(PAIR_KEY)?;
        bytes
            .map(|bytes| decode_json("pair of etcds", &bytes))
            .transpose()
    }

    fn reset(&self, pair: &Pair) -> Result<(), StateError> {
        let (ledger, meta) = (self.family(LEDGER)?, self.family(META)?);
        let mut batch = WriteBatch::default();
        if let Some(last) = self.last_key()? {
            batch.delete_range_cf(ledger, b"".as_slice(), last.as_slice());
            batch.delete_cf(ledger, last);
        }
        batch.delete_cf(meta, CHECKPOINTS_KEY);
        batch.delete_cf(meta, ENCRYPTION_KEY);
        batch.delete_range_cf(meta, HELD, HELD_END);
        batch.delete_range_cf(meta, KEPT, KEPT_END);
        batch.put_cf(meta, PAIR_KEY, encode_json(pair)?);
        self.db.write_opt(batch, &synced()).map_err(failed)
    }

    fn set_pair(&self, pair: &Pair) -> Result<(), StateError> {
        let meta = self.family(META)?;
        let mut batch = WriteBatch::default();
        batch.delete_cf(meta, ENCRYPTION_KEY);
        batch.put_cf(meta, PAIR_KEY, encode_json(pair)?);
        self.db.write_opt(batch, &synced()).map_err(failed)
    }

    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError> {
        let bytes = self.meta(CHECKPOINTS_KEY)?;
        bytes.map_or(Ok(Vec::new()), |bytes| decode_json("checkpoints", &bytes))
    }

    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        let mut all = self.checkpoints()?;
        add_checkpoint(&mut all, checkpoint);
        self.set_meta(CHECKPOINTS_KEY, &encode_json(&all)?)
    }

    fn encryption(&self) -> Result<Option<String>, StateError> {
        let bytes = self.meta(ENCRYPTION_KEY)?;
        bytes
            .map(|bytes| decode_json("digest of the encryption", &bytes))
            .transpose()
    }

    fn set_encryption(&self, digest: &str) -> Result<(), StateError> {
        self.set_meta(ENCRYPTION_KEY, &encode_json(&digest)?)
    }

    fn held(&self) -> Result<Vec<HeldKey>, StateError> {
        self.keys_in(HELD, HELD_END, decode_held)
    }

    fn hold(&self, held: &HeldKey) -> Result<(), StateError> {
        self.add_key(HELD, &held.key, &encode_held(held)?)
    }

    fn release(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.remove_keys(HELD, keys)
    }

    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError> {
        self.keys_in(KEPT, KEPT_END, |key, _| Ok(key))
    }

    fn keep(&self, key: &[u8]) -> Result<(), StateError> {
        self.add_key(KEPT, key, b"")
    }

    fn unkeep(&self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        self.remove_keys(KEPT, keys)
    }

    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError> {
        self.set_meta(CHECKPOINTS_KEY, &encode_json(&[checkpoint])?)
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_background_jobs(2);
    options.set_max_open_files(64);
    options.set_max_total_wal_size(16 * MIB as u64);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(MIB);
    options.set_log_level(LogLevel::Warn);
    options.set_stats_dump_period_sec(0);
    options
}

fn family_options(cache: &Cache, write_buffer: usize) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Most keys that are asked for are not ours.
    blocks.set_bloom_filter(10.0, false);
    blocks.set_cache_index_and_filter_blocks(true);
    let mut options = Options::default();
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(write_buffer);
    options.set_max_write_buffer_number(2);
    options.set_target_file_size_base(8 * MIB as u64);
    options
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn failed(error: rocksdb::Error) -> StateError {
    StateError::Io(error.to_string())
}

fn refused(path: &Path, reason: impl Into<String>) -> StateError {
    StateError::Open {
        path: shown(path),
        reason: reason.into(),
    }
}

fn make_directory(path: &Path) -> Result<(), StateError> {
    std::fs::create_dir_all(path).map_err(|error| not_made(path, &error))
}

fn not_made(path: &Path, error: &std::io::Error) -> StateError {
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            refused(path, "a file is in the way: give a directory")
        }
        ErrorKind::PermissionDenied => refused(path, "no permission to make the directory"),
        ErrorKind::ReadOnlyFilesystem => refused(path, "the file system is read-only"),
        _ => refused(path, format!("the directory cannot be made: {error}")),
    }
}

/// That a file is where the directory, or one above it, would be. Who may make
/// it is another matter: a dry run need not be the user that the run is.
fn refuse_files(path: &Path) -> Result<(), StateError> {
    for own in path.ancestors() {
        match std::fs::metadata(own) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => return Err(not_made(path, &ErrorKind::NotADirectory.into())),
            // What is below a file is not there, either.
            Err(_) => {}
        }
    }
    Ok(())
}

/// Another program's database is not ours to change.
fn refuse_foreign(path: &Path) -> Result<(), StateError> {
    if !path.join("CURRENT").exists() {
        return Ok(());
    }
    let families = DB::list_cf(&Options::default(), path).map_err(|e| open_error(path, &e))?;
    match families.iter().any(|name| name == LEDGER) {
        true => Ok(()),
        false => Err(refused(
            path,
            "it holds another program's database: give a directory of its own",
        )),
    }
}

fn open_error(path: &Path, error: &rocksdb::Error) -> StateError {
    let text = error.to_string();
    let has = |part: &str| text.contains(part);
    if has("lock hold by current process") || has("While lock file") {
        return match has("Permission denied") {
            true => refused(path, "no permission to write there"),
            false => StateError::InUse { path: shown(path) },
        };
    }
    if has("Permission denied") {
        return refused(path, "no permission to write there");
    }
    if has("Read-only file system") {
        return refused(path, "the file system is read-only");
    }
    if has("Corruption") {
        let advice = "it can be removed, and is rebuilt from the destination";
        return refused(path, format!("it is damaged ({text}); {advice}"));
    }
    refused(path, text)
}
