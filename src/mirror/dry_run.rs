//! What a mirror would do, without doing it.
//!
//! Promises to write nothing at all, at either side or to the ledger.
//! Deliberately looks once, at the newest revision: it follows nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::bootstrap::read_namespaces;
use super::cursor::LedgerCursor;
use super::error::MirrorError;
use super::judging::Judging;
use super::leadership::refuse_promoted;
use super::leftovers::{Fate, Leftovers};
use super::listing::{Found, Job, Listing, Purpose};
use super::opening::{identify, refuse_swapped, where_to_begin};
use super::options::Options;
use super::pipeline::Known;
use super::ranges::gaps;
use super::sealing::blocking;
use super::start::{Ledger, Start};
use super::world::{Parts, World};
use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::k8s::Transferred;
use crate::rules::RuleId;
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::state::LedgerChange;

/// One thing that would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The key would be written.
    Put {
        /// The whole key.
        key: Vec<u8>,
        /// The rule that selects it.
        rule: String,
        /// The size of the value that would be written.
        bytes: usize,
        /// How it would be encrypted, where it is not written as it is.
        reencrypted: Option<String>,
    },
    /// The key would be deleted.
    Delete {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The rules no longer select the key: it would be kept as it is.
    Retire {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The destination has something else under the key: it would be kept.
    Keep {
        /// The whole key.
        key: Vec<u8>,
    },
    /// The key would be held.
    Hold {
        /// The whole key.
        key: Vec<u8>,
        /// Why.
        reason: String,
    },
}

/// How much would be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DryRun {
    /// The source revision that was looked at.
    pub revision: SourceRevision,
    /// Keys looked at.
    pub judged: usize,
    /// Keys that would be written.
    pub puts: usize,
    /// How many of them would be encrypted anew.
    pub reencrypted: usize,
    /// Keys that would be deleted.
    pub deletes: usize,
    /// Keys that no rule selects any more and that would be kept as they are.
    pub retired: usize,
    /// Keys of which the destination has something else, which would be kept.
    pub kept: usize,
    /// Keys that would be held.
    pub held: usize,
}

impl DryRun {
    /// Looks at everything and hands each thing that would be done to `tell`,
    /// in the order in which it would be done.
    pub async fn look<W: World>(
        parts: &Parts<W>,
        options: &Options,
        mut tell: impl FnMut(Planned) + Send,
    ) -> Result<DryRun, MirrorError> {
        let mut identity = identify(parts, options).await?;
        refuse_swapped(parts, options, &identity.pair).await?;
        refuse_promoted(&*parts.destination, &options.candidate()).await?;
        let start = where_to_begin(parts, options, &mut identity, options.resync).await?;
        let (ledger, retire, at) = match start {
            Start::Resume(_) => (Ledger::Keep, false, None),
            Start::Full(full) => (full.ledger, full.retire, full.at),
        };
        let believe_ledger = ledger.is_kept();
        let leftovers = Leftovers {
            retire,
            prune: options.prune,
        };
        let at = at.unwrap_or(identity.source.revision);
        let read = read_namespaces(&*parts.source, &*parts.judge, at).await?;
        let (namespaces, at) = (Arc::new(read.0), read.1);
        let mut seen = DryRun {
            revision: at,
            ..DryRun::default()
        };
        let mut told = Told::default();
        let mut scratch = OutgoingScratch::default();
        for (stage, listed) in parts.judge.stages().iter().enumerate() {
            let mut listing = Listing::start(
                parts,
                Job {
                    ranges: listed.ranges.clone(),
                    at,
                    stage: Some(stage),
                    namespaces: namespaces.clone(),
                    purpose: Purpose::Mirror,
                    believe_ledger,
                    compare: ledger.compares(),
                    lands: false,
                    leftovers,
                },
            );
            while let Some(chunk) = listing.next().await {
                let chunk = chunk?;
                seen.judged += chunk.anew;
                let planned = chunk.found.into_iter();
                let planned = planned.filter_map(|found| {
                    blocking(parts.judge.may_block(), || {
                        planned_of(&*parts.judge, found, &mut scratch)
                    })
                });
                for planned in planned.filter(|planned| told.is_new(planned)) {
                    seen.count(planned, &mut tell);
                }
            }
        }
        if believe_ledger {
            seen.sweep(parts, leftovers, &mut tell)?;
        }
        Ok(seen)
    }

    fn sweep<W: World>(
        &mut self,
        parts: &Parts<W>,
        leftovers: Leftovers,
        tell: &mut impl FnMut(Planned),
    ) -> Result<(), MirrorError> {
        for gap in gaps(parts.judge.ranges()) {
            let mut ledger = LedgerCursor::new(parts.store.clone(), gap);
            while let Some((key, entry)) = ledger.take_next()? {
                match leftovers.fate(&entry) {
                    Fate::Retire => self.count(Planned::Retire { key }, tell),
                    Fate::Delete => self.count(Planned::Delete { key }, tell),
                    Fate::Stay => {}
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, planned: Planned, tell: &mut impl FnMut(Planned)) {
        if let Planned::Put {
            reencrypted: Some(_),
            ..
        } = &planned
        {
            self.reencrypted += 1;
        }
        *match &planned {
            Planned::Put { .. } => &mut self.puts,
            Planned::Delete { .. } => &mut self.deletes,
            Planned::Retire { .. } => &mut self.retired,
            Planned::Keep { .. } => &mut self.kept,
            Planned::Hold { .. } => &mut self.held,
        } += 1;
        tell(planned);
    }
}

/// A key shows in every stage that has its range.
#[derive(Default)]
struct Told(HashSet<Vec<u8>>);

impl Told {
    fn is_new(&mut self, planned: &Planned) -> bool {
        let (Planned::Put { key, .. }
        | Planned::Delete { key }
        | Planned::Retire { key }
        | Planned::Keep { key }
        | Planned::Hold { key, .. }) = planned;
        self.0.insert(key.clone())
    }
}

fn planned_of<J: Judging>(
    judge: &J,
    found: Found,
    scratch: &mut OutgoingScratch,
) -> Option<Planned> {
    match found {
        Found::Write(write) => Some(match write.op {
            Op::Put { key, value } | Op::PutLeased { key, value, .. } => {
                planned_put(judge, key, &value, write.rule, scratch)
            }
            // What is not ours is only forgotten.
            Op::Delete { .. } if write.known != Known::Yes => return None,
            Op::Delete { key } => Planned::Delete { key },
        }),
        Found::Keep { key } => Some(Planned::Keep { key }),
        Found::Hold { key, unfit, .. } => Some(Planned::Hold {
            key,
            reason: unfit.reason,
        }),
        Found::Record(LedgerChange { key, entry }) => {
            let retired = entry.is_some_and(|entry| entry.retired);
            retired.then_some(Planned::Retire { key })
        }
    }
}

fn planned_put<J: Judging>(
    judge: &J,
    key: Vec<u8>,
    value: &[u8],
    rule: Option<RuleId>,
    scratch: &mut OutgoingScratch,
) -> Planned {
    let name = rule.map_or("", |rule| judge.rule_name(rule)).to_owned();
    let outgoing = match judge.outgoing(&key, value, rule, scratch) {
        Ok(outgoing) => outgoing,
        Err(Unfit { reason, .. }) => return Planned::Hold { key, reason },
    };
    let (bytes, reencrypted) = match outgoing.value {
        Transferred::AsItIs => (value.len(), None),
        Transferred::Sealed {
            value,
            provider,
            anew,
        } => (value.len(), anew.then(|| provider.to_string())),
    };
    Planned::Put {
        key,
        rule: name,
        bytes,
        reencrypted,
    }
}
