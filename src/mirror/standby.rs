//! Whether a kube-apiserver serves from the destination.
//!
//! Promises to notice within a few seconds when one appears or is gone.
//! Deliberately believes its own lease keys alone: they end with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::options::{Options, Standby};
use super::retry::persist;
use crate::destination::Destination;
use crate::etcd::EtcdError;
use crate::rules::decide::KeyRange;

/// How writes go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A kube-apiserver serves from the destination: one key a transaction.
    Live,
    /// Nobody watches the destination: many keys a transaction.
    Cold,
}

/// How to write, as of the last look.
pub struct StandbyWatch {
    live: Arc<AtomicBool>,
    looking: Option<JoinHandle<()>>,
}

impl StandbyWatch {
    /// Looks once, where it has to, and goes on looking until dropped.
    pub async fn start<D: Destination>(
        destination: Arc<D>,
        options: &Options,
    ) -> Result<StandbyWatch, EtcdError> {
        if options.standby != Standby::Auto {
            let live = Arc::new(AtomicBool::new(options.standby == Standby::Live));
            return Ok(StandbyWatch {
                live,
                looking: None,
            });
        }
        let leases = KeyRange::prefix(format!("{}masterleases/", options.kube_prefix));
        let live = Arc::new(AtomicBool::new(look(&*destination, &leases).await?));
        tracing::info!("writing in the {} way", name(live.load(Ordering::Relaxed)));
        let (told, every) = (live.clone(), options.look_every);
        let looking = tokio::spawn(async move {
            loop {
                sleep(every).await;
                // What cannot be retried ends the mirror elsewhere.
                let Ok(live) = look(&*destination, &leases).await else {
                    return;
                };
                if told.swap(live, Ordering::Relaxed) != live {
                    tracing::info!("changing over: writing in the {} way", name(live));
                }
            }
        });
        Ok(StandbyWatch {
            live,
            looking: Some(looking),
        })
    }

    /// As it is at the only look.
    pub async fn once<D: Destination>(
        destination: &D,
        options: &Options,
    ) -> Result<StandbyWatch, EtcdError> {
        let leases = KeyRange::prefix(format!("{}masterleases/", options.kube_prefix));
        let live = match options.standby {
            Standby::Auto => look(destination, &leases).await?,
            said => said == Standby::Live,
        };
        Ok(StandbyWatch {
            live: Arc::new(AtomicBool::new(live)),
            looking: None,
        })
    }

    /// Whether a kube-apiserver serves from the destination.
    pub fn is_live(&self) -> bool {
        self.way() == Way::Live
    }

    /// How to write now.
    pub fn way(&self) -> Way {
        if self.live.load(Ordering::Relaxed) {
            Way::Live
        } else {
            Way::Cold
        }
    }
}

impl Drop for StandbyWatch {
    fn drop(&mut self) {
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

async fn look<D: Destination>(destination: &D, leases: &KeyRange) -> Result<bool, EtcdError> {
    let look = || destination.count(leases);
    Ok(persist("looking for a kube-apiserver at the destination", look).await? > 0)
}

fn name(live: bool) -> &'static str {
    if live { "live" } else { "cold" }
}
