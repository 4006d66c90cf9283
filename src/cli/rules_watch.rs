//! The rules file, read again when it changes and on SIGHUP.
//!
//! Promises that rules with errors change nothing but the log, that a file that
//! is still being written is not taken (two looks in a row must find the same,
//! unless SIGHUP asks for it now), and that each change is told once.
//! Deliberately compares contents, not times: a ConfigMap that is mounted
//! changes by swapping links.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::rules_file::load_again;
use super::rules_settings::RulesSettings;
use crate::metrics::Metrics;
use crate::rules::decide::Judge;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Begins to look; the rules in use are what the receiver has.
///
/// # Errors
///
/// When SIGHUP cannot be waited for.
pub fn start(
    settings: &RulesSettings,
    judge: Arc<Judge>,
    metrics: Metrics,
) -> std::io::Result<watch::Receiver<Arc<Judge>>> {
    let hangup = signal(SignalKind::hangup())?;
    let (told, rules) = watch::channel(judge.clone());
    let looker = Looker {
        settings: settings.clone(),
        seen: read(settings),
        changed: None,
        judge,
        metrics,
    };
    tokio::spawn(look(looker, hangup, told));
    Ok(rules)
}

async fn look(mut looker: Looker, mut hangup: Signal, told: watch::Sender<Arc<Judge>>) {
    loop {
        let asked = tokio::select! {
            biased;
            asked = hangup.recv() => asked.is_some(),
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        // The file may lie on a network: off the threads that everything runs
        // on.
        let looked = tokio::task::spawn_blocking(move || {
            let found = looker.look(asked);
            (looker, found)
        });
        let Ok((back, found)) = looked.await else {
            return;
        };
        looker = back;
        if let Some(judge) = found {
            told.send_replace(judge);
        }
    }
}

/// The file as it was when it was last looked at.
struct Looker {
    settings: RulesSettings,
    /// What is in use, or was refused.
    seen: Option<Vec<u8>>,
    /// What the last look found.
    changed: Option<Vec<u8>>,
    judge: Arc<Judge>,
    metrics: Metrics,
}

impl Looker {
    /// Rules that are new, and mean something else.
    fn look(&mut self, asked: bool) -> Option<Arc<Judge>> {
        let now = read(&self.settings);
        if !asked {
            let before = std::mem::replace(&mut self.changed, now.clone());
            // One that is not there is about to be replaced.
            if now.is_none() || now == self.seen || now != before {
                return None;
            }
        }
        self.seen = now;
        self.load()
    }

    fn load(&mut self) -> Option<Arc<Judge>> {
        let name = self.settings.file.display();
        let loaded = load_again(&self.settings, &self.judge);
        self.metrics.rules_reloaded(loaded.is_ok());
        match loaded {
            Err(why) => {
                tracing::error!(
                    "the changed rules file `{name}` cannot be used, the rules before stay in use:\n{why}"
                );
                None
            }
            Ok((judge, _)) if judge.digest() == self.judge.digest() => {
                tracing::info!("the rules file `{name}` means what it meant before");
                None
            }
            Ok((judge, remarks)) => {
                if !remarks.is_empty() {
                    tracing::warn!("the changed rules file `{name}`:\n{remarks}");
                }
                self.judge = Arc::new(judge);
                Some(self.judge.clone())
            }
        }
    }
}

fn read(settings: &RulesSettings) -> Option<Vec<u8>> {
    std::fs::read(&settings.file).ok()
}
