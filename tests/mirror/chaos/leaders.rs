//! Clusters of three on both sides lose their leaders: by SIGKILL, and by
//! SIGSTOP for up to ten seconds, which leaves every connection as it is.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn either_cluster_loses_its_leader() {
    let Some(plan) = Plan::of("leaders") else {
        return;
    };
    let source = Cluster::start(plan.version);
    let destination = Cluster::start(plan.version);
    let rounds = plan.rounds();
    let longest = plan.longest_fault().min(Duration::from_secs(10));
    let longest = longest.as_millis() as u64;
    let mut random = plan.random.fork("faults");
    let to = |cluster: &Cluster| Access::to(cluster.urls());
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let args = arena.args(&source.urls(), &destination.urls());
    let mut carry = arena.start(&args);
    let mut clusters = [source, destination];
    for lasts in rounds {
        arena.load();
        let begin = Instant::now();
        while begin.elapsed() < lasts {
            sleep(Duration::from_millis(random.between(200, 1500))).await;
            let both = random.once_in(3);
            let first = random.below(2);
            let struck = if both { 0..2 } else { first..first + 1 };
            let freeze = random.once_in(2);
            let lasts = Duration::from_millis(random.between(longest / 2, longest));
            let mut leaders = Vec::new();
            for cluster in &mut clusters[struck.clone()] {
                let leader = cluster.wait_leader();
                match freeze {
                    true => cluster.freeze(leader),
                    false => cluster.kill(leader),
                }
                leaders.push(leader);
                arena.fault();
            }
            sleep(if freeze { lasts } else { lasts / 4 }).await;
            for (cluster, leader) in clusters[struck].iter_mut().zip(leaders) {
                cluster.wait_other_leader(leader);
                match freeze {
                    true => cluster.thaw(leader),
                    false => cluster.resume(leader),
                }
            }
            if random.once_in(3) {
                arena.source.try_compact().await;
            }
        }
        let caught_up = arena.settle(&mut carry).await;
        println!("chaos leaders: caught up {caught_up:?} after all members were back");
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}
