//! A real Prometheus with carry's alerts looks at every carry of the scenarios.
//!
//! Promises that an alert which fires without a reason, one that should have and
//! has not, one that does not end when all is quiet, and a rule that cannot be
//! evaluated fail the scenario. A scenario is one `job`: one mirror. Faults last
//! seconds here, so that the clock of the alerts runs [`FASTER`] times as fast as
//! in `alerts.yaml`; how often something must happen stays as it is.
//!
//! | variable | |
//! |---|---|
//! | `CARRY_CHAOS_ALERTS` | a folder for what Prometheus keeps; without it there is none |

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use regex::Regex;
use serde_json::{Value, json};

use super::explained::{Explained, NEAR_QUOTA, QUOTA, SCENARIOS};
use crate::deploy::tools;
use crate::mirror::harness::{Process, free_port, http_get, wait_until};

/// How many seconds of `alerts.yaml` are one here.
const FASTER: u64 = 20;

/// The longest time over which an alert of the scenarios counts is an hour of
/// `alerts.yaml`; and some more to see it end.
const QUIET: Duration = Duration::from_secs(3600 / FASTER + 60);

/// So many looks in a row must find that nothing fires.
const LOOKS: u32 = 3;

const ALERTS: &str = "deploy/prometheus/alerts.yaml";

/// The one Prometheus of all scenarios.
struct Prometheus {
    port: u16,
    folder: PathBuf,
    /// Ended by the system when the tests end.
    _process: Process,
}

/// Started by the scenario that comes first.
fn prometheus() -> Option<&'static Prometheus> {
    static STARTED: OnceLock<Option<Prometheus>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let folder = std::env::var_os("CARRY_CHAOS_ALERTS")?;
        let program = tools::prometheus("chaos alerts")?;
        Some(Prometheus::start(&program, Path::new(&folder)))
    });
    started.as_ref()
}

impl Prometheus {
    fn start(program: &Path, folder: &Path) -> Prometheus {
        let port = free_port();
        fs::create_dir_all(folder.join("targets")).expect("a folder");
        let folder = folder.canonicalize().expect("a folder");
        let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join(ALERTS);
        let alerts = fs::read_to_string(alerts).expect(ALERTS);
        fs::write(folder.join("alerts.yaml"), faster(&alerts)).expect("a file");
        fs::write(folder.join("prometheus.yaml"), CONFIGURATION).expect("a file");
        let args = [
            format!("--config.file={}", folder.join("prometheus.yaml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--log.level=warn".to_owned(),
        ];
        let mut process = Process::start(program, &args, &[]);
        wait_until("Prometheus to be ready", || {
            assert!(process.ended().is_none(), "{}", process.stderr());
            http_get(port, "/-/ready").is_some_and(|(code, _)| code == 200)
        });
        println!(
            "chaos alerts: Prometheus looks once a second; times of {ALERTS} are divided by {FASTER}, its quota is {QUOTA}"
        );
        Prometheus {
            port,
            folder,
            _process: process,
        }
    }

    fn ask(&self, path: &str) -> Value {
        let answer = http_get(self.port, &format!("/api/v1/{path}"));
        let (_, body) = answer.expect("Prometheus answers");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// Whether an evaluation has failed: the rules show the last one alone.
    fn failures(&self) -> Option<String> {
        let (_, told) = http_get(self.port, "/metrics").expect("Prometheus answers");
        let counts = told
            .lines()
            .filter(|line| line.starts_with("prometheus_rule_evaluation_failures_total{"));
        let counts: Vec<&str> = counts.collect();
        let none = |line: &&str| line.ends_with(" 0");
        (counts.is_empty() || !counts.iter().all(none)).then(|| format!("failed: {counts:?}"))
    }
}

const CONFIGURATION: &str = "
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: chaos
    file_sd_configs:
      - {files: ['targets/*.json'], refresh_interval: 1s}
";

/// The alerts with a faster clock, and the quota of the scenario `space`.
fn faster(alerts: &str) -> String {
    let time = |text: &str| {
        let (count, unit) = text.split_at(text.len() - 1);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 86400,
        };
        format!(
            "{}ms",
            count.parse::<u64>().expect("a number") * unit * 1000 / FASTER
        )
    };
    let divided = |text: &str| (text.parse::<u64>().expect("a number") / FASTER).to_string();
    let replaced = |text: &str, pattern: &str, with: &dyn Fn(&str) -> String| {
        let pattern = Regex::new(pattern).expect("a pattern");
        let with =
            |found: &regex::Captures<'_>| format!("{}{}{}", &found[1], with(&found[2]), &found[3]);
        pattern.replace_all(text, with).into_owned()
    };
    let text = replaced(alerts, r"( for: )(\d+[smhd])(\n)", &time);
    let text = replaced(&text, r"(\[)(\d+[smhd])([\]:])", &time);
    let text = replaced(&text, r"(\[\w+:)(\d+[smhd])(\])", &time);
    let text = replaced(&text, r"(progress_age_seconds > )(\d+)( )", &divided);
    let text = replaced(&text, r"(predict_linear\(\S+, )(\d+)(\))", &divided);
    text.replace("2147483648", QUOTA)
}

/// What Prometheus sees of one scenario.
pub struct Watched {
    scenario: &'static str,
    begin: SystemTime,
    targets: std::sync::Mutex<Vec<PathBuf>>,
}

impl Watched {
    /// From now on.
    pub fn new(scenario: &'static str) -> Watched {
        prometheus();
        Watched {
            scenario,
            begin: SystemTime::now(),
            targets: std::sync::Mutex::default(),
        }
    }

    /// The carry at this port is of this scenario, whenever it runs.
    pub fn scrape(&self, port: u16) {
        let Some(prometheus) = prometheus() else {
            return;
        };
        let targets = json!([{
            "targets": [format!("127.0.0.1:{port}")],
            "labels": {"job": self.scenario},
        }]);
        let folder = prometheus.folder.join("targets");
        let file = folder.join(format!("{}-{port}.json", self.scenario));
        // Never half of it.
        let new = file.with_extension("new");
        fs::write(&new, targets.to_string()).expect("a file");
        fs::rename(&new, &file).expect("a file");
        self.targets.lock().expect("targets").push(file);
    }

    /// Waits until nothing fires any more, and judges what has. Faults lasted
    /// `round` without a break.
    pub async fn judge(&self, round: Duration) {
        let Some(prometheus) = prometheus() else {
            return;
        };
        let explained = Explained::of(self.scenario);
        let mut wrong = self.quiet(prometheus, explained).await;
        let alerts = self.alerts(prometheus);
        println!("chaos {} alerts: {}", self.scenario, told(&alerts));
        wrong.extend(unexplained(explained, &alerts, round));
        wrong.extend(unevaluated(&prometheus.ask("rules")));
        wrong.extend(prometheus.failures());
        assert!(wrong.is_empty(), "{}: {wrong:#?}", self.scenario);
    }

    /// What fires still, though nothing happens any more.
    async fn quiet(&self, prometheus: &Prometheus, explained: &Explained) -> Vec<String> {
        let begin = Instant::now();
        let mut looks = 0;
        loop {
            let data = prometheus.ask("alerts");
            let alerts = data["alerts"].as_array().expect("alerts").iter();
            let firing: Vec<String> = alerts
                .filter(|alert| {
                    alert["state"] == "firing" && alert["labels"]["job"] == self.scenario
                })
                .map(|alert| {
                    alert["labels"]["alertname"]
                        .as_str()
                        .unwrap_or("")
                        .to_owned()
                })
                .filter(|name| !explained.stays(name))
                .collect();
            looks = if firing.is_empty() { looks + 1 } else { 0 };
            if looks == LOOKS {
                println!(
                    "chaos {} alerts: quiet after {:?}",
                    self.scenario,
                    begin.elapsed()
                );
                return Vec::new();
            }
            if begin.elapsed() > QUIET {
                return firing
                    .iter()
                    .map(|name| format!("{name} still fires, {QUIET:?} after the last fault"))
                    .collect();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// For how many seconds each alert of this scenario was pending, and fired.
    fn alerts(&self, prometheus: &Prometheus) -> Alerts {
        let unix = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            since.expect("a clock").as_secs()
        };
        let (from, to) = (unix(self.begin), unix(SystemTime::now()));
        // As many points as Prometheus gives at most.
        let step = ((to - from) / 10_000).max(1);
        // Without a job: none at all is seen.
        let query = format!("ALERTS%7Bjob%3D~%22{}%7C%22%7D", self.scenario);
        let path = format!("query_range?query={query}&start={from}&end={to}&step={step}");
        let mut alerts = Alerts::new();
        for series in prometheus.ask(&path)["result"].as_array().expect("series") {
            let label = |name: &str| series["metric"][name].as_str().unwrap_or("").to_owned();
            let lasted = series["values"].as_array().map_or(0, Vec::len) as u64 * step;
            let [pending, firing] = alerts.entry(label("alertname")).or_default();
            let total = match label("alertstate").as_str() {
                "firing" => firing,
                _ => pending,
            };
            *total = lasted.max(*total);
        }
        alerts
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for file in self.targets.lock().expect("targets").drain(..) {
            let _ = fs::remove_file(file);
        }
    }
}

/// By name: seconds pending and firing, of whichever of its series longest.
type Alerts = BTreeMap<String, [u64; 2]>;

fn told(alerts: &Alerts) -> String {
    let said = alerts.iter().map(|(name, [pending, firing])| match firing {
        0 => format!("{name} pending {pending} s"),
        _ => format!("{name} FIRED {firing} s (pending {pending} s)"),
    });
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => "none, not even pending".to_owned(),
        false => said.join(", "),
    }
}

/// What fired without a reason, and what has not though it had one.
fn unexplained(explained: &Explained, alerts: &Alerts, round: Duration) -> Vec<String> {
    let fired = |name: &str| alerts.get(name).is_some_and(|[_, firing]| *firing > 0);
    let without_reason = alerts
        .keys()
        .filter(|name| fired(name) && !explained.may(name))
        .map(|name| format!("{name} fired, which nothing here explains"));
    let missing = explained
        .musts(round)
        .filter(|name| !fired(name))
        .map(|name| format!("{name} did not fire"));
    without_reason.chain(missing).collect()
}

/// Rules that Prometheus could not evaluate.
fn unevaluated(rules: &Value) -> Vec<String> {
    let groups = rules["groups"].as_array().expect("groups").iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules"));
    let bad = rules.filter(|rule| rule["health"] != "ok");
    bad.map(|rule| {
        format!(
            "{} is {}: {}",
            rule["name"], rule["health"], rule["lastError"]
        )
    })
    .collect()
}

// ---------------------------------------------------------------------------

fn names() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(ALERTS);
    let text = fs::read_to_string(file).expect(ALERTS);
    let names = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

#[test]
fn alerts_that_are_explained_exist() {
    let names = names();
    assert!(names.len() > 20);
    for scenario in SCENARIOS {
        for name in scenario.names() {
            assert!(names.iter().any(|own| own == name), "{name}");
        }
    }
}

#[test]
fn a_faster_clock_leaves_no_time_as_it_was() {
    let text = concat!(
        "        expr: max_over_time(count(a)[6h:5m]) > rate(b[10m]) and carry_progress_age_seconds > 120 and c\n",
        "          predict_linear(d_bytes[1h], 86400)) > 2147483648\n",
        "        for: 5m\n",
        "          runbook: for 5 minutes; jq '.[0].x'\n",
    );
    let wanted = concat!(
        "        expr: max_over_time(count(a)[1080000ms:15000ms]) > rate(b[30000ms]) and carry_progress_age_seconds > 6 and c\n",
        "          predict_linear(d_bytes[180000ms], 4320)) > 16777216\n",
        "        for: 15000ms\n",
        "          runbook: for 5 minutes; jq '.[0].x'\n",
    );
    assert_eq!(faster(text), wanted);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(ALERTS);
    let faster = faster(&fs::read_to_string(file).expect(ALERTS));
    let left = Regex::new(r"(for: |\[|:)\d+[smhd](\n|\]|:)").expect("a pattern");
    assert_eq!(left.find(&faster).map(|found| found.as_str()), None);
}

#[test]
fn what_is_not_explained_is_found() {
    let explained = Explained::of("space");
    let round = Duration::from_secs(300);
    let mut alerts: Alerts = explained
        .musts(round)
        .map(|name| (name.to_owned(), [3, 9]))
        .collect();
    alerts.insert("CarryLags".to_owned(), [5, 0]);
    assert!(alerts.contains_key(NEAR_QUOTA), "{alerts:?}");
    assert_eq!(unexplained(explained, &alerts, round), Vec::<String>::new());
    alerts.insert("CarryRulesRefused".to_owned(), [0, 1]);
    alerts.insert(NEAR_QUOTA.to_owned(), [70, 0]);
    let wrong = unexplained(explained, &alerts, round);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    let rules = |health: &str| json!({"groups": [{"rules": [{"name": "A", "health": health}]}]});
    assert_eq!(unevaluated(&rules("ok")).len(), 0);
    assert_eq!(unevaluated(&rules("err")).len(), 1);
}
