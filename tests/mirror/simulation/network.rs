//! The destination, over a network that delays, loses and refuses.
//!
//! A request travels by itself: it may arrive when its sender has given it up,
//! or is dead.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use carry::destination::election::{Campaign, Election, Leader, LeaseId, Term};
use carry::destination::{DestStatus, Destination, Entry, Fence, Guard, Op, Outcome, There, Watch};
use carry::etcd::{DestRevision, EtcdError};
use carry::rules::decide::KeyRange;
use tokio::sync::oneshot;

use super::definitions;
use super::freeing;
use super::life::Life;
use super::stage::{LEASE, Luck, Stage, back, pass, refused, timeout};

/// How long a client waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_millis(20);

type Work<T> = Pin<Box<dyn Future<Output = Result<T, EtcdError>> + Send>>;

/// The destination as one process sees it.
pub struct SimDestination {
    pub stage: Arc<Stage>,
    pub life: Arc<Life>,
}

impl SimDestination {
    async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&Stage) -> Result<T, EtcdError>,
    ) -> Result<T, EtcdError> {
        self.life.goes_on().await;
        if self.life.is_last_call() {
            std::future::pending::<()>().await;
        }
        let trip = self.stage.reading();
        pass(trip.there).await;
        let answer = match (self.stage.arrive(), trip.luck) {
            (Err(error), _) => Err(error),
            (Ok(()), Luck::Good) => work(&self.stage).await,
            (Ok(()), Luck::Refused) => Err(refused()),
            (Ok(()), _) => Err(timeout()),
        };
        pass(back(&trip, &answer)).await;
        self.life.goes_on().await;
        answer
    }

    /// `work` is told whether its sender gets the answer.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Stage>, Arc<Life>, bool) -> Work<T> + Send + 'static,
    ) -> Result<T, EtcdError> {
        self.life.goes_on().await;
        let trip = self.stage.writing();
        let last = self.life.is_last_call();
        if last && self.stage.roll(|dice| dice.chance(50)) {
            std::future::pending::<()>().await;
        }
        if trip.luck == Luck::Refused {
            let answer = Err(refused());
            pass(back(&trip, &answer)).await;
            self.life.goes_on().await;
            return answer;
        }
        let answered = trip.luck == Luck::Good;
        let (send, answer) = oneshot::channel();
        let (stage, life) = (self.stage.clone(), self.life.clone());
        tokio::spawn(async move {
            pass(trip.there).await;
            if trip.luck == Luck::RequestLost {
                return;
            }
            let done = match stage.arrive() {
                Ok(()) => work(stage, life, answered).await,
                Err(error) => Err(error),
            };
            pass(back(&trip, &done)).await;
            let _ = send.send(done);
        });
        if last {
            std::future::pending::<()>().await;
        }
        let answer = match answered {
            true => answer.await.unwrap_or_else(|_| Err(timeout())),
            false => {
                pass(PATIENCE).await;
                Err(timeout())
            }
        };
        self.life.goes_on().await;
        answer
    }
}

impl Destination for SimDestination {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        self.read(async |stage| stage.destination.status().await)
            .await
    }

    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        let (fence, guards, ops) = (fence.clone(), guards.to_vec(), ops.to_vec());
        let phase = self.life.phase();
        self.write(move |stage, life, answered| {
            Box::pin(async move {
                let outcome = stage.destination.commit(&fence, &guards, &ops).await;
                if let Ok(Outcome::Applied(_)) = outcome {
                    stage.witness().committed(life.id, phase, &ops, answered);
                    definitions::take_up(&stage, &ops);
                }
                outcome
            })
        })
        .await
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        self.read(async |stage| {
            let there = stage.destination.look(key).await;
            freeing::ambush(stage, &self.life, key);
            there
        })
        .await
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let limit = limit.min(self.stage.settings.page);
        self.read(async |stage| stage.destination.entries(range, limit).await)
            .await
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        self.read(async |stage| stage.destination.count(range).await)
            .await
    }

    /// Only where others change something that matters.
    async fn watch(&self, ranges: &[KeyRange], from: DestRevision) -> Result<Watch, EtcdError> {
        if !self.stage.settings.watches() {
            return Err(EtcdError::Refused("it cannot be watched".to_owned()));
        }
        self.read(async |stage| stage.destination.watch(ranges, from).await)
            .await
    }
}

impl Election for SimDestination {
    async fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        _: Duration,
    ) -> Result<Campaign, EtcdError> {
        let (key, holder) = (key.to_vec(), holder.to_vec());
        self.write(move |stage, life, _| {
            Box::pin(async move {
                let campaign = stage.destination.campaign(&key, &holder, LEASE).await?;
                Ok(match campaign {
                    Campaign::Won(term) => {
                        stage.renew_lease(term.lease);
                        stage.witness().leads(life.id);
                        Campaign::Won(term)
                    }
                    Campaign::Lost(leader) => {
                        let lease = stage.destination.lease_of(&key);
                        let left = lease.and_then(|lease| stage.left(lease));
                        Campaign::Lost(Leader { left, ..leader })
                    }
                    promoted @ Campaign::Promoted(_) => promoted,
                })
            })
        })
        .await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        self.read(async |stage| {
            let lives = stage.destination.keep_alive(lease).await?;
            if lives {
                stage.renew_lease(lease);
            }
            Ok(lives)
        })
        .await
    }

    async fn renew_fence(&self, term: &Term) -> Result<Option<Fence>, EtcdError> {
        let term = term.clone();
        self.write(move |stage, _, _| {
            Box::pin(async move { stage.destination.renew_fence(&term).await })
        })
        .await
    }

    async fn evict(&self, key: &[u8], leader: &Leader) -> Result<(), EtcdError> {
        let (key, leader) = (key.to_vec(), leader.clone());
        self.write(move |stage, _, _| {
            Box::pin(async move { stage.destination.evict(&key, &leader).await })
        })
        .await
    }

    async fn resign(&self, term: &Term) -> Result<(), EtcdError> {
        let term = term.clone();
        self.write(move |stage, _, _| {
            Box::pin(async move { stage.destination.resign(&term).await })
        })
        .await
    }
}
