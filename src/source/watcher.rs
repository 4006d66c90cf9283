//! The watch of a real etcd, which goes on by itself after a break.
//!
//! Promises that no revision is lost, delivered twice or delivered in part
//! across breaks, and that a server that has fallen silent is given up.
//! Deliberately ends where history is gone: compacted, rewound, rewritten, or
//! another cluster's.
//!
//! Each range has a watch of its own, so that the source sends nothing of what
//! lies between them. While changes wait for proof that nothing older is still
//! to come, the server is asked for progress without delay. If far more waits
//! than ever should (a server that is catching up answers nothing), one watch
//! over all ranges takes over until it has caught up: its events prove by
//! themselves.

use std::pin::Pin;
use std::time::Duration;

use etcd_client::proto::PbWatchResponse;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::assembler::Assembler;
use super::history::{Put, check_found};
use super::page::page;
use super::stream::{BROADCAST, OpenStream, cancelled};
use super::{Watch, WatchError, WatchEvent};
use crate::etcd::{Connection, EtcdError, SourceRevision, joined};
use crate::metrics::{Metrics, Side};
use crate::rules::decide::KeyRange;

/// Between attempts to open a broken watch: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// At most so many watches in one stream.
const MAX_WATCHES: usize = 64;

/// An open watch of a real etcd.
pub struct EtcdWatch {
    /// On the heap, as it is large.
    connection: Box<Connection>,
    metrics: Metrics,
    assembler: Assembler,
    /// What is watched, each by itself.
    apart: Vec<KeyRange>,
    /// Whether one watch over all of it is to be used for now.
    together: bool,
    cluster_id: u64,
    /// The last put that was handed out.
    last_put: Option<Put>,
    /// Whether an answer to a request for progress is still to come.
    asking: bool,
    link: Link,
}

enum Link {
    Open(Box<OpenStream>),
    Broken {
        attempts: u32,
        not_before: Instant,
    },
    /// Kept here, so that it goes on where `next` is cancelled.
    Opening {
        attempts: u32,
        opening: Pin<Box<dyn Future<Output = Result<OpenStream, WatchError>> + Send>>,
    },
}

impl EtcdWatch {
    pub(super) async fn open(
        connection: Box<Connection>,
        metrics: Metrics,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<EtcdWatch, WatchError> {
        let apart = joined(ranges, MAX_WATCHES);
        if apart.is_empty() {
            let nothing = "there is nothing to watch: no rule can select a key".to_owned();
            return Err(EtcdError::Settings(nothing).into());
        }
        let stream = Box::pin(OpenStream::open(&connection, &apart, from)).await?;
        let mut assembler = Assembler::new(ranges, from);
        assembler.begin(stream.watches());
        Ok(EtcdWatch {
            connection,
            metrics,
            assembler,
            apart,
            together: false,
            cluster_id: stream.cluster_id,
            last_put: None,
            asking: false,
            link: Link::Open(Box::new(stream)),
        })
    }

    /// Waits for one response and takes it in, sends a request for progress
    /// that is due, or opens the broken watch again.
    async fn advance(&mut self) -> Result<(), WatchError> {
        let waiting = self.assembler.is_waiting();
        let open = match &mut self.link {
            Link::Open(open) => open,
            Link::Broken {
                not_before,
                attempts,
            } => {
                sleep_until(*not_before).await;
                let attempts = *attempts;
                self.begin_opening(attempts);
                return Ok(());
            }
            Link::Opening { opening, attempts } => {
                let opened = opening.await;
                let attempts = *attempts;
                return self.opened(opened, attempts).await;
            }
        };
        let outcome = match ask_at(open, waiting) {
            None => open.response().await,
            // First, or whoever sends without end would never be asked.
            Some(due) if due <= Instant::now() => return self.ask().await,
            Some(due) => tokio::select! {
                biased;
                outcome = open.response() => outcome,
                () = sleep_until(due) => return Ok(()),
            },
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
            self.take_events(response)?;
        } else if !response.created && !response.fragment {
            self.take_progress(&response);
        }
        Ok(())
    }

    fn take_events(&mut self, response: PbWatchResponse) -> Result<(), WatchError> {
        let Link::Open(open) = &mut self.link else {
            return Ok(());
        };
        let Some(watch) = open.watch_of(&response) else {
            let id = response.watch_id;
            return Err(EtcdError::Other(format!("events of an unknown watch {id}")).into());
        };
        self.assembler
            .events(watch, response.events, response.fragment)?;
        if self.assembler.is_waiting() {
            open.pace.changed(Instant::now());
        }
        if self.assembler.overflows() {
            self.change_over(true);
        }
        Ok(())
    }

    fn take_progress(&mut self, response: &PbWatchResponse) {
        let Link::Open(open) = &self.link else {
            return;
        };
        let told = SourceRevision(response.header.map_or(0, |header| header.revision));
        match (response.watch_id, open.answers_prove) {
            (BROADCAST, true) => {
                self.assembler.progress(None, told);
                self.asking = false;
                if self.together {
                    self.change_over(false);
                }
            }
            (BROADCAST, false) => {
                self.assembler.progress(None, self.assembler.proven());
                self.asking = false;
            }
            _ => {
                if let Some(watch) = open.watch_of(response) {
                    self.assembler.progress(Some(watch), told);
                    self.asking &= open.watches() > 1;
                }
            }
        }
    }

    /// Goes on with one watch over all ranges, or with one for each.
    fn change_over(&mut self, together: bool) {
        let from = self.assembler.resume_at().0;
        tracing::debug!(together, from, "the source will be watched in another way");
        self.together = together;
        self.assembler.begin(1);
        self.link = Link::Broken {
            attempts: 0,
            not_before: Instant::now(),
        };
    }

    fn begin_opening(&mut self, attempts: u32) {
        let (connection, from) = (self.connection.clone(), self.assembler.resume_at());
        let limit = if self.together { 1 } else { MAX_WATCHES };
        let ranges = joined(&self.apart, limit);
        let last_put = self.last_put.clone();
        let opening = async move {
            let open = OpenStream::open(&connection, &ranges, from).await?;
            if let Some(put) = last_put {
                let found = page(&connection, &put.range(), put.revision, 1, true).await;
                check_found(&put, found)?;
            }
            Ok(open)
        };
        self.link = Link::Opening {
            attempts,
            opening: Box::pin(opening),
        };
    }

    async fn opened(
        &mut self,
        opened: Result<OpenStream, WatchError>,
        attempts: u32,
    ) -> Result<(), WatchError> {
        // What is done must not be asked again.
        self.link = Link::Broken {
            attempts: attempts + 1,
            not_before: Instant::now(),
        };
        match opened {
            Ok(open) if open.cluster_id != self.cluster_id => {
                let (expected, found) = (self.cluster_id, open.cluster_id);
                Err(EtcdError::OtherCluster { expected, found }.into())
            }
            Ok(open) => {
                let from = self.assembler.resume_at().0;
                info!(from, "the watch of the source is open again");
                self.assembler.begin(open.watches());
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
        let sent = open.ask().await;
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
            Link::Broken { attempts, .. } | Link::Opening { attempts, .. } => *attempts,
        };
        let pause = pause(attempts);
        let from = self.assembler.resume_at().0;
        warn!(%error, from, ?pause, "the watch of the source broke and will be opened again");
        self.metrics.reconnected(Side::Source);
        self.assembler.begin(1);
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
                if let WatchEvent::Changes(changes) = &event {
                    self.last_put = Put::last_of(changes).or(self.last_put.take());
                }
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

/// When the server is to be asked for progress: never where there is but one
/// watch, whose events prove by themselves.
fn ask_at(open: &mut OpenStream, waiting: bool) -> Option<Instant> {
    match open.watches() {
        1 => None,
        _ => open.pace.due(waiting, Instant::now()),
    }
}

fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << attempts.min(16))
        .min(LAST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(1), FIRST_PAUSE * 2);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
    }
}
