//! A real etcd as the destination.
//!
//! Promises linearizable reads, and that every answer without a doubt is told
//! apart from one that leaves the outcome unknown. Deliberately retries
//! nothing: only the writer knows what may be sent again.

use std::time::Duration;

use etcd_client::proto::PbKeyValue;
use etcd_client::{GetOptions, Txn, TxnOpResponse, TxnResponse};

use super::election::{Campaign, Election, Leader, LeaseId, Term};
use super::{DestStatus, Destination, Fence, KeyValue, Op, Outcome, txn};
use crate::etcd::{Connection, DestRevision, EtcdError};
use crate::rules::decide::KeyRange;

/// The etcd that is mirrored into. Cheap to clone.
#[derive(Clone)]
pub struct EtcdDestination {
    connection: Connection,
}

impl EtcdDestination {
    /// Writes through `connection`.
    pub fn new(connection: Connection) -> EtcdDestination {
        EtcdDestination { connection }
    }

    async fn transact(&self, txn: Txn) -> Result<TxnResponse, EtcdError> {
        let answer = self.connection.kv().txn(txn).await.map_err(EtcdError::from);
        answer.inspect_err(|error| self.connection.reconsider(error))
    }

    async fn range(
        &self,
        key: &[u8],
        options: Option<GetOptions>,
    ) -> Result<etcd_client::GetResponse, EtcdError> {
        let answer = self
            .connection
            .kv()
            .get(key, options)
            .await
            .map_err(EtcdError::from);
        answer.inspect_err(|error| self.connection.reconsider(error))
    }

    async fn leader(&self, kv: PbKeyValue) -> Result<Leader, EtcdError> {
        let left = match kv.lease {
            0 => None,
            lease => Some(self.left(lease).await?),
        };
        Ok(Leader {
            holder: kv.value,
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            left,
        })
    }

    /// An expired lease answers with a negative time to live.
    async fn left(&self, lease: i64) -> Result<Duration, EtcdError> {
        match self
            .connection
            .lease()
            .time_to_live(lease, None)
            .await
            .map_err(EtcdError::from)
        {
            Ok(answer) => Ok(Duration::from_secs(
                u64::try_from(answer.ttl()).unwrap_or(0),
            )),
            Err(EtcdError::LeaseNotFound) => Ok(Duration::ZERO),
            Err(error) => Err(error),
        }
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, EtcdError> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX).max(1);
        let answer = self.connection.lease().grant(seconds, None).await?;
        Ok(LeaseId(answer.id()))
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), EtcdError> {
        match self
            .connection
            .lease()
            .revoke(lease.0)
            .await
            .map_err(EtcdError::from)
        {
            Ok(_) | Err(EtcdError::LeaseNotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Destination for EtcdDestination {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        let status = self.connection.status().await?;
        let revision = DestRevision(status.revision);
        Ok(DestStatus {
            cluster_id: status.cluster_id,
            revision,
        })
    }

    async fn commit(&self, fence: &Fence, ops: &[Op]) -> Result<Outcome, EtcdError> {
        let answer = self.transact(txn::guarded(fence, ops)).await?;
        Ok(match answer.succeeded() {
            true => Outcome::Applied(DestRevision(revision_of(&answer)?)),
            false => Outcome::Fenced,
        })
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EtcdError> {
        let answer = self.range(key, None).await?;
        Ok(answer.0.kvs.into_iter().next().map(|kv| kv.value))
    }

    async fn list(
        &self,
        range: &KeyRange,
        mut limit: usize,
    ) -> Result<(Vec<KeyValue>, bool), EtcdError> {
        loop {
            let options = GetOptions::new()
                .with_range(range.end.clone())
                .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
            match self.range(&range.start, Some(options)).await {
                // More than one message may hold.
                Err(EtcdError::TooLarge(_)) if limit > 1 => limit /= 2,
                Err(error) => return Err(error),
                Ok(answer) => {
                    let page = answer.0;
                    let kvs = page.kvs.into_iter().map(|kv| (kv.key, kv.value)).collect();
                    return Ok((kvs, page.more));
                }
            }
        }
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        let options = GetOptions::new()
            .with_range(range.end.clone())
            .with_count_only();
        let answer = self.range(&range.start, Some(options)).await?;
        Ok(u64::try_from(answer.count()).unwrap_or(0))
    }
}

impl Election for EtcdDestination {
    async fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        ttl: Duration,
    ) -> Result<Campaign, EtcdError> {
        // Looking first saves a lease for every look while another leads.
        if let Some(kv) = self.range(key, None).await?.0.kvs.into_iter().next() {
            return self.judge_leader(key, holder, kv).await;
        }
        let lease = self.grant(ttl).await?;
        let answer = self.transact(txn::take(key, holder, lease)).await?;
        if answer.succeeded() {
            let revision = revision_of(&answer)?;
            return Ok(Campaign::Won(term(key, holder, lease, revision, revision)));
        }
        self.revoke(lease).await?;
        match read_of(answer) {
            Some(kv) => self.judge_leader(key, holder, kv).await,
            None => Err(EtcdError::Other("the leader key came and went".to_owned())),
        }
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        match self.connection.lease().keep_alive(lease.0).await {
            Ok(_) => Ok(true),
            // What the client library says when the server gives it no more
            // time to live.
            Err(etcd_client::Error::LeaseKeepAliveError(text)) if text == "lease not found" => {
                Ok(false)
            }
            Err(error) => match EtcdError::from(error) {
                EtcdError::LeaseNotFound => Ok(false),
                error => {
                    self.connection.cut_lease();
                    Err(error)
                }
            },
        }
    }

    async fn renew_fence(&self, term: &Term) -> Result<Option<Fence>, EtcdError> {
        let answer = match self.transact(txn::rewrite(term)).await {
            // The leader key went with its lease.
            Err(EtcdError::LeaseNotFound) => return Ok(None),
            answer => answer?,
        };
        match answer.succeeded() {
            true => Ok(Some(Fence {
                mod_revision: revision_of(&answer)?,
                ..term.fence.clone()
            })),
            false => Ok(None),
        }
    }

    async fn evict(&self, key: &[u8], leader: &Leader) -> Result<(), EtcdError> {
        self.transact(txn::evict(key, leader)).await.map(drop)
    }

    async fn resign(&self, term: &Term) -> Result<(), EtcdError> {
        self.transact(txn::give_back(term)).await?;
        self.revoke(term.lease).await
    }
}

impl EtcdDestination {
    /// The key is taken: by ourselves, where the answer to an earlier attempt
    /// was lost, or by another.
    async fn judge_leader(
        &self,
        key: &[u8],
        holder: &[u8],
        kv: PbKeyValue,
    ) -> Result<Campaign, EtcdError> {
        if kv.value == holder {
            let (created, modified) = (kv.create_revision, kv.mod_revision);
            return Ok(Campaign::Won(term(
                key,
                holder,
                LeaseId(kv.lease),
                created,
                modified,
            )));
        }
        Ok(Campaign::Lost(self.leader(kv).await?))
    }
}

fn term(key: &[u8], holder: &[u8], lease: LeaseId, created: i64, modified: i64) -> Term {
    let fence = Fence {
        key: key.to_vec(),
        create_revision: created,
        mod_revision: modified,
    };
    Term {
        fence,
        lease,
        holder: holder.to_vec(),
    }
}

fn revision_of(answer: &TxnResponse) -> Result<i64, EtcdError> {
    let header = answer.header();
    header
        .map(|header| header.revision())
        .ok_or_else(|| EtcdError::Other("an answer without a header".to_owned()))
}

fn read_of(answer: TxnResponse) -> Option<PbKeyValue> {
    answer
        .op_responses()
        .into_iter()
        .find_map(|response| match response {
            TxnOpResponse::Get(read) => read.0.kvs.into_iter().next(),
            _ => None,
        })
}
