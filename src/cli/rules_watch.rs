//! The rules file, read again when it changes, on SIGHUP and on an order over
//! the admin port.
//!
//! Promises that rules with errors change nothing but the log, that a file that
//! is still being written is not taken (two looks in a row must find the same,
//! unless somebody asks for it now), and that each change is told once.
//! Deliberately compares contents, not times: a ConfigMap that is mounted
//! changes by swapping links.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{oneshot, watch};

use super::rules_file::{load_again, read};
use super::rules_settings::RulesSettings;
use crate::admin::{RulesOrders, RulesRead, Status};
use crate::rules::decide::Judge;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Begins to look; the rules in use are what the receiver has, at first `judge`
/// by the file that held `used`.
pub fn start(
    settings: &RulesSettings,
    used: Vec<u8>,
    judge: Arc<Judge>,
    status: Status,
    asked: Asked,
) -> watch::Receiver<Arc<Judge>> {
    let (told, rules) = watch::channel(judge.clone());
    let looker = Looker {
        settings: settings.clone(),
        seen: Some(used),
        changed: None,
        judge,
        status,
    };
    tokio::spawn(look(looker, asked, told));
    rules
}

/// How somebody may ask for a look now.
pub struct Asked {
    /// SIGHUP, which is to be waited for from the start: else it ends carry.
    pub hangup: Signal,
    /// Orders over the admin port, if any are taken.
    pub orders: Option<RulesOrders>,
}

/// Why there is a look.
enum Why {
    Time,
    Hangup,
    Order(oneshot::Sender<RulesRead>),
}

impl Asked {
    async fn next(&mut self) -> Why {
        let orders = self.orders.as_mut();
        let order = async {
            match orders {
                Some(orders) => orders.recv().await,
                None => None,
            }
        };
        tokio::select! {
            biased;
            Some(()) = self.hangup.recv() => Why::Hangup,
            Some(told) = order => Why::Order(told),
            () = tokio::time::sleep(LOOK_EVERY) => Why::Time,
        }
    }
}

async fn look(mut looker: Looker, mut asked: Asked, told: watch::Sender<Arc<Judge>>) {
    loop {
        let why = asked.next().await;
        let now = !matches!(why, Why::Time);
        // The file may lie on a network: off the threads that everything runs
        // on.
        let looked = tokio::task::spawn_blocking(move || {
            // All that a look leaves half done is what the next begins with.
            let found = catch_unwind(AssertUnwindSafe(|| looker.look(now)));
            let found = found.unwrap_or_else(|_| Some(looker.broke_down()));
            (looker, found)
        });
        // It does not end so but with the runtime.
        let Ok((back, found)) = looked.await else {
            return;
        };
        looker = back;
        let Some(found) = found else { continue };
        if let RulesRead::Applied { .. } = &found {
            told.send_replace(looker.judge.clone());
        }
        if let Why::Order(order) = why {
            // Who has gone needs no answer.
            let _ = order.send(found);
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
    status: Status,
}

impl Looker {
    /// What became of rules that are new, or were asked for.
    fn look(&mut self, asked: bool) -> Option<RulesRead> {
        let bytes = read(&self.settings);
        let now = bytes.as_ref().ok().cloned();
        if !asked {
            let before = std::mem::replace(&mut self.changed, now.clone());
            // One that is not there is about to be replaced.
            if now.is_none() || now == self.seen || now != before {
                return None;
            }
        }
        self.seen = now;
        Some(self.load(bytes))
    }

    /// A panic is a bug, and no reason to look no more.
    fn broke_down(&self) -> RulesRead {
        let name = self.settings.file.display();
        let why = format!("reading the rules file `{name}` panicked");
        tracing::error!("{why}: the rules before stay in use, and carry looks again");
        self.status.metrics().rules_reloaded(false);
        self.status.sides().rules_refused(Some(why.clone()));
        RulesRead::Refused(why)
    }

    fn load(&mut self, bytes: std::io::Result<Vec<u8>>) -> RulesRead {
        let name = self.settings.file.display();
        let loaded = load_again(&self.settings, bytes, &self.judge);
        self.status.metrics().rules_reloaded(loaded.is_ok());
        let refused = loaded.as_ref().err().map(|why| why.first.clone());
        self.status.sides().rules_refused(refused);
        match loaded {
            Err(why) => {
                tracing::error!(
                    "the changed rules file `{name}` cannot be used, the rules before stay in use:\n{}",
                    why.rendered
                );
                RulesRead::Refused(why.plain)
            }
            Ok((judge, _)) if judge.digest() == self.judge.digest() => {
                tracing::info!("the rules file `{name}` means what it meant before");
                RulesRead::Unchanged
            }
            Ok((judge, remarks)) => {
                if !remarks.is_empty() {
                    tracing::warn!("the changed rules file `{name}`:\n{remarks}");
                }
                let digest = judge.digest().to_owned();
                self.judge = Arc::new(judge);
                self.status.sides().rules(names(&self.judge));
                RulesRead::Applied { digest }
            }
        }
    }
}

/// The names of all rules, in order.
pub fn names(judge: &Judge) -> Vec<String> {
    let rules = judge.plan().rules().iter();
    rules.map(|rule| rule.name.clone()).collect()
}
