//! Encryption configurations that change while the mirror runs.
//!
//! Promises to look every `Options::reload_every`, whatever became of earlier
//! looks, and that one that is refused changes nothing. Deliberately knows
//! nothing of files: who has them is asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::metrics::Metrics;

/// What a look at the configurations found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// They are as they were.
    Unchanged,
    /// They have changed and are in use now. With warnings for people.
    Applied(Vec<String>),
    /// They have changed and cannot be used: those before stay in use. Why,
    /// with the place.
    Refused(String),
}

/// Whoever has the configurations.
pub trait Reload: Send + Sync + 'static {
    /// Looks whether they have changed, and if so puts them into use. May read
    /// files; says of each change only once what became of it.
    fn reload(&self) -> Reloaded;
}

/// Looks again and again until dropped.
pub struct Reloader {
    changes: watch::Receiver<u64>,
    looking: Option<JoinHandle<()>>,
}

impl Reloader {
    /// Nothing ever changes.
    pub fn idle() -> Reloader {
        let (_, changes) = watch::channel(0);
        Reloader {
            changes,
            looking: None,
        }
    }

    /// Begins to look every `every`.
    pub fn start(reload: Arc<dyn Reload>, every: Duration, metrics: Metrics) -> Reloader {
        let (told, changes) = watch::channel(0);
        let looking = Some(tokio::spawn(look(reload, every, metrics, told)));
        Reloader { changes, looking }
    }

    /// Counts the changes that were put into use.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

async fn look(
    reload: Arc<dyn Reload>,
    every: Duration,
    metrics: Metrics,
    told: watch::Sender<u64>,
) {
    loop {
        sleep(every).await;
        let reload = reload.clone();
        // Files may lie on a network: off the threads that everything runs on.
        let looked = match tokio::task::spawn_blocking(move || reload.reload()).await {
            Ok(looked) => looked,
            Err(error) if error.is_panic() => {
                tracing::error!(
                    "looking for a changed encryption configuration panicked: carry goes on with the one it has and looks again"
                );
                continue;
            }
            // The runtime ends.
            Err(_) => return,
        };
        match looked {
            Reloaded::Unchanged => {}
            Reloaded::Applied(warnings) => {
                metrics.encryption_reloaded(true);
                tracing::info!("the encryption configuration has changed and is in use");
                warnings
                    .iter()
                    .for_each(|warning| tracing::warn!("{warning}"));
                told.send_modify(|count| *count += 1);
            }
            Reloaded::Refused(why) => {
                metrics.encryption_reloaded(false);
                tracing::warn!(
                    "the changed encryption configuration cannot be used, the one before stays in use: {why}"
                );
            }
        }
    }
}
