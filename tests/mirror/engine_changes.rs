//! The engine when something about it changes: the rules, the source, who
//! leads, what is remembered.

use std::sync::Arc;

use carry::etcd::SourceRevision;
use carry::mirror::{MirrorError, Mode};
use carry::source::ScriptedSource;
use carry::state::{MemoryStore, StateStore as _};

use super::engine::{Running, Theatre, sample};
use super::harness::eventually;

fn names(stage: &Theatre, prefix: &[u8]) -> Vec<String> {
    let contents = stage.destination.contents(prefix);
    let name = |key: Vec<u8>| String::from_utf8_lossy(&key).into_owned();
    contents.into_keys().map(name).collect()
}

fn is_retired(stage: &Theatre, key: &str) -> bool {
    let entry = stage.store.get(key.as_bytes()).expect("memory");
    entry.is_some_and(|entry| entry.retired)
}

/// Gives the running mirror the rules with this digest.
fn change_rules(stage: &mut Theatre, running: &Running, digest: &str) {
    stage.digest = digest.to_owned();
    running.rules.send_replace(Arc::new(stage.script()));
}

async fn under_rules(stage: &Theatre, digest: &str) {
    eventually("a checkpoint under the new rules", || async {
        let checkpoints = stage.store.checkpoints().expect("memory");
        let digests = |own: &carry::state::Checkpoint| own.rules_digest == digest;
        checkpoints.len() == 1 && checkpoints.iter().all(digests)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rules_keep_what_they_no_longer_select() {
    for digest in ["narrow", "without"] {
        let mut stage = Theatre::new();
        sample(&stage);
        let running = stage.run();
        stage.mirrored().await;
        change_rules(&mut stage, &running, digest);
        under_rules(&stage, digest).await;
        assert_eq!(names(&stage, b"/r/plain/"), ["/r/plain/a"], "{digest}");
        assert!(is_retired(&stage, "/r/plain/a"));
        // Nothing follows it any more.
        stage.put("plain/a", "newer");
        stage.put("first/a", "newer");
        stage.checkpointed().await;
        let there = stage.destination.contents(b"/r/plain/a");
        assert_eq!(there.into_values().next().expect("kept"), b"1");
        // Back under the old rules it is ours as before.
        change_rules(&mut stage, &running, "rules");
        under_rules(&stage, "rules").await;
        stage.mirrored().await;
        assert!(!is_retired(&stage, "/r/plain/a"));
        running.stop().await;
        let writes = stage.writes();
        let once = |write: &str| writes.iter().filter(|own| *own == write).count();
        assert_eq!(once("namespaces/one=pick on"), 1, "{writes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retired_is_pruned_when_asked_for() {
    for digest in ["narrow", "without"] {
        let mut stage = Theatre::new();
        sample(&stage);
        stage.destination.put(b"/r/plain/theirs", b"x");
        let running = stage.run();
        eventually("the first copy", || async {
            stage.destination.contents(b"/r/").len() == stage.wanted().len() + 1
        })
        .await;
        change_rules(&mut stage, &running, digest);
        under_rules(&stage, digest).await;
        running.stop().await;
        assert!(is_retired(&stage, "/r/plain/a"));
        let mut options = stage.options();
        (options.prune, options.once) = (true, true);
        let ended = stage.run_with(options).task.await.expect("no panic");
        ended.expect("a clean end");
        assert_eq!(names(&stage, b"/r/plain/"), ["/r/plain/theirs"]);
        assert_eq!(stage.store.get(b"/r/plain/a").expect("memory"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_prune_changed_rules_delete() {
    for digest in ["narrow", "without"] {
        let mut stage = Theatre::new();
        sample(&stage);
        let mut options = stage.options();
        options.prune = true;
        let running = stage.run_with(options);
        stage.mirrored().await;
        change_rules(&mut stage, &running, digest);
        under_rules(&stage, digest).await;
        assert_eq!(names(&stage, b"/r/plain/"), [""; 0], "{digest}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rules_are_backfilled() {
    let mut stage = Theatre::new();
    stage.digest = "without".to_owned();
    sample(&stage);
    let running = stage.run();
    stage.checkpointed().await;
    assert_eq!(names(&stage, b"/r/plain/"), [""; 0]);
    change_rules(&mut stage, &running, "rules");
    stage.mirrored().await;
    stage.put("plain/c", "followed");
    stage.mirrored().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resync_mends_what_others_did_and_writes_nothing_else() {
    let stage = Theatre::new();
    sample(&stage);
    stage.once().await;
    stage.destination.put(b"/r/plain/a", b"changed by another");
    let mut options = stage.options();
    (options.resync, options.once) = (true, true);
    let ended = stage.run_with(options).task.await.expect("no panic");
    let summary = ended.expect("a clean end");
    assert!(stage.is_mirrored());
    assert_eq!((summary.puts, summary.deletes), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_is_taken_with_resync_alone() {
    let stage = Theatre::new();
    sample(&stage);
    stage.put("plain/gone", "only at the old source");
    for number in 0..20 {
        stage.put("plain/a", &format!("{number}"));
    }
    stage.put("plain/a", "1");
    stage.once().await;
    // Set back: the same keys at older revisions, one of them changed, one
    // missing.
    let stage = Theatre {
        source: ScriptedSource::new(0xa),
        ..stage
    };
    sample(&stage);
    stage.put("first/a", "another value");
    let refused = stage.run().task.await.expect("no panic");
    let message = refused.expect_err("it stops").to_string();
    assert!(message.contains("`--resync`"), "{message}");
    let mut options = stage.options();
    options.resync = true;
    let running = stage.run_with(options);
    stage.mirrored().await;
    // Revisions are counted anew.
    stage.put("plain/a", "after it");
    stage.mirrored().await;
    running.stop().await;
    assert_eq!(names(&stage, b"/r/plain/"), ["/r/plain/a"]);
    // And from then on without it.
    stage.put("plain/a", "later");
    stage.once().await;
    assert!(stage.is_mirrored());
}

/// Restored from a backup, and written past the checkpoint before carry looks.
#[tokio::test(flavor = "multi_thread")]
async fn another_history_is_noticed_though_its_revisions_are_newer() {
    let stage = Theatre::new();
    sample(&stage);
    stage.put("plain/gone", "written after the backup");
    stage.once().await;
    let then = stage.source.revision();
    let stage = Theatre {
        source: ScriptedSource::new(0xa),
        ..stage
    };
    sample(&stage);
    while stage.source.revision() < SourceRevision(then.0 + 5) {
        stage.put("elsewhere", "x");
    }
    let refused = stage.run().task.await.expect("no panic");
    let message = refused.expect_err("it stops").to_string();
    for part in ["/r/plain/gone", "backup", "`--resync`"] {
        assert!(message.contains(part), "{message}");
    }
    let mut options = stage.options();
    (options.resync, options.once) = (true, true);
    let ended = stage.run_with(options).task.await.expect("no panic");
    ended.expect("a clean end");
    assert_eq!(names(&stage, b"/r/plain/"), ["/r/plain/a"]);
    // And from then on without it.
    stage.put("plain/a", "later");
    stage.once().await;
    assert!(stage.is_mirrored());
}

/// Another carry of the name has led, and its checkpoint says what ours said.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_ledger_is_not_believed_after_another_has_led() {
    let stage = Theatre::new();
    sample(&stage);
    stage.once().await;
    let other = Theatre {
        source: stage.source.clone(),
        destination: stage.destination.clone(),
        ..Theatre::new()
    };
    let mut options = other.options();
    options.checkpoint_every = std::time::Duration::from_secs(3600);
    options.holder.store = Some("another disk".to_owned());
    let second = other.run_with(options);
    eventually("its checkpoint", || async {
        let checkpoints = other.store.checkpoints().expect("memory");
        checkpoints.len() == 1 && other.store.encryption().expect("memory").is_some()
    })
    .await;
    stage.put("plain/late", "by the second");
    stage.mirrored().await;
    second.kill().await;
    stage.destination.expire_leases();
    stage.delete("plain/late");
    stage.once().await;
    assert_eq!(names(&stage, b"/r/plain/"), ["/r/plain/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_copy_of_an_older_revision() {
    let stage = Theatre::new();
    sample(&stage);
    let then = stage.source.revision();
    stage.put("plain/a", "newer");
    let rev = |rev| {
        let mut options = stage.options();
        options.rev = Some(rev);
        options.once = true;
        stage.run_with(options)
    };
    let ahead = rev(SourceRevision(100)).task.await.expect("no panic");
    assert!(
        matches!(ahead, Err(MirrorError::RevAhead { .. })),
        "{ahead:?}"
    );
    rev(then)
        .task
        .await
        .expect("no panic")
        .expect("a clean end");
    assert!(stage.is_mirrored());
    let writes = stage.writes();
    let a: Vec<&String> = writes
        .iter()
        .filter(|own| own.starts_with("plain/a"))
        .collect();
    assert_eq!(a, ["plain/a=1", "plain/a=newer"]);
    // A second start goes on.
    stage.put("plain/a", "newest");
    rev(then)
        .task
        .await
        .expect("no panic")
        .expect("a clean end");
    assert!(stage.is_mirrored());
    stage.source.compact(stage.source.revision());
    let late = Theatre {
        destination: Arc::new(carry::destination::memory::MemoryDestination::new(0xd)),
        store: MemoryStore::default(),
        ..stage
    };
    let mut options = late.options();
    options.rev = Some(then);
    let gone = late.run_with(options).task.await.expect("no panic");
    assert!(
        matches!(gone, Err(MirrorError::RevCompacted { .. })),
        "{gone:?}"
    );
}

/// Written after the last checkpoint, gone from the source before the next
/// start, and nobody remembers.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_is_rebuilt_with_what_came_after_the_checkpoint() {
    let stage = Theatre::new();
    sample(&stage);
    stage.destination.put(b"/r/plain/theirs", b"x");
    let mut options = stage.options();
    options.checkpoint_every = std::time::Duration::from_secs(3600);
    let running = stage.run_with(options);
    eventually("the first copy", || async {
        let checkpoints = stage.store.checkpoints().expect("memory");
        checkpoints.len() == 1 && checkpoints[0].bootstrapped
    })
    .await;
    stage.put("plain/late", "1");
    stage.put("namespaces/two", "on");
    eventually("what came later", || async {
        let there = names(&stage, b"/r/");
        ["/r/plain/late", "/r/config/two/a"]
            .iter()
            .all(|key| there.iter().any(|own| own == key))
    })
    .await;
    running.kill().await;
    stage.delete("plain/late");
    stage.put("namespaces/two", "off");
    let stage = Theatre {
        store: MemoryStore::default(),
        ..stage
    };
    stage.once().await;
    assert_eq!(
        names(&stage, b"/r/plain/"),
        ["/r/plain/a", "/r/plain/theirs"]
    );
    assert_eq!(names(&stage, b"/r/config/two/"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_waits_and_takes_over() {
    let stage = Theatre::new();
    sample(&stage);
    let first = stage.run();
    stage.mirrored().await;
    let other = Theatre {
        source: stage.source.clone(),
        destination: stage.destination.clone(),
        held: Arc::default(),
        ..Theatre::new()
    };
    let mut options = other.options();
    options.holder.store = Some("another disk".to_owned());
    options.mode = Mode::ActiveStandby;
    let second = other.run_with(options);
    // Longer than a lease: in vain.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(!second.task.is_finished());
    stage.put("plain/a", "by the first");
    stage.mirrored().await;
    first.kill().await;
    stage.destination.expire_leases();
    stage.put("plain/a", "by the second");
    stage.mirrored().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_revision_outside_of_kubernetes_is_one_transaction() {
    let stage = Theatre::new();
    let running = stage.run();
    stage.checkpointed().await;
    for round in 0..20 {
        let put = |name: &str| {
            let key = format!("/r/together/{name}").into_bytes();
            (key, Some(format!("{round}").into_bytes()), 0)
        };
        match round % 3 {
            0 => stage.source.txn(["a", "b", "c"].map(put)),
            1 => stage.source.txn(["b"].map(put)),
            _ => stage.source.txn(["c", "d"].map(put)),
        };
    }
    stage.mirrored().await;
    running.stop().await;
    // In no transaction is a revision applied in part.
    let committed = stage.destination.committed();
    let sizes = |prefix: &[u8]| {
        let of = |op: &carry::destination::Op| match op {
            carry::destination::Op::Put { key, .. } => key.starts_with(prefix),
            _ => false,
        };
        let counts = committed
            .iter()
            .map(|txn| txn.ops.iter().filter(|op| of(op)).count());
        counts.filter(|count| *count > 0).collect::<Vec<_>>()
    };
    let sizes = sizes(b"/r/together/");
    assert!(
        sizes.iter().all(|size| [1, 2, 3].contains(size)),
        "{sizes:?}"
    );
    assert_eq!(sizes.iter().filter(|size| **size == 3).count(), 7);
    assert_eq!(sizes.iter().filter(|size| **size == 2).count(), 6);
}
