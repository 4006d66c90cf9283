//! Random numbers for one plan: which of the free addresses is taken, and the
//! uids of new objects.
//!
//! Promises numbers that nobody can foretell, out of one draw from the system.
//! Deliberately keeps nothing from plan to plan.

use std::cell::RefCell;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::k8s::services::{Chance, Outcome, Request, Stamp, Unplanned, World, plan};
use crate::rules::outgoing::Unfit;

/// Random numbers for one plan.
pub(super) struct Lot {
    seed: [u8; 32],
    drawn: u64,
}

impl Lot {
    pub fn new() -> Result<Lot, Unfit> {
        let mut seed = [0; 32];
        let reason = "the system gives no random bytes to choose an address with";
        getrandom::fill(&mut seed).map_err(|_| Unfit::new(reason.to_owned(), true))?;
        Ok(Lot { seed, drawn: 0 })
    }

    fn next(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.drawn.to_be_bytes());
        let mut next = [0; 16];
        next.iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        next
    }

    /// A new object's uid, as everybody makes them.
    fn uid(&mut self) -> String {
        let mut bits = u128::from_be_bytes(self.next());
        bits = bits & !(0xf << 76) | 4 << 76;
        bits = bits & !(0x3 << 62) | 2 << 62;
        let text = format!("{bits:032x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
        let parts = parts.into_iter().filter_map(|part| text.get(part));
        parts.collect::<Vec<_>>().join("-")
    }

    /// What becomes of a Service.
    pub fn plan(&mut self, request: Request<'_>, world: &World) -> Result<Outcome, Unplanned> {
        let lot = RefCell::new(self);
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs();
        let mut chance = Chance {
            draw: &mut || {
                let bits = u128::from_be_bytes(lot.borrow_mut().next());
                (bits >> 64) as u64
            },
            stamp: &mut || Stamp {
                uid: lot.borrow_mut().uid(),
                created: i64::try_from(now).unwrap_or_default(),
            },
        };
        plan(request, world, &mut chance)
    }
}
