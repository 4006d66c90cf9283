//! What the page shows, kept up to date for whoever listens.
//!
//! Promises that the mirror never waits for a listener: there is one newest
//! state, and who is slow misses the ones between. Deliberately makes it only
//! while somebody listens; samples are taken always.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::course::{Course, Look, Rates, Sample};
use super::sides::Told;
use super::status::{Status, StatusReport};
use super::verdict::{self, Facts, Since, Verdict};
use crate::metrics::Totals;

/// So many keys of each kind are named on the page; `/status` names more.
const NAMED: usize = 100;

/// News is told at most so often.
const REST: Duration = Duration::from_millis(200);

/// The state that the page shows, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot<'a> {
    version: &'static str,
    /// In milliseconds since 1970.
    at: u64,
    verdict: Verdict,
    since: Since,
    max_lag_seconds: u64,
    age: Option<f64>,
    rates: Rates,
    operations: u64,
    bytes: u64,
    spool_memory: u64,
    spool_disk: u64,
    db_size_bytes: u64,
    out_of_space: bool,
    sample: Option<Sample>,
    #[serde(flatten)]
    told: Told,
    status: &'a StatusReport,
}

/// Keeps it up to date until it is dropped.
pub(super) struct Live {
    shared: Arc<Shared>,
    looking: JoinHandle<()>,
}

struct Shared {
    status: Status,
    course: Mutex<Course>,
    newest: watch::Sender<Arc<str>>,
}

impl Live {
    /// Begins to look.
    pub fn start(status: Status) -> Live {
        let (newest, _) = watch::channel(Arc::from(""));
        let shared = Arc::new(Shared {
            status,
            course: Mutex::new(Course::starting(now().as_secs())),
            newest,
        });
        let looking = tokio::spawn(look(shared.clone()));
        Live { shared, looking }
    }

    /// The samples so far as JSON, and the states from now on.
    pub fn listen(&self) -> (String, watch::Receiver<Arc<str>>) {
        let listener = self.shared.newest.subscribe();
        self.shared.publish();
        let columns = self.shared.course().columns();
        (
            serde_json::to_string(&columns).unwrap_or_default(),
            listener,
        )
    }

    /// The state now, as JSON.
    pub fn now(&self) -> String {
        self.shared.snapshot()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(shared: Arc<Shared>) {
    let news = shared.status.news.clone();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => shared.look(),
            () = news.notified() => {}
        }
        if shared.newest.receiver_count() > 0 {
            shared.publish();
            tokio::time::sleep(REST).await;
        }
    }
}

impl Shared {
    /// Takes a sample, and notes since when it is as it is.
    fn look(&self) {
        let status = &self.status;
        let (now, report) = (now(), status.report_naming(0));
        let totals = status.metrics().totals();
        let mut course = self.course();
        course.look(&Look {
            now: now.as_secs(),
            at: Instant::now(),
            report: &report,
            age: status.progress_age().map(|age| age.as_secs_f64()),
            totals,
        });
        self.judge(&mut course, &report, &status.sides().told(), totals, now);
    }

    fn judge(
        &self,
        course: &mut Course,
        report: &StatusReport,
        told: &Told,
        totals: Totals,
        now: Duration,
    ) -> (Verdict, Since) {
        course.note(report, now.as_secs());
        let looked = self.status.looked();
        let quiet = course
            .moves
            .quiet_for(report, totals.operations, looked, Instant::now());
        let verdict = verdict::judge(&Facts {
            report,
            told,
            totals,
            not_alive: self.status.not_alive(),
            now: now.as_secs(),
            since: course.since(),
            quiet,
        });
        let since = course.judged(verdict.level, now.as_secs());
        (verdict, since)
    }

    fn publish(&self) {
        let snapshot: Arc<str> = self.snapshot().into();
        self.newest.send_replace(snapshot);
    }

    fn snapshot(&self) -> String {
        let status = &self.status;
        let (report, told) = (status.report_naming(NAMED), status.sides().told());
        let totals = status.metrics().totals();
        let (at, mut course) = (now(), self.course());
        let (verdict, since) = self.judge(&mut course, &report, &told, totals, at);
        let Totals {
            operations,
            bytes,
            spool_memory,
            spool_disk,
            db_size,
            out_of_space,
        } = totals;
        let snapshot = Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            at: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            verdict,
            since,
            max_lag_seconds: status.limits.max_lag.as_secs(),
            age: status.progress_age().map(|age| age.as_secs_f64()),
            rates: course.rates(),
            operations,
            bytes,
            spool_memory,
            spool_disk,
            db_size_bytes: db_size,
            out_of_space,
            sample: course.newest(),
            told,
            status: &report,
        };
        // Strings and numbers always become JSON.
        serde_json::to_string(&snapshot).unwrap_or_default()
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
