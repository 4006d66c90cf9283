//! The ledger's directory is lost between runs, and `--once` runs in between.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::Etcd;

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_lost_now_and_then() {
    let Some(plan) = Plan::of("ledger") else {
        return;
    };
    let source = Etcd::plain(plan.version);
    let destination = Etcd::plain(plan.version);
    let rounds = plan.rounds();
    let mut random = plan.random.fork("faults");
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let args = arena.args(&[source.url()], &[destination.url()]);
    let mut once = args.clone();
    once.push("--once".to_owned());
    let mut carry = arena.start(&args);
    for lasts in rounds {
        let begin = Instant::now();
        while begin.elapsed() < lasts {
            arena.load();
            sleep(Duration::from_millis(random.between(100, 1200))).await;
            match random.once_in(2) {
                true => carry.kill(),
                false => drop(carry.stop()),
            }
            arena.fault();
            if random.once_in(2) {
                // What is deleted meanwhile is in no list.
                sleep(Duration::from_millis(random.between(0, 400))).await;
            }
            if random.once_in(2) {
                carry.lose_ledger();
            }
            if random.once_in(2) {
                arena.calm().await;
                carry = carry.again_with(&once);
                assert_eq!(carry.exit_code(), 0, "{}", carry.stderr());
                arena.compare(&carry.stderr()).await;
                arena.load();
            }
            carry = carry.again_with(&args);
            arena.calm().await;
        }
        arena.settle(&mut carry).await;
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}
