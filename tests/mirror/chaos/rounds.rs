//! What every scenario is made of: a load, faults for a while, and then quiet
//! and a look at what has come of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::access::Access;
use super::alerts::Watched;
use super::compare::{Foreign, RULES, differences};
use super::history::History;
use super::load::{self, furnish};
use super::random::Random;
use super::writers::Writers;
use crate::mirror::harness::{Carry, Ended, Version, carry, temp_dir, versions};

/// How long after the faults carry may need until it has caught up.
const CALM: Duration = Duration::from_secs(60);

/// How long the faults of one scenario last, by default.
const SECONDS: u64 = 6;

/// How long one round is at most: then everything is compared.
const ROUND: Duration = Duration::from_secs(90);

/// What a run of a scenario was told.
pub struct Plan {
    /// Its name.
    pub name: &'static str,
    /// The seed of everything random.
    pub seed: u64,
    /// How long the faults last, altogether.
    pub lasts: Duration,
    /// What is chosen by the seed.
    pub random: Random,
    /// The etcd release of both sides.
    pub version: Version,
}

impl Plan {
    /// Of `CARRY_CHAOS_SEED` and `CARRY_CHAOS_SECONDS`; says what it is.
    pub fn of(name: &'static str) -> Option<Plan> {
        Plan::with(name, |_| true)
    }

    /// With an etcd that has its `etcdctl` beside it.
    pub fn with_etcdctl(name: &'static str) -> Option<Plan> {
        Plan::with(name, |version| version.etcdctl().is_some())
    }

    fn with(name: &'static str, fits: impl Fn(&Version) -> bool) -> Option<Plan> {
        let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let seed = given("CARRY_CHAOS_SEED").unwrap_or_else(any_seed);
        let lasts = Duration::from_secs(given("CARRY_CHAOS_SECONDS").unwrap_or(SECONDS));
        let mut random = Random::new(seed).fork(name);
        let mut here = versions(name);
        here.retain(fits);
        if here.is_empty() {
            println!("{name}: not run, there is no etcd for it");
            return None;
        }
        let version = *random.pick(&here);
        println!(
            "chaos {name}: CARRY_CHAOS_SEED={seed}, {} s of faults, etcd {}",
            lasts.as_secs(),
            version.name()
        );
        Some(Plan {
            name,
            seed,
            lasts,
            random,
            version,
        })
    }

    /// How long each round lasts: all equally, and none too long.
    pub fn rounds(&self) -> Vec<Duration> {
        let count = self.lasts.as_secs().div_ceil(ROUND.as_secs()).max(1) as u32;
        vec![self.lasts / count; count as usize]
    }

    /// Longest fault: as long as the round allows, up to a minute.
    pub fn longest_fault(&self) -> Duration {
        let round = self.rounds()[0];
        (round * 2 / 3).min(Duration::from_secs(60))
    }
}

fn any_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |now| now.as_micros() as u64 % 1_000_000_007)
}

/// Both sides, the load, and what was seen.
pub struct Arena {
    /// The plan.
    pub plan: Plan,
    /// The source, past every proxy.
    pub source: Access,
    /// The destination, past every proxy.
    pub destination: Access,
    /// What is not carry's business.
    pub foreign: Foreign,
    /// What carry is told besides: how to log in.
    pub flags: Vec<String>,
    /// The destination's history, where it is looked at.
    pub history: Option<History>,
    /// The source's, to know whether the load keeps its promise.
    pub source_history: Option<History>,
    numbers: Arc<AtomicU64>,
    load: Option<Writers>,
    written: u64,
    faults: u64,
    begin: Instant,
    told: Instant,
    watched: Watched,
    rules: tempfile::TempDir,
}

impl Arena {
    /// Furnishes the source, and puts foreign keys into the destination.
    pub async fn open(plan: Plan, source: Access, destination: Access) -> Arena {
        let numbers = Arc::new(AtomicU64::new(1));
        furnish(&source, &numbers).await;
        let foreign = Foreign::put_first(&destination).await;
        let history = Some(History::of(&destination).await);
        let source_history = Some(History::with_gaps(&source).await);
        let rules = temp_dir();
        std::fs::write(rules.path().join("rules.yaml"), RULES).expect("rules");
        Arena {
            watched: Watched::new(plan.name),
            plan,
            source,
            destination,
            foreign,
            flags: Vec::new(),
            history,
            source_history,
            numbers,
            load: None,
            written: 0,
            faults: 0,
            begin: Instant::now(),
            told: Instant::now(),
            rules,
        }
    }

    /// The rules file.
    pub fn rules(&self) -> PathBuf {
        self.rules.path().join("rules.yaml")
    }

    /// The arguments of `carry` between these endpoints.
    pub fn args(&self, source: &[String], destination: &[String]) -> Vec<String> {
        let mut args = vec![
            format!("--master-endpoints={}", source.join(",")),
            format!("--slave-endpoints={}", destination.join(",")),
            format!("--mirror-rule={}", self.rules().display()),
        ];
        args.extend(self.flags.iter().cloned());
        args
    }

    /// Starts carry, and lets Prometheus look at it, whenever it runs.
    pub fn start(&self, args: &[String]) -> Carry {
        let carry = Carry::start(args);
        self.watched.scrape(carry.port());
        carry
    }

    /// Judges which alerts the faults have set off; carry still runs.
    pub async fn alerts(&self) {
        self.watched.judge(self.plan.rounds()[0]).await;
    }

    /// Begins to write at the source.
    pub fn load(&mut self) {
        let load = load::start(&self.source, &self.plan.random, &self.numbers);
        self.load = Some(load);
    }

    /// Stops writing.
    pub async fn calm(&mut self) {
        if let Some(load) = self.load.take() {
            self.written += load.stop().await;
        }
    }

    /// One more fault was made. Every minute a line says how it goes.
    pub fn fault(&mut self) {
        self.faults += 1;
        if self.told.elapsed() > Duration::from_secs(60) {
            self.told = Instant::now();
            self.summary("so far");
        }
    }

    /// One more foreign key at the destination, beside what is mirrored.
    pub async fn intrude(&mut self) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let key = format!("/registry/configmaps/team-{}/native-{number}", number % 8);
        self.foreign.put(&self.destination, &key).await;
    }

    /// A line of how it went.
    pub fn summary(&self, when: &str) {
        let running = self.load.as_ref().map_or(0, Writers::written);
        println!(
            "chaos {} {when}: seed {}, {} s, {} writes, {} faults",
            self.plan.name,
            self.plan.seed,
            self.begin.elapsed().as_secs(),
            self.written + running,
            self.faults,
        );
    }

    /// Stops writing, waits until carry has caught up, and compares: the
    /// contents, what is foreign, the destination's history, and `carry
    /// verify`. How long carry needed.
    pub async fn settle(&mut self, carry: &mut Carry) -> Duration {
        self.calm().await;
        let caught_up = self.caught_up(carry).await;
        self.compare(&carry.stderr()).await;
        self.verify(carry);
        caught_up
    }

    /// `carry verify`, past every proxy, beside the carry that runs.
    fn verify(&self, running: &Carry) {
        let mut args = vec!["verify".to_owned()];
        args.extend(self.args(self.source.urls(), self.destination.urls()));
        args.push(format!("--db-path={}", running.db_path().display()));
        let Ended {
            code,
            stdout,
            stderr,
        } = carry(&args);
        assert_eq!(
            code, 0,
            "{}, seed {}: `carry verify` says {stdout}{stderr}",
            self.plan.name, self.plan.seed
        );
    }

    /// Waits until the destination's history up to `revision` was seen.
    pub async fn seen(&self, revision: i64) {
        if let Some(history) = &self.history {
            history.backwards(revision).await;
        }
    }

    /// Waits until everything that the source holds now is applied.
    pub async fn caught_up(&self, carry: &mut Carry) -> Duration {
        let (begin, revision) = (Instant::now(), self.source.revision().await);
        loop {
            let applied = status(carry)["appliedRevision"].as_i64().unwrap_or(0);
            let ready = carry.http("/readyz").is_some_and(|(code, _)| code == 200);
            if ready && applied >= revision {
                return begin.elapsed();
            }
            if let Some(ended) = carry.process().ended() {
                panic!(
                    "{}: carry ended ({ended}); it said:\n{}",
                    self.plan.name,
                    carry.stderr()
                );
            }
            assert!(
                begin.elapsed() < CALM,
                "{}, seed {}: not caught up with revision {revision} after {CALM:?}: {}; carry said:\n{}",
                self.plan.name,
                self.plan.seed,
                status(carry),
                carry.stderr()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Compares now; `said` is what carry has said, for the failure.
    pub async fn compare(&self, said: &str) {
        let (source, written) = self.source.list("").await;
        if let Some(history) = &self.source_history {
            let backwards = history.backwards(written).await;
            assert!(
                backwards.is_empty(),
                "{}, seed {}: the test's own load is wrong: {backwards:#?}",
                self.plan.name,
                self.plan.seed
            );
        }
        let (destination, revision) = self.destination.list("").await;
        let mut wrong = differences(&source, &destination, &self.foreign);
        if let Some(history) = &self.history {
            wrong.extend(history.backwards(revision).await);
        }
        assert!(
            wrong.is_empty(),
            "{}, seed {}: {} differences: {wrong:#?}; carry said:\n{said}",
            self.plan.name,
            self.plan.seed,
            wrong.len()
        );
    }
}

/// `/status`, or null.
pub fn status(carry: &Carry) -> Value {
    let answer = carry.http("/status");
    let body = answer.and_then(|(_, body)| serde_json::from_str(&body).ok());
    body.unwrap_or(Value::Null)
}
