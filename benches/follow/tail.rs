//! The delay of changes under a steady load.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{EventType, WatchOptions};

use super::harness::{Carry, Etcd, Process};
use super::objects;
use super::pages::check_equal;
use super::report::{Better, Report, Row};
use super::world::{RUN_BOUND, Setup, WAYS, World};
use super::writers::{Load, Times};

/// How many keys there are before, for carry, and for make-mirror, which copies
/// them one by one.
const KEYS: usize = 4_000;
const PEER_KEYS: usize = 64;
/// What a put takes make-mirror beside the round trip, in seconds.
const PEER_PUT: f64 = 0.001;

/// The delays of one run in ms: p50, p99 and the longest; and how many writes a
/// second there really were.
struct Delays {
    figures: [f64; 3],
    rate: f64,
}

pub async fn measure(setup: &Setup, report: &mut Report) {
    for &rtt in &setup.rtts {
        let (peer, peer_rate) = make_mirror(setup, rtt).await;
        let peer_name = format!("etcdctl make-mirror, {peer_rate:.0} writes/s");
        for way in WAYS {
            let delays = carry(setup, way, rtt).await;
            let name = format!("tail, {way}, {rtt} ms");
            for (at, what) in ["p50", "p99", "max"].into_iter().enumerate() {
                let row = Row::new(
                    format!("{name}: {what}"),
                    "ms",
                    Better::Less,
                    delays.figures[at],
                );
                report.add(row.peer(&peer_name, peer.figures[at]));
            }
            if rtt > 0 {
                let trips = |delays: &Delays| delays.figures[1] / rtt as f64;
                let row = Row::new(
                    format!("{name}: p99 in round trips"),
                    "trips",
                    Better::Less,
                    trips(&delays),
                );
                report.add(row.peer(&peer_name, trips(&peer)));
            }
            let row = Row::new(
                format!("{name}: load"),
                "writes/s",
                Better::More,
                delays.rate,
            );
            report.add(row.limit(setup.rate as f64));
        }
    }
}

async fn carry(setup: &Setup, way: &str, rtt: u64) -> Delays {
    let world = World::loaded(setup.version, rtt, KEYS, setup.size).await;
    let mut carry = Carry::start(&world.args(way, &[]));
    carry.wait_ready();
    let delays = under_load(setup, &world, KEYS, setup.rate as f64).await;
    let ended = carry.process().ended();
    assert!(ended.is_none(), "carry ended: {}", carry.stderr());
    check_equal(&world.source, &world.dest).await;
    delays
}

/// And the rate that it was given.
async fn make_mirror(setup: &Setup, rtt: u64) -> (Delays, f64) {
    let world = World::loaded(setup.version, rtt, PEER_KEYS, setup.size).await;
    let held = 1.0 / (rtt as f64 / 1000.0 + PEER_PUT);
    let rate = (held / 2.0).min(setup.rate as f64);
    let etcdctl = setup.version.etcdctl().expect("etcdctl beside etcd");
    let endpoints = format!("--endpoints={}", world.source.url());
    // With a scheme, 3.4 takes the address for one with TLS.
    let to = world.dest_url().trim_start_matches("http://");
    let prefix = objects::prefix_of(usize::MAX);
    let args = [&endpoints, "make-mirror", to, "--prefix", &prefix];
    let process = Process::start(&etcdctl, &args, &[("ETCDCTL_API".into(), "3".into())]);
    let begin = Instant::now();
    while world.count().await < PEER_KEYS as u64 {
        assert!(begin.elapsed() < RUN_BOUND, "{}", process.stderr());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let delays = under_load(setup, &world, PEER_KEYS, rate).await;
    check_equal(&world.source, &world.dest).await;
    (delays, rate)
}

/// Writes at the source, and watches the destination until all is there.
async fn under_load(setup: &Setup, world: &World, keys: usize, rate: f64) -> Delays {
    let load = Load {
        url_port: world.source.plain_port(),
        keys,
        writes: ((setup.seconds as f64 * rate) as usize).max(1),
        rate: Some(rate),
        growing: true,
        size: setup.size,
    };
    let begin = Instant::now();
    let (answered, seen) = (
        Times::new(begin, load.writes),
        Times::new(begin, load.writes),
    );
    let revision = world.dest.revision().await;
    let watcher = tokio::spawn(watch(world.dest.client().await, revision, seen.clone()));
    load.write(answered.clone()).await;
    let elapsed = begin.elapsed();
    let end = Instant::now();
    let delays = loop {
        if let Some(delays) = delays(&load, &answered, &seen) {
            break delays;
        }
        assert!(!watcher.is_finished(), "the watch has ended");
        assert!(end.elapsed() < RUN_BOUND, "not all has arrived");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    watcher.abort();
    Delays {
        figures: [50, 99, 100].map(|percent| quantile(&delays, percent)),
        rate: load.writes as f64 / elapsed.as_secs_f64(),
    }
}

/// Notes the numbers of the writes that come to be at the destination.
async fn watch(mut client: etcd_client::Client, after: i64, seen: Arc<Times>) {
    let prefix = objects::prefix_of(usize::MAX);
    let options = WatchOptions::new()
        .with_prefix()
        .with_fragment()
        .with_start_revision(after + 1);
    let mut stream = client.watch(prefix, Some(options)).await.expect("watch");
    let number = memchr::memmem::Finder::new(objects::REVISION);
    while let Some(answer) = stream.message().await.expect("watch") {
        for event in answer.events() {
            assert_eq!(event.event_type(), EventType::Put, "nothing is deleted");
            let value = event.kv().expect("a key").value();
            let at = number.find(value).expect("the annotation") + objects::REVISION.len();
            seen.note(digits(&value[at..]));
        }
    }
}

/// The number in a field of a map entry: a tag, a length, digits.
fn digits(field: &[u8]) -> usize {
    let digits = &field[2..2 + usize::from(field[1])];
    let text = std::str::from_utf8(digits).expect("digits");
    text.parse().expect("digits")
}

/// The delay of each write in ms, in order of size; `None` while one has not
/// arrived. With a later write to a key the earlier ones have arrived.
fn delays(load: &Load, answered: &Times, seen: &Times) -> Option<Vec<f64>> {
    let mut arrived = HashMap::new();
    let mut delays = Vec::with_capacity(load.writes);
    for number in (0..load.writes).rev() {
        let at = arrived.entry(load.index(number)).or_insert(Times::NEVER);
        *at = seen.get(number).min(*at);
        if *at == Times::NEVER {
            return None;
        }
        // The watch may be faster than the answer.
        delays.push(at.saturating_sub(answered.get(number)) as f64 / 1e6);
    }
    delays.sort_by(f64::total_cmp);
    Some(delays)
}

fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[at]
}

/// A watch of the history after `after`, read up to `last` and thrown away; how
/// many changes a second.
pub async fn read_history(etcd: &Etcd, after: i64, last: i64) -> f64 {
    let mut client = etcd.client().await;
    let begin = Instant::now();
    let options = WatchOptions::new()
        .with_prefix()
        .with_fragment()
        .with_start_revision(after + 1);
    let prefix = objects::prefix_of(usize::MAX);
    let mut stream = client.watch(prefix, Some(options)).await.expect("watch");
    let (mut read, mut at) = (0, after);
    while at < last {
        let answer = stream.message().await.expect("watch").expect("an answer");
        for kv in answer.events().iter().filter_map(|event| event.kv()) {
            read += 1;
            at = kv.mod_revision();
        }
    }
    read as f64 / begin.elapsed().as_secs_f64()
}
