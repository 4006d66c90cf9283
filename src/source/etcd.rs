//! A real etcd as the source.
//!
//! Promises linearizable answers, and pages that always fit into memory.
//! Deliberately retries nothing: whoever lists knows whether to go on at the
//! same revision. The watch is in `watcher`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use etcd_client::GetOptions;
use etcd_client::proto::PbKeyValue;

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

    async fn page(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> Result<(Vec<Item>, bool), EtcdError> {
        let options = GetOptions::new()
            .with_range(range.end.clone())
            .with_revision(at.0)
            .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let answer = self
            .connection
            .kv()
            .get(range.start.clone(), Some(options))
            .await;
        let answer = answer.map_err(EtcdError::from);
        let page = answer
            .inspect_err(|error| self.connection.reconsider(error))?
            .0;
        Ok((page.kvs.into_iter().map(item).collect(), page.more))
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
            match self.page(range, at, limit).await {
                Err(EtcdError::TooLarge(_)) if limit > 1 => {
                    limit /= 2;
                    self.page_cap.fetch_min(limit, Ordering::Relaxed);
                }
                other => return other,
            }
        }
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Item>, EtcdError> {
        let answer = self
            .connection
            .kv()
            .get(key, None)
            .await
            .map_err(EtcdError::from);
        let answer = answer
            .inspect_err(|error| self.connection.reconsider(error))?
            .0;
        Ok(answer.kvs.into_iter().next().map(item))
    }

    async fn watch(
        &self,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<EtcdWatch, WatchError> {
        EtcdWatch::open(self.connection.clone(), self.metrics.clone(), ranges, from).await
    }
}

fn item(kv: PbKeyValue) -> Item {
    Item {
        key: kv.key,
        value: kv.value,
        revision: SourceRevision(kv.mod_revision),
        lease: kv.lease,
    }
}
