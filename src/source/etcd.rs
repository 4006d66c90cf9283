//! A real etcd as the source.
//!
//! Promises linearizable answers, and pages that always fit into memory.
//! Deliberately retries nothing: whoever lists knows whether to go on at the
//! same revision. The watch is in `watcher`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::GetOptions;

use super::page::{item, page};
use super::watcher::EtcdWatch;
use super::{Item, Source, SourceStatus, WatchError};
use crate::etcd::{Connection, EtcdError, SourceRevision};
use crate::metrics::Metrics;
use crate::rules::decide::KeyRange;

/// The etcd that is mirrored from. Cheap to clone.
#[derive(Clone)]
pub struct EtcdSource {
    connection: Connection,
    metrics: Metrics,
    /// The most items that a page may have; shrinks when a page was too large
    /// for one message.
    page_cap: Arc<AtomicUsize>,
}

impl EtcdSource {
    /// Reads through `connection`.
    pub fn new(connection: Connection, metrics: Metrics) -> EtcdSource {
        EtcdSource {
            connection,
            metrics,
            page_cap: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    /// Those of `ranges` that the user may not read.
    pub async fn denied(&self, ranges: &[KeyRange]) -> Result<Vec<KeyRange>, EtcdError> {
        let mut denied = Vec::new();
        for range in ranges {
            let options = GetOptions::new()
                .with_range(range.end.clone())
                .with_limit(1);
            let options = Some(options.with_keys_only());
            let read = self.connection.kv().get(range.start.clone(), options).await;
            match read.map_err(EtcdError::from) {
                Ok(_) => {}
                Err(EtcdError::PermissionDenied(_)) => denied.push(range.clone()),
                Err(error) => return Err(error),
            }
        }
        Ok(denied)
    }

    /// Requests about leases have a connection of their own.
    fn reconsider_lease(&self, error: &EtcdError) {
        self.connection.reconsider_token(error);
        if error.blames_member() {
            self.connection.cut_lease();
        }
    }
}

impl Source for EtcdSource {
    type Watch = EtcdWatch;

    async fn status(&self) -> Result<SourceStatus, EtcdError> {
        let status = self.connection.status().await?;
        let revision = SourceRevision(status.revision);
        Ok(SourceStatus {
            cluster_id: status.cluster_id,
            revision,
        })
    }

    async fn list(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> Result<(Vec<Item>, bool), EtcdError> {
        let mut limit = limit.min(self.page_cap.load(Ordering::Relaxed)).max(1);
        loop {
            match page(&self.connection, range, at, limit, false).await {
                Err(EtcdError::TooLarge(_)) if limit > 1 => {
                    limit /= 2;
                    self.page_cap.fetch_min(limit, Ordering::Relaxed);
                }
                other => return other,
            }
        }
    }

    async fn keys(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        mut limit: usize,
    ) -> Result<(Vec<Vec<u8>>, bool), EtcdError> {
        loop {
            match page(&self.connection, range, at, limit, true).await {
                Err(EtcdError::TooLarge(_)) if limit > 1 => limit /= 2,
                Err(error) => return Err(error),
                Ok((items, more)) => {
                    let keys = items.into_iter().map(|item| item.key);
                    return Ok((keys.collect(), more));
                }
            }
        }
    }

    async fn count(&self, range: &KeyRange, at: SourceRevision) -> Result<Option<u64>, EtcdError> {
        let options = GetOptions::new()
            .with_range(range.end.clone())
            .with_revision(at.0)
            .with_count_only();
        let mut kv = self.connection.kv();
        let answer = Box::pin(kv.get(range.start.clone(), Some(options))).await;
        Ok(u64::try_from(answer?.count()).ok())
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Item>, EtcdError> {
        let mut kv = self.connection.kv();
        let answer = Box::pin(kv.get(key, None)).await;
        let answer = answer.map_err(EtcdError::from);
        let answer = answer
            .inspect_err(|error| self.connection.reconsider(error))?
            .0;
        Ok(answer.kvs.into_iter().next().map(item))
    }

    async fn time_to_live(&self, lease: i64) -> Result<Option<Duration>, EtcdError> {
        let mut leases = self.connection.lease();
        let answer = Box::pin(leases.time_to_live(lease, None)).await;
        let answer = answer.map_err(EtcdError::from);
        match answer.inspect_err(|error| self.reconsider_lease(error)) {
            // That of a lease which is not there is negative.
            Ok(answer) => Ok(u64::try_from(answer.ttl()).ok().map(Duration::from_secs)),
            Err(EtcdError::LeaseNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn watch(
        &self,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<EtcdWatch, WatchError> {
        let connection = Box::new(self.connection.clone());
        EtcdWatch::open(connection, self.metrics.clone(), ranges, from).await
    }
}
