//! The full list: everything that the rules can select, compared and brought
//! over.
//!
//! Promises namespaces first, then stage after stage, each one applied before
//! the next is listed, and that owned keys outside of all ranges go at the
//! end. Deliberately the same for a first copy and for a resync: only the
//! ledger makes the difference.

use std::sync::Arc;

use tokio::time::Instant;

use super::cursor::{LedgerCursor, PageSize};
use super::due::Which;
use super::error::MirrorError;
use super::judging::Judging;
use super::leftovers::{Fate, retired};
use super::listing::Purpose;
use super::numbered::numbered;
use super::pages::newest;
use super::pipeline::{Known, Write};
use super::ranges::{after, everything, gaps};
use super::retry::persist;
use super::sealing::blocking;
use super::session::{End, Feed, Session};
use super::start::{Full, Ledger, NOT_COMPARED, NOT_REBUILT};
use super::world::World;
use crate::etcd::{EtcdError, SourceRevision};
use crate::metrics::Phase;
use crate::rules::namespaces::{Namespaces, View};
use crate::source::Source;
use crate::state::{Checkpoint, LedgerEntry, StateStore};

impl<W: World> Session<W> {
    /// Lists everything at `at` and brings the destination up to it.
    pub async fn bootstrap(&mut self, full: &Full, at: SourceRevision) -> Result<(), End> {
        tracing::info!("full list at revision {at}: {}", full.reason);
        self.report.phase(Phase::Bootstrap);
        self.report
            .resync(full.reason.kind(), &full.reason.to_string(), at.0);
        self.release_kept_within(&everything());
        self.leftovers.retire = full.retire;
        self.prepare_ledger(&full.ledger, at).await?;
        self.recall_leases()?;
        let mut list_at = at;
        self.read_namespaces(&mut list_at).await?;
        for stage in 0..self.parts.judge.stages().len() {
            self.apply_stage(stage, at, &mut list_at).await?;
        }
        self.sweep(at).await?;
        self.due.again(Which::Transient, self.held.transient());
        self.tell_retired();
        self.release_rest()?;
        self.seen = at;
        self.following = true;
        self.note_compared()
    }

    fn tell_retired(&mut self) {
        self.leftovers.retire = false;
        let retired = std::mem::take(&mut self.retired);
        if retired > 0 {
            tracing::warn!(
                "since the rules have changed {} no longer selected: kept at the destination as before; `--prune` deletes what is kept so",
                match retired {
                    1 => "1 key is".to_owned(),
                    many => format!("{many} keys are"),
                }
            );
        }
    }

    /// After this the ledger says nothing that is not so, and survives us.
    async fn prepare_ledger(&mut self, ledger: &Ledger, at: SourceRevision) -> Result<(), End> {
        self.compare = ledger.compares();
        // Nothing is compared: what it was compared under stays as recalled,
        // and the tail sees that it has changed since.
        if *ledger == Ledger::Keep {
            return self.doubt_until_done();
        }
        self.encryption = self.parts.judge.encryption_digest();
        if *ledger == Ledger::Compare {
            return self.mark(NOT_COMPARED);
        }
        self.ledger = Some(self.options.holder.token.clone());
        if *ledger == Ledger::Rebase {
            self.parts.store.set_pair(&self.pair)?;
            return self.announce(self.checkpoint(at, false)).await;
        }
        self.parts.store.reset(&self.pair)?;
        // They were told, and are until they are judged.
        for (key, why) in &self.again {
            self.parts.store.hold(&why.noted(key))?;
        }
        match ledger {
            Ledger::Reclaim(last) => self.rebuild(last, at).await,
            _ => self.announce(self.checkpoint(at, false)).await,
        }
    }

    /// Learns what an earlier carry has written, and lets everybody know that
    /// its ledger, wherever that is, no longer counts.
    async fn rebuild(&mut self, last: &Checkpoint, at: SourceRevision) -> Result<(), End> {
        self.mark(NOT_REBUILT)?;
        let ledger = self.ledger.clone();
        let last = Checkpoint {
            ledger,
            ..last.clone()
        };
        let then = SourceRevision(last.revision);
        self.announce(last).await?;
        self.reclaim(then, at).await?;
        self.mark(NOT_COMPARED)
    }

    /// Under other rules than the checkpoint's: whoever comes after us and has
    /// the checkpoint's rules again must not believe that nothing was done.
    fn doubt_until_done(&mut self) -> Result<(), End> {
        let checkpoints = self.parts.store.checkpoints()?;
        let digest = self.parts.judge.digest();
        match checkpoints.iter().any(|one| one.rules_digest != digest) {
            true => self.mark(NOT_COMPARED),
            false => Ok(()),
        }
    }

    /// Whoever comes after us knows that it was not finished.
    fn mark(&self, how_far: &str) -> Result<(), End> {
        Ok(self.parts.store.set_encryption(how_far)?)
    }

    /// With this checkpoint at the destination the ledger is believed after a
    /// restart, and no other one is. Where it is lost during a first copy, what
    /// was selected since its revision may have been written.
    async fn announce(&mut self, checkpoint: Checkpoint) -> Result<(), End> {
        while self.writer.last_checkpoint() != Some(&checkpoint) {
            self.writer.checkpoint(checkpoint.clone())?;
            self.turn(Feed::Nothing).await?;
        }
        Ok(())
    }

    async fn apply_stage(
        &mut self,
        stage: usize,
        watched: SourceRevision,
        at: &mut SourceRevision,
    ) -> Result<(), End> {
        let begun = Instant::now();
        let before = self.writer.written();
        let (name, ranges) = {
            let stage = &self.parts.judge.stages()[stage];
            (stage.name.clone(), stage.ranges.clone())
        };
        self.note_listed(&ranges, watched, *at);
        let listed = self.list(ranges, at, Some(stage), Purpose::Mirror).await?;
        self.settle().await?;
        let written = self.writer.written();
        let (puts, deletes) = (written.puts - before.puts, written.deletes - before.deletes);
        let seconds = begun.elapsed().as_secs_f64();
        let listed = numbered(listed, "key");
        tracing::info!(
            "stage `{name}` done: {listed} listed, {puts} written, {deletes} deleted, {seconds:.1} s"
        );
        Ok(())
    }

    /// What a list is called while it goes on; `None` of those that go on beside
    /// what is followed.
    pub fn title(&self, stage: Option<usize>, purpose: Purpose) -> Option<String> {
        let stages = self.parts.judge.stages();
        match (stage.and_then(|stage| stages.get(stage)), purpose) {
            (Some(stage), _) => Some(format!("stage `{}`", stage.name)),
            (None, Purpose::Reclaim) => Some("the ledger, from what is there".to_owned()),
            (None, Purpose::Mirror) => None,
        }
    }

    /// Owned keys where no rule can select any more.
    async fn sweep(&mut self, at: SourceRevision) -> Result<(), End> {
        for gap in gaps(self.parts.judge.ranges()) {
            let mut ledger = LedgerCursor::new(self.parts.store.clone(), gap);
            while let Some((key, entry)) = ledger.take_next()? {
                self.make_room().await?;
                self.leave(key, entry, at)?;
            }
        }
        self.settle().await
    }

    /// Deletes or retires an owned key that lies where no rule selects.
    fn leave(
        &mut self,
        key: Vec<u8>,
        entry: LedgerEntry,
        at: SourceRevision,
    ) -> Result<(), MirrorError> {
        match self.leftovers.fate(&entry) {
            Fate::Retire => retired(key, entry).map_or(Ok(()), |change| self.record(change)),
            Fate::Delete => {
                let known = Known::of(Some(&entry));
                self.writer.pipeline.submit(Write::delete(key, at, known));
                Ok(())
            }
            Fate::Stay => Ok(()),
        }
    }

    /// Deletes what was retired, if that is asked for.
    pub async fn prune(&mut self) -> Result<(), End> {
        if !self.leftovers.prune {
            return Ok(());
        }
        let at = self.seen;
        let mut ledger = LedgerCursor::new(self.parts.store.clone(), everything());
        while let Some((key, entry)) = ledger.take_next()? {
            if entry.retired {
                self.make_room().await?;
                let known = Known::of(Some(&entry));
                self.writer.pipeline.submit(Write::delete(key, at, known));
            }
        }
        self.settle().await
    }

    /// Learns the Namespaces as of `at`, if any rule looks at them.
    pub async fn read_namespaces(&mut self, at: &mut SourceRevision) -> Result<(), End> {
        let read = read_namespaces(&*self.parts.source, &*self.parts.judge, *at);
        let (namespaces, read_at) = self.unless_stopped(read).await?;
        self.namespaces = Arc::new(namespaces);
        self.namespaces_at = read_at;
        *at = read_at;
        Ok(())
    }
}

/// All Namespaces as of `at`, or as of a newer revision where that is
/// compacted.
pub async fn read_namespaces<S: Source, J: Judging>(
    source: &S,
    judge: &J,
    mut at: SourceRevision,
) -> Result<(Namespaces, SourceRevision), MirrorError> {
    if !judge.reads_namespaces() {
        return Ok((Namespaces::default(), at));
    }
    loop {
        match namespaces_at(source, judge, at).await {
            Ok(namespaces) => return Ok((namespaces, at)),
            Err(EtcdError::Compacted { .. }) => {
                at = newest(source).await?;
            }
            Err(error) => return Err(MirrorError::Source(error)),
        }
    }
}

/// All Namespaces as of exactly `at`.
pub async fn namespaces_at<S: Source, J: Judging>(
    source: &S,
    judge: &J,
    at: SourceRevision,
) -> Result<Namespaces, EtcdError> {
    let mut namespaces = Namespaces::default();
    let mut rest = judge.namespace_range();
    loop {
        let limit = PageSize::default().limit();
        let page = persist("listing namespaces", || source.list(&rest, at, limit)).await;
        let (items, more) = page?;
        for item in &items {
            if let Some(name) = judge.namespace_of_key(&item.key) {
                namespaces.set(name, view_of(judge, &item.key, Some(&item.value)));
            }
        }
        match items.last() {
            Some(last) if more => rest = after(&last.key, &rest),
            _ => return Ok(namespaces),
        }
    }
}

/// What is known of a Namespace from a change of its key.
pub fn view_of<J: Judging>(judge: &J, key: &[u8], value: Option<&[u8]>) -> View {
    let view = |value| blocking(judge.may_block(), || judge.namespace_view(key, value));
    value.map_or(View::Absent, view)
}
