//! `carry run`: settings, connections, the mirror, and its end.
//!
//! Promises that probes are answered from the start (but of a dry run), that a
//! signal ends it cleanly within seconds, and one line on stdout where
//! something was asked for. Deliberately leaves everything between to `mirror`,
//! and a dry run to `dry_run`.

use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::RunArgs;
use super::between::{connect_both, holder, needs, options, parts};
use super::config::Config;
use super::connecting::{self, Which};
use super::ending::end;
use super::progress::Shown;
use super::rules_file::Loaded;
use super::settings::RunSettings;
use super::space::SpaceWatch;
use super::stdout::say;
use super::{dry_run, logging, refuse, rules_file, rules_watch, run_report, said};
use crate::admin::{self, Limits, Orders, Status};
use crate::etcd::Endpoint;
use crate::metrics::{Metrics, Phase, ResyncKind};
use crate::mirror::{AddressPairs, Mirror, Progress, Report};
use crate::state::{Counted, RocksStore, StateError, StateStore};

/// Runs it to its end.
pub fn run(args: RunArgs, config: &Config) -> ExitCode {
    let only_printed = args.print_config;
    let settings = match RunSettings::from_args(args) {
        // What is refused may hold a password where none belongs.
        Ok(settings) if only_printed => {
            return match rules_file::load(&settings.rules, &settings.name) {
                Ok(_) => said(&config.shown()),
                Err(failed) => refuse(failed.shown()),
            };
        }
        Ok(settings) => settings,
        Err(problems) => return config.refuse(problems),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Without optimisation the mirror's futures need more than the 2 MiB
        // that threads have.
        .thread_stack_size(8 << 20)
        .build();
    let ran = runtime.map_err(|error| format!("cannot start: {error}"));
    let ran = ran.and_then(|runtime| {
        let ran = runtime.block_on(prepare(settings));
        end(runtime);
        ran
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => refuse(why),
    }
}

/// What every kind of run needs: rules, the admin port, signals.
async fn prepare(mut settings: RunSettings) -> Result<(), String> {
    // First of all: until then it ends carry.
    let hangup =
        signal(SignalKind::hangup()).map_err(|error| format!("cannot wait for SIGHUP: {error}"))?;
    let judged = rules_file::load(&settings.rules, &settings.name);
    let judged = judged.map_err(rules_file::NotLoaded::shown)?;
    logging::remark(&judged.remarks);
    for warning in settings
        .warnings
        .iter()
        .chain(&judged.encryption.warnings())
    {
        tracing::warn!("{warning}");
    }
    settings.source.asks_for = connecting::source_key(&judged.judge);
    settings.destination.asks_for = connecting::destination_key(&settings.name);
    let metrics = Metrics::default();
    for (which, side) in [
        (Which::Source, &mut settings.source),
        (Which::Destination, &mut settings.destination),
    ] {
        side.on_reload = Some(connecting::on_reload(which, metrics.clone()));
    }
    let limits = Limits {
        max_lag: settings.max_lag,
        ..Limits::default()
    };
    let status = Status::with_limits(settings.name.clone(), metrics.clone(), limits);
    status.set_rules_digest(judged.judge.digest());
    let stop = stop_on_signals().map_err(|error| format!("cannot wait for signals: {error}"))?;
    status.sides().set(
        holder(&settings.db_path).to_string(),
        shown(&settings.source.endpoints),
        shown(&settings.destination.endpoints),
    );
    status.sides().rules(rules_watch::names(&judged.judge));
    let ended = CancellationToken::new();
    let (orders, asked) = orders(&settings, hangup);
    let serving = match settings.dry_run {
        // It may run beside a carry that has the port.
        true => None,
        false => Some(serve(&settings, status.clone(), orders, ended.clone()).await?),
    };
    // A task of its own, so that the clock below goes on where it is held up.
    let mirroring = tokio::spawn(mirror(settings, judged, asked, status, stop.clone()));
    let ran = tokio::select! {
        ran = mirroring => ran.unwrap_or_else(|ended| Err(format!("the mirror broke down: {ended}"))),
        // Only what comes before the mirror can be cut off: that drains.
        () = cut_off(&stop) => Err("draining took too long: ended without it".to_owned()),
    };
    ended.cancel();
    // Open pages are told that it is over. Whoever still asks after that is
    // answered no more.
    if let Some(mut serving) = serving {
        let _ = tokio::time::timeout(LAST_WORDS, &mut serving).await;
        serving.abort();
    }
    ran
}

/// How long the last answers may take.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(250);

/// What came in by signals and over the admin port.
struct Asked {
    rules: rules_watch::Asked,
    resyncs: Option<watch::Receiver<u64>>,
}

fn orders(settings: &RunSettings, hangup: Signal) -> (Option<Orders>, Asked) {
    let taken = settings.admin_token.clone().map(Orders::new);
    let (orders, rules, resyncs) = match taken {
        Some((orders, rules, resyncs)) => (Some(orders), Some(rules), Some(resyncs)),
        None => (None, None, None),
    };
    let rules = rules_watch::Asked {
        hangup,
        orders: rules,
    };
    (orders, Asked { rules, resyncs })
}

/// An endpoint has neither user nor password.
fn shown(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().map(Endpoint::to_string).collect()
}

/// Longer than a drain takes.
async fn cut_off(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(std::time::Duration::from_millis(4900)).await;
}

async fn serve(
    settings: &RunSettings,
    status: Status,
    orders: Option<Orders>,
    ended: CancellationToken,
) -> Result<tokio::task::JoinHandle<()>, String> {
    let listener = admin::bind(settings.bind)
        .await
        .map_err(|error| error.to_string())?;
    Ok(tokio::spawn(async move {
        if let Err(error) =
            admin::serve_with(listener, status, orders, ended.cancelled_owned()).await
        {
            tracing::warn!("{error}");
        }
    }))
}

fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            if !stop.is_cancelled() {
                tracing::info!("stopping: what is under way is finished");
            }
            stop.cancel();
        });
    }
    Ok(stop)
}

async fn mirror(
    settings: RunSettings,
    judged: Loaded,
    asked: Asked,
    status: Status,
    stop: CancellationToken,
) -> Result<(), String> {
    if settings.dry_run {
        return Box::pin(dry_run::run(&settings, judged.judge, &status, &stop)).await;
    }
    let store = RocksStore::open(&settings.db_path).map_err(|error| match error {
        StateError::InUse { .. } => {
            format!("`--db-path`: {error}; `--dry-run` reads it beside a carry that runs")
        }
        error => format!("`--db-path`: {error}"),
    })?;
    // On the heap: a mirror is too large for a thread's stack to move around.
    Box::pin(mirror_with(&settings, judged, asked, status, stop, store)).await
}

async fn mirror_with<St: StateStore>(
    settings: &RunSettings,
    judged: Loaded,
    asked: Asked,
    status: Status,
    stop: CancellationToken,
    store: St,
) -> Result<(), String> {
    let connected = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        connected = connect_both(settings, status.metrics()) => connected?,
    };
    let judge = Arc::new(judged.judge);
    let (source, plain) = (connected.0.clone(), connected.1.clone());
    let needs = needs(settings, (&source, &plain), &judge);
    let _space = SpaceWatch::start(connected.1.clone(), status.clone());
    let store = Counted::new(store, status.metrics().clone());
    let store = store.map_err(|error| format!("`--db-path`: {error}"))?;
    status.set_owned(store.owned());
    let parts = parts(connected, &judge, store, status.metrics());
    let options = options(settings);
    let report = Arc::new(AdminReport(status.clone(), Shown::default()));
    let reload = Arc::new(judged.encryption.reload_into(judge.clone()));
    let used = judged.source.text.into_bytes();
    let rules = rules_watch::start(&settings.rules, used, judge.clone(), status, asked.rules);
    let mirror = Mirror::new(parts, options, report, stop);
    let mut mirror = mirror.with_reload(reload).with_rules(rules);
    if let Some(resyncs) = asked.resyncs {
        mirror = mirror.with_resyncs(resyncs);
    }
    let summary = connecting::or_explain(Box::pin(mirror.run()).await, &needs).await?;
    if settings.once {
        say(&run_report::done(&summary))?;
    }
    Ok(())
}

/// Tells the admin endpoints.
struct AdminReport(Status, Shown);

impl Progress for AdminReport {
    fn begin(&self, what: &str, keys: Option<u64>) {
        self.1.begin(what, keys);
    }

    fn advance(&self, keys: u64) {
        self.0.looked_at(keys);
        self.1.advance(keys);
    }

    fn end(&self) {
        self.1.end();
    }
}

impl Report for AdminReport {
    fn phase(&self, phase: Phase) {
        self.0.set_phase(phase);
    }

    fn progress(&self) -> &dyn Progress {
        self
    }

    fn ready(&self, reason: Option<&str>) {
        match reason {
            None => self.0.set_ready(),
            Some(reason) => self.0.set_not_ready(reason),
        }
    }

    fn standing_by(&self, leader: &str) {
        self.0.standing_by(leader);
    }

    fn alive(&self) {
        self.0.alive();
    }

    fn resync(&self, kind: ResyncKind, reason: &str, at: i64) {
        self.0.resync(kind, reason, at);
    }

    fn rules(&self, digest: &str) {
        self.0.set_rules_digest(digest);
    }

    fn saw_source(&self, revision: i64) {
        self.0.saw_source(revision);
    }

    fn applied(&self, revision: i64) {
        self.0.applied(revision);
    }

    fn progressed(&self) {
        self.0.progressed();
    }

    fn hold(&self, key: &[u8], reason: &str) {
        self.0.hold(key, reason);
    }

    fn release(&self, key: &[u8]) {
        self.0.release(key);
    }

    fn keep(&self, key: &[u8]) {
        self.0.keep(key);
    }

    fn unkeep(&self, key: &[u8]) {
        self.0.unkeep(key);
    }

    fn drift(&self, key: &[u8], how: Option<&str>) {
        self.0.drift(key, how);
    }

    fn service_addresses(&self, key: &[u8], pairs: &[(IpAddr, IpAddr)]) {
        self.0.service_addresses(key, pairs);
    }

    fn all_service_addresses(&self, all: &[(Vec<u8>, AddressPairs)]) {
        let all = all.iter();
        let all = all.map(|(key, pairs)| (key.as_slice(), pairs.as_slice()));
        self.0.all_service_addresses(all);
    }
}
