//! A real etcd as the destination.
//!
//! Promises linearizable reads, and that every answer without a doubt is told
//! apart from one that leaves the outcome unknown. Deliberately retries
//! nothing: only the writer knows what may be sent again.

use std::time::Duration;

use etcd_client::proto::PbKeyValue;
use etcd_client::{
    Compare, CompareOp, GetOptions, LeaseGrantOptions, Txn, TxnOp, TxnOpResponse, TxnResponse,
};
use tokio::time::timeout;

use super::election::{Campaign, Election, Leader, LeaseId, Term, promoted_key};
use super::{
    DestStatus, Destination, Entry, Fence, Granted, Guard, Op, Outcome, There, Watch, txn, watch,
};
use crate::etcd::{Connection, DestRevision, EtcdError};
use crate::metrics::Metrics;
use crate::rules::decide::KeyRange;

/// How long one attempt to renew a lease may take: a member that hangs must
/// leave time for another one before the lease ends.
const RENEW_WITHIN: Duration = Duration::from_secs(2);

/// The etcd that is mirrored into. Cheap to clone.
#[derive(Clone)]
pub struct EtcdDestination {
    connection: Connection,
    metrics: Metrics,
}

/// How full an etcd is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its newest revision.
    pub revision: i64,
    /// The size of its database.
    pub db_size_bytes: u64,
    /// Whether the `NOSPACE` alarm is raised: it refuses writes.
    pub out_of_space: bool,
}

impl EtcdDestination {
    /// Writes through `connection`.
    pub fn new(connection: Connection) -> EtcdDestination {
        EtcdDestination {
            connection,
            metrics: Metrics::default(),
        }
    }

    /// Counts there how often its watch broke.
    pub fn counted(mut self, metrics: Metrics) -> EtcdDestination {
        self.metrics = metrics;
        self
    }

    pub(super) async fn transact(&self, txn: Txn) -> Result<TxnResponse, EtcdError> {
        let mut kv = self.connection.kv();
        // The client library's futures are large, and so is all that waits for
        // them, unless they are kept elsewhere.
        let answer = Box::pin(kv.txn(txn)).await.map_err(EtcdError::from);
        answer.inspect_err(|error| self.connection.reconsider(error))
    }

    pub(super) async fn range(
        &self,
        key: &[u8],
        options: Option<GetOptions>,
    ) -> Result<etcd_client::GetResponse, EtcdError> {
        let mut kv = self.connection.kv();
        let answer = Box::pin(kv.get(key, options)).await;
        let answer = answer.map_err(EtcdError::from);
        answer.inspect_err(|error| self.connection.reconsider(error))
    }

    /// One key as it is now.
    pub(super) async fn one(&self, key: &[u8]) -> Result<Option<PbKeyValue>, EtcdError> {
        let answer = self.range(key, None).await?;
        Ok(answer.0.kvs.into_iter().next())
    }

    /// One page of `range` in key order, and whether there is more after it.
    pub(super) async fn page_of(
        &self,
        range: &KeyRange,
        mut limit: usize,
    ) -> Result<(Vec<PbKeyValue>, bool), EtcdError> {
        loop {
            let options = GetOptions::new()
                .with_range(range.end.clone())
                .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
            match self.range(&range.start, Some(options)).await {
                // More than one message may hold.
                Err(EtcdError::TooLarge(_)) if limit > 1 => limit /= 2,
                Err(error) => return Err(error),
                Ok(answer) => return Ok((answer.0.kvs, answer.0.more)),
            }
        }
    }

    /// Those of `ranges` that the user may not read or not write. Nothing is
    /// written: etcd looks at permissions before it compares, and the comparison
    /// can never hold.
    pub async fn denied(&self, ranges: &[KeyRange]) -> Result<Vec<KeyRange>, EtcdError> {
        let mut denied = Vec::new();
        for range in ranges {
            let never = Compare::version(range.start.as_slice(), CompareOp::Less, 0);
            let put = TxnOp::put(range.start.as_slice(), "", None);
            let txn = Txn::new().when([never]).and_then([put]);
            let written = self.transact(txn).await.map(drop);
            let options = GetOptions::new()
                .with_range(range.end.clone())
                .with_limit(1);
            let read = self
                .range(&range.start, Some(options.with_keys_only()))
                .await;
            match written.and(read.map(drop)) {
                Ok(()) => {}
                Err(EtcdError::PermissionDenied(_)) => denied.push(range.clone()),
                Err(error) => return Err(error),
            }
        }
        Ok(denied)
    }

    /// How full the member that we are connected to is. Needs no permission.
    pub async fn space(&self) -> Result<Space, EtcdError> {
        let status = self.connection.maintenance().status().await?;
        let no_space = |error: &String| error.contains("NOSPACE");
        Ok(Space {
            revision: status.header().map_or(0, |header| header.revision()),
            db_size_bytes: u64::try_from(status.db_size()).unwrap_or(0),
            out_of_space: status.errors().iter().any(no_space),
        })
    }

    async fn leader(&self, kv: PbKeyValue) -> Result<Leader, EtcdError> {
        let left = match kv.lease {
            0 => None,
            lease => Some(self.lives(lease).await?.0),
        };
        Ok(Leader {
            holder: kv.value,
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            left,
        })
    }

    /// How long a lease lives, and how long from each renewal on; nothing where
    /// it is not there.
    async fn lives(&self, lease: i64) -> Result<(Duration, Duration), EtcdError> {
        match Box::pin(self.connection.lease().time_to_live(lease, None))
            .await
            .map_err(|error| self.lease_error(error))
        {
            Ok(answer) => Ok((seconds(answer.ttl()), seconds(answer.granted_ttl()))),
            Err(EtcdError::LeaseNotFound) => Ok((Duration::ZERO, Duration::ZERO)),
            Err(error) => Err(error),
        }
    }

    fn lease_error(&self, error: etcd_client::Error) -> EtcdError {
        let error = EtcdError::from(error);
        self.connection.reconsider_token(&error);
        error
    }

    /// Makes a lease, with an id of etcd's choice if `id` is none; also says
    /// how long it lives.
    async fn new_lease(
        &self,
        id: Option<LeaseId>,
        ttl: Duration,
    ) -> Result<(LeaseId, Duration), EtcdError> {
        let whole = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let whole = i64::try_from(whole).unwrap_or(i64::MAX).max(1);
        let options = id.map(|id| LeaseGrantOptions::new().with_id(id.0));
        let answer = Box::pin(self.connection.lease().grant(whole, options)).await;
        let answer = answer.map_err(|error| self.lease_error(error))?;
        Ok((LeaseId(answer.id()), seconds(answer.ttl())))
    }

    pub(super) async fn revoke(&self, lease: LeaseId) -> Result<(), EtcdError> {
        match self
            .connection
            .lease()
            .revoke(lease.0)
            .await
            .map_err(|error| self.lease_error(error))
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

    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        let answer = self.transact(txn::guarded(fence, guards, ops)).await?;
        if answer.succeeded() {
            return Ok(Outcome::Applied(DestRevision(revision_of(&answer)?)));
        }
        let leader = read_of(answer).map(|kv| kv.mod_revision);
        Ok(match leader == Some(fence.mod_revision) {
            true => Outcome::Unmet,
            false => Outcome::Fenced,
        })
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        Ok(self.one(key).await?.map(|kv| entry(kv).1))
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let (kvs, more) = self.page_of(range, limit).await?;
        Ok((kvs.into_iter().map(entry).collect(), more))
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        let options = GetOptions::new()
            .with_range(range.end.clone())
            .with_count_only();
        let answer = self.range(&range.start, Some(options)).await?;
        Ok(u64::try_from(answer.count()).unwrap_or(0))
    }

    async fn grant(&self, lease: LeaseId, ttl: Duration) -> Result<Granted, EtcdError> {
        match self.new_lease(Some(lease), ttl).await {
            Ok((_, ttl)) => Ok(Granted {
                left: ttl,
                ttl,
                new: true,
            }),
            // Where it ends just now, whoever uses it finds out.
            Err(EtcdError::LeaseExists) => {
                let (left, ttl) = self.lives(lease.0).await?;
                Ok(Granted {
                    left,
                    ttl,
                    new: false,
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn watch(&self, ranges: &[KeyRange], from: DestRevision) -> Result<Watch, EtcdError> {
        watch::follow(self.connection.clone(), self.metrics.clone(), ranges, from).await
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
        if let Some(kv) = self.one(key).await? {
            return self.judge_leader(key, holder, kv).await;
        }
        let mark = promoted_key(key);
        if let Some(kv) = self.range(&mark, None).await?.0.kvs.into_iter().next() {
            return Ok(Campaign::Promoted(kv.value));
        }
        let (lease, _) = self.new_lease(None, ttl).await?;
        let answer = self.transact(txn::take(key, holder, lease)).await?;
        if answer.succeeded() {
            let revision = revision_of(&answer)?;
            return Ok(Campaign::Won(term(key, holder, lease, revision, revision)));
        }
        self.revoke(lease).await?;
        match read_of(answer) {
            Some(kv) if kv.key == mark => Ok(Campaign::Promoted(kv.value)),
            Some(kv) => self.judge_leader(key, holder, kv).await,
            None => Err(EtcdError::Other("the leader key came and went".to_owned())),
        }
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        let mut client = self.connection.lease();
        let renewed = timeout(RENEW_WITHIN, Box::pin(client.keep_alive(lease.0))).await;
        let Ok(renewed) = renewed else {
            self.connection.cut_lease();
            let text = format!("the lease was not renewed within {RENEW_WITHIN:?}");
            return Err(EtcdError::Timeout(text));
        };
        match renewed {
            Ok(_) => Ok(true),
            // What the client library says when the server gives it no more
            // time to live.
            Err(etcd_client::Error::LeaseKeepAliveError(text)) if text == "lease not found" => {
                Ok(false)
            }
            Err(error) => match self.lease_error(error) {
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

fn entry(kv: PbKeyValue) -> Entry {
    let there = There {
        value: kv.value,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
    };
    (kv.key, there)
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

/// An expired lease answers with a negative time to live.
fn seconds(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}

pub(super) fn revision_of(answer: &TxnResponse) -> Result<i64, EtcdError> {
    let header = answer.header();
    header
        .map(|header| header.revision())
        .ok_or_else(|| EtcdError::Other("an answer without a header".to_owned()))
}

pub(super) fn read_of(answer: TxnResponse) -> Option<PbKeyValue> {
    answer
        .op_responses()
        .into_iter()
        .find_map(|response| match response {
            TxnOpResponse::Get(read) => read.0.kvs.into_iter().next(),
            _ => None,
        })
}
