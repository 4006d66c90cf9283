//! The spool as a whole: order and bounds over memory and disk.
//!
//! Promises to look through the files of the process as well. Deliberately
//! without an engine: that is tested with one.

use std::path::Path;

use super::*;
use crate::etcd::SourceRevision;

fn event(revision: i64, size: usize) -> WatchEvent {
    WatchEvent::Changes(vec![Change {
        key: b"/a".to_vec(),
        value: Some(vec![b'x'; size]),
        revision: SourceRevision(revision),
        lease: 0,
    }])
}

fn revision(entry: Entry) -> i64 {
    match entry.expect("an event") {
        WatchEvent::Changes(changes) => changes[0].revision.0,
        WatchEvent::Progress(revision) => revision.0,
    }
}

fn spool(memory: usize, disk: u64, directory: &Path) -> Spool {
    let limits = Limits {
        memory,
        disk,
        directory: Some(directory.to_owned()),
    };
    Spool::new(limits, Metrics::default())
}

fn in_memory(memory: usize) -> Spool {
    let limits = Limits {
        memory,
        ..Limits::default()
    };
    Spool::new(limits, Metrics::default())
}

fn on_disk(spool: &Spool) -> u64 {
    spool.lock().on_disk
}

/// What is there now, in order.
fn drain(spool: &Spool) -> Vec<i64> {
    std::iter::from_fn(|| spool.take()).map(revision).collect()
}

#[test]
fn order_holds_from_memory_over_disk_to_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = spool(100_000, 1 << 30, &dir.path().join("spool"));
    let (mut put, mut taken) = (0, Vec::new());
    for round in 0..60 {
        for _ in 0..(round % 7) * 40 {
            put += 1;
            spool.push(Ok(event(put, 2_000)));
            if put % 5 == 0 {
                put += 1;
                spool.push(Ok(WatchEvent::Progress(SourceRevision(put))));
            }
            assert!(spool.has_room());
        }
        for _ in 0..(round % 5) * 50 {
            taken.extend(spool.take().map(revision));
        }
        // One block more than the limit may have come from the disk.
        assert!(spool.lock().bytes < 100_000 + (300 << 10) + 3_000);
    }
    assert!(on_disk(&spool) > 0, "too little for the disk");
    taken.extend(drain(&spool));
    assert_eq!(on_disk(&spool), 0);
    assert_eq!(taken, (1..=put).collect::<Vec<_>>());
    spool.push(Ok(event(put + 1, 10)));
    assert_eq!((on_disk(&spool), drain(&spool)), (0, vec![put + 1]));
}

#[test]
fn the_end_comes_behind_what_is_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = spool(1_000, 1 << 30, &dir.path().join("spool"));
    for n in 1..10 {
        spool.push(Ok(event(n, 900)));
    }
    assert!(on_disk(&spool) > 0);
    spool.push(Err(EtcdError::NoLeader.into()));
    for n in 1..10 {
        assert_eq!(spool.take().map(revision), Some(n));
    }
    let end = spool.take().expect("the end").expect_err("the end");
    assert!(matches!(end, WatchError::Etcd(EtcdError::NoLeader)));
    assert!(spool.take().is_none());
}

#[tokio::test]
async fn it_is_full_when_memory_and_disk_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = spool(1 << 20, 3 << 20, &dir.path().join("spool"));
    let mut put = 0;
    while spool.has_room() {
        put += 1;
        spool.push(Ok(event(put, 100_000)));
    }
    assert!((40..44).contains(&put), "{put} in 4 MiB");
    let mut taken = 0;
    while !spool.is_relaxed() {
        taken += 1;
        assert_eq!(spool.take().map(revision), Some(taken));
    }
    assert!((8..15).contains(&taken), "a quarter is {taken}");
    spool.room().await;
    assert!(spool.has_room());
    assert_eq!(drain(&spool), (taken + 1..=put).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_disk_it_is_memory_alone() {
    let spool = in_memory(10_000);
    for n in 1..=5 {
        assert!(spool.has_room());
        spool.push(Ok(event(n, 2_000)));
    }
    assert!(!spool.has_room() && on_disk(&spool) == 0);
    // One event more has a place all the same.
    spool.push(Ok(event(6, 2_000)));
    assert_eq!(drain(&spool), [1, 2, 3, 4, 5, 6]);
    spool.room().await;
}

#[tokio::test]
async fn a_disk_that_fails_is_no_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("spool");
    let spool = spool(1_000_000, 1 << 30, &path);
    std::fs::write(&path, "in the way").expect("file");
    let mut put = 0;
    while spool.has_room() {
        put += 1;
        spool.push(Ok(event(put, 10_000)));
    }
    assert!(spool.lock().broken && put < 140, "{put}");
    // Whoever has read one more may still put it in.
    put += 1;
    spool.push(Ok(event(put, 10_000)));
    std::fs::remove_file(&path).expect("remove");
    assert_eq!(drain(&spool), (1..=put).collect::<Vec<_>>());
    spool.room().await;
    assert!(!spool.lock().broken);
    for n in 1..=500 {
        assert!(spool.has_room());
        spool.push(Ok(event(n, 10_000)));
    }
    assert!(on_disk(&spool) > 3_000_000);
    assert_eq!(drain(&spool), (1..=500).collect::<Vec<_>>());
}

#[test]
fn files_left_by_another_process_are_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("spool");
    std::fs::create_dir(&path).expect("directory");
    std::fs::write(path.join("1"), "").expect("file");
    let spool = spool(1_000, 1 << 30, &path);
    assert!(!path.exists());
    for n in 1..1_000 {
        spool.push(Ok(event(n, 900)));
    }
    assert_eq!(std::fs::read_dir(&path).expect("directory").count(), 0);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&path).expect("directory").permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(drain(&spool).len(), 999);
    drop(spool);
    assert!(!path.exists());
}

#[test]
fn what_waits_is_shown_in_the_metrics() {
    let dir = tempfile::tempdir().expect("a directory");
    let metrics = Metrics::default();
    let limits = Limits {
        memory: 1_000,
        disk: 1 << 30,
        directory: Some(dir.path().join("spool")),
    };
    let spool = Spool::new(limits, metrics.clone());
    let shows = |line: &str| metrics.encode().lines().any(|shown| shown == line);
    for n in 1..=3 {
        spool.push(Ok(event(n, 1_000)));
    }
    assert!(
        shows("carry_spool_bytes{store=\"memory\"} 1098"),
        "{}",
        metrics.encode()
    );
    assert!(!shows("carry_spool_bytes{store=\"disk\"} 0"));
    drain(&spool);
    assert!(shows("carry_spool_bytes{store=\"memory\"} 0"));
    assert!(shows("carry_spool_bytes{store=\"disk\"} 0"));
}
