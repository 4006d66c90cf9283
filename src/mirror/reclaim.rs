//! Which keys are ours, when the ledger that says so is lost, or is another
//! carry's.
//!
//! Promises that whatever an earlier carry of this name can have written is
//! known as ours again, as long as the source still has the history since its
//! last checkpoint. Deliberately does not guess what the destination has of
//! them: every value is compared afterwards.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};

use super::error::MirrorError;
use super::judging::{Judging, watched};
use super::listing::Purpose;
use super::numbered::numbered;
use super::ranges::union;
use super::retry::{Remedy, persist, watch_remedy};
use super::sealing::blocking;
use super::session::{End, Session};
use super::world::World;
use crate::destination::Destination;
use crate::etcd::SourceRevision;
use crate::rules::decide::{Decision, Event, KeyRange};
use crate::rules::identity::{Identity, Side};
use crate::rules::policy::OnConflict;
use crate::source::{Change, Source, Watch, WatchError, WatchEvent};
use crate::state::{LedgerChange, LedgerEntry};

/// How many keys of the destination are asked for at a time.
const WIDTH: usize = 64;

/// How often the source is asked whether that was all.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl<W: World> Session<W> {
    /// What was selected at the last checkpoint, `then`, was written by the
    /// carry whose ledger is lost; what was selected since, up to `now`, may
    /// have been. All of it is ours, whatever the destination has now.
    pub async fn reclaim(&mut self, then: SourceRevision, now: SourceRevision) -> Result<(), End> {
        let mut list_at = then;
        self.read_namespaces(&mut list_at).await?;
        let ranges = self.parts.judge.ranges().to_vec();
        let judged = self.claim(ranges, &mut list_at).await?;
        let whole = list_at == then && self.claim_since(then, now).await?;
        self.settle().await?;
        match whole {
            true => tracing::info!(
                "the ledger is rebuilt from {} at revision {then}",
                numbered(judged, "key")
            ),
            false => tracing::warn!(
                "the source has compacted its history since revision {then}: what was deleted there since, while no carry ran, stays at the destination"
            ),
        }
        Ok(())
    }

    async fn claim(
        &mut self,
        ranges: Vec<KeyRange>,
        at: &mut SourceRevision,
    ) -> Result<usize, End> {
        let listed = self.list(ranges, at, None, Purpose::Reclaim).await?;
        self.horizons.clear();
        Ok(listed)
    }

    /// Goes through all changes after `from`, up to `to`; false where the
    /// source no longer has them all.
    async fn claim_since(&mut self, from: SourceRevision, to: SourceRevision) -> Result<bool, End> {
        if from >= to {
            return Ok(true);
        }
        let (source, ranges) = (self.parts.source.clone(), watched(&*self.parts.judge));
        let opened = source.watch(&ranges, SourceRevision(from.0 + 1));
        let opened = self.unless_stopped(async { Ok::<_, End>(opened.await) });
        let mut watch = match opened.await? {
            Ok(watch) => watch,
            Err(error) => return gone(error),
        };
        let mut reached = from;
        while reached < to {
            let next = self.unless_stopped(async { Ok::<_, End>(next_event(&mut watch).await) });
            match next.await? {
                Err(error) => return gone(error),
                Ok(WatchEvent::Progress(revision)) => reached = revision,
                Ok(WatchEvent::Changes(changes)) => {
                    reached = changes.last().map_or(reached, |last| last.revision);
                    self.claim_changes(changes, to).await?;
                }
            }
        }
        Ok(true)
    }

    async fn claim_changes(&mut self, changes: Vec<Change>, to: SourceRevision) -> Result<(), End> {
        let mut rest: VecDeque<Change> = changes.into();
        while let Some(revision) = rest.front().map(|change| change.revision) {
            if revision > to {
                break;
            }
            let end = rest.partition_point(|change| change.revision <= revision);
            let together: Vec<Change> = rest.drain(..end).collect();
            let flipped = self.take_namespaces(&together);
            let mut claimed = Vec::new();
            for change in &together {
                self.go_on()?;
                claimed.extend(self.claim_change(change)?);
            }
            self.claim_copies(claimed).await?;
            let mut at = revision;
            self.claim(union(flipped), &mut at).await?;
        }
        Ok(())
    }

    fn take_namespaces(&mut self, changes: &[Change]) -> Vec<KeyRange> {
        let judge = self.parts.judge.clone();
        match judge.reads_namespaces() {
            true => changes
                .iter()
                .flat_map(|own| self.take_namespace(own))
                .collect(),
            false => Vec::new(),
        }
    }

    /// What may have been written for a change: at once where all that is
    /// selected is ours, else to be looked at, with the object that it was of.
    fn claim_change(&mut self, change: &Change) -> Result<Option<(LedgerChange, Identity)>, End> {
        let event = Event {
            key: &change.key,
            value: change.value.as_deref(),
            leased: change.lease != 0,
            owned: false,
        };
        let judge = self.parts.judge.clone();
        let decision = blocking(judge.may_block(), || {
            judge.decide(&event, &self.namespaces, &mut self.scratch)
        });
        if let Decision::Put { rule } = decision {
            let entry = LedgerEntry::new(SourceRevision(0), judge.rule_name(rule));
            let key = change.key.clone();
            let entry = Some(entry.leased(change.lease));
            let claim = LedgerChange { key, entry };
            if judge.on_conflict(Some(rule), &change.key) != OnConflict::Adopt {
                let value = change.value.as_deref().unwrap_or_default();
                let object = blocking(judge.may_block(), || {
                    judge.identity(&change.key, value, Side::Source)
                });
                return Ok(object.ok().map(|object| (claim, object)));
            }
            self.record(claim)?;
        }
        Ok(None)
    }

    /// Those are ours of which the destination has the object.
    async fn claim_copies(&mut self, claims: Vec<(LedgerChange, Identity)>) -> Result<(), End> {
        let parts = self.parts.clone();
        let looks = claims.into_iter().map(|(claim, object)| {
            let parts = &parts;
            async move {
                let look = || parts.destination.get(&claim.key);
                let there = persist("reading a key of the destination", look).await;
                let there = there.map_err(MirrorError::Destination)?;
                let judge = &parts.judge;
                let ours = there.is_some_and(|there| {
                    blocking(judge.may_block(), || {
                        judge.identity(&claim.key, &there, Side::Destination) == Ok(object)
                    })
                });
                Ok::<_, MirrorError>(ours.then_some(claim))
            }
        });
        let looks = futures::stream::iter(looks).buffered(WIDTH).try_collect();
        let ours: Vec<Option<LedgerChange>> = self.unless_stopped(looks).await?;
        for claim in ours.into_iter().flatten() {
            self.record(claim)?;
        }
        Ok(())
    }
}

/// The next event; asks for progress as long as there is none.
async fn next_event<T: Watch>(watch: &mut T) -> Result<WatchEvent, WatchError> {
    loop {
        watch.request_progress().await?;
        tokio::select! {
            biased;
            event = watch.next() => return event,
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
    }
}

/// Whether the end of a watch means that history is gone.
fn gone(error: WatchError) -> Result<bool, End> {
    match watch_remedy(&error) {
        Remedy::Resync => Ok(false),
        Remedy::Retry => Err(End::Resume(error.to_string())),
        Remedy::Hold | Remedy::Fatal => Err(MirrorError::Watch(error).into()),
    }
}
