//! The source is restored from a snapshot: its revisions go back, and what was
//! mirrored since is of a history that it no longer has.

use std::time::Duration;

use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::{Carry, Etcd, temp_dir};

#[tokio::test(flavor = "multi_thread")]
async fn the_source_is_set_back() {
    let Some(plan) = Plan::with_etcdctl("restored") else {
        return;
    };
    let mut source = Etcd::plain(plan.version);
    let destination = Etcd::plain(plan.version);
    let rounds = plan.rounds();
    let mut random = plan.random.fork("faults");
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    // Older values come back here, and that is right.
    arena.history = None;
    arena.source_history = None;
    let args = arena.args(&[source.url()], &[destination.url()]);
    let mut resync = args.clone();
    resync.push("--resync".to_owned());
    let mut carry = arena.start(&args);
    for (round, lasts) in rounds.into_iter().enumerate() {
        arena.load();
        sleep(lasts / 2).await;
        let dir = temp_dir();
        let snapshot = dir.path().join("snapshot.db");
        source.etcdctl(&["snapshot", "save", &snapshot.to_string_lossy()]);
        sleep(lasts / 2).await;
        arena.settle(&mut carry).await;
        // It may notice while it runs, or when it starts.
        let runs = (round + usize::from(random.once_in(2))) % 2 == 0;
        if !runs {
            assert_eq!(carry.stop(), 0, "{}", carry.stderr());
        }
        let before = source.revision().await;
        source.restore(&snapshot);
        arena.fault();
        if !runs {
            // Its revisions no longer give it away.
            while source.revision().await <= before {
                source.put("/filler", "x").await;
            }
            carry = carry.again();
        }
        refused(&mut carry);
        // And again, until somebody says that it is meant.
        carry = carry.again();
        refused(&mut carry);
        carry = carry.again_with(&resync);
        arena.settle(&mut carry).await;
        assert_eq!(carry.stop(), 0, "{}", carry.stderr());
        carry = carry.again_with(&args);
        arena.load();
        sleep(Duration::from_millis(500)).await;
        arena.settle(&mut carry).await;
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}

fn refused(carry: &mut Carry) {
    let code = carry.exit_code();
    let said = carry.stderr();
    assert_eq!(code, 2, "{said}");
    let error = said.lines().find(|line| line.starts_with("error: "));
    let error = error.unwrap_or_default();
    assert!(
        error.contains("backup") && error.contains("--resync"),
        "it does not say what to do: {said}"
    );
}
