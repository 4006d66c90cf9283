//! One run: the processes of carry, what happens to them, and whether all is
//! right in the end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use carry::metrics::Metrics;
use carry::mirror::{
    Holder, Mirror, MirrorError, Mode, Options, Parts, Standby, Summary, Widths, World,
};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::disk::{Disk, SimStore};
use super::drift;
use super::freeing;
use super::life::{Life, Told};
use super::network::SimDestination;
use super::origin::SimSource;
use super::rules::Rules;
use super::scenario::{Edit, Fate, Scenario, Step, Weather};
use super::services;
use super::stage::{LEASE, Stage};

/// How long all may take to be right once nothing disturbs any more.
const WITHIN: Duration = Duration::from_secs(300);

struct Simulated;

impl World for Simulated {
    type Source = SimSource;
    type Destination = SimDestination;
    type Store = SimStore;
    type Judge = Rules;
}

/// What became of a run.
pub struct Ran {
    pub failure: Option<String>,
    pub fingerprint: u64,
    pub trace: Vec<String>,
}

/// Runs it, always in the same way.
pub fn run(scenario: &Scenario, verbose: bool) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let stage = Arc::new(Stage::new(scenario, verbose));
    carry::rules::landing::fix_lots(scenario.seed);
    runtime.block_on(perform(scenario, &stage));
    drop(runtime);
    let mut witness = stage.witness();
    Ran {
        failure: witness.failure.take(),
        fingerprint: witness.fingerprint,
        trace: std::mem::take(&mut witness.trace),
    }
}

/// A machine that runs carry again whenever it has ended.
struct Host {
    name: String,
    stage: Arc<Stage>,
    disk: Arc<Mutex<Disk>>,
    now: Mutex<Option<(Arc<Life>, CancellationToken)>>,
    /// What becomes of the disk, and how long nothing runs, at the next end.
    after: Mutex<(Fate, u64)>,
}

impl Host {
    fn new(stage: &Arc<Stage>, number: usize) -> Arc<Host> {
        Arc::new(Host {
            name: ["A", "B"][number].to_owned(),
            stage: stage.clone(),
            disk: Arc::default(),
            now: Mutex::default(),
            after: Mutex::new((Fate::Kept, 0)),
        })
    }

    fn life(&self) -> Option<Arc<Life>> {
        let now = self.now.lock().expect("no panic");
        now.as_ref().map(|(life, _)| life.clone())
    }

    fn crash(&self, calls: i64, fate: Fate, away: u64) {
        *self.after.lock().expect("no panic") = (fate, away);
        if let Some(life) = self.life() {
            life.dies_after(calls);
        }
    }

    fn stop(&self, away: u64) {
        *self.after.lock().expect("no panic") = (Fate::Kept, away);
        if let Some((life, stop)) = &*self.now.lock().expect("no panic") {
            life.spare();
            stop.cancel();
        }
    }

    fn mirror(&self, life: &Arc<Life>, stop: CancellationToken) -> Mirror<Simulated> {
        let stage = &self.stage;
        let parts = Parts::<Simulated> {
            source: Arc::new(SimSource {
                stage: stage.clone(),
                life: life.clone(),
            }),
            destination: Arc::new(SimDestination {
                stage: stage.clone(),
                life: life.clone(),
            }),
            store: Arc::new(SimStore::open(&self.disk, life.clone())),
            judge: stage.rules.borrow().clone(),
            metrics: Metrics::default(),
        };
        let told = Arc::new(Told(stage.clone(), life.clone()));
        Mirror::new(parts, self.options(life.id), told, stop).with_rules(stage.rules.subscribe())
    }

    fn options(&self, life: u32) -> Options {
        let generation = self.disk.lock().expect("no panic").generation;
        let holder = Holder {
            host: self.name.clone(),
            pid: life,
            store: Some(format!("disk {generation} of {}", self.name)),
            token: format!("process {life}"),
        };
        let settings = &self.stage.settings;
        let mut options = Options::new("sim", holder);
        options.kube_prefix = "/r/".to_owned();
        options.dest_kube_prefix = "/r/".to_owned();
        options.standby = match settings.live {
            true => Standby::Live,
            false => Standby::Cold,
        };
        options.widths = Widths {
            txn_ops: settings.txn_ops,
            txn_bytes: settings.txn_bytes,
            live: settings.width,
            cold: settings.width,
        };
        options.prune = settings.prune;
        options.once = settings.once;
        options.resync = settings.resync;
        options.mode = match settings.waits {
            true => Mode::ActiveStandby,
            false => Mode::Standalone,
        };
        options.checkpoint_every = Duration::from_millis(100);
        options.progress_every = Duration::from_millis(500);
        options.lease_ttl = LEASE;
        options.retry_held_after = Duration::from_millis(200);
        options.drift_every = Duration::from_millis(200);
        options
    }

    /// Runs carry for ever.
    async fn keep_running(self: Arc<Host>) {
        loop {
            let life = Arc::new(Life::new(self.stage.next_life()));
            let stop = CancellationToken::new();
            *self.now.lock().expect("no panic") = Some((life.clone(), stop.clone()));
            self.stage.witness().begins(life.id, &self.name);
            let mut task = tokio::spawn(self.mirror(&life, stop.clone()).run());
            let ended = tokio::select! {
                biased;
                () = life.died() => None,
                ended = &mut task => Some(ended),
            };
            self.ended(&life, &stop, ended, task).await;
            let (fate, away) = std::mem::replace(
                &mut *self.after.lock().expect("no panic"),
                (Fate::Kept, 500),
            );
            self.disk.lock().expect("no panic").suffer(fate);
            if fate == Fate::Lost {
                self.stage.witness().ledger_is_lost(&self.name);
            }
            sleep(Duration::from_millis(away)).await;
        }
    }

    async fn ended(
        &self,
        life: &Life,
        stop: &CancellationToken,
        ended: Option<Result<Result<Summary, MirrorError>, JoinError>>,
        task: JoinHandle<Result<Summary, MirrorError>>,
    ) {
        let how = match ended {
            None => {
                task.abort();
                let _ = task.await;
                "is killed".to_owned()
            }
            Some(_) if life.is_dead() => "is killed".to_owned(),
            Some(Ok(Ok(_))) if stop.is_cancelled() => "is stopped".to_owned(),
            Some(Ok(Ok(_))) if self.stage.settings.once => "has caught up".to_owned(),
            Some(Ok(Err(MirrorError::LedByAnother { .. }))) => "gives way".to_owned(),
            Some(Ok(Err(MirrorError::Conflict { key }))) => {
                self.stops_at(life, &key);
                format!("ends for `{key}`")
            }
            Some(Ok(Err(error))) => {
                let gave_up = format!("process {} gives up: {error}", life.id);
                self.stage.witness().object(gave_up);
                "ends".to_owned()
            }
            Some(Ok(Ok(_))) => {
                let told = format!("process {} ends, and nobody told it to", life.id);
                self.stage.witness().object(told);
                "ends".to_owned()
            }
            Some(Err(error)) => {
                let panicked = format!("process {} panics: {error}", life.id);
                self.stage.witness().object(panicked);
                "ends".to_owned()
            }
        };
        life.kill();
        self.stage
            .witness()
            .note(format_args!("process {} {how}", life.id));
    }
}

impl Host {
    /// It has ended for what another has there: somebody starts it again soon,
    /// and removes that once nothing else happens.
    fn stops_at(&self, life: &Life, key: &str) {
        let mut witness = self.stage.witness();
        witness.stopped_at(life.id, key);
        let is_there = witness.is_anothers(key);
        drop(witness);
        if is_there && self.stage.is_calm() {
            freeing::remove(&self.stage, key);
        }
        let mut after = self.after.lock().expect("no panic");
        after.1 = after.1.min(20);
    }
}

async fn perform(scenario: &Scenario, stage: &Arc<Stage>) {
    services::found(stage);
    for (key, value) in &scenario.settings.foreign {
        write_foreign(stage, key, value);
    }
    for edits in &scenario.settings.before {
        write(stage, edits);
    }
    let hosts: Vec<Arc<Host>> = (0..scenario.settings.hosts)
        .map(|number| Host::new(stage, number))
        .collect();
    for host in &hosts {
        tokio::spawn(host.clone().keep_running());
    }
    for (pause, step) in &scenario.steps {
        sleep(Duration::from_millis(*pause)).await;
        stage.witness().note(format_args!("{step}"));
        happens(stage, &hosts, step);
        for key in stage.take_doomed() {
            let edit = Edit {
                key,
                value: None,
                leased: false,
            };
            write(stage, &[edit]);
        }
        if stage.witness().failure.is_some() {
            return;
        }
    }
    calm(stage, &hosts);
    settle(stage, &hosts).await;
}

fn write_foreign(stage: &Stage, key: &str, value: &str) {
    let value = services::bytes(key, value);
    stage.destination.put(key.as_bytes(), &value);
    stage.witness().wrote_foreign(key, &value);
}

fn write(stage: &Stage, edits: &[Edit]) {
    let ops = edits.iter().map(|edit| {
        let value = edit.value.as_ref();
        let value = value.map(|value| services::bytes(&edit.key, value));
        (edit.key.clone().into_bytes(), value, i64::from(edit.leased))
    });
    let revision = stage.source.txn(ops);
    stage.witness().wrote_source(edits, revision.0);
}

fn happens(stage: &Arc<Stage>, hosts: &[Arc<Host>], step: &Step) {
    let until = |ms: &u64| Some(Instant::now() + Duration::from_millis(*ms));
    match step {
        Step::Write(edits) => write(stage, edits),
        Step::Compact { behind } => {
            let at = stage.source.revision().0 - behind;
            stage.source.compact(carry::etcd::SourceRevision(at.max(0)));
            stage.witness().compacted(at);
            drift::cut(stage, true);
        }
        Step::CutWatches => {
            let error = carry::etcd::EtcdError::Unavailable("cut".to_owned());
            stage.source.fail_watches(error);
            drift::cut(stage, false);
        }
        Step::Announce => stage.source.announce_progress(),
        Step::Foreign { key, .. } if stage.witness().is_taken(key) => {}
        Step::Foreign { key, value } => {
            write_foreign(stage, key, value);
        }
        Step::Call { call, lag } => services::call(stage, call, *lag),
        Step::Meddle(meddling) => drift::meddle(stage, meddling),
        Step::Free { pick } => freeing::free(stage, *pick),
        Step::Weather(weather) => stage.set_weather(*weather),
        Step::Down { ms } => stage.down(until(ms)),
        Step::Full { ms } => stage.full(until(ms)),
        Step::Crash {
            host,
            calls,
            fate,
            away,
        } => hosts[*host].crash(*calls, *fate, *away),
        Step::Stop { host, away } => hosts[*host].stop(*away),
        Step::Pause { host, ms } => pause(&hosts[*host], *ms),
        Step::ExpireLease => stage.end_leases(),
        Step::Rules { number, hot } => change_rules(stage, hosts, *number, *hot),
        Step::Mend => {
            stage
                .outside
                .mended
                .store(true, std::sync::atomic::Ordering::SeqCst);
            stage.witness().mends();
        }
    }
}

fn pause(host: &Host, ms: u64) {
    let Some(life) = host.life() else { return };
    life.pause(true);
    tokio::spawn(async move {
        sleep(Duration::from_millis(ms)).await;
        life.pause(false);
    });
}

fn change_rules(stage: &Stage, hosts: &[Arc<Host>], number: usize, hot: bool) {
    let version = stage.settings.versions[number];
    if version == stage.version() {
        return;
    }
    stage.set_version(version);
    stage.witness().uses(version);
    if !hot {
        hosts.iter().for_each(|host| host.stop(0));
    }
}

/// Nothing disturbs any more.
fn calm(stage: &Stage, hosts: &[Arc<Host>]) {
    stage.witness().note(format_args!("calm"));
    stage.calm();
    stage.set_weather(Weather {
        delay: 1,
        ..Weather::default()
    });
    stage.down(None);
    stage.full(None);
    for host in hosts {
        if let Some(life) = host.life() {
            life.spare();
            life.pause(false);
        }
        let mut after = host.after.lock().expect("no panic");
        after.1 = after.1.min(500);
    }
}

/// Whether what is right now is on its way to nothing else.
async fn stays_so(stage: &Stage, hosts: &[Arc<Host>]) -> bool {
    let writes = stage.witness().writes;
    sleep(Duration::from_millis(500)).await;
    stage.witness().writes == writes && what_is_wrong(stage, hosts).is_none()
}

async fn settle(stage: &Stage, hosts: &[Arc<Host>]) {
    let deadline = Instant::now() + WITHIN;
    loop {
        let wrong = what_is_wrong(stage, hosts);
        if stage.witness().failure.is_some() {
            return;
        }
        if wrong.is_none() && stays_so(stage, hosts).await {
            break;
        }
        if let Some(wrong) = wrong
            && Instant::now() > deadline
        {
            stage.witness().object(wrong);
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let writes = stage.witness().writes;
    sleep(Duration::from_secs(3)).await;
    if stage.witness().writes != writes {
        let idle = "something is written although all was right".to_owned();
        stage.witness().object(idle);
    }
    if let Some(wrong) = what_is_wrong(stage, hosts) {
        stage.witness().object(format!("not for long: {wrong}"));
    }
    is_untouched(stage);
}

fn what_is_wrong(stage: &Stage, hosts: &[Arc<Host>]) -> Option<String> {
    let version = stage.version();
    let witness = stage.witness();
    if !witness.is_done(version) {
        let newest = witness.history.newest();
        let found = &witness.checkpoint;
        return Some(format!("not caught up with {newest}: {found:?}"));
    }
    if witness.taking_up > 0 {
        return Some("a definition is about to be taken up".to_owned());
    }
    // One that ends and begins again and again may be gone, or have told
    // nothing yet.
    if stage.settings.once {
        return witness.wrong(version, None);
    }
    let mut lives = hosts.iter().filter_map(|host| host.life());
    let leader = lives.find(|life| life.id == witness.leader());
    let Some(leader) = leader else {
        return Some("nobody leads".to_owned());
    };
    witness.wrong(version, Some(&leader.said()))
}

/// What others have at the destination is as they left it.
fn is_untouched(stage: &Stage) {
    let contents = stage.destination.contents(b"");
    let mut witness = stage.witness();
    let differs = witness.differs_from(&contents);
    if let Some(differs) = differs {
        witness.object(differs);
    }
}
