//! What would become of writes at a destination as it would be by then.
//!
//! Promises to ask what the mirror asks before it writes, and that who waits for
//! something that would be written is judged by it. Deliberately sends nothing,
//! and keeps no values of what waits: they are read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::{StreamExt as _, TryStreamExt as _};

use super::addresses::Turn;
use super::error::MirrorError;
use super::foreseen::{Foreseen, Foresight};
use super::held::Why;
use super::judging::Judging;
use super::landing::Lander;
use super::options::Options;
use super::pipeline::{Batch, Known, Note, Write, op_key};
use super::planned::{OfDeletion, Planned};
use super::progress::Unseen;
use super::report::Silent;
use super::retry::persist;
use super::sealing::{Prepared, Unsent, Unwritten, blocking};
use super::standby::StandbyWatch;
use super::world::{Parts, World};
use crate::destination::Op;
use crate::k8s::Edit;
use crate::rules::decide::KeyRange;
use crate::rules::outgoing::{OutgoingScratch, Rewriting};
use crate::rules::policy::{OnConflict, Policy};
use crate::source::Source;

/// How many writes are looked at together.
const TOGETHER: usize = 64;

/// Reads under way.
const WIDTH: usize = 16;

/// Sees what would become of writes.
pub struct Seer<W: World> {
    parts: Parts<W>,
    lander: Lander<Foresight<W>>,
    place: Arc<Foreseen<W>>,
    turn: Turn,
    /// Where Services and their addresses are.
    addresses: Vec<KeyRange>,
    /// Where CustomResourceDefinitions are.
    definitions: Option<KeyRange>,
    /// What cannot be written yet.
    waiting: BTreeMap<Vec<u8>, Waiting>,
    /// What is held, whatever comes.
    held: BTreeSet<Vec<u8>>,
    scratch: OutgoingScratch,
}

/// Of a write that waits.
struct Waiting {
    known: Known,
    why: Why,
}

impl<W: World> Seer<W> {
    /// Looks at the destination as it is.
    pub async fn new(parts: &Parts<W>, options: &Options) -> Result<Seer<W>, MirrorError> {
        let place = Foreseen::now(parts.clone()).await;
        let place = Arc::new(place.map_err(MirrorError::Destination)?);
        let standby = StandbyWatch::once(&*parts.destination, options).await;
        let standby = Arc::new(standby.map_err(MirrorError::Destination)?);
        let foreseen: Parts<Foresight<W>> = Parts {
            source: parts.source.clone(),
            destination: place.clone(),
            store: parts.store.clone(),
            judge: parts.judge.clone(),
            metrics: parts.metrics.clone(),
        };
        let report = Arc::new(Silent::<Unseen>::default());
        Ok(Seer {
            parts: parts.clone(),
            lander: Lander::new(foreseen, None, standby, report),
            place,
            turn: Turn::default(),
            addresses: parts.judge.address_ranges(),
            definitions: parts.judge.crd_range(),
            waiting: BTreeMap::new(),
            held: BTreeSet::new(),
            scratch: OutgoingScratch::default(),
        })
    }

    /// What would become of these; of what has to wait nothing yet.
    pub async fn see(&mut self, writes: Vec<Write>) -> Result<Vec<Planned>, MirrorError> {
        let mut planned = Vec::new();
        let mut rest = writes.into_iter().peekable();
        while rest.peek().is_some() {
            let batch = Batch::of(rest.by_ref().take(TOGETHER));
            let judge = self.parts.judge.clone();
            let mut batches = batch.apart(|key| judge.goes_alone(key));
            batches.reverse();
            while let Some(batch) = batches.pop() {
                let mut prepared = self.prepared(batch).await?;
                for unsent in std::mem::take(&mut prepared.unsent) {
                    planned.extend(self.unsent(unsent));
                }
                match prepared.apart {
                    true => {
                        let (first, second) = prepared.batch.split();
                        batches.extend([second, first]);
                    }
                    false => self.sent(&prepared, &mut planned),
                }
            }
        }
        Ok(planned)
    }

    /// A key is held that was not to be written as things are.
    pub fn hold(&mut self, key: &[u8]) {
        self.held.insert(key.to_vec());
    }

    /// What would become of those that wait still: everything else was seen.
    pub async fn finish(mut self) -> Result<Vec<Planned>, MirrorError> {
        let mut planned = Vec::new();
        // What is not there may be about to come, until nothing comes any more.
        for early in [true, false] {
            self.lander.early.store(early, Ordering::Relaxed);
            loop {
                let is_ready = |own: &Waiting| match early {
                    true => self.has_come(own),
                    false => !self.is_to_come(own),
                };
                let ready = self.waiting.iter().filter(|(_, own)| is_ready(own));
                let ready: Vec<Vec<u8>> = ready.map(|(key, _)| key.clone()).collect();
                let before = self.unsettled();
                for keys in ready.chunks(TOGETHER) {
                    let writes = self.again(keys).await?;
                    planned.extend(self.see(writes).await?);
                }
                if self.unsettled() == before {
                    break;
                }
            }
        }
        let waiting = self.waiting.into_iter();
        planned.extend(waiting.map(|(key, own)| own.planned(key)));
        Ok(planned)
    }

    /// Whether what it waits for would be there.
    fn has_come(&self, own: &Waiting) -> bool {
        match &own.why.unfit.awaits {
            Some(key) => self.place.is_written(key),
            None => own.why.unfit.transient,
        }
    }

    /// Whether what it waits for may come as soon as that is judged: who waits is
    /// then judged after it.
    fn is_to_come(&self, own: &Waiting) -> bool {
        own.why.unfit.awaits.as_ref().is_some_and(|key| {
            let waiting = self.waiting.get(key);
            self.held.contains(key) || waiting.is_some_and(|own| !own.why.is_settled())
        })
    }

    /// How many wait, and for how many of them that may end otherwise.
    fn unsettled(&self) -> (usize, usize) {
        let waiting = self.waiting.values();
        let open = waiting.filter(|own| !own.why.is_settled()).count();
        (self.waiting.len(), open)
    }

    /// Those of the source that waited under these keys.
    async fn again(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Write>, MirrorError> {
        let reads = keys.iter().cloned().map(|key| {
            let source = self.parts.source.clone();
            async move { persist("reading a key of the source", || source.get(&key)).await }
        });
        let reads = futures::stream::iter(reads).buffered(WIDTH).try_collect();
        let items: Vec<_> = reads.await.map_err(MirrorError::Source)?;
        let waited = keys.iter().filter_map(|key| self.waiting.remove(key));
        let waited: Vec<Waiting> = waited.collect();
        // What is gone by now waits for nothing.
        let writes = items.into_iter().zip(waited).filter_map(|(item, own)| {
            item.map(|item| Write {
                op: Op::put(item.key, item.value, item.lease),
                revision: item.revision,
                rule: own.why.rule,
                barrier: false,
                known: own.known,
            })
        });
        Ok(writes.collect())
    }

    async fn prepared(&mut self, batch: Batch) -> Result<Prepared, MirrorError> {
        let judge = &self.parts.judge;
        // Where others' objects stay, the list has found them, but for what it
        // leaves to whoever writes.
        let may_be_others = |op: &Op, note: &Note| {
            let key = op_key(op);
            let keeps = judge.on_conflict(note.rule, key) == OnConflict::Keep;
            let is_listed = keeps && op.lease() == 0 && !judge.goes_alone(key);
            op.is_put() && note.known.is_first() && !is_listed
        };
        let all = batch.ops.iter().zip(&batch.notes);
        let looks = all.filter(|(op, note)| may_be_others(op, note));
        let looks: Vec<Vec<u8>> = looks.map(|(op, _)| op_key(op).to_vec()).collect();
        let prepared = self.lander.foresee(batch, looks, &mut self.turn).await;
        let prepared = prepared.map_err(MirrorError::Destination)?;
        for along in &prepared.along {
            self.turn.applied(along, self.place.next_revision());
        }
        Ok(prepared)
    }

    fn unsent(&mut self, unsent: Unsent) -> Option<Planned> {
        let Unsent { op, note, why } = unsent;
        let key = op_key(&op).to_vec();
        let (unfit, left_out) = match why {
            Unwritten::There | Unwritten::NotOurs => return None,
            Unwritten::Kept => return Some(Planned::Keep { key }),
            Unwritten::Stop => return Some(Planned::Stop { key }),
            Unwritten::LeftOut(policy, None) => {
                let reason = None;
                return Some(Planned::LeaveOut {
                    key,
                    policy,
                    reason,
                });
            }
            Unwritten::LeftOut(policy, Some(unfit)) => (unfit, Some(policy)),
            Unwritten::Unfit(unfit) => (unfit, None),
        };
        let transient = unfit.transient;
        let why = Why::of(note.rule, unfit);
        let waiting = Waiting {
            known: note.was,
            why: Why { left_out, ..why },
        };
        match op.is_put() && (transient || left_out.is_some()) {
            true => {
                self.waiting.insert(key, waiting);
                None
            }
            false => {
                self.hold(&key);
                Some(waiting.planned(key))
            }
        }
    }

    fn sent(&mut self, prepared: &Prepared, planned: &mut Vec<Planned>) {
        let Prepared { batch, along, .. } = prepared;
        let also: usize = along.iter().map(|along| along.also.len()).sum();
        let all = batch.ops.iter().zip(&batch.notes).zip(prepared.sent());
        for ((op, note), sent) in all {
            let key = op_key(op).to_vec();
            let (Op::Put { value, .. } | Op::PutLeased { value, .. }) = op else {
                self.place.forget(&key);
                self.lander.learn(&key, None);
                planned.push(Planned::Delete { key });
                continue;
            };
            let bytes = match sent {
                Op::Put { value, .. } | Op::PutLeased { value, .. } => value,
                Op::Delete { .. } => value,
            };
            planned.push(self.put(&key, value, bytes, note, also));
        }
        // They are the destination's, as they would be stored.
        for also in along.iter().flat_map(|along| &along.also) {
            match &also.value {
                Some(value) => drop(self.place.hold(&also.key, value.clone())),
                None => self.place.forget(&also.key),
            }
        }
    }

    /// `value` would be written as `bytes`.
    fn put(&mut self, key: &[u8], value: &[u8], bytes: &[u8], note: &Note, also: usize) -> Planned {
        let judge = &*self.parts.judge;
        let scratch = &mut self.scratch;
        let (provider, own, of_deletion) = blocking(judge.may_block(), || {
            match judge.outgoing(key, value, note.rule, scratch) {
                Ok(own) => {
                    let of_deletion = OfDeletion::among(&own.rewritings);
                    (
                        own.value.reencrypted(),
                        own.value.stored(value),
                        of_deletion,
                    )
                }
                Err(_) => (None, value.to_vec(), OfDeletion::default()),
            }
        });
        let is_within = |range: &KeyRange| range.contains(key);
        if self.addresses.iter().any(is_within) {
            self.place.hold(key, bytes.to_vec());
        } else if self.definitions.as_ref().is_some_and(is_within) {
            // As the source has it: the destination takes it up at once.
            let there = self.place.hold(key, own);
            self.lander.learn(key, Some(&there));
        } else {
            self.place.follow(key, note.rule);
        }
        let acts = note.acts.iter();
        Planned::Put {
            key: key.to_vec(),
            rule: note
                .rule
                .map_or("", |rule| judge.rule_name(rule))
                .to_owned(),
            bytes: bytes.len(),
            reencrypted: provider,
            acts: acts.filter(|own| *own != Policy::OnConflict).collect(),
            of_deletion,
            also,
            over: note.acts.contains(Policy::OnConflict),
        }
    }
}

impl OfDeletion {
    fn among(rewritings: &[Rewriting]) -> OfDeletion {
        let own = rewritings.iter();
        let own = own.filter(|own| own.policy == Policy::Deletion);
        let (left_out, set): (Vec<_>, Vec<_>) = own.partition(|own| own.edit == Edit::Remove);
        let named = |all: Vec<&Rewriting>| all.iter().map(|own| own.path.to_string()).collect();
        OfDeletion {
            left_out: named(left_out),
            set: named(set),
        }
    }
}

impl Waiting {
    fn planned(self, key: Vec<u8>) -> Planned {
        let reason = self.why.unfit.reason;
        match self.why.left_out {
            None => Planned::Hold { key, reason },
            Some(policy) => Planned::LeaveOut {
                key,
                policy,
                reason: Some(reason),
            },
        }
    }
}
