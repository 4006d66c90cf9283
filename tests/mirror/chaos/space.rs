//! The destination runs out of space: its quota is 16 MiB, and only its
//! operator can make room.

use std::time::{Duration, Instant};

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions, DeleteOptions};
use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan, status};
use crate::mirror::harness::{Etcd, Options};

const FILLING: &str = "/zzz/filling/";

#[tokio::test(flavor = "multi_thread")]
async fn the_destination_is_full_for_a_while() {
    let Some(plan) = Plan::of("space") else {
        return;
    };
    let source = Etcd::plain(plan.version);
    let quota = Options::new().arg("--quota-backend-bytes=16777216");
    let destination = Etcd::start(plan.version, quota);
    let rounds = plan.rounds();
    let mut random = plan.random.fork("faults");
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let args = arena.args(&[source.url()], &[destination.url()]);
    let mut carry = arena.start(&args);
    for lasts in rounds {
        arena.load();
        let begin = Instant::now();
        let target = arena.source.revision().await + 100;
        carry.wait_for("carry to follow", |carry| {
            status(carry)["appliedRevision"].as_i64() >= Some(target)
        });
        fill(&arena.destination).await;
        arena.fault();
        carry.wait_for("carry to say that the destination is full", |carry| {
            let reason = status(carry)["reason"].as_str().unwrap_or("").to_owned();
            carry.stderr().contains("database is full") && reason.contains("database is full")
        });
        assert_eq!(carry.http("/readyz").expect("it runs").0, 503);
        if random.once_in(2) {
            // Whoever starts now has to wait, too.
            carry = carry.again();
            arena.fault();
        }
        sleep(
            lasts
                .saturating_sub(begin.elapsed())
                .max(Duration::from_secs(1)),
        )
        .await;
        assert!(carry.process().ended().is_none(), "{}", carry.stderr());
        make_room(&arena).await;
        let caught_up = arena.settle(&mut carry).await;
        println!("chaos space: caught up {caught_up:?} after there was room");
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}

/// Puts large values until there is no space.
async fn fill(destination: &Access) {
    for number in 0.. {
        assert!(number < 100, "the quota does not end");
        let (key, value) = (format!("{FILLING}{number}"), vec![b'x'; 700 << 10]);
        let put = |mut kv: etcd_client::KvClient| async move { kv.put(key, value, None).await };
        if destination.attempt(put).await.is_none() && alarmed(destination).await {
            return;
        }
    }
}

async fn alarmed(destination: &Access) -> bool {
    !alarms(destination).await.is_empty()
}

/// The members that have raised the alarm.
async fn alarms(destination: &Access) -> Vec<u64> {
    let client = destination.client().await.expect("the destination");
    let mut maintenance = client.maintenance_client();
    let answer = maintenance.alarm(AlarmAction::Get, AlarmType::None, None);
    let answer = answer.await.expect("the alarms");
    answer
        .alarms()
        .iter()
        .map(|alarm| alarm.member_id())
        .collect()
}

/// What the operator does: removes something, compacts, defragments, disarms.
async fn make_room(arena: &Arena) {
    let client = arena.destination.client().await.expect("the destination");
    let mut kv = client.kv_client();
    let all = DeleteOptions::new().with_prefix();
    let deleted = kv.delete(FILLING, Some(all)).await.expect("delete");
    let revision = deleted.header().expect("a header").revision();
    // The test itself must have seen what is compacted.
    arena.seen(revision).await;
    let physical = CompactionOptions::new().with_physical();
    kv.compact(revision, Some(physical)).await.expect("compact");
    let mut maintenance = client.maintenance_client();
    maintenance.defragment().await.expect("defragment");
    for member in alarms(&arena.destination).await {
        let mut options = AlarmOptions::new();
        options.with_member(member);
        let disarm = maintenance.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(options));
        disarm.await.expect("disarm");
    }
    assert!(!alarmed(&arena.destination).await, "there is room");
}
