//! Keys under leases: a lease of the destination for each of the source's.
//!
//! Promises that a leased key is written under a lease that lives about as long
//! as the source's, which is renewed only where that one was; and that keys
//! whose lease the destination has lost, though the source has not, are judged
//! again. Deliberately deletes nothing: the source tells of a lease's end by
//! deletes, and when nobody is there to hear of them, the destination's ends by
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::judging::Judging;
use super::lease_book::LeaseBook;
use super::retry::{Backoff, persist};
use super::sealing::Prepared;
use super::world::{Parts, World};
use crate::destination::election::Election;
use crate::destination::{Destination, Fence, Guard, LeaseId, Op, Outcome};
use crate::etcd::EtcdError;
use crate::source::Source;
use crate::state::Pair;

/// The shortest time to live: of a lease that the source has no more.
const SHORTEST: Duration = Duration::from_secs(1);

/// A lease that ends sooner is looked at before it is used.
const SOON: Duration = Duration::from_millis(300);

/// How often it is looked which leases are due.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a look at one lease may take.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// How many leases are asked for at a time.
const WIDTH: usize = 8;

/// The leases of one session.
pub struct Leases<W: World> {
    parts: Parts<W>,
    pair: Pair,
    /// What is known of them.
    pub book: Arc<LeaseBook>,
}

/// The same, with the task that renews them until this is dropped.
pub struct Leasing<W: World> {
    /// For whoever sends.
    pub leases: Arc<Leases<W>>,
    keeper: JoinHandle<()>,
}

impl<W: World> Leasing<W> {
    /// Nothing where no rule asks for leased keys.
    pub fn start(parts: &Parts<W>, pair: &Pair) -> Option<Leasing<W>> {
        parts.judge.mirrors_leases().then(|| {
            let leases = Arc::new(Leases {
                parts: parts.clone(),
                pair: pair.clone(),
                book: Arc::default(),
            });
            let keeper = tokio::spawn(keep(leases.clone()));
            Leasing { leases, keeper }
        })
    }
}

impl<W: World> Drop for Leasing<W> {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Sends a batch; `None` where there is nothing to send.
pub async fn commit<W: World>(
    leases: Option<&Leases<W>>,
    destination: &W::Destination,
    prepared: &Prepared,
    fence: &Fence,
) -> Option<Result<Outcome, EtcdError>> {
    let ops = prepared.sent();
    if ops.is_empty() {
        return None;
    }
    let leased = ops.iter().any(|op| op.lease() != 0);
    Some(match leases.filter(|_| leased) {
        Some(leases) => leases.commit(fence, &prepared.guards, ops).await,
        None => destination.commit(fence, &prepared.guards, ops).await,
    })
}

impl<W: World> Leases<W> {
    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        let leases: BTreeSet<i64> = ops.iter().map(Op::lease).collect();
        let mut backoff = Backoff::default();
        loop {
            let attached = self.attached(&leases, ops).await?;
            let destination = &self.parts.destination;
            match destination.commit(fence, guards, &attached).await {
                // Nothing was applied. It ended before anybody knew.
                Err(EtcdError::LeaseNotFound) => {
                    leases.iter().for_each(|lease| self.book.lose(*lease));
                    sleep(backoff.next_wait()).await;
                }
                other => return other,
            }
        }
    }

    /// The same writes under the destination's leases, which are there now.
    async fn attached(&self, leases: &BTreeSet<i64>, ops: &[Op]) -> Result<Vec<Op>, EtcdError> {
        let made = futures::stream::iter(leases.iter().copied().filter(|lease| *lease != 0))
            .map(|lease| async move { Ok::<_, EtcdError>((lease, self.ensure(lease).await?)) })
            .buffer_unordered(WIDTH);
        let made: BTreeMap<i64, LeaseId> = made.try_collect().await?;
        let attached = ops.iter().map(|op| match op {
            Op::PutLeased { key, value, lease } => {
                let lease = made.get(lease).map_or(0, |id| id.0);
                Op::put(key.clone(), value.clone(), lease)
            }
            other => other.clone(),
        });
        Ok(attached.collect())
    }

    /// Makes the destination's lease, unless it is known to be there.
    async fn ensure(&self, lease: i64) -> Result<LeaseId, EtcdError> {
        if !self.book.lives(lease, Instant::now() + SOON) {
            let ask = || self.parts.source.time_to_live(lease);
            let left = persist("asking the source for a lease", ask).await;
            // Whoever is told must not take it for the destination's.
            let left = left.map_err(|error| {
                EtcdError::Other(format!("the source does not tell of a lease: {error}"))
            })?;
            self.make(lease, left).await?;
        }
        Ok(self.id_of(lease))
    }

    /// Makes the destination's lease, or sees to it that it lives at least as
    /// long as the source's. `None` where that one is gone: the delete follows.
    async fn make(&self, lease: i64, left: Option<Duration>) -> Result<(), EtcdError> {
        let (id, destination) = (self.id_of(lease), &self.parts.destination);
        let wanted = left.unwrap_or_default().max(SHORTEST);
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let mut granted = destination.grant(id, wanted).await?;
            if !granted.new && granted.left < wanted {
                let renewed = Instant::now();
                if !destination.keep_alive(id).await? {
                    // It ended just now.
                    sleep(backoff.next_wait()).await;
                    continue;
                }
                granted.left = granted.ttl.saturating_sub(renewed - begun);
            }
            self.book.made(lease, granted, begun, left.is_some());
            return Ok(());
        }
    }

    /// The same for every carry of this name and source, so that there is but
    /// one for each of the source's, whoever leads.
    fn id_of(&self, lease: i64) -> LeaseId {
        let mut hash = Sha256::new();
        for part in [&self.pair.name, &self.pair.source_cluster_id] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(lease.to_be_bytes());
        let first = hash.finalize();
        let first = first.iter().take(8);
        let id = first.fold(0_i64, |id, byte| id << 8 | i64::from(*byte));
        // etcd takes 0 for "any", and its own are positive.
        LeaseId((id & i64::MAX).max(1))
    }

    /// Renews the destination's lease if the source's was renewed.
    async fn look(&self, lease: i64) -> Result<(), EtcdError> {
        let now = Instant::now();
        let Some(left) = self.parts.source.time_to_live(lease).await? else {
            self.book.ended(lease);
            return Ok(());
        };
        match self.book.until(lease) {
            // Of an earlier session.
            None => self.make(lease, Some(left)).await,
            // Otherwise the destination's would outlive it.
            Some(until) if now + left > until => {
                let renewed = Instant::now();
                match self.parts.destination.keep_alive(self.id_of(lease)).await? {
                    true => self.book.renewed(lease, renewed),
                    false => self.book.lose(lease),
                }
                Ok(())
            }
            Some(_) => {
                self.book.put_off(lease, now);
                Ok(())
            }
        }
    }

    async fn look_or_put_off(&self, lease: i64) {
        let looked = timeout(LOOK_WITHIN, self.look(lease)).await;
        let why = match looked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {LOOK_WITHIN:?}"),
        };
        tracing::debug!("renewing lease {lease:x} of the source: {why}");
        self.book.put_off(lease, Instant::now());
    }
}

async fn keep<W: World>(leases: Arc<Leases<W>>) {
    loop {
        let due = futures::stream::iter(leases.book.due(Instant::now()));
        let look = |lease| leases.look_or_put_off(lease);
        due.for_each_concurrent(WIDTH, look).await;
        sleep(LOOK_EVERY).await;
    }
}
