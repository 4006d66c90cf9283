//! One gRPC stream with the watches of a real etcd, from its opening until it
//! breaks.
//!
//! Promises that every watch is confirmed before anything is handed out, and
//! that a server that has fallen silent is an error. Deliberately does not go
//! on after an error: whoever holds it opens another.
//!
//! Versions before 3.4.25 and 3.5.8 may answer a request for progress before
//! they have sent what happened until then. Such an answer is no proof; there
//! the whole keyspace is watched instead, since in order events prove progress
//! whatever key they are of.

use std::collections::VecDeque;
use std::time::Duration;

use etcd_client::proto::PbWatchResponse;
use etcd_client::{WatchOptions, WatchStream};
use tokio::time::{Instant, timeout, timeout_at};

use super::WatchError;
use super::pace::Pace;
use crate::etcd::{Connection, EtcdError, SourceRevision, received};
use crate::rules::decide::KeyRange;

/// How long the server may stay silent after a request.
const SILENCE: Duration = Duration::from_secs(30);

/// The watch id of answers to a request for progress.
pub(super) const BROADCAST: i64 = -1;

/// An open stream.
pub(super) struct OpenStream {
    /// On the heap, as it is large.
    connection: Box<Connection>,
    stream: WatchStream,
    pub cluster_id: u64,
    /// Whether an answer to a request for progress is proof.
    pub answers_prove: bool,
    /// The ids of the watches, in the order in which they were asked for.
    ids: Vec<i64>,
    /// From which revision they watch: answers come once it is there.
    from: SourceRevision,
    /// What came while other watches were still being made.
    early: VecDeque<PbWatchResponse>,
    /// When the oldest request was sent after which nothing has come.
    asked: Option<Instant>,
    pub pace: Pace,
}

impl OpenStream {
    /// Opens a stream with a watch for each of `ranges` (at least one), where
    /// the server allows it, and waits until it has confirmed them.
    pub(super) async fn open(
        connection: &Connection,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<OpenStream, WatchError> {
        match timeout(SILENCE, Box::pin(confirmed(connection, ranges, from))).await {
            Ok(opened) => opened,
            Err(_) => Err(silent().into()),
        }
    }

    /// How many watches it has.
    pub(super) fn watches(&self) -> usize {
        self.ids.len()
    }

    /// Which of the watches a response is of; where there is only one, that.
    pub(super) fn watch_of(&self, response: &PbWatchResponse) -> Option<usize> {
        match self.ids.len() {
            1 => Some(0),
            _ => self.ids.iter().position(|id| *id == response.watch_id),
        }
    }

    /// The next response. Safe to cancel.
    pub(super) async fn response(&mut self) -> Result<PbWatchResponse, EtcdError> {
        if let Some(response) = self.early.pop_front() {
            return Ok(response);
        }
        let response = loop {
            let Some(asked) = self.asked else {
                break received(self.stream.message().await);
            };
            match timeout_at(asked + SILENCE, self.stream.message()).await {
                Ok(message) => break received(message),
                // Whoever cancels and calls again must not put it off for ever.
                Err(_)
                    if asked.elapsed() < 2 * SILENCE
                        && Box::pin(self.has_nothing_to_say()).await =>
                {
                    self.asked = Some(Instant::now());
                }
                Err(_) => break Err(silent()),
            }
        }?;
        self.asked = None;
        if response.watch_id == BROADCAST {
            self.pace.answered(Instant::now());
        }
        Ok(response)
    }

    /// As long as the revision that is watched from has not happened, newer
    /// versions answer no request for progress.
    async fn has_nothing_to_say(&self) -> bool {
        let mut member = self.connection.watch_maintenance();
        let asked = timeout(SILENCE, member.status()).await;
        let revision = asked.ok().and_then(|answer| {
            let answer = answer.ok()?;
            Some(answer.header()?.revision())
        });
        revision.is_some_and(|revision| revision < self.from.0)
    }

    /// Sends a request for progress.
    pub(super) async fn ask(&mut self) -> Result<(), EtcdError> {
        let sent = timeout(SILENCE, self.stream.request_progress()).await;
        let now = Instant::now();
        self.asked.get_or_insert(now);
        self.pace.asked(now);
        match sent {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(silent()),
        }
    }

    /// Asks for a watch.
    async fn add(&mut self, range: &KeyRange, from: SourceRevision) -> Result<(), EtcdError> {
        let options = options(from).with_range(range.end.clone());
        Ok(self
            .stream
            .watch(range.start.clone(), Some(options))
            .await?)
    }

    /// Waits until the server has confirmed `watches`, in the order in which
    /// they were asked for; returns the newest revision that it has told.
    async fn confirm(&mut self, watches: usize) -> Result<i64, WatchError> {
        let mut told = 0;
        while self.ids.len() < watches {
            let response = received(self.stream.message().await)?;
            if response.canceled || response.compact_revision > 0 {
                return Err(cancelled(&response));
            }
            if !response.created {
                self.early.push_back(response);
                continue;
            }
            self.ids.push(response.watch_id);
            let header = response.header.unwrap_or_default();
            self.cluster_id = header.cluster_id;
            told = header.revision.max(told);
        }
        Ok(told)
    }
}

async fn confirmed(
    connection: &Connection,
    ranges: &[KeyRange],
    from: SourceRevision,
) -> Result<OpenStream, WatchError> {
    let member = connection
        .watch_maintenance()
        .status()
        .await
        .map_err(EtcdError::from)?;
    let answers_prove = answers_prove(member.version());
    let opened = match answers_prove {
        true => started(connection, ranges, from).await,
        false => match started(connection, &[everything()], from).await {
            // A user who may read less than everything: what we must see is
            // what it must be able to read, and there only events and the
            // server's own notifications prove progress.
            Err(WatchError::Etcd(EtcdError::PermissionDenied(_))) => {
                started(connection, &covering(ranges), from).await
            }
            opened => opened,
        },
    };
    let (mut open, told) = opened?;
    open.answers_prove = answers_prove;
    check_not_rewound(connection, from, told).await?;
    Ok(open)
}

/// etcd's way to write it: from the first key on.
fn everything() -> KeyRange {
    KeyRange {
        start: vec![0],
        end: vec![0],
    }
}

/// From the first to the last of `ranges`, which are sorted.
fn covering(ranges: &[KeyRange]) -> Vec<KeyRange> {
    let ends = ranges.first().zip(ranges.last());
    let covering = ends.map(|(first, last)| KeyRange {
        start: first.start.clone(),
        end: last.end.clone(),
    });
    covering.into_iter().collect()
}

/// A stream with a watch for each of `ranges`, and the newest revision as its
/// member knows it.
async fn started(
    connection: &Connection,
    ranges: &[KeyRange],
    from: SourceRevision,
) -> Result<(OpenStream, i64), WatchError> {
    let Some((first, others)) = ranges.split_first() else {
        return Err(EtcdError::Settings("there is nothing to watch".to_owned()).into());
    };
    let options = options(from).with_range(first.end.clone());
    let mut client = connection.watch().await?;
    let stream = client.watch(first.start.clone(), Some(options)).await;
    let mut open = OpenStream {
        connection: Box::new(connection.clone()),
        stream: stream.map_err(EtcdError::from)?,
        cluster_id: 0,
        answers_prove: false,
        ids: Vec::new(),
        from,
        early: VecDeque::new(),
        asked: None,
        pace: Pace::default(),
    };
    for range in others {
        open.add(range, from).await?;
    }
    let told = open.confirm(ranges.len()).await?;
    Ok((open, told))
}

fn options(from: SourceRevision) -> WatchOptions {
    WatchOptions::new()
        .with_start_revision(from.0)
        .with_progress_notify()
        .with_fragment()
}

fn silent() -> EtcdError {
    EtcdError::Timeout(format!("the watch was silent for {SILENCE:?}"))
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

/// What it means that the server has ended a watch.
pub(super) fn cancelled(response: &PbWatchResponse) -> WatchError {
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
}
