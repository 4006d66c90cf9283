//! The watch of a real etcd, which goes on by itself after a break.
//!
//! Promises that no revision is lost, delivered twice or delivered in part
//! across breaks, and that a server that has fallen silent is given up.
//! Deliberately ends where history is gone: compacted, rewound, or another
//! cluster's.
//!
//! Versions before 3.4.25 and 3.5.8 may answer a request for progress before
//! they have sent what happened until then. Such an answer is no proof; there
//! the whole keyspace is watched instead, since in order events prove progress
//! whatever key they are of.

use std::time::Duration;

use etcd_client::proto::PbWatchResponse;
use etcd_client::{WatchOptions, WatchStream};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::assembler::Assembler;
use super::{Watch, WatchError, WatchEvent};
use crate::etcd::{Connection, EtcdError, SourceRevision};
use crate::metrics::{Metrics, Side};
use crate::rules::decide::KeyRange;

/// How long the server may stay silent after a request.
const SILENCE: Duration = Duration::from_secs(30);

/// Between attempts to open a broken watch: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The watch id of answers to a request for progress.
const BROADCAST: i64 = -1;

/// An open watch of a real etcd.
pub struct EtcdWatch {
    connection: Connection,
    metrics: Metrics,
    assembler: Assembler,
    covering: KeyRange,
    cluster_id: u64,
    /// Whether an answer to a request for progress is still to come.
    asking: bool,
    link: Link,
}

enum Link {
    Open(Box<OpenStream>),
    Broken { attempts: u32, not_before: Instant },
}

struct OpenStream {
    stream: WatchStream,
    cluster_id: u64,
    /// Whether an answer to a request for progress is proof.
    answers_prove: bool,
    /// When the oldest request was sent after which nothing has come.
    asked: Option<Instant>,
}

impl EtcdWatch {
    pub(super) async fn open(
        connection: Connection,
        metrics: Metrics,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<EtcdWatch, WatchError> {
        let covering = covering(ranges).ok_or_else(|| {
            EtcdError::Settings("there is nothing to watch: no rule can select a key".to_owned())
        })?;
        let stream = open_stream(&connection, &covering, from).await?;
        Ok(EtcdWatch {
            connection,
            metrics,
            assembler: Assembler::new(ranges, from),
            covering,
            cluster_id: stream.cluster_id,
            asking: false,
            link: Link::Open(Box::new(stream)),
        })
    }

    /// Waits for one response, or opens the broken watch again.
    async fn advance(&mut self) -> Result<(), WatchError> {
        let outcome = match &mut self.link {
            Link::Open(open) => open.response().await,
            Link::Broken { not_before, .. } => {
                sleep_until(*not_before).await;
                return self.reopen().await;
            }
        };
        let taken = match outcome {
            Ok(response) => self.take(response),
            Err(error) => Err(error.into()),
        };
        taken.or_else(|error| self.survive(error))
    }

    fn take(&mut self, response: PbWatchResponse) -> Result<(), WatchError> {
        if response.canceled || response.compact_revision > 0 {
            return Err(cancelled(&response));
        }
        if !response.events.is_empty() {
            self.assembler.events(response.events, response.fragment)?;
        } else if !response.created && !response.fragment {
            let told = response.header.map_or(0, |header| header.revision);
            self.progress(response.watch_id, SourceRevision(told));
        }
        Ok(())
    }

    fn progress(&mut self, watch_id: i64, told: SourceRevision) {
        let proves = match &self.link {
            Link::Open(open) => open.answers_prove || watch_id != BROADCAST,
            Link::Broken { .. } => false,
        };
        let proven = if proves {
            told
        } else {
            self.assembler.proven()
        };
        self.assembler.progress(proven);
        self.asking = false;
    }

    async fn reopen(&mut self) -> Result<(), WatchError> {
        let from = self.assembler.resume_at();
        match open_stream(&self.connection, &self.covering, from).await {
            Ok(open) if open.cluster_id != self.cluster_id => {
                let (expected, found) = (self.cluster_id, open.cluster_id);
                Err(EtcdError::OtherCluster { expected, found }.into())
            }
            Ok(open) => {
                info!(from = from.0, "the watch of the source is open again");
                self.link = Link::Open(Box::new(open));
                match self.asking {
                    true => self.ask().await,
                    false => Ok(()),
                }
            }
            Err(error) => self.survive(error),
        }
    }

    /// Sends a request for progress; a broken watch does so once it is open
    /// again.
    async fn ask(&mut self) -> Result<(), WatchError> {
        let Link::Open(open) = &mut self.link else {
            return Ok(());
        };
        let sent = match timeout(SILENCE, open.stream.request_progress()).await {
            Ok(sent) => sent.map_err(EtcdError::from),
            Err(_) => Err(silent()),
        };
        open.asked.get_or_insert(Instant::now());
        sent.or_else(|error| self.survive(error.into()))
    }

    /// Gets ready for another attempt, where that can help.
    fn survive(&mut self, error: WatchError) -> Result<(), WatchError> {
        let error = match error {
            WatchError::Etcd(error) if error.is_retryable() => error,
            fatal => return Err(fatal),
        };
        let attempts = match &self.link {
            Link::Open(_) => 0,
            Link::Broken { attempts, .. } => *attempts + 1,
        };
        let pause = pause(attempts);
        let from = self.assembler.resume_at().0;
        warn!(%error, from, ?pause, "the watch of the source broke and will be opened again");
        self.metrics.reconnected(Side::Source);
        self.assembler.broken();
        if error.blames_member() {
            self.connection.cut_watch();
        }
        self.link = Link::Broken {
            attempts,
            not_before: Instant::now() + pause,
        };
        Ok(())
    }
}

impl Watch for EtcdWatch {
    async fn next(&mut self) -> Result<WatchEvent, WatchError> {
        loop {
            if let Some(event) = self.assembler.pop() {
                return Ok(event);
            }
            self.advance().await?;
        }
    }

    async fn request_progress(&mut self) -> Result<(), WatchError> {
        self.asking = true;
        self.ask().await
    }
}

impl OpenStream {
    /// The next response. Safe to cancel.
    async fn response(&mut self) -> Result<PbWatchResponse, EtcdError> {
        let message = match self.asked {
            None => self.stream.message().await,
            Some(asked) => match timeout_at(asked + SILENCE, self.stream.message()).await {
                Ok(message) => message,
                Err(_) => return Err(silent()),
            },
        };
        self.asked = None;
        received(message)
    }
}

fn received(
    message: Result<Option<etcd_client::WatchResponse>, etcd_client::Error>,
) -> Result<PbWatchResponse, EtcdError> {
    match message? {
        Some(response) => Ok(response.0),
        None => Err(EtcdError::Unavailable(
            "the server ended the watch".to_owned(),
        )),
    }
}

fn silent() -> EtcdError {
    EtcdError::Timeout(format!("the watch was silent for {SILENCE:?}"))
}

fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << attempts.min(16))
        .min(LAST_PAUSE)
}

/// From the first to the last of `ranges`, which are sorted.
fn covering(ranges: &[KeyRange]) -> Option<KeyRange> {
    let start = ranges.first()?.start.clone();
    let end = ranges.last()?.end.clone();
    Some(KeyRange { start, end })
}

async fn open_stream(
    connection: &Connection,
    covering: &KeyRange,
    from: SourceRevision,
) -> Result<OpenStream, WatchError> {
    match timeout(SILENCE, confirmed(connection, covering, from)).await {
        Ok(opened) => opened,
        Err(_) => Err(silent().into()),
    }
}

/// Opens a stream and waits until the server has confirmed it.
async fn confirmed(
    connection: &Connection,
    covering: &KeyRange,
    from: SourceRevision,
) -> Result<OpenStream, WatchError> {
    let member = connection
        .watch_maintenance()
        .status()
        .await
        .map_err(EtcdError::from)?;
    let answers_prove = answers_prove(member.version());
    let (key, options) = request(covering, from, answers_prove);
    let stream = connection
        .watch()
        .watch(key, Some(options))
        .await
        .map_err(EtcdError::from)?;
    let mut open = OpenStream {
        stream,
        cluster_id: 0,
        answers_prove,
        asked: None,
    };
    let response = open.response().await?;
    if response.canceled || !response.created {
        return Err(cancelled(&response));
    }
    let header = response.header.unwrap_or_default();
    open.cluster_id = header.cluster_id;
    check_not_rewound(connection, from, header.revision).await?;
    Ok(open)
}

fn request(
    covering: &KeyRange,
    from: SourceRevision,
    answers_prove: bool,
) -> (Vec<u8>, WatchOptions) {
    let options = WatchOptions::new()
        .with_start_revision(from.0)
        .with_progress_notify()
        .with_fragment();
    match answers_prove {
        true => (
            covering.start.clone(),
            options.with_range(covering.end.clone()),
        ),
        false => (vec![0], options.with_from_key()),
    }
}

/// A watch from the future would wait in silence.
async fn check_not_rewound(
    connection: &Connection,
    from: SourceRevision,
    told: i64,
) -> Result<(), EtcdError> {
    let seen = from.0 - 1;
    if told >= seen {
        return Ok(());
    }
    // A member may lag behind; the cluster may not.
    let found = connection.status().await?.revision;
    match found >= seen {
        true => Ok(()),
        false => Err(EtcdError::Rewound { seen, found }),
    }
}

fn cancelled(response: &PbWatchResponse) -> WatchError {
    if response.compact_revision > 0 {
        return WatchError::Compacted {
            compacted: SourceRevision(response.compact_revision),
        };
    }
    let reason = match response.cancel_reason.as_str() {
        "" => "the server cancelled the watch",
        reason => reason,
    };
    EtcdError::from_reason(reason).into()
}

/// Whether an answer to a request for progress comes after everything that it
/// covers, in this version of etcd.
fn answers_prove(version: &str) -> bool {
    let mut parts = version
        .split(['.', '-', '+'])
        .map(|part| part.parse::<u32>().ok());
    let mut part = || parts.next().flatten().unwrap_or(0);
    let (major, minor, patch) = (part(), part(), part());
    match (major, minor) {
        (3, 4) => patch >= 25,
        (3, 5) => patch >= 8,
        _ => (major, minor) > (3, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_whose_answers_prove_progress() {
        for good in ["3.4.25", "3.5.8", "3.5.15", "3.6.0-rc.1", "4.0.0"] {
            assert!(answers_prove(good), "{good}");
        }
        for bad in ["3.3.27", "3.4.23", "3.5.7", "", "unknown"] {
            assert!(!answers_prove(bad), "{bad}");
        }
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(1), FIRST_PAUSE * 2);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
    }
}
