//! A mirror from its start to its end: sessions, one after the other.
//!
//! Promises to lead before anything is written, to give the leadership back,
//! and that a session begins only where nothing of the one before can still
//! arrive. Deliberately ends only when it is told to, when `--once` is done,
//! or when nothing can be retried.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::MirrorError;
use super::judging::Judging;
use super::leadership::{Keeper, campaign};
use super::options::Options;
use super::outcome::Written;
use super::ranges::union;
use super::reader::Reader;
use super::reload::{Reload, Reloader};
use super::report::Report;
use super::retry::{Backoff, Remedy, persist, watch_remedy};
use super::session::{End, Session, Setup};
use super::spool::Spool;
use super::standby::StandbyWatch;
use super::start::{self, Full, Known, Ledger, Start};
use super::world::{Parts, World};
use super::writer::Writer;
use crate::destination::Destination;
use crate::destination::election::{Election, Term};
use crate::etcd::SourceRevision;
use crate::metrics::Phase;
use crate::rules::decide::KeyRange;
use crate::source::{Source, SourceStatus, WatchError};
use crate::state::{Checkpoint, Pair, StateStore};

/// What a mirror has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Keys written.
    pub puts: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Transactions applied.
    pub transactions: u64,
    /// Everything of the source up to here is applied.
    pub applied: SourceRevision,
    /// Keys that could not be judged.
    pub held: usize,
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
}

/// Which etcds these are.
pub(super) struct Identity {
    pub pair: Pair,
    pub source: SourceStatus,
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
        Mirror {
            parts,
            options,
            report,
            stop,
            summary: Summary::default(),
            target: None,
            reload: None,
            reloader: Reloader::idle(),
        }
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
        let end = self.lead_again_and_again().await;
        self.parts.metrics.leader(false);
        self.report.phase(Phase::Stopped);
        end.map(|()| self.summary)
    }

    async fn lead_again_and_again(&mut self) -> Result<(), MirrorError> {
        loop {
            let stop = self.stop.clone();
            let destination = self.parts.destination.clone();
            let term = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                identity = self.before_leading() => identity?,
            };
            tracing::info!("leading as `{}`", self.options.name);
            self.parts.metrics.leader(true);
            let (term, end) = self.lead(term).await;
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
        identify(&self.parts, &self.options).await?;
        campaign(&*self.parts.destination, &self.options.candidate()).await
    }

    /// Runs sessions under one leadership; the term comes back with the fence
    /// as it is at the end.
    async fn lead(&mut self, mut term: Term) -> (Term, End) {
        let ttl = self.options.lease_ttl;
        let keeper = Keeper::start(self.parts.destination.clone(), term.lease, ttl);
        let look = StandbyWatch::start(self.parts.destination.clone(), &self.options);
        let look = tokio::select! {
            () = self.stop.cancelled() => return (term, End::Stopped),
            look = look => look,
        };
        let standby = match look {
            Ok(standby) => Arc::new(standby),
            Err(error) => return (term, MirrorError::Destination(error).into()),
        };
        let mut backoff = Backoff::default();
        let mut resync = None;
        loop {
            let end = self
                .session(&mut term, &keeper, standby.clone(), resync.take())
                .await;
            match end {
                End::Resume(reason) => {
                    tracing::warn!("beginning again at the checkpoint: {reason}");
                    self.report.ready(Some(&reason));
                }
                End::Resync(reason) => {
                    tracing::warn!("a full list is needed: {reason}");
                    self.report.ready(Some(&reason));
                    resync = Some(reason);
                }
                end => return (term, end),
            }
            let wait = backoff.next_wait();
            tokio::select! {
                () = self.stop.cancelled() => return (term, End::Stopped),
                () = tokio::time::sleep(wait) => {}
            }
            // What an earlier session has sent must not arrive in this one.
            let renew = || self.parts.destination.renew_fence(&term);
            let renewed = tokio::select! {
                () = self.stop.cancelled() => return (term, End::Stopped),
                renewed = persist("renewing the fence", renew) => renewed,
            };
            match renewed {
                Ok(Some(fence)) => term.fence = fence,
                Ok(None) => return (term, End::Deposed),
                Err(error) => return (term, MirrorError::Destination(error).into()),
            }
        }
    }

    async fn session(
        &mut self,
        term: &mut Term,
        keeper: &Keeper,
        standby: Arc<StandbyWatch>,
        resync: Option<String>,
    ) -> End {
        let opened = tokio::select! {
            biased;
            () = self.stop.cancelled() => return End::Stopped,
            () = keeper.lost().cancelled() => return End::Deposed,
            opened = open(&self.parts, &self.options, resync) => opened,
        };
        let Opened {
            identity,
            start,
            watch,
        } = match opened {
            Ok(opened) => opened,
            Err(end) => return end,
        };
        let target = *self.target.get_or_insert(identity.source.revision);
        let spool = Arc::new(Spool::default());
        let reader = Reader::start(watch, spool.clone(), self.options.progress_every);
        let key = self.options.checkpoint_key().into_bytes();
        let widths = self.options.widths;
        let writer = Writer::new(self.parts.clone(), term.clone(), key, widths);
        let mut session = Session::new(Setup {
            parts: self.parts.clone(),
            options: self.options.clone(),
            report: self.report.clone(),
            pair: identity.pair,
            writer,
            stop: self.stop.clone(),
            deposed: keeper.lost().clone(),
            standby,
            reloads: self.reloader.changes(),
            spool,
            reader,
            target,
        });
        let Err(end) = run_session(&mut session, start, identity.source.revision).await;
        if matches!(end, End::Finished | End::Stopped) {
            session.drain().await;
        }
        *term = session.writer.term().clone();
        self.summary.add(session.writer.written());
        self.summary.applied = session.watermark();
        self.summary.held = session.held.len();
        end
    }
}

/// A session ends only for a reason.
async fn run_session<W: World>(
    session: &mut Session<W>,
    start: Start,
    now: SourceRevision,
) -> Result<Infallible, End> {
    session.recall()?;
    match start {
        Start::Full(full) => session.bootstrap(&full, now).await?,
        Start::Resume(from) => {
            session.hold_recalled()?;
            session.replay(from, now).await?;
        }
    }
    session.tail().await
}

/// What a session begins with.
struct Opened<T> {
    identity: Identity,
    start: Start,
    watch: T,
}

/// Asks both sides how they are, decides where to begin, and opens the watch
/// right there: before anything is listed.
async fn open<W: World>(
    parts: &Parts<W>,
    options: &Options,
    resync: Option<String>,
) -> Result<Opened<<W::Source as Source>::Watch>, End> {
    let identity = identify(parts, options).await?;
    let mut start = where_to_begin(parts, options, &identity).await?;
    if let (Start::Resume(_), Some(reason)) = (&start, resync) {
        start = Start::Full(Full {
            reason,
            ledger: Ledger::Keep,
        });
    }
    let from = match &start {
        Start::Resume(at) => *at,
        Start::Full(_) => identity.source.revision,
    };
    let ranges = watched(&*parts.judge);
    let watch = open_watch(&*parts.source, &ranges, SourceRevision(from.0 + 1)).await?;
    Ok(Opened {
        identity,
        start,
        watch,
    })
}

async fn open_watch<S: Source>(
    source: &S,
    ranges: &[KeyRange],
    from: SourceRevision,
) -> Result<S::Watch, End> {
    let mut backoff = Backoff::default();
    loop {
        let error = match source.watch(ranges, from).await {
            Ok(watch) => return Ok(watch),
            Err(error) => error,
        };
        match (watch_remedy(&error), error) {
            (Remedy::Retry, error) => {
                if backoff.attempts() == 0 {
                    tracing::warn!("watching the source: {error}; trying again");
                }
                tokio::time::sleep(backoff.next_wait()).await;
            }
            (Remedy::Resync, error) => return Err(End::Resync(error.to_string())),
            (_, WatchError::Etcd(error)) => return Err(MirrorError::Source(error).into()),
            (_, error) => return Err(MirrorError::Watch(error).into()),
        }
    }
}

/// Everything that must be seen: what the rules select from, and the
/// Namespaces that they look at.
fn watched<J: Judging>(judge: &J) -> Vec<KeyRange> {
    let mut ranges = judge.ranges().to_vec();
    if judge.reads_namespaces() {
        ranges.push(judge.namespace_range());
    }
    union(ranges)
}

/// Asks both sides who they are.
pub(super) async fn identify<W: World>(
    parts: &Parts<W>,
    options: &Options,
) -> Result<Identity, MirrorError> {
    let source = persist("asking the source for its revision", || {
        parts.source.status()
    })
    .await;
    let source = source.map_err(MirrorError::Source)?;
    let ask = || parts.destination.status();
    let destination = persist("asking the destination for its revision", ask).await;
    let destination = destination.map_err(MirrorError::Destination)?;
    if source.cluster_id == destination.cluster_id {
        return Err(MirrorError::SameCluster {
            cluster_id: source.cluster_id,
        });
    }
    let pair = Pair {
        name: options.name.clone(),
        source_cluster_id: format!("{:x}", source.cluster_id),
        destination_cluster_id: format!("{:x}", destination.cluster_id),
    };
    Ok(Identity { pair, source })
}

pub(super) async fn where_to_begin<W: World>(
    parts: &Parts<W>,
    options: &Options,
    identity: &Identity,
) -> Result<Start, MirrorError> {
    let key = options.checkpoint_key();
    let read = || parts.destination.get(key.as_bytes());
    let stored = persist("reading the checkpoint", read)
        .await
        .map_err(MirrorError::Destination)?;
    let checkpoint = stored.map(|bytes| serde_json::from_slice::<Checkpoint>(&bytes));
    let checkpoint = checkpoint
        .transpose()
        .map_err(|error| MirrorError::BadCheckpoint {
            key: key.clone(),
            reason: error.to_string(),
        })?;
    start::decide(&Known {
        key: &key,
        checkpoint: checkpoint.as_ref(),
        local: &parts.store.checkpoints()?,
        ledger_of: parts.store.pair()?.as_ref(),
        pair: &identity.pair,
        source: identity.source,
        digest: parts.judge.digest(),
        encryption_of: parts.store.encryption()?.as_deref(),
        encryption: &parts.judge.encryption_digest(),
        prefixes: &options.prefixes(),
    })
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
