//! What others write to the destination: which keys, and at which revision.
//!
//! Promises that every change of a key is told of, at least once, or that the
//! watch ends with an error; breaks that lose nothing are mended here.
//! Deliberately tells neither values nor progress, and keeps no order between
//! ranges: whoever hears of a key looks at it.

use std::time::Duration;

use etcd_client::proto::PbWatchResponse;
use etcd_client::{WatchOptions, WatchStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::etcd::{Connection, DestRevision, EtcdError, joined, received};
use crate::metrics::{Metrics, Side};
use crate::rules::decide::{KeyMap, KeyRange};

/// A key that was written or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The whole key.
    pub key: Vec<u8>,
    /// Where that happened.
    pub revision: DestRevision,
}

/// What a watch hands out at a time.
type Told = Result<Vec<Touched>, EtcdError>;

/// An open watch of a destination. Dropping it ends it.
pub struct Watch {
    told: mpsc::Receiver<Told>,
    task: Option<JoinHandle<()>>,
    map: Option<KeyMap>,
}

/// So many answers of etcd wait for whoever reads them; it keeps the others.
const WAITING: usize = 64;

impl Watch {
    /// One that is told by whoever has the sender; it ends when that is
    /// dropped.
    pub(super) fn new() -> (mpsc::Sender<Told>, Watch) {
        let (tell, told) = mpsc::channel(WAITING);
        let watch = Watch {
            told,
            task: None,
            map: None,
        };
        (tell, watch)
    }

    /// The same with the source's keys.
    pub(super) fn mapped(mut self, map: KeyMap) -> Watch {
        self.map = Some(map);
        self
    }

    /// The next changes. Safe to cancel.
    ///
    /// # Errors
    ///
    /// Why the watch has ended. After [`EtcdError::Compacted`] some changes will
    /// never be told of.
    pub async fn next(&mut self) -> Told {
        let ended = || EtcdError::Unavailable("the watch has ended".to_owned());
        let mut told = self.told.recv().await.ok_or_else(ended)??;
        if let Some(map) = self.map.as_ref().filter(|map| !map.is_identity()) {
            for touched in &mut told {
                touched.key = map.to_source(&touched.key).into_owned();
            }
        }
        Ok(told)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// At most so many watches in one stream.
const MAX_WATCHES: usize = 64;

/// How long the server may take to confirm them, and to say anything after it
/// was asked.
const SILENCE: Duration = Duration::from_secs(30);

/// Between attempts to open a broken watch: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Watches a real etcd.
pub(super) async fn follow(
    connection: Connection,
    metrics: Metrics,
    ranges: &[KeyRange],
    from: DestRevision,
) -> Result<Watch, EtcdError> {
    let ranges = joined(ranges, MAX_WATCHES);
    let from = vec![from.0; ranges.len()];
    let mut follower = Follower {
        connection,
        metrics,
        ranges,
        from,
    };
    let stream = follower.open().await?;
    let (tell, mut watch) = Watch::new();
    let task = tokio::spawn(async move {
        let end = follower.follow(stream, &tell).await;
        // Nobody listens any more where this fails.
        let _ = tell.send(Err(end)).await;
    });
    watch.task = Some(task);
    Ok(watch)
}

struct Follower {
    connection: Connection,
    metrics: Metrics,
    ranges: Vec<KeyRange>,
    /// Where each range goes on after a break. That revision may be told of
    /// once more: it may have been seen in part.
    from: Vec<i64>,
}

/// One stream, with the ids of its watches in the order of the ranges.
struct Open {
    stream: WatchStream,
    ids: Vec<i64>,
    /// What came before all watches were confirmed.
    early: Vec<PbWatchResponse>,
}

impl Follower {
    async fn open(&self) -> Result<Open, EtcdError> {
        let opened = timeout(SILENCE, Box::pin(self.confirmed())).await;
        opened.unwrap_or_else(|_| Err(silent()))
    }

    async fn confirmed(&self) -> Result<Open, EtcdError> {
        let mut watches = self.ranges.iter().zip(&self.from);
        let (first, from) = watches
            .next()
            .ok_or_else(|| EtcdError::Settings("there is nothing to watch".to_owned()))?;
        let mut client = self.connection.watch().await?;
        let stream = client.watch(first.start.clone(), Some(options(first, *from)));
        let mut open = Open {
            stream: stream.await?,
            ids: Vec::new(),
            early: Vec::new(),
        };
        for (range, from) in watches {
            let options = Some(options(range, *from));
            open.stream.watch(range.start.clone(), options).await?;
        }
        let mut told = 0;
        while open.ids.len() < self.ranges.len() {
            let response = received(open.stream.message().await)?;
            told = told.max(response.header.as_ref().map_or(0, |own| own.revision));
            match response.created && !response.canceled {
                true => open.ids.push(response.watch_id),
                false => open.early.push(response),
            }
            check(open.early.last())?;
        }
        self.check_not_rewound(told).await?;
        Ok(open)
    }

    /// A watch from the future would wait in silence.
    async fn check_not_rewound(&self, told: i64) -> Result<(), EtcdError> {
        let seen = self.from.iter().max().map_or(0, |from| from - 1);
        if told >= seen {
            return Ok(());
        }
        // A member may lag behind; the cluster may not.
        let found = self.connection.status().await?.revision;
        match found >= seen {
            true => Ok(()),
            false => Err(EtcdError::Rewound { seen, found }),
        }
    }

    /// Goes on until nothing more can be told, and says why.
    async fn follow(&mut self, mut open: Open, tell: &mpsc::Sender<Told>) -> EtcdError {
        let mut pause = FIRST_PAUSE;
        loop {
            let Err(error) = self.read(&mut open, tell, &mut pause).await;
            if !error.is_retryable() {
                return error;
            }
            tracing::warn!(%error, "the watch of the destination broke and will be opened again");
            self.broke(&error);
            open = loop {
                sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
                match self.open().await {
                    Ok(open) => break open,
                    Err(error) if error.is_retryable() => self.broke(&error),
                    Err(error) => return error,
                }
            };
        }
    }

    /// It is opened again, perhaps through another member.
    fn broke(&self, error: &EtcdError) {
        self.metrics.reconnected(Side::Destination);
        if error.blames_member() {
            self.connection.cut_watch();
        }
    }

    async fn read(
        &mut self,
        open: &mut Open,
        tell: &mpsc::Sender<Told>,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, EtcdError> {
        for response in std::mem::take(&mut open.early) {
            self.take(response, &open.ids, tell).await?;
        }
        // A member that hangs says nothing, and neither does one that has
        // nothing to say.
        let (mut quiet_since, mut asked) = (Instant::now(), false);
        loop {
            let until = quiet_since + SILENCE;
            let Ok(message) = timeout_at(until, open.stream.message()).await else {
                if std::mem::replace(&mut asked, true) {
                    self.check_alive().await?;
                }
                timeout(SILENCE, open.stream.request_progress())
                    .await
                    .map_err(|_| silent())??;
                quiet_since = Instant::now();
                continue;
            };
            let response = received(message)?;
            (quiet_since, asked) = (Instant::now(), false);
            *pause = FIRST_PAUSE;
            self.take(response, &open.ids, tell).await?;
        }
    }

    /// Newer versions answer no request for progress as long as the revision
    /// that is watched from has not happened.
    async fn check_alive(&self) -> Result<(), EtcdError> {
        let mut member = self.connection.watch_maintenance();
        let asked = timeout(SILENCE, member.status()).await;
        let answer = asked.map_err(|_| silent())??;
        let revision = answer.header().map_or(0, |header| header.revision());
        let waits = self.from.iter().any(|from| revision < *from);
        match waits {
            true => Ok(()),
            false => Err(silent()),
        }
    }

    async fn take(
        &mut self,
        response: PbWatchResponse,
        ids: &[i64],
        tell: &mpsc::Sender<Told>,
    ) -> Result<(), EtcdError> {
        check(Some(&response))?;
        let revision = response.header.as_ref().map_or(0, |own| own.revision);
        let watch = ids.iter().position(|id| *id == response.watch_id);
        let idle = response.events.is_empty() && !response.created && !response.fragment;
        let kvs = response.events.into_iter().filter_map(|event| event.kv);
        let touched = kvs.map(|kv| Touched {
            key: kv.key,
            revision: DestRevision(kv.mod_revision),
        });
        let touched: Vec<Touched> = touched.collect();
        let newest = touched.iter().map(|own| own.revision.0).max();
        // What the server says of one watch unasked, it says once all is sent.
        let newest = newest.or(idle.then_some(revision + 1));
        if let (Some(newest), Some(from)) = (newest, watch.and_then(|at| self.from.get_mut(at))) {
            *from = newest.max(*from);
        }
        let gone = |_| EtcdError::Other("nobody watches any more".to_owned());
        match touched.is_empty() {
            true => Ok(()),
            false => tell.send(Ok(touched)).await.map_err(gone),
        }
    }
}

fn options(range: &KeyRange, from: i64) -> WatchOptions {
    WatchOptions::new()
        .with_range(range.end.clone())
        .with_start_revision(from)
        .with_progress_notify()
        .with_fragment()
}

/// Whether the server has ended a watch.
fn check(response: Option<&PbWatchResponse>) -> Result<(), EtcdError> {
    match response {
        Some(response) if response.compact_revision > 0 => Err(EtcdError::Compacted {
            compacted: response.compact_revision,
        }),
        Some(response) if response.canceled => Err(match response.cancel_reason.as_str() {
            "" => EtcdError::Other("the server cancelled the watch".to_owned()),
            reason => EtcdError::from_reason(reason),
        }),
        _ => Ok(()),
    }
}

fn silent() -> EtcdError {
    EtcdError::Timeout(format!(
        "the watch of the destination was silent for {SILENCE:?}"
    ))
}
