//! Snapshot files: those of real etcds against what those etcds list, and
//! damaged ones, of which none may be believed or do harm.

use std::path::Path;
use std::process::Command;

use carry::source::backup::{Backup, BackupError, OnDisk};
use etcd_client::{Compare, CompareOp, GetOptions, Txn, TxnOp};
use proptest::prelude::*;

use crate::mirror::bolt::Database;
use crate::mirror::harness::{self, Etcd, Options, versions};
use crate::shared;

/// What etcd says of a key, in the order of a backup's entry.
type Listed = (Vec<u8>, i64, i64, i64, i64, Vec<u8>);

fn read(path: &Path, at: Option<i64>) -> Result<(Vec<Listed>, i64), BackupError> {
    let backup = Backup::open(OnDisk::open(path)?, at)?;
    Ok((listed(&backup), backup.revision()))
}

fn listed<M: carry::source::backup::Medium>(backup: &Backup<M>) -> Vec<Listed> {
    let entries = backup.entries().iter();
    entries
        .map(|own| {
            let value = backup.value(own).expect("a value");
            (
                own.key.to_vec(),
                own.create_revision,
                own.mod_revision,
                own.version,
                own.lease,
                value,
            )
        })
        .collect()
}

async fn list(etcd: &Etcd, at: i64) -> Vec<Listed> {
    let kv = etcd.client().await.kv_client();
    let mut kv = kv.max_decoding_message_size(usize::MAX);
    let options = GetOptions::new().with_all_keys().with_revision(at);
    let answer = kv.get("", Some(options)).await.expect("list");
    let kvs = answer.kvs().iter();
    kvs.map(|kv| {
        (
            kv.key().to_vec(),
            kv.create_revision(),
            kv.mod_revision(),
            kv.version(),
            kv.lease(),
            kv.value().to_vec(),
        )
    })
    .collect()
}

fn save(etcd: &Etcd, to: &Path) {
    // That of 3.4 asks any server.
    let beside = etcd.version().etcdctl();
    let etcdctl = beside.or_else(|| harness::Version::V3_4.etcdctl());
    let etcdctl = etcdctl.expect("an etcdctl");
    let saved = Command::new(etcdctl)
        .env("ETCDCTL_API", "3")
        .arg(format!("--endpoints={}", etcd.url()))
        .args(["snapshot", "save"])
        .arg(to)
        .output()
        .expect("etcdctl");
    let said = String::from_utf8_lossy(&saved.stderr);
    assert!(saved.status.success(), "etcdctl snapshot save: {said}");
}

/// Overwrites, deletes, keys that come back, several keys of one revision,
/// leases, values of many pages, and enough keys for branches of branches.
async fn fill(etcd: &Etcd) {
    let mut kv = etcd.client().await.kv_client();
    for page in 0..60 {
        let puts = (0..100).map(|number| {
            let key = format!("/registry/configmaps/team-{page}/settings-{number:04}");
            TxnOp::put(key, vec![page as u8; number * 7], None)
        });
        let never = Compare::version("/no/such/key", CompareOp::Equal, 0);
        let txn = Txn::new().when([never]).and_then(puts.collect::<Vec<_>>());
        kv.txn(txn).await.expect("a transaction");
    }
    for round in 0..5u8 {
        for number in 0..20 {
            etcd.put(format!("/overwritten/{number}"), vec![round; 50])
                .await;
        }
    }
    for number in 0..10 {
        let key = format!("/overwritten/{number}");
        kv.delete(key.as_str(), None).await.expect("delete");
    }
    for number in 0..5 {
        etcd.put(format!("/overwritten/{number}"), "back again")
            .await;
    }
    for size in [4_000, 4_096, 70_000, 1_000_000] {
        etcd.put(format!("/large/{size}"), vec![b'x'; size]).await;
    }
    etcd.put("/empty", "").await;
    etcd.put(vec![0xff, 0, 0x80], "no text at all").await;
    etcd.put_leased("/leased", "for a while", 600).await;
}

#[tokio::test]
async fn a_snapshot_holds_what_etcd_lists() {
    for version in versions("snapshot files") {
        let etcd = Etcd::start(version, Options::new().arg("--max-txn-ops=200"));
        let folder = harness::temp_dir();
        let path = folder.path().join("etcd.db");
        let empty = etcd.put("/first", "1").await;
        save(&etcd, &path);
        let (found, revision) = read(&path, None).expect("a snapshot of one key");
        assert_eq!((found.len(), revision), (1, empty), "{version:?}");

        fill(&etcd).await;
        let newest = etcd.put("/last", "1").await;
        save(&etcd, &path);
        for at in [newest, newest - 1, newest - 8, newest - 20, newest - 60, 2] {
            let (found, revision) = read(&path, Some(at)).expect("a snapshot");
            assert_eq!(revision, at);
            assert!(found == list(&etcd, at).await, "{version:?} at {at}");
        }
        assert_eq!(read(&path, None).expect("a snapshot").1, newest);
        let future = read(&path, Some(newest + 1)).map(drop);
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                future.expect_err("the future").to_string().replace(&newest.to_string(), "N").replace(&(newest + 1).to_string(), "N+1"),
                @"revision N+1 is not in it: it ends at revision N"
            );
        }

        let mut client = etcd.client().await;
        let compacted = newest - 20;
        client.compact(compacted, None).await.expect("compact");
        // Of a key that is gone since, and of one that was made anew.
        client.delete("/empty", None).await.expect("delete");
        save(&etcd, &path);
        for at in [newest + 1, newest, compacted] {
            let (found, _) = read(&path, Some(at)).expect("a compacted snapshot");
            assert!(
                found == list(&etcd, at).await,
                "{version:?} compacted, at {at}"
            );
        }
        let gone = read(&path, Some(compacted - 1)).map(drop);
        assert!(
            matches!(gone, Err(BackupError::Compacted { oldest, .. }) if oldest == compacted),
            "{gone:?}"
        );
    }
}

/// What etcd keeps on its disk is the same without the digest.
#[tokio::test]
async fn a_data_directory_is_read_too() {
    for version in versions("data directories") {
        let mut etcd = Etcd::plain(version);
        for number in 0..500 {
            etcd.put(format!("/keys/{number}"), "value").await;
        }
        let newest = etcd.put("/keys/0", "again").await;
        let wanted = list(&etcd, newest).await;
        etcd.stop();
        let (found, revision) = read(&etcd.database(), None).expect("a database");
        assert_eq!(revision, newest, "{version:?}");
        assert!(found == wanted, "{version:?}");
    }
}

/// The shared snapshot: what is in it is what a kube-apiserver has stored.
#[test]
fn the_shared_snapshot() {
    let Some(folder) = shared::folder("the shared snapshot") else {
        return;
    };
    let path = folder.join("kube/snapshot/etcd-3.6.snapshot.db");
    let (found, revision) = read(&path, None).expect("the shared snapshot");
    assert!(found.len() > 50, "{} keys", found.len());
    assert!(found.iter().all(|own| own.2 <= revision && own.1 <= own.2));
    assert_eq!(found.iter().map(|own| own.2).max(), Some(revision));
    let keys: Vec<_> = found
        .iter()
        .map(|own| String::from_utf8_lossy(&own.0))
        .collect();
    assert!(
        keys.iter().any(|key| key == "/registry/namespaces/default"),
        "{keys:?}"
    );
    for own in found
        .iter()
        .filter(|own| own.0.starts_with(b"/registry/namespaces/"))
    {
        let record = carry::k8s::Record::parse(&own.5).expect("a Namespace");
        assert_eq!(record.kind(), "Namespace");
    }
}

/// What etcd's own tool says of a file that was made by hand, so that what is
/// tested with such is not of our own invention.
#[test]
fn etcd_reads_what_is_made_by_hand() {
    let Some(etcdctl) = harness::Version::V3_4.etcdctl() else {
        println!("files made by hand: not compared, there is no etcdctl");
        return;
    };
    let folder = harness::temp_dir();
    let path = folder.path().join("etcd.db");
    let mut large = Database::default();
    for number in 0..3_000 {
        large.put(format!("/keys/{number}"), [7; 600]);
    }
    for (database, keys, revision) in [(history(), 162, 163), (large, 3_000, 3_001)] {
        database.save(&path);
        let told = Command::new(&etcdctl)
            .env("ETCDCTL_API", "3")
            .args(["snapshot", "status", "--write-out=json"])
            .arg(&path)
            .output()
            .expect("etcdctl");
        assert!(told.status.success(), "{told:?}");
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
        assert_eq!(told["revision"], revision, "{told}");
        // Every change and every record of another bucket counts.
        assert!(told["totalKey"].as_u64() >= Some(keys), "{told}");
        let (found, own) = read(&path, None).expect("a snapshot");
        assert_eq!(own, revision);
        assert!(!found.is_empty());
    }
}

fn history() -> Database {
    let mut database = Database::new(512);
    for round in 0..4 {
        for number in 0..40 {
            let value = vec![round as u8; number * 13];
            database.put(format!("/keys/{number:03}"), value);
        }
    }
    database.delete("/keys/007");
    database.put_leased("/leased", "value", 0x7070);
    database
}

#[test]
fn one_made_by_hand_is_read_at_every_revision() {
    let mut database = history();
    let check = |database: &Database, from: i64| {
        let (whole, bare) = (database.snapshot(), database.database());
        let newest = Backup::open(whole.as_slice(), None).expect("a snapshot");
        assert_eq!(newest.revision(), 163);
        assert!(newest.get(b"/keys/007").is_none());
        let leased = newest.get(b"/leased").expect("leased");
        assert_eq!((leased.lease, leased.create_revision), (0x7070, 163));
        assert_eq!(newest.range(b"/keys/01", b"/keys/02").len(), 10);
        for at in from..=163 {
            let one = Backup::open(whole.as_slice(), Some(at)).expect("a snapshot");
            let other = Backup::open(bare.as_slice(), Some(at)).expect("a database");
            assert_eq!(listed(&one), listed(&other));
            let last = one.entries().iter().map(|own| own.mod_revision).max();
            assert_eq!(last, Some(if at == 162 { 161 } else { at }));
        }
        Backup::open(whole.as_slice(), Some(from - 1)).map(drop)
    };
    // Before the first put there was nothing, and that is no error.
    assert!(check(&database, 2).is_ok());
    database.begin_to_compact(100);
    assert!(matches!(
        check(&database, 100),
        Err(BackupError::Compacted {
            asked: 99,
            oldest: 100,
            newest: 163
        })
    ));
    database.compact(100);
    assert!(check(&database, 100).is_err());
}

#[test]
fn what_is_wrong_is_said() {
    let database = history();
    let whole = database.snapshot();
    let said = |bytes: &[u8]| match Backup::open(bytes, None) {
        Ok(_) => "read".to_owned(),
        Err(error) => error.to_string(),
    };
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        said(&bytes)
    };
    let mut without_meta = database.database();
    without_meta[16] ^= 1;
    let one_meta = said(&without_meta);
    without_meta[512 + 20] ^= 1;
    let mut without_keys = database.database();
    let at = without_keys.windows(3).rposition(|part| part == b"key");
    without_keys[at.expect("the bucket `key`")] = b'j';
    let all = [
        ("nothing", said(&[])),
        ("a text", said(&b"apiVersion: v1\n".repeat(100))),
        ("cut off", said(&whole[..whole.len() / 2])),
        ("cut off by a byte", said(&whole[..whole.len() - 1])),
        ("without its last page", said(&whole[..whole.len() - 544])),
        (
            "with a byte more",
            said(&[whole.as_slice(), b"\n"].concat()),
        ),
        ("a changed byte", changed(whole.len() / 2)),
        ("a changed digest", changed(whole.len() - 1)),
        ("one meta page", one_meta),
        ("no meta page", said(&without_meta)),
        ("no bucket", said(&without_keys)),
    ];
    let text: Vec<String> = all
        .iter()
        .map(|(what, said)| format!("{what}: {said}"))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Without a digest to protect it: any bytes of the file may be others. What
    /// is read then is right or refused; what matters is that it ends, and that
    /// no value is promised that is not there.
    #[test]
    fn damaged_files_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        words in prop::collection::vec((any::<prop::sample::Index>(), 0u32..70_000), 0..4),
        keep in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.1),
        at in prop::option::of(0i64..200),
    ) {
        let mut bytes = small().clone();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        // Counts, lengths and page numbers are what leads astray.
        for (place, value) in words {
            let place = place.index(bytes.len() / 4) * 4;
            bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        if let Ok(backup) = Backup::open(bytes.as_slice(), at) {
            listed(&backup);
        }
    }
}

fn small() -> &'static Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| history().database())
}
