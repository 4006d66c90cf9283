//! The initial mirror: 50,000 ConfigMaps of 1.6 KB from one etcd into another,
//! both with their data in memory, at 0 and at 20 ms round-trip time between
//! carry and the destination.
//!
//! Measured, in keys a second from the start of the process to its end:
//! `carry run --once` in its two ways (`--standby cold` and `live`). Beside it
//! in the same run: `etcdctl make-mirror`, from its start until the destination
//! has everything (it never ends by itself), and as the limit a plain loader
//! that has all values in memory already: for cold, transactions of 128 puts, 8
//! in flight (32 at a distance); for live, single puts, 64 in flight (256 at a
//! distance). And carry's peak memory. make-mirror puts one key after the
//! other, so at a distance it is given fewer keys, and the rate is compared.
//! The figures are medians; the runs of all take turns.
//!
//! Not measured: TLS, encryption, disks, more than one Namespace label lookup.
//! Everything, the delaying proxy too, shares the cores of one machine.
//!
//! `cargo bench --bench mirror`, with CARRY_BENCH_KEYS (50000),
//! CARRY_BENCH_VALUE (1600 bytes), CARRY_BENCH_RTT (`0,20` ms),
//! CARRY_BENCH_RUNS (3) and CARRY_BENCH_PEER_KEYS (1000, make-mirror at a
//! distance), CARRY_BENCH_UNSELECTED_SECONDS (15; 0 for none, see `unselected`)
//! for other runs. etcd is found as by the tests.

#[path = "../../tests/mirror/harness.rs"]
mod harness;
mod objects;
mod proxy;
#[path = "../report/mod.rs"]
mod report;
mod unselected;

use std::time::{Duration, Instant};

use etcd_client::{Client, Txn, TxnOp};
use harness::{Carry, Etcd, Process, Version};
use report::{Better, Report, Row, median};

type Items = Vec<(Vec<u8>, Vec<u8>)>;

/// No run may take longer.
const RUN_BOUND: Duration = Duration::from_secs(600);

const RULES: &str = "\
filters:
  secondary:
    - group: \"\"
      resources:
        - {group: \"\", version: v1, kind: ConfigMap}
      labelSelectors:
        - matchLabels: {app.kubernetes.io/managed-by: bench}
";

fn main() {
    if !report::asked_for() {
        println!("mirror: run by `cargo bench` only");
        return;
    }
    // make-mirror is in etcdctl.
    let mut versions = harness::versions("bench mirror").into_iter();
    let Some(version) = versions.rfind(|version| version.etcdctl().is_some()) else {
        return;
    };
    let setup = Setup::new(version);
    let mut report = Report::new("mirror");
    for rtt in setup.rtts.clone() {
        setup.measure(rtt, &mut report);
    }
    let seconds = number("CARRY_BENCH_UNSELECTED_SECONDS", 15);
    if seconds > 0 {
        unselected::measure(&setup.runtime, seconds, &mut report);
    }
    report.finish();
    println!("goals: 10x make-mirror at 20 ms, 0.90x of the limit");
}

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() {
        default
    } else {
        text.parse().unwrap_or_else(|_| panic!("{name}: `{text}`"))
    }
}

/// The way in which carry writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Cold,
    Live,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Cold => "cold",
            Way::Live => "live",
        }
    }

    /// The loader that it is held against: puts in a transaction, and
    /// transactions in flight.
    fn limit(self, rtt: u64) -> (usize, usize) {
        match (self, rtt) {
            (Way::Cold, 0) => (128, 8),
            (Way::Cold, _) => (128, 32),
            (Way::Live, 0) => (1, 64),
            (Way::Live, _) => (1, 256),
        }
    }
}

struct Setup {
    version: Version,
    runtime: tokio::runtime::Runtime,
    source: Etcd,
    items: Items,
    rules: tempfile::TempDir,
    rtts: Vec<u64>,
    runs: usize,
    peer_keys: usize,
}

impl Setup {
    fn new(version: Version) -> Setup {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (keys, size) = (
            number("CARRY_BENCH_KEYS", 50_000),
            number("CARRY_BENCH_VALUE", 1_600),
        );
        let items: Items = (0..keys)
            .map(|index| objects::config_map(index, size))
            .collect();
        let source = Etcd::plain(version);
        runtime.block_on(source.load(items.iter().cloned()));
        let rules = harness::temp_dir();
        std::fs::write(rules.path().join("rules.yaml"), RULES).expect("rules.yaml");
        let rtts = std::env::var("CARRY_BENCH_RTT").unwrap_or_else(|_| "0,20".to_owned());
        let rtts = rtts
            .split(',')
            .map(|rtt| rtt.trim().parse().expect("CARRY_BENCH_RTT"))
            .collect();
        let runs = number("CARRY_BENCH_RUNS", 3);
        let peer_keys = number("CARRY_BENCH_PEER_KEYS", 1_000).min(keys);
        println!(
            "{keys} keys of about {size} bytes, etcd {}, medians of {runs}",
            version.name()
        );
        Setup {
            version,
            runtime,
            source,
            items,
            rules,
            rtts,
            runs,
            peer_keys,
        }
    }

    fn measure(&self, rtt: u64, report: &mut Report) {
        let ways = [Way::Cold, Way::Live];
        let mut carry = [Vec::new(), Vec::new()];
        let mut memory = [Vec::new(), Vec::new()];
        let mut limits = [Vec::new(), Vec::new()];
        let mut peer = Vec::new();
        for run in 0..self.runs {
            for (at, way) in ways.into_iter().enumerate() {
                let (rate, peak) = self.carry(way, rtt, run == 0);
                carry[at].push(rate);
                memory[at].push(peak);
                limits[at].push(self.loader(way.limit(rtt), rtt));
            }
            peer.push(self.make_mirror(rtt));
        }
        let peer = median(peer);
        for (at, way) in ways.into_iter().enumerate() {
            let name = format!("initial mirror, {}, {rtt} ms", way.name());
            let rate = median(std::mem::take(&mut carry[at]));
            let limit = median(std::mem::take(&mut limits[at]));
            let row = Row::new(&name, "keys/s", Better::More, rate);
            report.add(row.peer("etcdctl make-mirror", peer).limit(limit));
            let peak = median(std::mem::take(&mut memory[at]));
            report.add(Row::new(
                format!("{name}: peak memory"),
                "MiB",
                Better::Less,
                peak,
            ));
        }
    }

    /// A new destination, and its address as seen from `rtt` away.
    fn destination(&self, rtt: u64) -> (Etcd, String) {
        let dest = Etcd::plain(self.version);
        if rtt == 0 {
            let url = dest.url();
            return (dest, url);
        }
        let port = proxy::start(dest.plain_port(), Duration::from_millis(rtt) / 2);
        (dest, format!("http://127.0.0.1:{port}"))
    }

    /// carry's rate and its peak memory in MiB.
    fn carry(&self, way: Way, rtt: u64, compare: bool) -> (f64, f64) {
        let (dest, url) = self.destination(rtt);
        let args = [
            format!("--master-endpoints={}", self.source.url()),
            format!("--slave-endpoints={url}"),
            format!(
                "--mirror-rule={}",
                self.rules.path().join("rules.yaml").display()
            ),
            format!("--standby={}", way.name()),
            "--once".to_owned(),
        ];
        let begin = Instant::now();
        let mut carry = Carry::start(&args);
        let mut peak = 0;
        let status = loop {
            if let Some(status) = carry.process().ended() {
                break status;
            }
            peak = carry.process().peak_memory_kib().unwrap_or(peak);
            assert!(
                begin.elapsed() < RUN_BOUND,
                "carry takes too long:\n{}",
                carry.stderr()
            );
            std::thread::sleep(Duration::from_millis(2));
        };
        let rate = self.items.len() as f64 / begin.elapsed().as_secs_f64();
        assert!(
            status.success(),
            "carry failed ({status}):\n{}",
            carry.stderr()
        );
        self.check(&dest, compare);
        (rate, peak as f64 / 1024.0)
    }

    /// Whether everything is there, and on the first run whether it is right.
    fn check(&self, dest: &Etcd, compare: bool) {
        let prefix = objects::prefix_of(usize::MAX);
        let count = self.runtime.block_on(dest.count(prefix.as_str()));
        assert_eq!(count, self.items.len() as u64, "keys at the destination");
        if compare {
            let found = self.runtime.block_on(dest.list(prefix));
            let same = found
                .iter()
                .eq(self.items.iter().map(|(key, value)| (key, value)));
            assert!(same, "the destination differs from the source");
        }
    }

    /// The rate of `in_flight` transactions of `batch` puts each, over four
    /// connections.
    fn loader(&self, (batch, in_flight): (usize, usize), rtt: u64) -> f64 {
        let (dest, url) = self.destination(rtt);
        let transactions: Vec<Vec<TxnOp>> = self.items.chunks(batch).map(puts).collect();
        let elapsed = self.runtime.block_on(load(&url, transactions, in_flight));
        self.check(&dest, false);
        self.items.len() as f64 / elapsed.as_secs_f64()
    }

    fn make_mirror(&self, rtt: u64) -> f64 {
        let (dest, url) = self.destination(rtt);
        let keys = if rtt == 0 {
            self.items.len()
        } else {
            self.peer_keys
        };
        let prefix = objects::prefix_of(keys);
        let expected = self.runtime.block_on(self.source.count(prefix.as_str()));
        let etcdctl = self.version.etcdctl().expect("etcdctl beside etcd");
        let endpoints = format!("--endpoints={}", self.source.url());
        // With a scheme, 3.4 takes the address for one with TLS.
        let to = url.trim_start_matches("http://");
        let args = [&endpoints, "make-mirror", to, "--prefix", &prefix];
        let begin = Instant::now();
        let process = Process::start(&etcdctl, &args, &[("ETCDCTL_API".into(), "3".into())]);
        while self.runtime.block_on(dest.count(prefix.as_str())) < expected {
            assert!(
                begin.elapsed() < RUN_BOUND,
                "make-mirror: {}",
                process.stderr()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        expected as f64 / begin.elapsed().as_secs_f64()
    }
}

fn puts(items: &[(Vec<u8>, Vec<u8>)]) -> Vec<TxnOp> {
    items
        .iter()
        .map(|(key, value)| TxnOp::put(key.clone(), value.clone(), None))
        .collect()
}

async fn load(url: &str, transactions: Vec<Vec<TxnOp>>, in_flight: usize) -> Duration {
    let mut clients = Vec::new();
    for _ in 0..4.min(in_flight) {
        clients.push(Client::connect([url], None).await.expect("connect"));
    }
    let queue = std::sync::Arc::new(std::sync::Mutex::new(transactions.into_iter()));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for task in 0..in_flight {
        let (mut kv, queue) = (clients[task % clients.len()].kv_client(), queue.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let Some(ops) = queue.lock().expect("queue").next() else {
                    break;
                };
                kv.txn(Txn::new().and_then(ops)).await.expect("txn");
            }
        }));
    }
    for task in tasks {
        task.await.expect("loader");
    }
    begin.elapsed()
}
