//! What becomes of values between the decision to write them and the
//! transaction: encrypted for the destination, and looked at once more.
//!
//! Promises that a value that is not fit for the destination is taken out of
//! its transaction, with the reason, and the others go on. Runs beside the
//! session, so that a KMS plugin that does not answer holds up its own batch
//! alone. Deliberately keeps no values: a batch that is sent again is encrypted
//! again.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::judging::{Judging, is_copy};
use super::pipeline::{Batch, Known, Note, op_bytes, op_key};
use crate::destination::{Guard, Op, There};
use crate::etcd::DestRevision;
use crate::k8s::Transferred;
use crate::rules::decide::KeyRange;
use crate::rules::landing::{Along, Landing, Leaving, Obstacle, Seen};
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::rules::policy::{OnConflict, Policy, PolicySet};

/// Does `work`, which may wait for a KMS plugin, without keeping other tasks of
/// this thread from running.
pub fn blocking<T>(may_block: bool, work: impl FnOnce() -> T) -> T {
    let threads = || {
        let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
        flavor.is_ok_and(|flavor| flavor == RuntimeFlavor::MultiThread)
    };
    match may_block && threads() {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

/// Makes batches ready to be sent.
pub struct Sealer<J> {
    judge: Arc<J>,
    /// Working memory that nobody uses at the moment.
    spare: Mutex<Vec<OutgoingScratch>>,
}

/// A write that must not happen.
#[derive(Debug)]
pub struct Unsent {
    /// What was to be done.
    pub op: Op,
    /// What is known of it.
    pub note: Note,
    /// Why not.
    pub why: Unwritten,
}

/// Why a write does not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// The value is not fit to be written as things are: it is held.
    Unfit(Unfit),
    /// A policy leaves it out; why, where that may change.
    LeftOut(Policy, Option<Unfit>),
    /// The destination has something else under the key, which stays.
    Kept,
    /// The destination has something else under the key, and carry is to end.
    Stop,
    /// The destination has the value already.
    There,
    /// It is to be deleted, and is not ours to delete.
    NotOurs,
}

/// A batch of which everything is fit to be written.
pub struct Prepared {
    /// With the source's bytes.
    pub batch: Batch,
    /// What was taken out of it.
    pub unsent: Vec<Unsent>,
    /// What must be so when it is applied.
    pub guards: Vec<Guard>,
    /// Whether it is to be sent in two, before anything else.
    pub apart: bool,
    /// Whether it was made ready: else nothing of it was sent.
    pub ready: bool,
    /// How many of its values are encrypted anew.
    pub sealed: u64,
    /// What goes along with its operations.
    pub along: Vec<Along>,
    /// What is sent, where it is not the batch as it is.
    ops: Option<Vec<Op>>,
}

impl Prepared {
    /// A batch that was not looked at.
    pub fn untouched(batch: Batch) -> Prepared {
        Prepared {
            batch,
            unsent: Vec::new(),
            guards: Vec::new(),
            apart: false,
            ready: false,
            sealed: 0,
            along: Vec::new(),
            ops: None,
        }
    }

    /// The bytes of the keys and values that are sent.
    pub fn sent_bytes(&self) -> usize {
        self.sent().iter().map(op_bytes).sum()
    }

    /// What is sent.
    pub fn sent(&self) -> &[Op] {
        self.ops.as_deref().unwrap_or(&self.batch.ops)
    }
}

/// Other bytes than the source has.
struct Sealed {
    value: Vec<u8>,
    anew: bool,
}

/// Whose the key of a put is.
struct Claim {
    known: Known,
    /// What must be so that it stays so.
    own: Option<Guard>,
    /// Whether something else is written over.
    over: bool,
}

/// What becomes of one operation.
enum Fate {
    /// It goes out.
    Go {
        /// `None` for the source's own.
        sealed: Option<Sealed>,
        guards: Vec<Guard>,
        known: Known,
        along: Option<Box<Along>>,
        /// The policies that act on it.
        acted: PolicySet,
    },
    Unsent(Unwritten),
}

/// What has to be looked at, at the destination, before a batch is ready.
#[derive(Debug, Default)]
pub struct Wanted {
    /// These keys.
    pub keys: Vec<Vec<u8>>,
    /// Its CustomResourceDefinitions.
    pub crds: bool,
    /// All that it has in these ranges, each for the definition under a key.
    pub objects: Vec<(Vec<u8>, KeyRange)>,
    /// What it has of addresses.
    pub addresses: bool,
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.keys.is_empty() && !self.crds && self.objects.is_empty() && !self.addresses
    }

    /// Takes in what has to be looked at; otherwise what that means for the
    /// write.
    fn take(&mut self, obstacle: Obstacle) -> Option<Fate> {
        match obstacle {
            Obstacle::Unfit(unfit) => return Some(Fate::Unsent(Unwritten::Unfit(unfit))),
            Obstacle::Skip(policy, why) => {
                return Some(Fate::Unsent(Unwritten::LeftOut(policy, why)));
            }
            Obstacle::Look(keys) => self.keys.extend(keys),
            Obstacle::LookAtCrds => self.crds = true,
            Obstacle::LookAtObjects { key, range } => self.objects.push((key, range)),
            Obstacle::LookAtAddresses => self.addresses = true,
        }
        None
    }
}

impl<J: Judging> Sealer<J> {
    /// Asks `judge`.
    pub fn new(judge: Arc<J>) -> Sealer<J> {
        let spare = Mutex::default();
        Sealer { judge, spare }
    }

    /// Encrypts what has to be, and takes out what must not be written, for a
    /// destination of which `seen` is known.
    ///
    /// # Errors
    ///
    /// The batch as it is, with what has to be looked at first.
    pub fn prepare(&self, batch: Batch, seen: &Seen) -> Result<Prepared, (Batch, Wanted)> {
        blocking(self.judge.may_block(), || {
            let mut scratch = self.lock().pop().unwrap_or_default();
            let mut wanted = Wanted::default();
            let all = batch.ops.iter().zip(&batch.notes);
            let fates: Vec<Fate> = all
                .filter_map(|(op, note)| self.fate(op, note, seen, &mut wanted, &mut scratch))
                .collect();
            self.lock().push(scratch);
            match wanted.is_nothing() {
                true => Ok(prepared(batch, fates)),
                false => Err((batch, wanted)),
            }
        })
    }

    /// `None` where something has to be looked at first.
    fn fate(
        &self,
        op: &Op,
        note: &Note,
        seen: &Seen,
        wanted: &mut Wanted,
        scratch: &mut OutgoingScratch,
    ) -> Option<Fate> {
        let (Op::Put { key, value } | Op::PutLeased { key, value, .. }) = op else {
            return self.delete(op, note, seen, wanted);
        };
        let leased = op.lease() != 0;
        let Claim { known, own, over } = match self.claim(key, value, note, seen) {
            Ok(claimed) => claimed,
            Err(why) => return Some(Fate::Unsent(why)),
        };
        let alone = self.judge.goes_alone(key);
        let may_be_there = match alone {
            true => self.is_or_becomes_ours(key, note, known),
            false => note.known.is_first() && known == Known::Yes,
        };
        let is_there = may_be_there && self.is_there((key, value), leased, note, seen, scratch);
        // What goes alone has its turn once it is known what goes along.
        if is_there && !alone {
            return Some(Fate::Unsent(Unwritten::There));
        }
        let landing = self.judge.landing(key, value, note.rule, seen, scratch);
        let Landing {
            outgoing,
            mut guards,
            along,
        } = match landing {
            Ok(landing) => landing,
            Err(obstacle) => return wanted.take(obstacle),
        };
        if is_there && along.as_ref().is_none_or(|along| along.is_settled) {
            return Some(Fate::Unsent(Unwritten::There));
        }
        let onto_nothing = matches!(own, Some(Guard::Absent(_)));
        guards.extend(own.filter(|own| !guards.contains(own)));
        let mut acted: PolicySet = outgoing.rewritings.iter().map(|own| own.policy).collect();
        // What was to be written over something else may have arrived, and looks
        // like any other copy then.
        if over || (note.acted.contains(Policy::OnConflict) && !onto_nothing) {
            acted.insert(Policy::OnConflict);
        }
        let sealed = match outgoing.value {
            Transferred::AsItIs => None,
            Transferred::Sealed { value, anew, .. } => Some(Sealed {
                value: value.to_vec(),
                anew,
            }),
        };
        Some(Fate::Go {
            sealed,
            guards,
            known,
            along,
            acted,
        })
    }

    fn delete(&self, op: &Op, note: &Note, seen: &Seen, wanted: &mut Wanted) -> Option<Fate> {
        if note.known != Known::Yes {
            return Some(Fate::Unsent(Unwritten::NotOurs));
        }
        let key = op_key(op);
        let own = match still_ours(key, note, seen) {
            Ok(own) => own,
            Err(Withheld::Unseen) => return wanted.take(Obstacle::Look(vec![key.to_vec()])),
            Err(Withheld::NotOurs) => return Some(Fate::Unsent(Unwritten::NotOurs)),
        };
        match self.judge.leaving(key, seen) {
            Ok(Leaving { mut guards, along }) => {
                let is_known = |own: &Guard| guards.iter().any(|guard| guard.key() == own.key());
                guards.extend(own.filter(|own| !is_known(own)));
                Some(Fate::Go {
                    sealed: None,
                    guards,
                    known: note.known,
                    along,
                    acted: PolicySet::default(),
                })
            }
            Err(obstacle) => wanted.take(obstacle),
        }
    }

    /// Whose the key is, for a put; and what must be so that it stays so. At
    /// first nobody looks: the destination has nothing there, most of the time.
    fn claim(
        &self,
        key: &[u8],
        value: &[u8],
        note: &Note,
        seen: &Seen,
    ) -> Result<Claim, Unwritten> {
        let claim = |known, own| Claim {
            known,
            own,
            over: false,
        };
        if !note.known.is_first() {
            return Ok(claim(note.known, None));
        }
        let Some(Some(there)) = seen.get(key) else {
            return Ok(claim(note.known, Some(Guard::Absent(key.to_vec()))));
        };
        let copy = is_copy(&*self.judge, key, value, &there.value);
        let over = copy != Ok(true);
        let on_conflict = self.judge.on_conflict(note.rule, key);
        let own = (on_conflict != OnConflict::Adopt).then(|| unchanged(key, there));
        let known = match whose(on_conflict, copy, note.known)? {
            // It has arrived since, over what was there.
            Known::Yes if note.told && there.create_revision != there.mod_revision => {
                Known::Borrowed
            }
            known => known,
        };
        Ok(Claim {
            over,
            ..claim(known, own)
        })
    }

    /// Whether a key that is `known` as such is ours once it is there.
    fn is_or_becomes_ours(&self, key: &[u8], note: &Note, known: Known) -> bool {
        known == Known::Yes
            || known == Known::Borrowed && note.told
            || note.known == Known::Borrowed
            || self.judge.on_conflict(note.rule, key) == OnConflict::Adopt
    }

    /// Whether the destination has the value.
    fn is_there(
        &self,
        (key, value): (&[u8], &[u8]),
        leased: bool,
        note: &Note,
        seen: &Seen,
        scratch: &mut OutgoingScratch,
    ) -> bool {
        // A value says nothing of the lease that it is under.
        let there = seen.get(key).flatten().filter(|_| !leased);
        there.is_some_and(|there| {
            self.judge
                .is_there(key, value, &there.value, note.rule, scratch)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<OutgoingScratch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose a key is from now on that the destination has already, and of which the
/// ledger has `known`, which says nothing of that. A copy of the source's object
/// was written by a carry, whatever is to become of others' objects: nothing
/// else is ever borrowed than what is found here to be none.
fn whose(
    on_conflict: OnConflict,
    copy: Result<bool, Unfit>,
    known: Known,
) -> Result<Known, Unwritten> {
    match (on_conflict, copy) {
        // Whatever it is, and becomes meanwhile: the write settles it.
        (OnConflict::Adopt, _) => Ok(known),
        (_, Err(unfit)) => Err(Unwritten::Unfit(unfit)),
        (_, Ok(true)) => Ok(Known::Yes),
        (OnConflict::Keep, Ok(false)) => Err(Unwritten::Kept),
        (OnConflict::Stop, Ok(false)) => Err(Unwritten::Stop),
        (OnConflict::Overwrite, Ok(false)) => Ok(Known::Borrowed),
    }
}

/// Why a delete does not go out.
enum Withheld {
    /// It has to be looked at first what is there.
    Unseen,
    /// Somebody has put something else there.
    NotOurs,
}

/// What must be so for a delete to hit what it is meant for. One that was sent
/// may have arrived, and somebody may have put something else there since.
fn still_ours(key: &[u8], note: &Note, seen: &Seen) -> Result<Option<Guard>, Withheld> {
    if !note.sent {
        return Ok(None);
    }
    match seen.get(key).ok_or(Withheld::Unseen)? {
        None => Ok(Some(Guard::Absent(key.to_vec()))),
        Some(there) if DestRevision(there.create_revision) > note.since => Err(Withheld::NotOurs),
        Some(there) => Ok(Some(Guard::Lives {
            key: key.to_vec(),
            create_revision: there.create_revision,
        })),
    }
}

fn unchanged(key: &[u8], there: &There) -> Guard {
    Guard::Unchanged {
        key: key.to_vec(),
        mod_revision: there.mod_revision,
    }
}

fn prepared(batch: Batch, fates: Vec<Fate>) -> Prepared {
    let count = batch.ops.len();
    let mut ready = Prepared::untouched(Batch {
        ops: Vec::with_capacity(count),
        notes: Vec::with_capacity(count),
    });
    // What is sent is another copy only where something in it differs.
    let differs = |fate: &Fate| {
        matches!(
            fate,
            Fate::Go {
                sealed: Some(_),
                ..
            } | Fate::Go { along: Some(_), .. }
        )
    };
    let mut sent = fates.iter().any(differs).then(|| Vec::with_capacity(count));
    let all = batch.ops.into_iter().zip(batch.notes).zip(fates);
    for ((op, mut note), fate) in all {
        let (sealed, guards, known, along, acted) = match fate {
            Fate::Unsent(why) => {
                ready.unsent.push(Unsent { op, note, why });
                continue;
            }
            Fate::Go {
                sealed,
                guards,
                known,
                along,
                acted,
            } => (sealed, guards, known, along, acted),
        };
        note.known = known;
        note.acts = acted;
        for guard in guards {
            if !ready.guards.contains(&guard) {
                ready.guards.push(guard);
            }
        }
        if let Some(sent) = &mut sent {
            sent.push(match sealed {
                None => op.clone(),
                Some(own) => {
                    ready.sealed += u64::from(own.anew);
                    with_value(&op, own.value)
                }
            });
            let also = along.iter().flat_map(|along| &along.also);
            sent.extend(also.map(|also| match &also.value {
                Some(value) => Op::put(also.key.clone(), value.clone(), 0),
                None => Op::Delete {
                    key: also.key.clone(),
                },
            }));
        }
        ready.along.extend(along.map(|along| *along));
        ready.batch.ops.push(op);
        ready.batch.notes.push(note);
    }
    ready.ops = sent;
    ready.ready = true;
    ready
}

fn with_value(op: &Op, value: Vec<u8>) -> Op {
    match op {
        Op::Put { key, .. } | Op::PutLeased { key, .. } => Op::put(key.clone(), value, op.lease()),
        Op::Delete { .. } => op.clone(),
    }
}
