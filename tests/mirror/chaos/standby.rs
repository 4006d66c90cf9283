//! Two carries of one name in `--mode active-standby`: the leader is held up
//! with writes under way, and let go when the other one has taken over; then
//! the new leader is killed.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::{Carry, Etcd, wait_within};
use crate::mirror::proxy::{Path, Proxy, Weather};

/// A lease lasts ten seconds; a member that starts an election makes it longer.
const TAKEOVER: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn the_standby_takes_over_and_nothing_old_lands() {
    let Some(plan) = Plan::of("standby") else {
        return;
    };
    let source = Etcd::plain(plan.version);
    let destination = Etcd::plain(plan.version);
    let rounds = plan.rounds();
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let ways = [(); 2].map(|()| Proxy::before(destination.plain_port()));
    let start = |way: &Proxy| {
        let mut args = arena.args(&[source.url()], &[way.url()]);
        args.push("--mode=active-standby".to_owned());
        arena.start(&args)
    };
    let mut carries = [start(&ways[0]), start(&ways[1])];
    for _ in rounds {
        let leader = leading(&mut carries, None);
        let other = 1 - leader;
        arena.caught_up(&mut carries[leader]).await;
        arena.load();
        sleep(Duration::from_secs(1)).await;

        let before = in_vain(&carries[leader]);
        // What it writes from now on waits on its way.
        ways[leader].set(Weather {
            there: Path {
                hole: true,
                ..Path::default()
            },
            back: Path::default(),
        });
        sleep(Duration::from_secs(1)).await;
        carries[leader].signal(Signal::STOP);
        arena.fault();
        let begin = Instant::now();
        leading(&mut carries, Some(other));
        let took = begin.elapsed();
        arena.caught_up(&mut carries[other]).await;
        // Now it arrives, and then the deposed one goes on, too.
        ways[leader].set(Weather::default());
        sleep(Duration::from_millis(300)).await;
        carries[leader].signal(Signal::CONT);
        carries[leader].wait_for("the deposed one to see it", |carry| {
            carry.metric("carry_leader") == Some(0.0)
        });
        assert!(
            in_vain(&carries[leader]) > before,
            "nothing was under way: this shows nothing"
        );
        sleep(Duration::from_secs(1)).await;
        arena.settle(&mut carries[other]).await;
        println!("chaos standby: took over from one that was stopped within {took:?}");

        arena.load();
        let begin = Instant::now();
        carries[other].kill();
        arena.fault();
        leading(&mut carries, Some(leader));
        println!(
            "chaos standby: took over from one that was killed within {:?}",
            begin.elapsed()
        );
        arena.settle(&mut carries[leader]).await;
        let [first, second] = carries;
        carries = [first.again_if_ended(), second.again_if_ended()];
    }
    arena.alerts().await;
    for carry in &mut carries {
        carry.wait_for("it to be up", |carry| carry.http("/livez").is_some());
        assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    }
    arena.summary("done");
}

/// Waits until one of them leads, or this one.
fn leading(carries: &mut [Carry; 2], wanted: Option<usize>) -> usize {
    let leads = |at: &usize| {
        wanted.is_none_or(|wanted| wanted == *at)
            && carries[*at].metric("carry_leader") == Some(1.0)
    };
    let mut leader = None;
    wait_within(TAKEOVER, "one to lead", || {
        leader = (0..2).find(leads);
        leader.is_some()
    });
    leader.expect("one leads")
}

/// Its transactions that were refused since another one leads, or whose answer
/// it has not seen: when it goes on, the answers are there and the time for
/// them is over, and either may be looked at first.
fn in_vain(carry: &Carry) -> f64 {
    let ended = ["fenced", "unknown"].map(|outcome| {
        let sample = format!("carry_transactions_total{{outcome=\"{outcome}\"}}");
        carry.metric(&sample).unwrap_or(0.0)
    });
    ended.iter().sum()
}
