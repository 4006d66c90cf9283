//! Leadership at the destination: a key with a lease, taken by one carry of a
//! name at a time.
//!
//! Promises that the [`Fence`] that is handed out fails every transaction of
//! whoever led before. Deliberately keeps no clock of its own: what counts is
//! what the destination compares.

use std::future::Future;
use std::time::Duration;

use super::Fence;
pub use super::LeaseId;
use crate::etcd::EtcdError;

/// Leadership that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What every transaction compares.
    pub fence: Fence,
    /// What the leader key is attached to.
    pub lease: LeaseId,
    /// What the leader key holds: who leads.
    pub holder: Vec<u8>,
}

/// Who leads now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// What the leader key holds.
    pub holder: Vec<u8>,
    /// The leader key's create_revision.
    pub create_revision: i64,
    /// The leader key's mod_revision.
    pub mod_revision: i64,
    /// How long its lease has to live unless it is renewed; `None` without a
    /// lease.
    pub left: Option<Duration>,
}

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Campaign {
    /// We lead.
    Won(Term),
    /// Another one does.
    Lost(Leader),
    /// Nobody may: the destination was promoted, as this mark says.
    Promoted(Vec<u8>),
}

/// Where the mark is that keeps everybody from taking the leader key `leader`.
pub fn promoted_key(leader: &[u8]) -> Vec<u8> {
    let name = leader.strip_suffix(b"/leader").unwrap_or(leader);
    [name, b"/promoted"].concat()
}

/// What an election needs of the destination.
pub trait Election: Send + Sync + 'static {
    /// Takes the leader key `key` for `holder` (which no other process uses),
    /// with a lease of `ttl`, unless it is taken, or the destination is promoted.
    /// Safe to repeat after an unknown outcome.
    fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<Campaign, EtcdError>> + Send;

    /// Renews the lease once; false if it is gone.
    fn keep_alive(&self, lease: LeaseId) -> impl Future<Output = Result<bool, EtcdError>> + Send;

    /// Rewrites our leader key, so that every transaction under an earlier
    /// fence of this term fails from now on. `None` if the key is no longer
    /// ours.
    fn renew_fence(
        &self,
        term: &Term,
    ) -> impl Future<Output = Result<Option<Fence>, EtcdError>> + Send;

    /// Removes the leader key of one who is known to be dead, unless it has
    /// changed since it was seen.
    fn evict(
        &self,
        key: &[u8],
        leader: &Leader,
    ) -> impl Future<Output = Result<(), EtcdError>> + Send;

    /// Gives the leadership back.
    fn resign(&self, term: &Term) -> impl Future<Output = Result<(), EtcdError>> + Send;
}
