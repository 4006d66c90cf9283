//! Becoming the one carry of its name, and staying it.
//!
//! Promises to lead only with the leader key in hand, and to notice when its
//! lease is gone. Deliberately is not what keeps a deposed carry from writing:
//! the fence in every transaction is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::error::MirrorError;
use super::mark::Mark;
use super::retry::{Backoff, Remedy, persist, remedy};
use crate::destination::Destination;
use crate::destination::election::{Campaign, Election, Leader, LeaseId, Term, promoted_key};

/// Who a carry is, as its leader key tells others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Which local state it has open, where the system can tell for sure. Two
    /// processes never have one open at a time: who finds its own here knows
    /// that the other is dead.
    pub store: Option<String>,
    /// What no other process has.
    pub token: String,
}

/// As people are told.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// What a campaign needs to know.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// `--name`.
    pub name: String,
    /// Who we are.
    pub holder: Holder,
    /// How long the leader key outlives us.
    pub ttl: Duration,
    /// Whether it waits for as long as another one leads.
    pub waits: bool,
}

impl Candidate {
    /// The key that is campaigned for.
    pub fn key(&self) -> Vec<u8> {
        format!("/carry/{}/leader", self.name).into_bytes()
    }
}

/// How often the leader is looked at while we wait for its lease to end.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Takes the leadership. Where another has it, waits as long as that one's
/// lease lasts without being renewed, since it may be dead; or for as long as
/// it takes, where that is asked for. `wait` is told who leads.
pub async fn campaign<E: Election>(
    destination: &E,
    candidate: &Candidate,
    mut wait: impl FnMut(&str),
) -> Result<Term, MirrorError> {
    let key = candidate.key();
    let holder = serde_json::to_vec(&candidate.holder).unwrap_or_default();
    let mut first: Option<(Leader, Instant)> = None;
    loop {
        let campaign = || destination.campaign(&key, &holder, candidate.ttl);
        let campaign = persist("campaigning at the destination", campaign).await;
        let leader = match campaign.map_err(MirrorError::Destination)? {
            Campaign::Won(term) => return Ok(term),
            Campaign::Lost(leader) => leader,
            Campaign::Promoted(mark) => {
                let (name, mark) = (candidate.name.clone(), Mark::describe(&mark));
                return Err(MirrorError::Promoted { name, mark });
            }
        };
        if is_own_past(&leader, &candidate.holder) {
            let evict = || destination.evict(&key, &leader);
            let evicted = persist("removing our old leader key", evict).await;
            evicted.map_err(MirrorError::Destination)?;
            continue;
        }
        // Each time: whoever stands by is ready for as long as it sees the leader.
        let holder = describe(&leader);
        wait(&holder);
        match &first {
            Some((seen, since)) if seen.create_revision == leader.create_revision => {
                let renewed = is_renewed(seen, &leader, since.elapsed(), candidate.ttl / 5);
                if renewed && !candidate.waits {
                    let name = candidate.name.clone();
                    return Err(MirrorError::LedByAnother { name, holder });
                }
            }
            _ => {
                tracing::info!("{holder} leads: waiting for its lease to end");
                first = Some((leader, Instant::now()));
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Refuses a destination that is promoted: for who does not campaign, or has to
/// ask the source before.
pub async fn refuse_promoted<D: Destination>(
    destination: &D,
    candidate: &Candidate,
) -> Result<(), MirrorError> {
    let key = promoted_key(&candidate.key());
    let mark = persist("looking for a promotion", || destination.get(&key)).await;
    match mark.map_err(MirrorError::Destination)? {
        Some(mark) => Err(MirrorError::Promoted {
            name: candidate.name.clone(),
            mark: Mark::describe(&mark),
        }),
        None => Ok(()),
    }
}

/// Whether the leader key is of an earlier process with the same local state.
fn is_own_past(leader: &Leader, own: &Holder) -> bool {
    let Ok(holder) = serde_json::from_slice::<Holder>(&leader.holder) else {
        return false;
    };
    own.store.is_some() && holder.store == own.store
}

/// Whether the lease has more to live than it can have if it was not renewed
/// since it was first seen, `since` ago.
fn is_renewed(seen: &Leader, now: &Leader, since: Duration, margin: Duration) -> bool {
    match (seen.left, now.left) {
        (Some(then), Some(now)) => now + since > then + margin,
        _ => true,
    }
}

fn describe(leader: &Leader) -> String {
    match serde_json::from_slice::<Holder>(&leader.holder) {
        Ok(holder) => holder.to_string(),
        Err(_) => "its leader key does not say who".to_owned(),
    }
}

/// How long ago a lease was renewed last.
pub struct Renewal {
    last: Mutex<Instant>,
    ttl: Duration,
}

impl Renewal {
    fn new(ttl: Duration) -> Renewal {
        let last = Mutex::new(Instant::now());
        Renewal { last, ttl }
    }

    fn done(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether it is longer ago than the lease lives by itself: whoever can reach
    /// the destination may lead by now.
    pub fn is_overdue(&self, now: Instant) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(last) > self.ttl
    }
}

/// Keeps a lease alive until dropped.
pub struct Keeper {
    lost: CancellationToken,
    renewal: Arc<Renewal>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins to renew `lease` three times in `ttl`.
    pub fn start<E: Election>(destination: Arc<E>, lease: LeaseId, ttl: Duration) -> Keeper {
        let lost = CancellationToken::new();
        let told = lost.clone();
        let renewal = Arc::new(Renewal::new(ttl));
        let renewed = renewal.clone();
        let task = tokio::spawn(async move {
            keep(&*destination, lease, ttl / 3, &renewed).await;
            told.cancel();
        });
        Keeper {
            lost,
            renewal,
            task,
        }
    }

    /// How long ago the lease was renewed.
    pub fn renewal(&self) -> &Arc<Renewal> {
        &self.renewal
    }

    /// Cancelled once the lease is gone.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep<E: Election>(destination: &E, lease: LeaseId, every: Duration, renewal: &Renewal) {
    let mut backoff = Backoff::default();
    loop {
        let wait = match destination.keep_alive(lease).await {
            Ok(true) => {
                renewal.done();
                backoff.reset();
                every
            }
            Ok(false) => return,
            // While the destination cannot be reached nobody can take the
            // lead either; whether the lease outlived it shows afterwards.
            Err(error) if remedy(&error) == Remedy::Retry => backoff.next_wait().min(every),
            Err(error) => {
                tracing::warn!("keeping the leadership alive: {error}");
                return;
            }
        };
        sleep(wait).await;
    }
}
