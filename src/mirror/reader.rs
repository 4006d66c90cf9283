//! The task that reads the watch into the spool.
//!
//! Promises to ask for progress as long as what the source has said last is
//! not proven complete, and at least every so often. Deliberately looks into
//! nothing that it moves.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::spool::Spool;
use crate::source::{Watch, WatchError, WatchEvent};

/// Reads until dropped, or until the watch ends.
pub struct Reader(JoinHandle<()>);

impl Reader {
    /// Begins; asks for progress at least every `progress_every`.
    pub fn start(watch: impl Watch, spool: Arc<Spool>, progress_every: Duration) -> Reader {
        Reader(tokio::spawn(async move {
            let end = read(watch, &spool, progress_every).await;
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

async fn read(mut watch: impl Watch, spool: &Spool, every: Duration) -> WatchError {
    let mut gap = SOON;
    let mut asked_at = Instant::now();
    let mut ask_at = asked_at;
    loop {
        spool.room().await;
        tokio::select! {
            // What is there goes first: an answer behind it proves more.
            biased;
            event = watch.next() => match event {
                Ok(event) => {
                    let now = Instant::now();
                    ask_at = match event {
                        WatchEvent::Progress(_) => now + every,
                        WatchEvent::Changes(_) => (now + SOON).max(asked_at + gap),
                    };
                    spool.push(Ok(event));
                }
                Err(end) => return end,
            },
            () = sleep_until(ask_at) => {
                if let Err(end) = watch.request_progress().await {
                    return end;
                }
                gap = (gap * 2).min(AT_MOST_EVERY);
                asked_at = Instant::now();
                ask_at = asked_at + gap.min(every);
            }
        }
    }
}
