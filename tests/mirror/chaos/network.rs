//! Bad weather between carry and either etcd, or both: delay, little
//! bandwidth, cut connections, black holes, answers that get lost.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::access::Access;
use super::random::Random;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::Etcd;
use crate::mirror::proxy::{Cut, Proxy, Weather};

#[tokio::test(flavor = "multi_thread")]
async fn bad_weather_on_either_side() {
    let Some(plan) = Plan::of("network") else {
        return;
    };
    let source = Etcd::plain(plan.version);
    let destination = Etcd::plain(plan.version);
    let rounds = plan.rounds();
    let longest = plan.longest_fault();
    let mut random = plan.random.fork("faults");
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]);
    let mut arena = Arena::open(plan, to(&source), to(&destination)).await;
    let proxies = [
        Proxy::before(source.plain_port()),
        Proxy::before(destination.plain_port()),
    ];
    let args = arena.args(&[proxies[0].url()], &[proxies[1].url()]);
    let mut carry = arena.start(&args);
    for lasts in rounds {
        arena.load();
        let begin = Instant::now();
        while begin.elapsed() < lasts {
            sleep(Duration::from_millis(random.between(100, 1000))).await;
            arena.fault();
            let left = lasts.saturating_sub(begin.elapsed());
            let fault = Fault::of(&mut random, longest.min(left));
            // In the middle of it what carry has not seen yet is compacted,
            // now and then.
            let compact = random.once_in(2);
            let struck = match random.below(3) {
                0 => &proxies[..1],
                1 => &proxies[1..],
                _ => &proxies[..],
            };
            tokio::join!(fault.strike(struck), async {
                sleep(fault.lasts / 2).await;
                if compact {
                    arena.source.try_compact().await;
                }
            });
        }
        let caught_up = arena.settle(&mut carry).await;
        println!("chaos network: caught up {caught_up:?} after the weather was fair");
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}

/// Weather for a while, and how it ends.
struct Fault {
    weather: Weather,
    lasts: Duration,
    cut: Option<Cut>,
}

impl Fault {
    fn of(random: &mut Random, longest: Duration) -> Fault {
        let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let long = Duration::from_millis(random.between(longest / 2, longest));
        let short = long.min(Duration::from_secs(5));
        let cut = *random.pick(&[None, Some(Cut::Reset), Some(Cut::Finish)]);
        let round_trip = Duration::from_millis(random.between(10, 500));
        let (weather, lasts, cut) = match random.below(6) {
            0 => (Weather::slow(round_trip), short, cut),
            1 => (Weather::narrow(100_000), short, cut),
            2 => (Weather::default(), Duration::ZERO, Some(Cut::Reset)),
            3 => (Weather::default(), Duration::ZERO, Some(Cut::Finish)),
            // What was applied meanwhile is never answered.
            4 => (Weather::no_answers(), short, Some(Cut::Reset)),
            _ => (Weather::black_hole(), long, cut),
        };
        Fault {
            weather,
            lasts,
            cut,
        }
    }

    async fn strike(&self, proxies: &[Proxy]) {
        proxies.iter().for_each(|proxy| proxy.set(self.weather));
        sleep(self.lasts).await;
        for proxy in proxies {
            if let Some(how) = self.cut {
                proxy.cut(how);
            }
            proxy.set(Weather::default());
        }
    }
}
