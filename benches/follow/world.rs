//! What a run is given: the settings, two servers, distance, and arguments.

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::harness::{self, Carry, Etcd, Options, Version};
use super::{objects, proxy};

/// No run of carry may take longer.
pub const RUN_BOUND: Duration = Duration::from_secs(900);

/// The rules, and how else they may be written.
pub const RULES: &str = "\
filters:
  secondary:
    - group: \"\"
      resources:
        - {group: \"\", version: v1, kind: ConfigMap}
      labelSelectors:
        - matchLabels: {app.kubernetes.io/managed-by: bench}
";
pub const RULES_AGAIN: &str = "\
filters:
  secondary:
    - group: \"\"
      resources:
        - {group: \"\", version: v1, kind: ConfigMap}
      labelSelectors:
        - matchExpressions:
            - {key: app.kubernetes.io/managed-by, operator: In, values: [bench, benches]}
";

/// The ways in which carry writes.
pub const WAYS: [&str; 2] = ["live", "cold"];

pub struct Setup {
    pub version: Version,
    pub parts: Vec<String>,
    pub rtts: Vec<u64>,
    pub rate: usize,
    pub seconds: usize,
    pub backlog: usize,
    pub keys: usize,
    pub size: usize,
}

impl Setup {
    pub fn new(version: Version) -> Setup {
        let rtts = list("CARRY_BENCH_RTT", "0,20,100").into_iter();
        let setup = Setup {
            version,
            parts: list("CARRY_BENCH_PARTS", "tail,catchup,resync,memory"),
            rtts: rtts
                .map(|rtt| rtt.parse().expect("CARRY_BENCH_RTT"))
                .collect(),
            rate: number("CARRY_BENCH_RATE", 2_000),
            seconds: number("CARRY_BENCH_SECONDS", 60),
            backlog: number("CARRY_BENCH_BACKLOG", 60_000),
            keys: number("CARRY_BENCH_KEYS", 50_000),
            size: number("CARRY_BENCH_VALUE", 1_600),
        };
        let (name, size) = (version.name(), setup.size);
        println!("values of about {size} bytes, etcd {name}");
        setup
    }
}

/// A number from the environment, at least 1.
fn number(name: &str, default: usize) -> usize {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() {
        return default;
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.unwrap_or_else(|| panic!("{name}: `{text}`"))
}

fn list(name: &str, default: &str) -> Vec<String> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let entries = text.split(',').map(|entry| entry.trim().to_owned());
    entries.collect()
}

/// Two servers, the second as far from carry as was asked for.
pub struct World {
    pub source: Etcd,
    pub dest: Etcd,
    dest_url: String,
    rules: tempfile::TempDir,
}

impl World {
    pub fn new(version: Version, rtt: u64) -> World {
        // Without this etcd is full after 2 GiB.
        let server = || {
            let options = Options::new().arg("--quota-backend-bytes=17179869184");
            Etcd::start(version, options)
        };
        let (source, dest) = (server(), server());
        let dest_url = match rtt {
            0 => dest.url(),
            _ => {
                let port = proxy::start(dest.plain_port(), Duration::from_millis(rtt) / 2);
                format!("http://127.0.0.1:{port}")
            }
        };
        let world = World {
            source,
            dest,
            dest_url,
            rules: harness::temp_dir(),
        };
        world.write_rules(RULES);
        world
    }

    /// With the first `keys` ConfigMaps at the source.
    pub async fn loaded(version: Version, rtt: u64, keys: usize, size: usize) -> World {
        let world = World::new(version, rtt);
        let items = (0..keys).map(|index| objects::config_map(index, size));
        world.source.load(items).await;
        world
    }

    /// The destination's address as seen from there.
    pub fn dest_url(&self) -> &str {
        &self.dest_url
    }

    fn rules(&self) -> std::path::PathBuf {
        Path::join(self.rules.path(), "rules.yaml")
    }

    pub fn write_rules(&self, text: &str) {
        std::fs::write(self.rules(), text).expect("rules.yaml");
    }

    /// What `carry run` is started with.
    pub fn args(&self, way: &str, more: &[&str]) -> Vec<String> {
        let mut args = vec![
            format!("--master-endpoints={}", self.source.url()),
            format!("--slave-endpoints={}", self.dest_url),
            format!("--mirror-rule={}", self.rules().display()),
            format!("--standby={way}"),
        ];
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        args
    }

    /// How many keys lie at the destination.
    pub async fn count(&self) -> u64 {
        self.dest.count(objects::prefix_of(usize::MAX)).await
    }
}

/// Waits until `done`, and that carry has not ended.
pub fn wait(carry: &mut Carry, what: &str, mut done: impl FnMut(&Carry) -> bool) {
    let begin = Instant::now();
    while !done(carry) {
        let ended = carry.process().ended();
        let late = begin.elapsed() > RUN_BOUND;
        assert!(ended.is_none() && !late, "{what}: {}", carry.stderr());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until carry has applied `revision`.
pub fn wait_applied(carry: &mut Carry, revision: i64) {
    wait(carry, "applying", |carry| {
        let applied = carry.metric("carry_applied_revision");
        applied.is_some_and(|applied| applied >= revision as f64)
    });
}

/// The seconds from now to the end of a `carry run --once`, and its peak memory
/// in MiB.
pub fn run_to_end(carry: &mut Carry) -> (f64, f64) {
    let begin = Instant::now();
    let mut peak = 0;
    let status: ExitStatus = loop {
        if let Some(status) = carry.process().ended() {
            break status;
        }
        peak = carry.process().peak_memory_kib().unwrap_or(peak);
        assert!(begin.elapsed() < RUN_BOUND, "late: {}", carry.stderr());
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = begin.elapsed().as_secs_f64();
    assert!(status.success(), "carry failed: {}", carry.stderr());
    (seconds, peak as f64 / 1024.0)
}
