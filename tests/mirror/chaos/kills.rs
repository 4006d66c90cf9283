//! SIGKILL: carry and both etcds, at random, while the source is compacted.

use std::time::{Duration, Instant};

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::Etcd;

#[tokio::test(flavor = "multi_thread")]
async fn anybody_is_killed_at_any_time() {
    let Some(mut plan) = Plan::of("kills") else {
        return;
    };
    let mut source = Etcd::plain(plan.version);
    let mut destination = Etcd::plain(plan.version);
    let rounds = plan.rounds();
    let mut random = plan.random.fork("faults");
    plan.random.next();
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let args = arena.args(&[source.url()], &[destination.url()]);
    let mut carry = arena.start(&args);
    for lasts in rounds {
        arena.load();
        let begin = Instant::now();
        let mut compact_at = begin + Duration::from_secs(1);
        while begin.elapsed() < lasts {
            let pause = Duration::from_millis(random.between(50, 1500));
            tokio::time::sleep(pause).await;
            match random.below(6) {
                0 => source.kill(),
                1 => destination.kill(),
                2 => {
                    source.kill();
                    destination.kill();
                }
                _ => carry.kill(),
            }
            arena.fault();
            // Whoever is left finds nobody for a while.
            tokio::time::sleep(Duration::from_millis(random.between(0, 400))).await;
            source.resume_if_killed();
            destination.resume_if_killed();
            carry = carry.again_if_ended();
            if Instant::now() > compact_at {
                compact_at = Instant::now() + Duration::from_secs(random.between(1, 4));
                arena.source.try_compact().await;
                arena.intrude().await;
            }
        }
        arena.settle(&mut carry).await;
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}
