//! Local state: one suite for the store on disk and the one in memory, and
//! what only the disk can do.

use std::collections::BTreeMap;

use carry::etcd::SourceRevision;
use carry::rules::decide::KeyRange;
use carry::rules::policy::Policy;
use carry::state::{
    Checkpoint, HeldKey, LedgerChange, LedgerEntry, MemoryStore, Pair, RocksStore, StateError,
    StateStore,
};
use proptest::prelude::*;

use super::harness::temp_dir;

fn entry(revision: i64, rule: &str) -> LedgerEntry {
    LedgerEntry::new(SourceRevision(revision), rule)
}

fn put(key: &str, revision: i64) -> LedgerChange {
    LedgerChange {
        key: key.into(),
        entry: Some(entry(revision, "secondary[0]")),
    }
}

fn forget(key: &str) -> LedgerChange {
    LedgerChange {
        key: key.into(),
        entry: None,
    }
}

fn pair(name: &str) -> Pair {
    Pair {
        name: name.to_owned(),
        source_cluster_id: "a".to_owned(),
        destination_cluster_id: "b".to_owned(),
    }
}

fn checkpoint(revision: i64) -> Checkpoint {
    Checkpoint {
        source_cluster_id: "a".to_owned(),
        revision,
        rules_digest: "0123456789abcdef".to_owned(),
        bootstrapped: true,
        prefixes: None,
        ledger: None,
        reverted: false,
    }
}

fn everything() -> KeyRange {
    KeyRange {
        start: Vec::new(),
        end: vec![0xff; 16],
    }
}

fn keys(store: &impl StateStore, range: &KeyRange, limit: usize) -> Vec<String> {
    let found = store.scan(range, limit).expect("scan");
    found
        .into_iter()
        .map(|(key, _)| String::from_utf8(key).expect("key"))
        .collect()
}

/// What every store has to do.
fn suite(store: &impl StateStore) {
    assert_eq!(store.pair().expect("pair"), None);
    assert_eq!(store.checkpoints().expect("checkpoints"), []);
    store.reset(&pair("one")).expect("reset");
    store
        .apply(&[put("/a/1", 5), put("/a/2", 6), put("/b/1", 7)])
        .expect("apply");
    store
        .apply(&[put("/a/2", 8), forget("/b/1"), forget("/never")])
        .expect("apply");
    assert_eq!(
        store.get(b"/a/2").expect("get"),
        Some(entry(8, "secondary[0]"))
    );
    assert_eq!(store.get(b"/b/1").expect("get"), None);
    assert_eq!(keys(store, &everything(), 10), ["/a/1", "/a/2"]);
    assert_eq!(keys(store, &everything(), 1), ["/a/1"]);
    assert_eq!(keys(store, &KeyRange::prefix("/a/2"), 10), ["/a/2"]);
    let after = KeyRange {
        start: b"/a/1\0".to_vec(),
        end: b"/a0".to_vec(),
    };
    assert_eq!(keys(store, &after, 10), ["/a/2"]);
    let nothing = KeyRange {
        start: b"/b".to_vec(),
        end: b"/a".to_vec(),
    };
    assert_eq!(keys(store, &nothing, 10), [""; 0]);
    // The later of two changes of one key in a batch holds.
    store
        .apply(&[put("/c", 1), forget("/c"), put("/c", 2)])
        .expect("apply");
    assert_eq!(
        store.get(b"/c").expect("get"),
        Some(entry(2, "secondary[0]"))
    );
    store.set_checkpoint(&checkpoint(8)).expect("checkpoint");
    store.add_checkpoint(&checkpoint(9)).expect("checkpoint");
    store.add_checkpoint(&checkpoint(10)).expect("checkpoint");
    let sent = [checkpoint(8), checkpoint(9), checkpoint(10)];
    assert_eq!(store.checkpoints().expect("checkpoints"), sent);
    store.set_checkpoint(&checkpoint(10)).expect("checkpoint");
    assert_eq!(store.checkpoints().expect("checkpoints"), [checkpoint(10)]);
    assert_eq!(store.pair().expect("pair"), Some(pair("one")));
    assert_eq!(store.encryption().expect("digest"), None);
    store.set_encryption("0123").expect("digest");
    assert_eq!(store.encryption().expect("digest").as_deref(), Some("0123"));
    assert_eq!(store.held().expect("held"), []);
    let held = |key: &str, reason: &str, left_out| HeldKey {
        key: key.into(),
        reason: Some(reason.to_owned()),
        left_out,
    };
    let one = held("/a/\u{ff}", "its owner is \"gone\"", Some(Policy::Owners));
    for held in [
        &held("/b", "first", Some(Policy::SystemObjects)),
        &one,
        &held("/b", "then", None),
    ] {
        store.hold(held).expect("hold");
    }
    // Of an older carry.
    let unsaid = HeldKey {
        reason: None,
        ..held("/c", "", None)
    };
    store.hold(&unsaid).expect("hold");
    let all = [one.clone(), held("/b", "then", None), unsaid];
    assert_eq!(store.held().expect("held"), all);
    let judged = [b"/never".to_vec(), b"/b".to_vec(), b"/c".to_vec()];
    store.release(&judged).expect("release");
    assert_eq!(store.held().expect("held"), [one]);
    assert_eq!(store.checkpoints().expect("checkpoints"), [checkpoint(10)]);
    store.reset(&pair("two")).expect("reset");
    assert_eq!(keys(store, &everything(), 10), [""; 0]);
    assert_eq!(store.checkpoints().expect("checkpoints"), []);
    assert_eq!(store.held().expect("held"), []);
    assert_eq!(store.encryption().expect("digest"), None);
    assert_eq!(store.pair().expect("pair"), Some(pair("two")));
}

#[test]
fn both_stores_pass_the_suite() {
    suite(&MemoryStore::default());
    let dir = temp_dir();
    suite(&RocksStore::open(&dir.path().join("missing/ledger")).expect("open"));
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<(Vec<u8>, Option<i64>)>),
    Scan(Vec<u8>, Vec<u8>, usize),
    Reset,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![Just(b'a'), Just(b'/'), Just(0), Just(0xff)],
        0..5,
    )
}

fn step() -> impl Strategy<Value = Step> {
    let change = (key(), prop::option::weighted(0.7, 0..1000i64));
    prop_oneof![
        8 => prop::collection::vec(change, 0..6).prop_map(Step::Apply),
        4 => (key(), key(), 0..8usize).prop_map(|(a, b, limit)| Step::Scan(a, b, limit)),
        1 => Just(Step::Reset),
    ]
}

fn ledger(store: &impl StateStore) -> BTreeMap<Vec<u8>, LedgerEntry> {
    store
        .scan(&everything(), usize::MAX)
        .expect("scan")
        .into_iter()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_memory_agree(steps in prop::collection::vec(step(), 1..40)) {
        let dir = temp_dir();
        let (disk, memory) = (RocksStore::open(dir.path()).expect("open"), MemoryStore::default());
        for step in steps {
            match step {
                Step::Apply(changes) => {
                    let change = |(key, revision): (Vec<u8>, Option<i64>)| LedgerChange {
                        key,
                        entry: revision.map(|revision| entry(revision, "r")),
                    };
                    let changes: Vec<_> = changes.into_iter().map(change).collect();
                    disk.apply(&changes).expect("apply");
                    memory.apply(&changes).expect("apply");
                }
                Step::Scan(start, end, limit) => {
                    let range = KeyRange { start, end };
                    let scan = disk.scan(&range, limit).expect("scan");
                    prop_assert_eq!(scan, memory.scan(&range, limit).expect("scan"));
                }
                Step::Reset => {
                    disk.reset(&pair("p")).expect("reset");
                    memory.reset(&pair("p")).expect("reset");
                }
            }
            prop_assert_eq!(ledger(&disk), ledger(&memory));
        }
        drop(disk);
        let again = RocksStore::open(dir.path()).expect("open again");
        prop_assert_eq!(ledger(&again), ledger(&memory));
    }
}

fn open_error(path: &std::path::Path) -> String {
    match RocksStore::open(path) {
        Ok(_) => panic!("`{}` opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_cannot_be_opened_is_explained() {
    let dir = temp_dir();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").expect("write");
    for path in [file.clone(), file.join("below")] {
        assert!(
            open_error(&path).contains("a file is in the way"),
            "{}",
            open_error(&path)
        );
    }
    let used = dir.path().join("used");
    let store = RocksStore::open(&used).expect("open");
    assert!(matches!(
        RocksStore::open(&used),
        Err(StateError::InUse { .. })
    ));
    assert!(
        open_error(&used).contains("in use"),
        "{}",
        open_error(&used)
    );
    drop(store);
    RocksStore::open(&used).expect("open again");
    assert!(open_error(std::path::Path::new("/proc/carry")).contains("/proc/carry"));
}

#[test]
fn a_newer_format_and_another_programs_database_are_refused() {
    let dir = temp_dir();
    let newer = dir.path().join("newer");
    drop(RocksStore::open(&newer).expect("open"));
    let options = rocksdb::Options::default();
    let db = rocksdb::DB::open_cf(&options, &newer, ["ledger", "meta"]).expect("open");
    let meta = db.cf_handle("meta").expect("meta");
    db.put_cf(meta, b"format", 2u32.to_be_bytes()).expect("put");
    drop(db);
    assert!(
        open_error(&newer).contains("has format 2"),
        "{}",
        open_error(&newer)
    );
    let foreign = dir.path().join("foreign");
    drop(rocksdb::DB::open_default(&foreign).expect("open"));
    assert!(
        open_error(&foreign).contains("another program's"),
        "{}",
        open_error(&foreign)
    );
}

/// Child process of the test below: writes until it is killed.
#[test]
fn writes_until_killed() {
    let Some(path) = std::env::var_os("CARRY_TEST_WRITE_UNTIL_KILLED") else {
        return;
    };
    let store = RocksStore::open(path.as_ref()).expect("open");
    for n in 0.. {
        store
            .apply(&[put("/count", n), put(&format!("/key/{n}"), n)])
            .expect("apply");
        std::fs::write(std::path::Path::new(&path).join("said"), n.to_string()).expect("say");
    }
}

#[test]
fn a_killed_process_loses_nothing() {
    let dir = temp_dir();
    let me = std::env::current_exe().expect("this binary");
    let env = (
        "CARRY_TEST_WRITE_UNTIL_KILLED".to_owned(),
        dir.path().display().to_string(),
    );
    let args = ["--exact", "mirror::state::writes_until_killed"];
    let mut writer = super::harness::Process::start(&me, &args, &[env]);
    let said = || {
        let text = std::fs::read_to_string(dir.path().join("said")).unwrap_or_default();
        text.parse::<i64>().unwrap_or(0)
    };
    super::harness::wait_until("200 writes", || said() >= 200);
    writer.kill();
    let store = RocksStore::open(dir.path()).expect("open");
    let count = store
        .get(b"/count")
        .expect("get")
        .expect("count")
        .revision
        .0;
    assert!(count >= said(), "{count} < {}", said());
    let keys = store
        .scan(&KeyRange::prefix("/key/"), usize::MAX)
        .expect("scan");
    assert_eq!(keys.len() as i64, count + 1);
}

/// Who reads beside another process sees what was there, until it asks again.
#[test]
fn what_is_read_beside_stays_as_it_was() {
    let (dir, logs) = (temp_dir(), temp_dir());
    let path = dir.path().join("db");
    let open = || RocksStore::open_still(&path, logs.path()).expect("open");
    assert!(open().is_none());
    assert!(!path.exists(), "nothing is made");
    let writer = RocksStore::open(&path).expect("open");
    writer.reset(&pair("one")).expect("reset");
    writer.apply(&[put("/a", 1)]).expect("apply");
    let still = open().expect("a ledger");
    let seen = |store: &RocksStore| keys(store, &everything(), 10);
    writer.apply(&[put("/b", 2), forget("/a")]).expect("apply");
    writer.add_checkpoint(&checkpoint(2)).expect("checkpoint");
    assert_eq!(seen(&still), ["/a"]);
    assert_eq!(still.get(b"/b").expect("get"), None);
    assert_eq!(still.checkpoints().expect("checkpoints"), []);
    still.catch_up().expect("catch up");
    assert_eq!(seen(&still), ["/b"]);
    assert_eq!(still.checkpoints().expect("checkpoints"), [checkpoint(2)]);
    assert!(
        still.apply(&[put("/c", 3)]).is_err(),
        "it cannot be written to"
    );
    assert_eq!(seen(&writer), ["/b"]);
    writer.apply(&[put("/d", 4)]).expect("the writer goes on");
}

/// What a run could not open is refused before it would be made.
#[test]
fn what_could_not_be_made_is_refused_alike() {
    let (dir, logs) = (temp_dir(), temp_dir());
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").expect("write");
    let foreign = dir.path().join("foreign");
    drop(rocksdb::DB::open_default(&foreign).expect("open"));
    for path in [file.clone(), file.join("below"), foreign] {
        let still = RocksStore::open_still(&path, logs.path()).map(drop);
        let still = still.expect_err("it must not open").to_string();
        assert_eq!(still, open_error(&path));
    }
    let below = dir.path().join("a/b");
    let still = RocksStore::open_still(&below, logs.path());
    assert!(still.expect("it could be made").is_none());
    assert!(!dir.path().join("a").exists());
}
