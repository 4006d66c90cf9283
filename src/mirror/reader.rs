//! The task that reads the watch into the spool.
//!
//! Promises to ask for progress as long as what the source has said last is
//! not proven complete, and at least every so often; and to let go of the watch
//! while the spool is full, rather than stall it, without losing or doubling a
//! revision. Deliberately looks into nothing that it moves.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::retry::{Backoff, Remedy, watch_remedy};
use super::spool::Spool;
use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;
use crate::source::history::{Put, check};
use crate::source::{Source, Watch, WatchError, WatchEvent};

/// What is watched, and from where on.
pub struct Origin<S> {
    /// The source.
    pub source: Arc<S>,
    /// What of it is watched: sorted, disjoint.
    pub ranges: Vec<KeyRange>,
    /// Everything up to here is known.
    pub known: SourceRevision,
    /// The last put of it that was seen.
    pub last_put: Option<Put>,
}

impl<S: Source> Origin<S> {
    /// Opens the watch; tries again where that can help.
    pub async fn open(&self) -> Result<S::Watch, WatchError> {
        let mut backoff = Backoff::default();
        loop {
            match self.open_once().await {
                Err(error) if watch_remedy(&error) == Remedy::Retry => {
                    if backoff.attempts() == 0 {
                        tracing::warn!("watching the source: {error}; trying again");
                    }
                    tokio::time::sleep(backoff.next_wait()).await;
                }
                opened => return opened,
            }
        }
    }

    async fn open_once(&self) -> Result<S::Watch, WatchError> {
        let from = SourceRevision(self.known.0 + 1);
        let watch = self.source.watch(&self.ranges, from).await?;
        if let Some(put) = &self.last_put {
            check(&*self.source, put).await?;
        }
        Ok(watch)
    }

    /// Takes note of what was put into the spool.
    fn note(&mut self, event: &WatchEvent) {
        if let WatchEvent::Changes(changes) = event {
            self.last_put = Put::last_of(changes).or(self.last_put.take());
        }
        self.known = self.known.max(event.upto().unwrap_or_default());
    }
}

/// Reads until dropped, or until the watch ends.
pub struct Reader(JoinHandle<()>);

impl Reader {
    /// Begins with `watch`, which `origin` has opened; asks for progress at
    /// least every `progress_every`.
    pub fn start<S: Source>(
        watch: S::Watch,
        origin: Origin<S>,
        spool: Arc<Spool>,
        progress_every: Duration,
    ) -> Reader {
        Reader(tokio::spawn(async move {
            let end = read_on(watch, origin, &spool, progress_every).await;
            spool.push(Err(end));
        }))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The first question after a change comes soon, so that the checkpoint and
/// `--once` get on; later ones at most every second.
const SOON: Duration = Duration::from_millis(50);
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

async fn read_on<S: Source>(
    mut watch: S::Watch,
    mut origin: Origin<S>,
    spool: &Spool,
    every: Duration,
) -> WatchError {
    loop {
        match read(watch, &mut origin, spool, every).await {
            Some(end) => return end,
            None => {
                let known = origin.known;
                tracing::warn!(
                    "too much waits to be written: the watch of the source is closed after revision {known} until there is room"
                );
            }
        }
        spool.room().await;
        watch = match origin.open().await {
            Ok(watch) => watch,
            Err(end) => return end,
        };
        let known = origin.known;
        tracing::info!("the source is watched again, after revision {known}");
    }
}

/// Reads until the watch ends, or (`None`) until the spool is full.
async fn read<S: Source>(
    mut watch: S::Watch,
    origin: &mut Origin<S>,
    spool: &Spool,
    every: Duration,
) -> Option<WatchError> {
    let mut gap = SOON;
    let mut asked_at = Instant::now();
    let mut ask_at = asked_at;
    while spool.has_room() {
        tokio::select! {
            // What is there goes first: an answer behind it proves more.
            biased;
            event = watch.next() => match event {
                Ok(event) => {
                    let now = Instant::now();
                    ask_at = match event {
                        WatchEvent::Progress(_) => now + every,
                        // Never put off: a source that is busy would not be asked at all.
                        WatchEvent::Changes(_) => ask_at.min((now + SOON).max(asked_at + gap)),
                    };
                    origin.note(&event);
                    spool.push(Ok(event));
                }
                Err(end) => return Some(end),
            },
            () = sleep_until(ask_at) => {
                if let Err(end) = watch.request_progress().await {
                    return Some(end);
                }
                gap = (gap * 2).min(AT_MOST_EVERY);
                asked_at = Instant::now();
                ask_at = asked_at + gap.min(every);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::time::interval;

    use super::*;
    use crate::metrics::Metrics;
    use crate::mirror::spool::Limits;
    use crate::source::ScriptedSource;

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_rests_is_asked_too() {
        let source = ScriptedSource::default();
        let origin = Origin {
            source: Arc::new(source.clone()),
            ranges: vec![KeyRange {
                start: b"/".to_vec(),
                end: b"0".to_vec(),
            }],
            known: source.revision(),
            last_put: None,
        };
        let watch = origin.open().await.expect("a watch");
        let spool = Arc::new(Spool::new(Limits::default(), Metrics::default()));
        let _reader = Reader::start(watch, origin, spool.clone(), Duration::from_secs(60));
        let mut pace = interval(Duration::from_millis(10));
        let (mut changes, mut proofs) = (0, 0);
        while changes < 500 {
            tokio::select! {
                _ = pace.tick() => {
                    source.put("/a", "b");
                }
                entry = spool.next() => match entry.expect("an event") {
                    WatchEvent::Changes(_) => changes += 1,
                    WatchEvent::Progress(_) => proofs += 1,
                },
            }
        }
        assert!((5..20).contains(&proofs), "{proofs} proofs in 5 s");
    }
}
