//! What changes cost that no rule selects: carry's CPU time for each of them,
//! with one in a hundred selected, from an etcd that is watched as a whole and
//! from one that is watched range by range; and what the latter takes in time,
//! for a selected change that comes alone.
//!
//! The peer is the same carry with the other etcd. Not measured: what it costs
//! the source.

use std::time::{Duration, Instant};

use carry::etcd::{Endpoint, SourceRevision, TransportSettings};
use carry::metrics::Metrics;
use carry::rules::decide::KeyRange;
use carry::source::{EtcdSource, Source as _, Watch as _, WatchEvent};
use etcd_client::Client;

use super::harness::{self, Carry, Etcd, Version};
use super::objects;
use super::report::{Better, Report, Row, median};

const RULES: &str = "\
filters:
  secondary:
    - group: \"\"
      resources:
        - {group: \"\", version: v1, kind: ConfigMap}
        - {group: \"\", version: v1, kind: Secret}
";

/// Changes a second, their size, and of how many one is selected.
const RATE: f64 = 2_000.0;
const SIZE: usize = 2_000;
const ONE_IN: usize = 100;

/// Adds the rows, if both versions of etcd are here.
pub fn measure(runtime: &tokio::runtime::Runtime, seconds: usize, report: &mut Report) {
    let what = "bench of unselected changes";
    let here = harness::versions(what);
    let (whole, apart) = (Version::V3_4, Version::V3_5_16);
    if !here.contains(&whole) || !here.contains(&apart) {
        return;
    }
    let cost = |version| runtime.block_on(cost(version, seconds));
    let (all, some) = (cost(whole), cost(apart));
    let name = "a change, 99% not selected: CPU time";
    report.add(Row::new(name, "us", Better::Less, some).peer("watched as a whole", all));
    let delay = |ranges: &[&str]| runtime.block_on(delay(apart, ranges));
    let (one, several) = (delay(&["/a/"]), delay(&["/a/", "/c/"]));
    let name = "a lone change, several ranges: until it is seen";
    report.add(Row::new(name, "us", Better::Less, several).peer("one range", one));
}

/// carry's CPU time in microseconds for each change at the source.
async fn cost(version: Version, seconds: usize) -> f64 {
    let (source, dest) = (Etcd::plain(version), Etcd::plain(version));
    let rules = harness::temp_dir();
    let file = rules.path().join("rules.yaml");
    std::fs::write(&file, RULES).expect("rules.yaml");
    let mut carry = Carry::between(&source, &dest, &file, &["--standby=live"]);
    carry.wait_ready();
    let before = cpu(&mut carry);
    let changes = seconds * RATE as usize;
    let last = write(&source, changes).await;
    // Before anybody asks it for metrics again and again.
    let spent = cpu(&mut carry) - before;
    carry.wait_for("everything to be applied", |carry| {
        carry
            .metric("carry_applied_revision")
            .is_some_and(|at| at >= last as f64)
    });
    spent.as_secs_f64() * 1e6 / changes as f64
}

/// Writes at the given rate, over a few connections; returns the last revision.
async fn write(etcd: &Etcd, changes: usize) -> i64 {
    const WRITERS: usize = 4;
    let begin = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let url = etcd.plain_url();
        tokio::spawn(async move {
            let mut kv = Client::connect([url], None)
                .await
                .expect("connect")
                .kv_client();
            let mut last = 0;
            for n in (writer..changes).step_by(WRITERS) {
                let due = begin + Duration::from_secs_f64(n as f64 / RATE);
                tokio::time::sleep_until(due.into()).await;
                let (key, value) = change(n);
                let answer = kv.put(key, value, None).await.expect("put");
                last = answer.header().expect("header").revision();
            }
            last
        })
    });
    let mut last = 0;
    for writer in writers.collect::<Vec<_>>() {
        last = writer.await.expect("a writer").max(last);
    }
    last
}

fn change(n: usize) -> (Vec<u8>, Vec<u8>) {
    if n.is_multiple_of(ONE_IN) {
        return objects::config_map(n % 10_000, SIZE);
    }
    let kind = ["events", "leases", "pods"][n % 3];
    let key = format!("/registry/{kind}/team-{:03}/one-{:05}", n % 50, n % 5_000);
    (key.into_bytes(), vec![b'x'; SIZE])
}

/// User and system time of the process so far.
fn cpu(carry: &mut Carry) -> Duration {
    let path = format!("/proc/{}/stat", carry.process().id());
    let stat = std::fs::read_to_string(path).expect("stat");
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("ticks"))
        .sum();
    // USER_HZ is 100 on every Linux that etcd runs on.
    Duration::from_millis(ticks * 10)
}

/// The median time in microseconds from a put's beginning until its change is
/// handed out, after idleness.
async fn delay(version: Version, prefixes: &[&str]) -> f64 {
    let etcd = Etcd::plain(version);
    let endpoint = Endpoint::parse(&etcd.plain_url(), false).expect("endpoint");
    let settings = TransportSettings::new(vec![endpoint]);
    let connection = carry::etcd::connect(&settings).await.expect("connect");
    let source = EtcdSource::new(connection, Metrics::default());
    let ranges: Vec<KeyRange> = prefixes
        .iter()
        .map(|&prefix| KeyRange::prefix(prefix))
        .collect();
    let mut watch = source
        .watch(&ranges, SourceRevision(2))
        .await
        .expect("watch");
    let mut kv = etcd.client().await.kv_client();
    let mut times = Vec::new();
    for n in 0..200 {
        let idle = Duration::from_millis(70);
        while tokio::time::timeout(idle, watch.next()).await.is_ok() {}
        let begin = Instant::now();
        let put = async { kv.put(format!("/a/{n}"), "x", None).await.expect("put") };
        let seen = async {
            while let WatchEvent::Progress(_) = watch.next().await.expect("watch") {}
            begin.elapsed()
        };
        let (_, time) = tokio::join!(put, seen);
        times.push(time.as_secs_f64() * 1e6);
    }
    median(times)
}
