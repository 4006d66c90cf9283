//! What it takes to make a standby the one that counts: a mark that nobody can
//! lead beside, and single values changed in place under it.
//!
//! Promises that from the mark's revision on no transaction of a mirror of that
//! name is applied, and that a value is replaced only where it is still the one
//! that was read. Deliberately retries nothing, and knows nothing of what the
//! values are.

use etcd_client::proto::PbKeyValue;

use super::election::{LeaseId, promoted_key};
use super::etcd::{EtcdDestination, read_of, revision_of};
use super::{Fence, txn};
use crate::etcd::EtcdError;
use crate::rules::decide::KeyRange;

/// A mark that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// What everything that is done under it compares.
    pub fence: Fence,
    /// What it says.
    pub mark: Vec<u8>,
}

/// One key as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The whole key.
    pub key: Vec<u8>,
    /// Its bytes.
    pub value: Vec<u8>,
    /// The revision that they are of.
    pub mod_revision: i64,
}

impl EtcdDestination {
    /// The mark beside the leader key `leader`, if there is one.
    pub async fn promoted(&self, leader: &[u8]) -> Result<Option<Marked>, EtcdError> {
        Ok(self.one(&promoted_key(leader)).await?.map(marked))
    }

    /// The lease of whoever leads; 0 where it has none.
    pub async fn lease_of_leader(&self, leader: &[u8]) -> Result<Option<LeaseId>, EtcdError> {
        Ok(self.one(leader).await?.map(|kv| LeaseId(kv.lease)))
    }

    /// Writes `mark`, and takes the leader key away from whoever has it, in one
    /// transaction; where there is a mark already, that is returned. Safe to
    /// repeat after an unknown outcome.
    pub async fn promote(&self, leader: &[u8], mark: &[u8]) -> Result<Marked, EtcdError> {
        let answer = self.transact(txn::promote(leader, mark)).await?;
        if answer.succeeded() {
            let revision = revision_of(&answer)?;
            let fence = Fence {
                key: promoted_key(leader),
                create_revision: revision,
                mod_revision: revision,
            };
            let mark = mark.to_vec();
            return Ok(Marked { fence, mark });
        }
        let there = read_of(answer).map(marked);
        there.ok_or_else(|| EtcdError::Other("the mark came and went".to_owned()))
    }

    /// Ends the lease of one who led: it notices that it does not any more.
    pub async fn end_lease(&self, lease: LeaseId) -> Result<(), EtcdError> {
        self.revoke(lease).await
    }

    /// Takes the mark away, if it is still as it was read, and writes a value in
    /// the place of another that was read, if that is still there too; whether
    /// they were.
    pub async fn take_back(
        &self,
        marked: &Marked,
        instead: Option<(&Version, &[u8])>,
    ) -> Result<bool, EtcdError> {
        let instead = instead.map(|(read, value)| (read.key.as_slice(), read.mod_revision, value));
        let txn = txn::take_back(&marked.fence, instead);
        Ok(self.transact(txn).await?.succeeded())
    }

    /// One page of `range` in key order, and whether there is more after it.
    pub async fn page(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Version>, bool), EtcdError> {
        let (kvs, more) = self.page_of(range, limit).await?;
        Ok((kvs.into_iter().map(version).collect(), more))
    }

    /// One key as it is now.
    pub async fn read(&self, key: &[u8]) -> Result<Option<Version>, EtcdError> {
        Ok(self.one(key).await?.map(version))
    }

    /// Writes `value` in the place of what was read, if it is still there and
    /// the fence holds; whether it was.
    pub async fn replace(
        &self,
        fence: &Fence,
        read: &Version,
        value: &[u8],
    ) -> Result<bool, EtcdError> {
        let txn = txn::replace(fence, &read.key, read.mod_revision, value);
        Ok(self.transact(txn).await?.succeeded())
    }
}

fn marked(kv: PbKeyValue) -> Marked {
    Marked {
        fence: Fence {
            key: kv.key,
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
        },
        mark: kv.value,
    }
}

fn version(kv: PbKeyValue) -> Version {
    Version {
        key: kv.key,
        value: kv.value,
        mod_revision: kv.mod_revision,
    }
}
