//! Which keys are ours, when the ledger that says so is lost, or is another
//! carry's.
//!
//! Promises that whatever an earlier carry of this name can have written is
//! known as ours again, as long as the source still has the history since its
//! last checkpoint. Deliberately does not guess what the destination has of
//! them: every value is compared afterwards.

use std::collections::VecDeque;
use std::time::Duration;

use super::error::MirrorError;
use super::judging::{Judging, watched};
use super::listing::Purpose;
use super::ranges::union;
use super::retry::{Remedy, watch_remedy};
use super::sealing::blocking;
use super::session::{End, Session};
use super::world::World;
use crate::etcd::SourceRevision;
use crate::rules::decide::{Decision, Event, KeyRange};
use crate::source::{Change, Source, Watch, WatchError, WatchEvent};
use crate::state::{LedgerChange, LedgerEntry};

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
            true => tracing::info!("the ledger is rebuilt from {judged} keys at revision {then}"),
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
            for change in &together {
                self.go_on()?;
                self.claim_change(change)?;
            }
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

    fn claim_change(&mut self, change: &Change) -> Result<(), End> {
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
            let entry = entry.leased(change.lease);
            let key = change.key.clone();
            let entry = Some(entry);
            self.record(LedgerChange { key, entry })?;
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
