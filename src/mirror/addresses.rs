//! What the destination has of addresses, as Services need it that are written
//! one after the other.
//!
//! Promises that what was learnt is given up in time: others allocate, too.
//! Deliberately relies on none of it: whatever a Service takes is compared when
//! it is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::judging::Judging;
use super::sealing::blocking;
use crate::destination::There;
use crate::rules::landing::{Addresses, Along, Wanted};

/// What others have given up meanwhile is free again after this long.
const FRESH: Duration = Duration::from_secs(30);

/// A kube-apiserver that comes up makes its ranges.
const FRESH_WITHOUT_RANGES: Duration = Duration::from_secs(5);

/// What is known while it is one Service's turn.
#[derive(Default)]
pub struct Turn {
    known: Option<(Arc<Addresses>, Instant)>,
    /// What the source's Services had when that was first asked.
    wanted: Option<Arc<Wanted>>,
    warned: bool,
}

impl Turn {
    /// What is known, unless that is too long ago.
    pub fn known(&self) -> Option<Arc<Addresses>> {
        let (known, since) = self.known.as_ref()?;
        let fresh = match known.has_ranges() {
            true => FRESH,
            false => FRESH_WITHOUT_RANGES,
        };
        (since.elapsed() < fresh).then(|| known.clone())
    }

    /// The same for others whose turn need not end first: where the destination
    /// has no ranges, Services take nothing.
    pub fn without_ranges(&self) -> Option<Turn> {
        let known = self.known().filter(|known| !known.has_ranges())?;
        Some(Turn {
            known: Some((known, Instant::now())),
            wanted: self.wanted.clone(),
            warned: true,
        })
    }

    /// Whether the source is still to be asked.
    pub fn is_to_ask(&self) -> bool {
        self.wanted.is_none()
    }

    /// The source's Services have this.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(Arc::new(wanted));
    }

    /// All of it was listed just now.
    pub fn learn(&mut self, mut addresses: Addresses) {
        addresses.set_wanted(self.wanted.clone().unwrap_or_default());
        if addresses.lacks_ranges() && !self.warned {
            self.warned = true;
            tracing::warn!(
                "the destination has stored no range of addresses for Services yet: they are written with the source's addresses; if its range is another, stop carry, let a kube-apiserver start there once, and start carry again"
            );
        }
        self.known = Some((Arc::new(addresses), Instant::now()));
    }

    /// The destination has this under `key` now.
    pub fn tell(&mut self, judge: &impl Judging, key: &[u8], there: Option<&There>) {
        if let Some((known, _)) = &mut self.known {
            let known = Arc::make_mut(known);
            blocking(judge.may_block(), || {
                judge.tell_addresses(known, key, there);
            });
        }
    }

    /// This was applied.
    pub fn applied(&mut self, along: &Along, revision: i64) {
        if let Some((known, _)) = &mut self.known {
            Arc::make_mut(known).applied(along, revision);
        }
    }

    /// Nothing is certain any more.
    pub fn forget(&mut self) {
        self.known = None;
    }
}
