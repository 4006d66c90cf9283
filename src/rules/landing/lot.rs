//! Random numbers for one plan: which of the free addresses is taken, and the
//! uids of new objects.
//!
//! Promises numbers that nobody can foretell, out of one draw from the system.
//! Deliberately keeps nothing from plan to plan, but where a simulation asks
//! for it.

use std::cell::{Cell, RefCell};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::k8s::services::{Chance, Outcome, Request, Stamp, Unplanned, World, plan};
use crate::rules::outgoing::Unfit;

thread_local! {
    /// What this thread's lots are made from, and how many there were.
    static FIXED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// From now on all lots of this thread, and the time that goes with them, are
/// the same in every run with this `seed`: for a simulation, which has to
/// replay exactly.
pub fn fix_lots(seed: u64) {
    FIXED.set(Some((seed, 0)));
}

/// Random numbers for one plan.
pub(super) struct Lot {
    seed: [u8; 32],
    drawn: u64,
    /// In seconds since 1970.
    now: u64,
}

impl Lot {
    pub fn new() -> Result<Lot, Unfit> {
        if let Some((fixed, before)) = FIXED.get() {
            FIXED.set(Some((fixed, before + 1)));
            let seed = Sha256::digest([fixed.to_be_bytes(), before.to_be_bytes()].concat());
            return Ok(Lot {
                seed: seed.into(),
                drawn: 0,
                now: before,
            });
        }
        let mut seed = [0; 32];
        let reason = "the system gives no random bytes to choose an address with";
        getrandom::fill(&mut seed).map_err(|_| Unfit::new(reason.to_owned(), true))?;
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Ok(Lot {
            seed,
            drawn: 0,
            now: now.as_secs(),
        })
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
        let created = i64::try_from(self.now).unwrap_or_default();
        let lot = RefCell::new(self);
        let mut chance = Chance {
            draw: &mut || {
                let bits = u128::from_be_bytes(lot.borrow_mut().next());
                (bits >> 64) as u64
            },
            stamp: &mut || Stamp {
                uid: lot.borrow_mut().uid(),
                created,
            },
        };
        plan(request, world, &mut chance)
    }
}
