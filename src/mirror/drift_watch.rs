//! Listening to the destination: which keys somebody has written there.
//!
//! Promises bounded memory, and never to hold up anybody: where too much is
//! told, or something was not, it is known that everything has to be looked at.
//! Deliberately does not say whose a change was.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use super::retry::{Backoff, Remedy, remedy};
use crate::destination::{Destination, Touched};
use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;

/// So many of our own last transactions are remembered: many more than come
/// between one and the news of it.
const OWN: usize = 1 << 16;

/// So many keys wait to be looked at.
pub const MAX_WAITING: usize = 100_000;

/// Where our own last transactions were applied.
#[derive(Default)]
pub struct Own(Mutex<Revisions>);

#[derive(Default)]
struct Revisions {
    known: HashSet<DestRevision>,
    in_order: VecDeque<DestRevision>,
}

impl Own {
    /// One was applied.
    pub fn note(&self, revision: DestRevision) {
        let mut own = lock(&self.0);
        if own.known.insert(revision) {
            own.in_order.push_back(revision);
        }
        if own.in_order.len() > OWN
            && let Some(oldest) = own.in_order.pop_front()
        {
            own.known.remove(&oldest);
        }
    }

    /// Leaves those keys of which the last change was not ours.
    pub fn leave_others(&self, touched: &mut HashMap<Vec<u8>, DestRevision>) {
        let own = lock(&self.0);
        touched.retain(|_, revision| !own.known.contains(revision));
    }
}

/// What was heard and nobody has looked at.
#[derive(Default)]
pub struct Heard(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    /// With the revision of the last change.
    touched: HashMap<Vec<u8>, DestRevision>,
    /// Whether more happened than is known.
    all: bool,
}

impl Heard {
    fn note(&self, touched: Vec<Touched>) {
        let mut keys = lock(&self.0);
        for Touched { key, revision } in touched {
            if keys.touched.len() >= MAX_WAITING && !keys.touched.contains_key(&key) {
                keys.all = true;
                continue;
            }
            let last = keys.touched.entry(key).or_insert(revision);
            *last = revision.max(*last);
        }
    }

    /// More happened than is known.
    pub fn miss(&self) {
        lock(&self.0).all = true;
    }

    /// What was heard since the last call, and whether that is not all.
    pub fn take(&self) -> (HashMap<Vec<u8>, DestRevision>, bool) {
        let keys = std::mem::take(&mut *lock(&self.0));
        (keys.touched, keys.all)
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens until dropped, or until it cannot.
pub struct Listener(JoinHandle<()>);

impl Listener {
    /// Hears of changes of `ranges` (sorted, disjoint) after `from`; where that
    /// is not known, from now on, and others may have been missed.
    pub fn start<D: Destination>(
        destination: Arc<D>,
        ranges: Vec<KeyRange>,
        heard: Arc<Heard>,
        from: Option<DestRevision>,
    ) -> Listener {
        Listener(tokio::spawn(async move {
            let error = listen(&*destination, &ranges, &heard, from).await;
            tracing::warn!(
                "what others change in mirrored keys at the destination is not seen: {error}"
            );
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen<D: Destination>(
    destination: &D,
    ranges: &[KeyRange],
    heard: &Heard,
    mut from: Option<DestRevision>,
) -> EtcdError {
    let mut backoff = Backoff::default();
    loop {
        let listened = listen_once(destination, ranges, heard, from, &mut backoff);
        let Err(error) = listened.await;
        match (&error, remedy(&error)) {
            // Its history is another one, or not all there: from now on.
            (EtcdError::Rewound { .. }, _) | (_, Remedy::Resync) => tracing::info!(
                "not everything is known that happened at the destination ({error}): all mirrored keys are looked at"
            ),
            (_, Remedy::Retry) => {
                if backoff.attempts() == 0 {
                    tracing::warn!("watching the destination: {error}; trying again");
                }
            }
            _ => return error,
        }
        from = None;
        tokio::time::sleep(backoff.next_wait()).await;
    }
}

/// From there or from now on, until something ends it.
async fn listen_once<D: Destination>(
    destination: &D,
    ranges: &[KeyRange],
    heard: &Heard,
    from: Option<DestRevision>,
    backoff: &mut Backoff,
) -> Result<Infallible, EtcdError> {
    let known = match from {
        Some(from) => from,
        None => destination.status().await?.revision,
    };
    let mut watch = destination.watch(ranges, DestRevision(known.0 + 1)).await?;
    // Only now nothing can happen between a look and the watch.
    if from.is_none() {
        heard.miss();
    }
    loop {
        heard.note(watch.next().await?);
        backoff.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(key: &str, revision: i64) -> Touched {
        Touched {
            key: key.into(),
            revision: DestRevision(revision),
        }
    }

    #[test]
    fn of_each_key_the_last_change_counts() {
        let (heard, own) = (Heard::default(), Own::default());
        heard.note(vec![touched("a", 4), touched("b", 5), touched("a", 6)]);
        heard.note(vec![touched("b", 3), touched("c", 7)]);
        own.note(DestRevision(4));
        own.note(DestRevision(5));
        let (mut all, missed) = heard.take();
        own.leave_others(&mut all);
        assert!(!missed);
        assert_eq!(all.len(), 2);
        assert_eq!(all[b"a".as_slice()], DestRevision(6));
        assert_eq!(all[b"c".as_slice()], DestRevision(7));
        heard.miss();
        assert_eq!(heard.take(), (HashMap::new(), true));
        assert_eq!(heard.take(), (HashMap::new(), false));
    }

    #[test]
    fn what_is_too_much_is_not_kept_and_not_forgotten() {
        let (heard, own) = (Heard::default(), Own::default());
        let most = MAX_WAITING as i64;
        for n in 0..most + 10 {
            heard.note(vec![touched(&n.to_string(), n)]);
            own.note(DestRevision(n));
        }
        let (mut all, missed) = heard.take();
        assert!(missed);
        assert_eq!(all.len(), MAX_WAITING);
        own.leave_others(&mut all);
        assert_eq!(all.len(), MAX_WAITING + 10 - OWN);
    }
}
