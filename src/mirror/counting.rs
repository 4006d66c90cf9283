//! Which Services have other addresses at the destination than at the source,
//! of those that an earlier session has written.
//!
//! Promises to look at both sides while no Service is written, once in a
//! session. Deliberately stores nothing: the two sides know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::MirrorError;
use super::judging::Judging;
use super::landing::Lander;
use super::sealing::blocking;
use super::source_services::each;
use super::world::World;
use crate::destination::There;
use crate::source::Item;
use crate::state::StateStore;

/// How long Services may wait for it, at most.
const LONGEST: Duration = Duration::from_secs(10);

/// A look at all Services, until this is dropped.
pub struct Counting {
    looking: JoinHandle<()>,
}

impl Counting {
    /// Begins.
    pub fn start<W: World>(lander: Arc<Lander<W>>) -> Counting {
        let looking = tokio::spawn(async move {
            let looked = timeout(LONGEST, look(&lander)).await;
            let why = match looked {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {LONGEST:?}"),
            };
            tracing::warn!("addresses of Services that were written before are not told of: {why}");
        });
        Counting { looking }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look<W: World>(lander: &Lander<W>) -> Result<(), MirrorError> {
    let parts = &lander.parts;
    let (judge, store) = (&*parts.judge, &parts.store);
    let Some(services) = judge.address_ranges().into_iter().next() else {
        return Ok(());
    };
    let _turn = lander.turn.lock().await;
    let there = lander.all(&services).await;
    let there = there.map_err(MirrorError::Destination)?;
    let there: BTreeMap<Vec<u8>, There> = there.into_iter().collect();
    let mut found = Vec::new();
    if !there.is_empty() {
        let compare = |item: &Item| {
            let ours = store.get(&item.key)?.is_some_and(|entry| !entry.retired);
            if let Some(there) = there.get(&item.key).filter(|_| ours) {
                let pairs = blocking(judge.may_block(), || {
                    judge.addresses_of(&item.key, &item.value, &there.value)
                });
                found.push((item.key.clone(), pairs));
            }
            Ok(())
        };
        each(parts, compare).await?;
    }
    lander.report.all_service_addresses(&found);
    Ok(())
}
