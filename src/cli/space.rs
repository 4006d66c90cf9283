//! How full the destination is, looked at now and then.
//!
//! Promises one short question every 30 seconds, and silence where it is not
//! answered: whoever writes says so. Deliberately holds nothing up.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::destination::etcd::EtcdDestination;
use crate::metrics::Metrics;

const EVERY: Duration = Duration::from_secs(30);

/// Looks until it is dropped.
pub struct SpaceWatch {
    looking: JoinHandle<()>,
}

impl SpaceWatch {
    /// Begins to look, at once for the first time.
    pub fn start(destination: EtcdDestination, metrics: Metrics) -> SpaceWatch {
        let looking = tokio::spawn(async move {
            loop {
                if let Ok(Ok(space)) = tokio::time::timeout(EVERY, destination.space()).await {
                    metrics.destination_space(space.db_size_bytes, space.out_of_space);
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        SpaceWatch { looking }
    }
}

impl Drop for SpaceWatch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
