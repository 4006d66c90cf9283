//! How far and how full the destination is, looked at now and then.
//!
//! Promises one short question every 30 seconds, and silence where it is not
//! answered: whoever writes says so. Deliberately holds nothing up.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::admin::Status;
use crate::destination::etcd::EtcdDestination;

const EVERY: Duration = Duration::from_secs(30);

/// Looks until it is dropped.
pub struct SpaceWatch {
    looking: JoinHandle<()>,
}

impl SpaceWatch {
    /// Begins to look, at once for the first time.
    pub fn start(destination: EtcdDestination, status: Status) -> SpaceWatch {
        let looking = tokio::spawn(async move {
            loop {
                if let Ok(Ok(space)) = tokio::time::timeout(EVERY, destination.space()).await {
                    let (size, full) = (space.db_size_bytes, space.out_of_space);
                    status.metrics().destination_space(size, full);
                    status.sides().destination_revision(space.revision);
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
