//! Any bytes as a database of etcd, after a byte that says at which revision:
//! reading ends, and what it promises to be there can be read. Checksums are
//! made good first, so that what is behind them is reached.
#![no_main]

// Compiled in here: as part of the crate it would bring RocksDB with it.
#[allow(dead_code, unused_imports)]
#[path = "../../src/source/backup/mod.rs"]
mod backup;

use backup::Backup;
use libfuzzer_sys::fuzz_target;

const HEADER: usize = 16;
const SUMMED: usize = 56;

fuzz_target!(|bytes: &[u8]| {
    let Some((at, bytes)) = bytes.split_first() else {
        return;
    };
    let at = (*at != 0).then_some(i64::from(*at));
    let mut summed = bytes.to_vec();
    for page in [0, 512, 4096] {
        sum(&mut summed, page);
    }
    for bytes in [bytes, &summed] {
        let Ok(backup) = Backup::open(bytes, at) else {
            continue;
        };
        let mut last: &[u8] = &[];
        for entry in backup.entries() {
            assert!(last < &*entry.key, "keys are in order");
            assert!(entry.mod_revision <= backup.revision());
            assert_eq!(backup.get(&entry.key), Some(entry));
            let value = backup.value(entry).expect("a value");
            assert!(value.len() < bytes.len());
            last = &entry.key;
        }
    }
});

/// Writes what bbolt would as the checksum of the page that begins at `at`.
fn sum(bytes: &mut [u8], at: usize) {
    let Some(meta) = bytes.get_mut(at + HEADER..at + HEADER + SUMMED + 8) else {
        return;
    };
    let (summed, checksum) = meta.split_at_mut(SUMMED);
    let sum = summed.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    checksum.copy_from_slice(&sum.to_le_bytes());
}
