//! A mirror from its start to its end: sessions, one after the other.
//!
//! Promises to lead before anything is written, to give the leadership back,
//! and that a session begins only where nothing of the one before can still
//! arrive. Deliberately ends only when it is told to, when `--once` is done,
//! or when nothing can be retried.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::acting::Acting;
use super::error::MirrorError;
use super::judging::Judging;
use super::leadership::{Keeper, campaign, refuse_promoted};
use super::leasing::Leasing;
use super::opening::{Opened, identify, open, refuse_swapped};
use super::options::Options;
use super::outcome::Written;
use super::reader::Reader;
use super::reload::{Reload, Reloader};
use super::report::{Report, waiting};
use super::retry::{Backoff, persist};
use super::session::{End, Session, Setup};
use super::spool::Spool;
use super::standby::StandbyWatch;
use super::start::{Ledger, Reason, Start};
use super::world::{Parts, World};
use super::writer::Writer;
use crate::destination::election::{Election, Term};
use crate::etcd::SourceRevision;
use crate::metrics::Phase;
use crate::rules::policy::Policy;

/// What a mirror has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Keys written.
    pub puts: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Transactions applied.
    pub transactions: u64,
    /// Everything of the source up to here is applied.
    pub applied: SourceRevision,
    /// Keys that could not be judged, or wait for something at the destination.
    pub held: usize,
    /// How many each policy leaves out for what the destination lacks.
    pub left_out: BTreeMap<Policy, usize>,
    /// Keys that are selected, and of which the destination has something else,
    /// which stays.
    pub kept: usize,
}

impl Summary {
    fn add(&mut self, written: Written) {
        self.puts += written.puts;
        self.deletes += written.deletes;
        self.transactions += written.transactions;
    }
}

/// A mirror that is ready to run.
pub struct Mirror<W: World> {
    parts: Parts<W>,
    options: Arc<Options>,
    report: Arc<dyn Report>,
    stop: CancellationToken,
    summary: Summary,
    /// The newest source revision when carry started.
    target: Option<SourceRevision>,
    reload: Option<Arc<dyn Reload>>,
    reloader: Reloader,
    rules: watch::Receiver<Arc<W::Judge>>,
    /// `--resync`, until a session has begun with it.
    compare: bool,
    /// How often a resync was asked for since.
    resyncs: watch::Receiver<u64>,
    /// The last of them that is done.
    resynced: u64,
    acting: Acting,
}

impl<W: World> Mirror<W> {
    /// A mirror of these parts that ends when `stop` is cancelled.
    pub fn new(
        parts: Parts<W>,
        options: Options,
        report: Arc<dyn Report>,
        stop: CancellationToken,
    ) -> Mirror<W> {
        let options = Arc::new(options);
        let (_, rules) = watch::channel(parts.judge.clone());
        let (_, resyncs) = watch::channel(0);
        let compare = options.resync;
        Mirror {
            parts,
            options,
            report,
            stop,
            summary: Summary::default(),
            target: None,
            reload: None,
            reloader: Reloader::idle(),
            rules,
            compare,
            resyncs,
            resynced: 0,
            acting: Acting::default(),
        }
    }

    /// Compares everything again whenever `resyncs` counts one more.
    pub fn with_resyncs(mut self, resyncs: watch::Receiver<u64>) -> Mirror<W> {
        self.resynced = *resyncs.borrow();
        self.resyncs = resyncs;
        self
    }

    /// Goes on under other rules whenever `rules` has new ones. Those that it
    /// has now are the ones to begin with.
    pub fn with_rules(mut self, rules: watch::Receiver<Arc<W::Judge>>) -> Mirror<W> {
        self.rules = rules;
        self.adopt_rules();
        self
    }

    fn adopt_rules(&mut self) {
        self.parts.judge = self.rules.borrow_and_update().clone();
        self.report.rules(self.parts.judge.digest());
    }

    /// Looks now and then whether `reload` has new encryption configurations.
    pub fn with_reload(mut self, reload: Arc<dyn Reload>) -> Mirror<W> {
        self.reload = Some(reload);
        self
    }

    /// Runs until it is stopped, `--once` is done, or nothing can be retried.
    pub async fn run(mut self) -> Result<Summary, MirrorError> {
        if let Some(reload) = self.reload.take() {
            let (every, metrics) = (self.options.reload_every, self.parts.metrics.clone());
            self.reloader = Reloader::start(reload, every, metrics);
        }
        // On the heap, as below: the states of these are large, and the stack
        // would hold all of them at once.
        let end = Box::pin(self.lead_again_and_again()).await;
        self.parts.metrics.leader(false);
        self.report.phase(Phase::Stopped);
        end.map(|()| self.summary)
    }

    async fn lead_again_and_again(&mut self) -> Result<(), MirrorError> {
        loop {
            let stop = self.stop.clone();
            let destination = self.parts.destination.clone();
            let report = self.report.clone();
            let term = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                identity = waiting(&*report, self.before_leading()) => identity?,
            };
            tracing::info!("leading as `{}`", self.options.name);
            self.parts.metrics.leader(true);
            self.report.ready(Some("it has just taken the lead"));
            let (term, end) = Box::pin(self.lead(term)).await;
            self.parts.metrics.leader(false);
            match end {
                End::Deposed => {
                    tracing::warn!("the leadership was lost: campaigning again");
                    self.report.ready(Some("the leadership was lost"));
                }
                end => {
                    resign(&*destination, &term).await;
                    return match end {
                        End::Failed(error) => Err(error),
                        _ => Ok(()),
                    };
                }
            }
        }
    }

    async fn before_leading(&mut self) -> Result<Term, MirrorError> {
        // First: the source may be gone for good.
        refuse_promoted(&*self.parts.destination, &self.options.candidate()).await?;
        let identity = identify(&self.parts, &self.options).await?;
        refuse_swapped(&self.parts, &self.options, &identity.pair).await?;
        let report = self.report.clone();
        let wait = |leader: &str| report.standing_by(leader);
        campaign(&*self.parts.destination, &self.options.candidate(), wait).await
    }

    /// Runs sessions under one leadership; the term comes back with the fence
    /// as it is at the end.
    async fn lead(&mut self, mut term: Term) -> (Term, End) {
        let ttl = self.options.lease_ttl;
        let keeper = Keeper::start(self.parts.destination.clone(), term.lease, ttl);
        let look = StandbyWatch::start(self.parts.destination.clone(), &self.options);
        let look = tokio::select! {
            biased;
            () = self.stop.cancelled() => return (term, End::Stopped),
            look = waiting(&*self.report, look) => look,
        };
        let standby = match look {
            Ok(standby) => Arc::new(standby),
            Err(error) => return (term, MirrorError::Destination(error).into()),
        };
        let mut backoff = Backoff::default();
        let mut resync = None;
        loop {
            // What an earlier session has sent must not arrive in this one;
            // the leader key may be one that we took before.
            let renew = || self.parts.destination.renew_fence(&term);
            let renewed = tokio::select! {
                biased;
                () = self.stop.cancelled() => return (term, End::Stopped),
                renewed = waiting(&*self.report, persist("renewing the fence", renew)) => renewed,
            };
            match renewed {
                Ok(Some(fence)) => term.fence = fence,
                Ok(None) => return (term, End::Deposed),
                Err(error) => return (term, MirrorError::Destination(error).into()),
            }
            let session = self.session(&mut term, &keeper, standby.clone(), resync.take());
            let end = Box::pin(session).await;
            match end {
                End::Resume(reason) => {
                    tracing::warn!("beginning again at the checkpoint: {reason}");
                    self.report.ready(Some(&reason));
                }
                End::Resync(reason) => {
                    tracing::warn!("a full list is needed: {reason}");
                    self.report.ready(Some(&reason));
                    resync = Some(Reason::History(reason));
                }
                End::Asked => {
                    tracing::info!("a resync was asked for: everything is compared");
                    self.report.ready(Some("a resync was asked for"));
                    backoff.reset();
                }
                End::NewRules => {
                    tracing::info!("the rules have changed: beginning again under the new ones");
                    self.report.ready(Some("the rules have changed"));
                    backoff.reset();
                }
                end => return (term, end),
            }
            let wait = backoff.next_wait();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return (term, End::Stopped),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn session(
        &mut self,
        term: &mut Term,
        keeper: &Keeper,
        standby: Arc<StandbyWatch>,
        resync: Option<Reason>,
    ) -> End {
        self.adopt_rules();
        // It counts as heard once everything is going to be compared.
        let mut resyncs = self.resyncs.clone();
        let order = *resyncs.borrow_and_update();
        let asked = order != self.resynced;
        let resync = asked.then_some(Reason::Asked).or(resync);
        let opened = tokio::select! {
            biased;
            () = self.stop.cancelled() => return End::Stopped,
            () = keeper.lost().cancelled() => return End::Deposed,
            opened = waiting(&*self.report, open(&self.parts, &self.options, resync, self.compare)) => opened,
        };
        let Opened {
            identity,
            start,
            watch,
            origin,
        } = match opened {
            Ok(opened) => opened,
            Err(end) => return end,
        };
        self.compare = false;
        let target = *self.target.get_or_insert(identity.source.revision);
        let (limits, metrics) = (self.options.spool.clone(), self.parts.metrics.clone());
        let spool = Arc::new(Spool::new(limits, metrics));
        let reader = Reader::start(watch, origin, spool.clone(), self.options.progress_every);
        let key = self.options.checkpoint_key().into_bytes();
        let widths = self.options.widths;
        let leasing = Leasing::start(&self.parts, &identity.pair);
        let (parts, live, report) = (self.parts.clone(), standby.clone(), self.report.clone());
        let writer = Writer::new(parts, term.clone(), key, widths, leasing, live, report);
        let mut session = Session::new(Setup {
            parts: self.parts.clone(),
            options: self.options.clone(),
            report: self.report.clone(),
            pair: identity.pair,
            writer,
            stop: self.stop.clone(),
            deposed: keeper.lost().clone(),
            renewal: keeper.renewal().clone(),
            standby,
            reloads: self.reloader.changes(),
            rules: self.rules.clone(),
            resyncs,
            spool,
            reader,
            target,
            acting: self.acting.clone(),
        });
        session.began_at = Some(identity.destination);
        let run = run_session(&mut session, start, identity.source.revision);
        let Err(end) = Box::pin(run).await;
        if asked && session.following {
            self.resynced = order;
        }
        self.wind_up(&mut session, &end).await;
        *term = session.writer.term().clone();
        end
    }

    /// Drains a session where its end allows that, and sums up what it has done.
    async fn wind_up(&mut self, session: &mut Session<W>, end: &End) {
        if matches!(end, End::Finished | End::Stopped) {
            self.report.phase(Phase::Draining);
        }
        if matches!(
            end,
            End::Finished | End::Stopped | End::NewRules | End::Asked
        ) {
            session.drain().await;
        }
        self.summary.add(session.writer.written());
        self.summary.applied = session.watermark();
        self.summary.held = session.held.told();
        self.summary.left_out = session.held.left_out();
        self.summary.kept = session.conflicts.len();
    }
}

/// A session ends only for a reason.
async fn run_session<W: World>(
    session: &mut Session<W>,
    start: Start,
    now: SourceRevision,
) -> Result<Infallible, End> {
    session.recall()?;
    session.settle_intents().await?;
    match start {
        Start::Full(full) => {
            session.began_at.take_if(|_| full.ledger == Ledger::Keep);
            Box::pin(session.bootstrap(&full, full.at.unwrap_or(now))).await?;
        }
        Start::Resume(from) => {
            session.began_at = None;
            session.hold_recalled()?;
            session.recall_leases()?;
            Box::pin(session.replay(from, now)).await?;
        }
    }
    session.tail().await
}

/// So that the next carry of this name need not wait for our lease to end.
async fn resign<E: Election>(destination: &E, term: &Term) {
    let within = Duration::from_secs(1);
    match tokio::time::timeout(within, destination.resign(term)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("giving the leadership back: {error}"),
        Err(_) => tracing::warn!("giving the leadership back took too long"),
    }
}
