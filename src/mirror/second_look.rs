//! A second look at keys that seem to differ, since a mirror that runs changes
//! under the comparison.
//!
//! Promises that a key is called different only where nobody mirrors, or the
//! mirror's checkpoint has passed the key's newest change and it still is, or
//! the time to settle is over. Deliberately has a bound on everything: keys at a
//! time, requests under way, time.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, sleep};

use super::bootstrap::read_namespaces;
use super::compare::{Comparer, Finding, Pair};
use super::error::MirrorError;
use super::judging::Judging;
use super::options::Options;
use super::pages::newest;
use super::retry::persist;
use super::verified::Verdict;
use super::world::{Parts, World};
use crate::destination::Destination;
use crate::etcd::SourceRevision;
use crate::rules::namespaces::Namespaces;
use crate::source::{Item, Source};
use crate::state::{Checkpoint, LedgerEntry, StateStore};

/// Requests under way.
const WIDTH: usize = 32;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A key that seems to differ.
pub struct Candidate {
    /// The whole key.
    pub key: Vec<u8>,
    /// The rule that it is counted under.
    pub rule: Option<String>,
    /// What was found.
    pub verdict: Verdict,
    /// What it was found of: the revision of the source's value, and which
    /// revision the mirror must have passed before that counts.
    seen: Option<(Option<SourceRevision>, SourceRevision)>,
}

impl Candidate {
    /// As found while listing.
    pub fn new(key: Vec<u8>, rule: Option<String>, verdict: Verdict) -> Candidate {
        Candidate {
            key,
            rule,
            verdict,
            seen: None,
        }
    }
}

/// Both sides now, for one key.
struct Now {
    item: Option<Item>,
    there: Option<Vec<u8>>,
    entry: Option<LedgerEntry>,
    /// Whether the source's value changed meanwhile.
    moving: bool,
}

/// Looks again.
pub struct SecondLook<'a, W: World> {
    parts: &'a Parts<W>,
    leader_key: Vec<u8>,
    checkpoint_key: String,
    ledger: bool,
    lenient: bool,
    settle: Duration,
    /// Waiting has not helped before: nobody mirrors, whatever the leader key
    /// says.
    stalled: bool,
}

impl<'a, W: World> SecondLook<'a, W> {
    /// That waits up to `settle` for a mirror that runs; `lenient` as the
    /// comparison is.
    pub fn new(
        parts: &'a Parts<W>,
        options: &Options,
        ledger: bool,
        (settle, lenient): (Duration, bool),
    ) -> Self {
        SecondLook {
            parts,
            leader_key: options.candidate().key(),
            checkpoint_key: options.checkpoint_key(),
            ledger,
            lenient,
            settle,
            stalled: false,
        }
    }

    /// What is to be said of `candidates` in the end; some turn out to be equal,
    /// or to be of no interest.
    pub async fn settle(
        &mut self,
        mut candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, MirrorError> {
        let mut settled = Vec::new();
        if candidates.is_empty() || !self.somebody_leads().await? {
            return Ok(candidates);
        }
        let deadline = Instant::now() + self.settle;
        let mut first_passed = None;
        while !candidates.is_empty() {
            let passed = self.checkpoint().await?;
            let first_passed = *first_passed.get_or_insert(passed);
            let last = self.stalled || Instant::now() >= deadline;
            let looks = self.look(&candidates).await?;
            let mut open = Vec::new();
            for (candidate, (finding, now, at)) in candidates.into_iter().zip(looks) {
                match decided(candidate, finding, &now, at, passed, last) {
                    Ok(known) => settled.push(known),
                    Err(candidate) => open.push(candidate),
                }
            }
            candidates = open;
            if last {
                self.stalled |= passed <= first_passed;
            } else if !candidates.is_empty() {
                sleep(PAUSE).await;
            }
        }
        Ok(settled)
    }

    async fn somebody_leads(&self) -> Result<bool, MirrorError> {
        let get = || self.parts.destination.get(&self.leader_key);
        let leader = persist("looking who leads", get).await;
        Ok(leader.map_err(MirrorError::Destination)?.is_some())
    }

    /// Everything of the source up to here was applied.
    async fn checkpoint(&self) -> Result<SourceRevision, MirrorError> {
        let get = || self.parts.destination.get(self.checkpoint_key.as_bytes());
        let stored = persist("reading the checkpoint", get).await;
        let stored = stored.map_err(MirrorError::Destination)?;
        let checkpoint = stored.and_then(|bytes| serde_json::from_slice::<Checkpoint>(&bytes).ok());
        let bootstrapped = checkpoint.filter(|checkpoint| checkpoint.bootstrapped);
        Ok(SourceRevision(
            bootstrapped.map_or(0, |checkpoint| checkpoint.revision),
        ))
    }

    /// Each key at both sides, and at which revision the rules saw it.
    async fn look(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<(Finding, Now, SourceRevision)>, MirrorError> {
        let at = newest(&*self.parts.source).await?;
        let read = read_namespaces(&*self.parts.source, &*self.parts.judge, at).await?;
        let (namespaces, at): (Namespaces, SourceRevision) = read;
        let nows = candidates
            .iter()
            .map(|candidate| now(self.parts, candidate.key.clone()));
        let nows: Vec<Now> = futures::stream::iter(nows)
            .buffered(WIDTH)
            .try_collect()
            .await?;
        let (judge, store) = (&*self.parts.judge, &*self.parts.store);
        let mut comparer = Comparer::new(judge, store, self.ledger, self.lenient)?;
        let compared = candidates.iter().zip(nows).map(|(candidate, now)| {
            let pair = Pair {
                key: &candidate.key,
                item: now.item.as_ref(),
                there: now.there.as_deref(),
                entry: now.entry.as_ref(),
            };
            let finding = comparer.compare(&pair, &namespaces);
            // A verdict that does not go by the value alone is as new as the
            // look itself.
            let by_value = now
                .item
                .as_ref()
                .filter(|_| !self.parts.judge.reads_namespaces());
            let of = by_value.map_or(at, |item| item.revision);
            (finding, now, of)
        });
        Ok(compared.collect())
    }
}

/// The source is asked before and after the destination: what does not change
/// in between is what the destination should have had.
async fn now<W: World>(parts: &Parts<W>, key: Vec<u8>) -> Result<Now, MirrorError> {
    let source = || parts.source.get(&key);
    let before = persist("reading a key of the source", source).await;
    let before = before.map_err(MirrorError::Source)?;
    let there = persist("reading a key of the destination", || {
        parts.destination.get(&key)
    })
    .await;
    let there = there.map_err(MirrorError::Destination)?;
    let item = persist("reading a key of the source", source).await;
    let item = item.map_err(MirrorError::Source)?;
    let revision = |item: &Option<Item>| item.as_ref().map(|item| item.revision);
    let moving = revision(&before) != revision(&item);
    let entry = parts.store.get(&key)?;
    Ok(Now {
        item,
        there,
        entry,
        moving,
    })
}

/// What is known after another look, or what is to be looked at once more.
fn decided(
    candidate: Candidate,
    finding: Finding,
    now: &Now,
    at: SourceRevision,
    passed: SourceRevision,
    last: bool,
) -> Result<Candidate, Candidate> {
    let key = candidate.key;
    // Neither side has anything to do with it any more.
    let (rule, verdict) = finding.unwrap_or((None, Verdict::Equal));
    if !verdict.is_difference() {
        return Ok(Candidate {
            key,
            rule,
            verdict,
            seen: None,
        });
    }
    if now.moving {
        let moving = |verdict| Candidate {
            key,
            rule,
            verdict,
            seen: None,
        };
        return match last {
            true => Ok(moving(Verdict::Unsettled)),
            false => Err(moving(verdict)),
        };
    }
    let revision = now.item.as_ref().map(|item| item.revision);
    let same = candidate.seen.filter(|(seen, _)| *seen == revision);
    let (_, bar) = same.unwrap_or((revision, at));
    let known = Candidate {
        key,
        rule,
        verdict,
        seen: Some((revision, bar)),
    };
    match last || passed >= bar {
        true => Ok(known),
        false => Err(known),
    }
}
