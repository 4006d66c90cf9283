//! A steady load for a long time, and nothing goes wrong: does carry stay as it
//! is?
//!
//! A cluster that is busy and does not grow is mirrored by the rules of a live
//! standby while each change of it is written at a steady rate. Nothing that carry
//! keeps may grow then, and in the end both sides are equal. In the tests it
//! runs for some seconds, so that it stays working; `tests/soak.sh` runs it for
//! an hour.
//!
//! | variable | |
//! |---|---|
//! | `CARRY_SOAK_SECONDS` | how long (default: 8) |
//! | `CARRY_SOAK_RATE` | writes a second (default: 500) |
//! | `CARRY_SOAK_KEYS` | how many keys are written to (default: 2000) |
//! | `CARRY_SOAK_CSV` | where the samples are written (default: nowhere that stays) |

mod load;
mod objects;
mod samples;
mod verdict;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use self::objects::{SYSTEM, TOKEN};
use self::samples::{Sample, header};
use super::chaos::random::Random;
use super::chaos::values::contains;
use super::chaos::writers::Writers;
use super::harness::{Carry, Etcd, Options, any_version, carry, eventually_within, temp_dir};

/// How many samples a minute has; a shorter run has as many.
const LOOKS: u32 = 6;

/// How long carry may need for what is under way when the load ends.
const CALM: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_leaves_carry_as_it_was() {
    let Some(version) = any_version("soak") else {
        return;
    };
    let plan = Plan::of_the_environment();
    println!(
        "soak: {} s, {} writes a second over {} keys, etcd {}, {}",
        plan.lasts.as_secs(),
        plan.rate,
        plan.keys,
        version.name(),
        plan.csv.display(),
    );
    // A kube-apiserver compacts its etcd like this.
    let compacted = Options::new()
        .arg("--auto-compaction-mode=periodic")
        .arg("--auto-compaction-retention=5m");
    let source = Etcd::start(version, compacted.clone());
    let destination = Etcd::start(version, compacted);
    // As if the standby's kube-apiserver had accepted it: it does not run here.
    let (key, definition) = objects::definition();
    destination.put(key, definition).await;
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/live-standby.yaml");
    let load = load::start(&source, &Random::new(1), plan.keys, plan.rate).await;
    let mut running = Carry::between(&source, &destination, &rules, &["--standby=live"]);
    running.wait_ready();

    let samples = plan.watch(&mut running, &source, &load).await;
    load.stop().await;
    let mut good = true;
    for finding in verdict::judge(&samples, plan.rate) {
        let mark = if finding.good { "good" } else { "BAD" };
        println!("soak: {mark}: {}", finding.said);
        good &= finding.good;
    }
    let wrong = differences(&source, &destination, &mut running).await;
    println!("soak: {} differences", wrong.len());
    verify(&source, &destination, &rules, &running);
    assert_eq!(running.stop(), 0, "{}", running.stderr());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        good,
        "the verdict is bad; carry said:\n{}",
        running.stderr()
    );
}

struct Plan {
    lasts: Duration,
    rate: u64,
    keys: usize,
    csv: PathBuf,
    /// Holds the table that nobody has asked for.
    _folder: tempfile::TempDir,
}

impl Plan {
    fn of_the_environment() -> Plan {
        let given = |name: &str, default: u64| {
            let text = std::env::var(name).ok();
            text.map_or(default, |text| text.parse().expect(name))
        };
        let folder = temp_dir();
        let csv = std::env::var_os("CARRY_SOAK_CSV").map(PathBuf::from);
        Plan {
            lasts: Duration::from_secs(given("CARRY_SOAK_SECONDS", 8)),
            rate: given("CARRY_SOAK_RATE", 500),
            keys: given("CARRY_SOAK_KEYS", 2000) as usize,
            csv: csv.unwrap_or_else(|| folder.path().join("soak.csv")),
            _folder: folder,
        }
    }

    /// Between two samples.
    fn pace(&self) -> Duration {
        let minute = self.lasts.min(Duration::from_secs(60));
        minute / LOOKS
    }

    /// Samples until the time is over; writes them down, and prints a line a
    /// minute.
    async fn watch(&self, carry: &mut Carry, source: &Etcd, load: &Writers) -> Vec<Sample> {
        let mut csv = std::fs::File::create(&self.csv).expect("the table");
        writeln!(csv, "{}", header()).expect("the table");
        let (begin, written) = (Instant::now(), load.written());
        let mut pace = interval(self.pace());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut samples: Vec<Sample> = Vec::new();
        let mut told = Sample::default();
        while begin.elapsed() < self.lasts {
            pace.tick().await;
            let seconds = begin.elapsed().as_secs_f64();
            let sample = Sample::take(carry, source, seconds, load.written() - written);
            writeln!(csv, "{}", sample.row()).expect("the table");
            match samples.len() as u32 {
                0 => told = sample.clone(),
                count if count.is_multiple_of(LOOKS) => {
                    println!("soak: {}", sample.line(&told));
                    told = sample.clone();
                }
                _ => {}
            }
            samples.push(sample);
        }
        samples
    }
}

/// What of the destination is not as it must be, once carry has caught up.
/// Deployments rest there and Services may have other addresses, so that only
/// whether they are there is looked at; `carry verify` compares these, too.
async fn differences(source: &Etcd, destination: &Etcd, carry: &mut Carry) -> Vec<String> {
    let revision = source.revision().await as f64;
    eventually_within(CALM, "carry to have caught up", || {
        let applied = carry.metric("carry_applied_revision");
        async move { applied >= Some(revision) }
    })
    .await;
    let there = destination.list("/registry/").await;
    let mut wanted = source.list("/registry/").await;
    wanted.retain(|key, value| selected(&String::from_utf8_lossy(key), value));
    let mut wrong = Vec::new();
    for (key, value) in &wanted {
        let name = String::from_utf8_lossy(key);
        let changed = name.contains("/deployments/") || name.contains("/services/");
        match there.get(key) {
            None => wrong.push(format!("`{name}` is missing")),
            Some(own) if own != value && !changed => wrong.push(format!("`{name}` differs")),
            Some(_) => {}
        }
    }
    let extra = there.keys().filter(|key| !wanted.contains_key(*key));
    let ours = extra.map(|key| String::from_utf8_lossy(key));
    // What a kube-apiserver would note of the addresses of Services.
    let extra = ours.filter(|name| !name.starts_with("/registry/ranges/"));
    wrong.extend(extra.map(|name| format!("`{name}` is extra")));
    assert!(wanted.len() > 100, "{} keys show nothing", wanted.len());
    wrong
}

/// The rules, in a few lines.
fn selected(key: &str, value: &[u8]) -> bool {
    let unselected = ["/registry/pods/", "/registry/leases/", "/registry/events/"];
    let namespaced = format!("/{SYSTEM}/");
    let token = key.starts_with("/registry/secrets/") && contains(value, TOKEN.as_bytes());
    !(token || key.contains(&namespaced) || unselected.iter().any(|pods| key.starts_with(pods)))
}

/// `carry verify`, beside the carry that runs.
fn verify(source: &Etcd, destination: &Etcd, rules: &Path, running: &Carry) {
    let ended = carry(&[
        "verify".to_owned(),
        format!("--master-endpoints={}", source.url()),
        format!("--slave-endpoints={}", destination.url()),
        format!("--mirror-rule={}", rules.display()),
        format!("--db-path={}", running.db_path().display()),
    ]);
    for line in ended.stdout.lines() {
        println!("soak: verify: {line}");
    }
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}
