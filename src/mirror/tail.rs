//! Following the source: change by change, as the watch delivers them.
//!
//! Promises that a change is judged under the Namespaces as of its own
//! revision, and that a Namespace whose labels flip a rule has its keys judged
//! again before anything later is. Deliberately compares nothing with the
//! destination: only a dead process can have written what the ledger does not
//! know, and replay has dealt with that.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::time::Instant;

use super::bootstrap::view_of;
use super::counting::Counting;
use super::held::Why;
use super::judged::Judged;
use super::judging::{Judging, count, empty_value, is_sequential, was_sequential};
use super::leftovers::disowned;
use super::numbered::numbered;
use super::options::Widths;
use super::pipeline::{Known, Write, op_bytes, op_key};
use super::ranges::union;
use super::sealing::blocking;
use super::session::{End, Fed, Feed, Session};
use super::world::World;
use crate::destination::Op;
use crate::etcd::SourceRevision;
use crate::metrics::Phase;
use crate::rules::decide::{Decision, Event, KeyRange};
use crate::rules::outgoing::Unfit;
use crate::source::{Change, WatchEvent};
use crate::state::{LedgerEntry, StateStore};

impl<W: World> Session<W> {
    /// Follows the source until something ends it.
    pub async fn tail(&mut self) -> Result<Infallible, End> {
        self.report.phase(Phase::Tail);
        self.watch_destination();
        let early = std::mem::take(&mut self.backlog);
        self.take_changes(early).await?;
        loop {
            self.rejudge_due().await?;
            self.mend_leases().await?;
            self.mind_drift()?;
            self.mind_orders()?;
            self.note_caught_up();
            // What was listed ahead is judged again only once the watch is there.
            if self.options.once && self.caught_up && self.horizons.is_empty() {
                self.judge_waiting().await?;
                return Err(End::Finished);
            }
            match self.turn(Feed::Spool).await? {
                Some(Fed::Event(WatchEvent::Progress(revision))) => {
                    self.reach(revision);
                    self.report.progressed();
                }
                Some(Fed::Event(WatchEvent::Changes(changes))) => {
                    self.take_changes(changes).await?;
                }
                _ => {}
            }
        }
    }

    /// That nothing can be written, or that it can again.
    pub(super) fn tell_trouble(&mut self) {
        let trouble = self.writer.trouble.why();
        let trouble = trouble.map(|why| format!("writing to the destination: {why}"));
        let overdue = || self.renewal.is_overdue(Instant::now());
        let silent = "the destination does not answer: the leadership is not renewed";
        match trouble.or_else(|| overdue().then(|| silent.to_owned())) {
            Some(reason) => {
                self.report.ready(Some(&reason));
                self.troubled = true;
            }
            None if std::mem::take(&mut self.troubled) => {
                let reason = (!self.caught_up).then_some("not caught up yet");
                self.report.ready(reason);
            }
            None => {}
        }
    }

    /// Whether somebody has asked for everything to be compared.
    fn mind_orders(&self) -> Result<(), End> {
        // An error means that nobody can ask.
        match self.resyncs.has_changed().unwrap_or(false) {
            true => Err(End::Asked),
            false => Ok(()),
        }
    }

    fn note_caught_up(&mut self) {
        if !self.caught_up && self.watermark() >= self.target {
            self.caught_up = true;
            let held = self.held.told();
            self.report.ready(None);
            self.counting = Some(Counting::start(self.writer.lander.clone()));
            tracing::info!(
                "caught up at revision {}; {} held",
                self.watermark(),
                numbered(held, "key")
            );
        }
    }

    fn reach(&mut self, revision: SourceRevision) {
        self.seen = self.seen.max(revision);
        self.horizons.retain(|(_, listed_at)| *listed_at > revision);
    }

    async fn take_changes(&mut self, changes: Vec<Change>) -> Result<(), End> {
        let mut rest = changes.into_iter().peekable();
        while let Some(first) = rest.next() {
            let revision = first.revision;
            let mut together = vec![first];
            while let Some(next) = rest.next_if(|next| next.revision == revision) {
                together.push(next);
            }
            self.take_revision(revision, together).await?;
        }
        Ok(())
    }

    /// All changes of one revision: Namespaces are looked at first, since the
    /// others are judged by them.
    async fn take_revision(
        &mut self,
        revision: SourceRevision,
        changes: Vec<Change>,
    ) -> Result<(), End> {
        let mut flipped = Vec::new();
        if self.parts.judge.reads_namespaces() && revision > self.namespaces_at {
            for change in &changes {
                flipped.extend(self.take_namespace(change));
            }
        }
        let mut writes = Vec::new();
        // Nothing may come to an end between the judgement and the submission of
        // what goes out together: what is known of a key would be of before.
        self.make_room().await?;
        for change in changes {
            self.go_on()?;
            writes.extend(self.take_change(change)?);
        }
        self.submit_together(writes);
        self.relist_flipped(union(flipped), revision).await?;
        self.reach(revision);
        Ok(())
    }

    /// Takes in a change of a Namespace, and says what must be judged again.
    pub fn take_namespace(&mut self, change: &Change) -> Vec<KeyRange> {
        let judge = self.parts.judge.clone();
        let Some(name) = judge.namespace_of_key(&change.key) else {
            return Vec::new();
        };
        let after = view_of(&*judge, &change.key, change.value.as_deref());
        let before = Arc::make_mut(&mut self.namespaces).set(name, after.clone());
        judge.flipped_by(name, &before, &after)
    }

    /// Does what is to be done about a change, but for a write that goes out
    /// with others of its revision.
    fn take_change(&mut self, change: Change) -> Result<Option<Write>, End> {
        match self.judge(change)? {
            None => {}
            Some(Judged::Write(write)) => {
                if self.parts.judge.is_applied_together(op_key(&write.op)) {
                    return Ok(Some(write));
                }
                self.writer.pipeline.submit(write);
            }
            Some(Judged::Disown(change)) => self.record(change)?,
            Some(Judged::Hold { key, rule, unfit }) => self.hold(key, Why::of(rule, unfit))?,
        }
        Ok(None)
    }

    /// Submits writes of one revision: in one transaction, where they fit into
    /// one.
    pub fn submit_together(&mut self, writes: Vec<Write>) {
        let Widths {
            txn_ops, txn_bytes, ..
        } = self.options.widths;
        let bytes: usize = writes.iter().map(|write| op_bytes(&write.op)).sum();
        let pipeline = &self.writer.pipeline;
        // What is compared counts too, and the fence is one more.
        let guarded = |write: &Write| write.op.is_put() && write.known.is_first();
        let guards = writes.iter().filter(|write| guarded(write)).count();
        let fit = (2..=txn_ops).contains(&writes.len().max(guards + 1)) && bytes <= txn_bytes;
        match fit && !writes.iter().any(|write| pipeline.is_old(write)) {
            true => self.writer.pipeline.submit_together(writes),
            false => writes
                .into_iter()
                .for_each(|write| self.writer.pipeline.submit(write)),
        }
    }

    /// Decides about a change, unless what the ledger has is as new.
    pub fn judge(&mut self, change: Change) -> Result<Option<Judged>, End> {
        if self.is_listed_later(&change) {
            return Ok(None);
        }
        let entry = self.parts.store.get(&change.key)?;
        let as_new = |entry: &LedgerEntry| !entry.retired && entry.revision >= change.revision;
        if entry.as_ref().is_some_and(as_new) {
            return Ok(None);
        }
        // Of a first write that may have arrived and was given up since: what
        // the destination has is looked at anew.
        let open = entry.as_ref().is_some_and(|entry| entry.intent.is_some());
        if open && !self.writer.pipeline.has(&change.key) {
            let why = "it is not known whether a first write has arrived";
            return Err(End::Resume(why.to_owned()));
        }
        let owned = self.leftovers.owned(entry.as_ref());
        let event = Event {
            key: &change.key,
            value: change.value.as_deref(),
            leased: change.lease != 0,
            owned: owned || self.writer.pipeline.puts(&change.key),
        };
        let judge = &self.parts.judge;
        let decision = blocking(judge.may_block(), || {
            judge.decide(&event, &self.namespaces, &mut self.scratch)
        });
        if !matches!(decision, Decision::Hold { .. }) {
            self.release(&change.key)?;
            self.release_kept(&change.key)?;
        }
        count(&self.parts.metrics, &decision);
        Ok(self.judged(change, decision, entry.as_ref()))
    }

    fn is_listed_later(&self, change: &Change) -> bool {
        let mut horizons = self.horizons.iter();
        horizons.any(|(range, at)| change.revision <= *at && range.contains(&change.key))
    }

    fn judged(
        &self,
        change: Change,
        decision: Decision,
        entry: Option<&LedgerEntry>,
    ) -> Option<Judged> {
        let Change {
            key,
            value,
            revision,
            lease,
        } = change;
        let judge = &*self.parts.judge;
        match decision {
            Decision::Put { rule } => {
                match value.filter(|value| !value.is_empty() || judge.may_be_empty(&key)) {
                    Some(value) => Some(Judged::Write(Write {
                        op: Op::put(key, value, lease),
                        revision,
                        rule: Some(rule),
                        barrier: is_sequential(judge, rule),
                        known: Known::of(entry),
                    })),
                    None => {
                        let unfit = empty_value();
                        Some(Judged::Hold {
                            key,
                            rule: Some(rule),
                            unfit,
                        })
                    }
                }
            }
            Decision::Delete(_) => {
                let barrier = entry.is_some_and(|entry| was_sequential(judge, &entry.rule));
                Some(Judged::Write(Write {
                    barrier,
                    ..Write::delete(key, revision, Known::of(entry))
                }))
            }
            // One that is on its way for the first time is left to the next list.
            Decision::Disown(_) => entry.map(|_| Judged::Disown(disowned(key))),
            Decision::Hold {
                rule,
                reason,
                transient,
            } => Some(Judged::Hold {
                key,
                rule,
                unfit: Unfit::new(reason, transient),
            }),
            Decision::Skip(_) => None,
        }
    }
}
