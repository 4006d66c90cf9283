//! One run of a mirror under one leadership, from where it begins until it has
//! to begin again: what it knows, and the one loop that everything goes
//! through.
//!
//! Promises that answers of the destination are always dealt with before new
//! work is begun, and that every wait ends when carry is to stop. Deliberately
//! holds no policy: bootstrap, replay and tail are beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::acting::Acting;
use super::conflicts::Conflicts;
use super::counting::Counting;
use super::drift::Watching;
use super::due::Due;
use super::error::MirrorError;
use super::held::{Held, Why};
use super::judging::Judging;
use super::leadership::Renewal;
use super::leftovers::Leftovers;
use super::listing::{Chunk, Found, Job, Listing, Purpose};
use super::options::Options;
use super::outcome::WriteEnd;
use super::progress::{Step, count};
use super::reader::Reader;
use super::report::{Report, telling};
use super::retry::{Remedy, watch_remedy};
use super::spool::Spool;
use super::standby::StandbyWatch;
use super::talk::Talk;
use super::world::{Parts, World};
use super::writer::Writer;
use crate::etcd::{DestRevision, SourceRevision};
use crate::rules::decide::{KeyRange, Scratch};
use crate::rules::namespaces::Namespaces;
use crate::source::{Change, WatchEvent};
use crate::state::Pair;

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// `--once` is done.
    Finished,
    /// carry is to stop.
    Stopped,
    /// Begin again at the checkpoint.
    Resume(String),
    /// Begin again with a full list.
    Resync(String),
    /// Begin again under other rules.
    NewRules,
    /// Begin again and compare everything: somebody has asked for it.
    Asked,
    /// The leadership is gone.
    Deposed,
    /// Nothing that could be retried.
    Failed(MirrorError),
}

impl<E: Into<MirrorError>> From<E> for End {
    fn from(error: E) -> End {
        End::Failed(error.into())
    }
}

impl From<WriteEnd> for End {
    fn from(end: WriteEnd) -> End {
        match end {
            WriteEnd::Deposed => End::Deposed,
            WriteEnd::Failed(error) => End::Failed(error),
        }
    }
}

/// Where new work comes from.
pub enum Feed<'a> {
    /// Nowhere: what is under way is finished.
    Nothing,
    /// A list.
    Listing(&'a mut Listing),
    /// The watch.
    Spool,
}

/// New work.
pub enum Fed {
    /// A part of a list.
    Chunk(Chunk),
    /// The list is done.
    ListEnd,
    /// Something of the watch.
    Event(WatchEvent),
}

/// One run of a mirror.
pub struct Session<W: World> {
    pub(super) parts: Parts<W>,
    pub(super) options: Arc<Options>,
    pub(super) report: Arc<dyn Report>,
    pub(super) pair: Pair,
    pub(super) writer: Writer<W>,
    pub(super) namespaces: Arc<Namespaces>,
    /// Namespaces are known as of this revision.
    pub(super) namespaces_at: SourceRevision,
    /// Ranges that were listed at a newer revision than the watch is at.
    pub(super) horizons: Vec<(KeyRange, SourceRevision)>,
    pub(super) held: Held,
    /// Keys of which the destination has something else, which stays.
    pub(super) conflicts: Conflicts,
    /// Those of them of which it has nothing any more.
    pub(super) free: BTreeSet<Vec<u8>>,
    /// Those that are being judged again.
    pub(super) unkept: BTreeSet<Vec<u8>>,
    /// Which policies act on those and on held keys.
    pub(super) acting: Acting,
    /// What was logged of held and kept keys.
    pub(super) talk: Talk,
    /// Held keys that are being judged again, with the reasons so far.
    pub(super) again: BTreeMap<Vec<u8>, Why>,
    /// Which held keys are to be judged again.
    pub(super) due: Due,
    /// What others change at the destination, while the source is followed.
    pub(super) drift: Option<Box<Watching<W>>>,
    /// The destination's revision from which on changes by others matter that
    /// were not heard of; `None` where any may.
    pub(super) began_at: Option<DestRevision>,
    /// The name of the ledger, as checkpoints have it.
    pub(super) ledger: Option<String>,
    /// The destination's encryption that it was, or is being, compared under.
    pub(super) encryption: String,
    /// Whether lists ask the destination also where the ledger knows.
    pub(super) compare: bool,
    /// What becomes of owned keys that no rule selects.
    pub(super) leftovers: Leftovers,
    /// Keys that were retired since the list began.
    pub(super) retired: usize,
    /// Everything of the source up to here was decided upon.
    pub(super) seen: SourceRevision,
    /// Where `--once` ends, and where "caught up" is said.
    pub(super) target: SourceRevision,
    /// Whether `seen` and the watermark mean anything yet.
    pub(super) following: bool,
    /// Changes that were taken from the spool too early.
    pub(super) backlog: Vec<Change>,
    pub(super) scratch: Scratch,
    pub(super) caught_up: bool,
    /// Once it has caught up.
    pub(super) counting: Option<Counting>,
    /// Whether it was said that nothing can be written.
    pub(super) troubled: bool,
    stop: CancellationToken,
    deposed: CancellationToken,
    pub(super) renewal: Arc<Renewal>,
    standby: Arc<StandbyWatch>,
    reloads: watch::Receiver<u64>,
    rules: watch::Receiver<Arc<W::Judge>>,
    pub(super) resyncs: watch::Receiver<u64>,
    spool: Arc<Spool>,
    _reader: Reader,
    tick: Interval,
    checkpoint_at: Instant,
}

/// What a session is made of.
pub struct Setup<W: World> {
    /// Source, destination, store, rules.
    pub parts: Parts<W>,
    /// The settings.
    pub options: Arc<Options>,
    /// Where it tells how it is.
    pub report: Arc<dyn Report>,
    /// Between which etcds.
    pub pair: Pair,
    /// The writing side, under our leadership.
    pub writer: Writer<W>,
    /// carry is to stop.
    pub stop: CancellationToken,
    /// The lease is gone.
    pub deposed: CancellationToken,
    /// How long ago it was renewed.
    pub renewal: Arc<Renewal>,
    /// Live or cold.
    pub standby: Arc<StandbyWatch>,
    /// Counts changes of the encryption configuration.
    pub reloads: watch::Receiver<u64>,
    /// The rules, as they are now.
    pub rules: watch::Receiver<Arc<W::Judge>>,
    /// Counts resyncs that were asked for.
    pub resyncs: watch::Receiver<u64>,
    /// What the watch delivers.
    pub spool: Arc<Spool>,
    /// Who fills it.
    pub reader: Reader,
    /// The newest source revision when carry started.
    pub target: SourceRevision,
    /// What policies did in the sessions before.
    pub acting: Acting,
}

impl<W: World> Session<W> {
    /// A session that knows nothing yet.
    pub fn new(setup: Setup<W>) -> Session<W> {
        let mut tick = interval(Duration::from_millis(50));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let leftovers = Leftovers {
            prune: setup.options.prune,
            retire: false,
        };
        let due = Due::new(setup.options.retry_held_after);
        Session {
            parts: setup.parts,
            options: setup.options,
            report: setup.report,
            pair: setup.pair,
            writer: setup.writer,
            namespaces: Arc::default(),
            namespaces_at: SourceRevision(0),
            horizons: Vec::new(),
            held: Held::default(),
            conflicts: Conflicts::default(),
            free: BTreeSet::new(),
            unkept: BTreeSet::new(),
            acting: setup.acting,
            talk: Talk::default(),
            again: BTreeMap::new(),
            due,
            drift: None,
            began_at: None,
            ledger: None,
            encryption: String::new(),
            compare: false,
            leftovers,
            retired: 0,
            seen: SourceRevision(0),
            target: setup.target,
            following: false,
            backlog: Vec::new(),
            scratch: Scratch::default(),
            caught_up: false,
            counting: None,
            troubled: false,
            stop: setup.stop,
            deposed: setup.deposed,
            renewal: setup.renewal,
            standby: setup.standby,
            reloads: setup.reloads,
            rules: setup.rules,
            resyncs: setup.resyncs,
            spool: setup.spool,
            _reader: setup.reader,
            tick,
            checkpoint_at: Instant::now(),
        }
    }

    /// One step: an answer, a tick, or something new from `feed`.
    pub async fn turn(&mut self, mut feed: Feed<'_>) -> Result<Option<Fed>, End> {
        self.writer.set_way(self.standby.way());
        self.writer.launch()?;
        let has_room = self.writer.pipeline.has_room();
        tokio::select! {
            biased;
            // First what ends all: nothing new is begun.
            () = self.stop.cancelled() => Err(End::Stopped),
            () = self.deposed.cancelled() => Err(End::Deposed),
            // Rare and short, and nothing may starve the checkpoint.
            _ = self.tick.tick() => {
                self.on_tick()?;
                Ok(None)
            }
            // Answers before new work: they make room, and free keys.
            Some(done) = self.writer.next(), if self.writer.is_busy() => {
                self.writer.settle(done)?;
                self.take_refused()?;
                Ok(None)
            }
            // New work, as long as there is room for it.
            fed = next_of(&mut feed, &self.spool), if has_room => fed.map(Some),
        }
    }

    fn on_tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        self.writer.flush()?;
        // Without a sender the rules stay as they are.
        if self.rules.has_changed().unwrap_or(false) {
            return Err(End::NewRules);
        }
        // An error means that nobody reads files.
        if self.reloads.has_changed().unwrap_or(false) {
            self.reloads.mark_unchanged();
            self.due.all();
        }
        for arrived in self.writer.take_arrived() {
            self.held.arrived(&arrived);
        }
        if self.held.has_woken() {
            self.due.woken();
        }
        if self.held.has_room_again() || self.conflicts.has_room_again() {
            self.due.all();
        }
        self.due.look(now, self.held.transient());
        if now >= self.checkpoint_at {
            self.checkpoint_at = now + self.options.checkpoint_every;
            self.write_checkpoint()?;
        }
        self.tell();
        self.tell_trouble();
        Ok(())
    }

    /// Everything of the source up to here is applied.
    pub fn watermark(&self) -> SourceRevision {
        self.writer.pipeline.watermark(self.seen)
    }

    /// Waits until nothing waits or is under way.
    pub async fn settle(&mut self) -> Result<(), End> {
        while !self.writer.is_idle() {
            self.turn(Feed::Nothing).await?;
        }
        Ok(self.writer.flush()?)
    }

    /// Waits until more may be submitted.
    pub async fn make_room(&mut self) -> Result<(), End> {
        while !self.writer.pipeline.has_room() {
            self.turn(Feed::Nothing).await?;
        }
        Ok(())
    }

    /// Waits for something that does not go through [`Session::turn`], but not
    /// longer than carry is to run.
    pub async fn unless_stopped<T, E: Into<End>>(
        &self,
        wait: impl Future<Output = Result<T, E>>,
    ) -> Result<T, End> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(End::Stopped),
            () = self.deposed.cancelled() => Err(End::Deposed),
            done = telling(|| self.tell(), wait) => done.map_err(E::into),
        }
    }

    /// Between looks at values, each of which may wait for a KMS plugin:
    /// whether to go on.
    pub fn go_on(&self) -> Result<(), End> {
        match self.parts.judge.may_block() && self.stop.is_cancelled() {
            true => Err(End::Stopped),
            false => Ok(()),
        }
    }

    /// Lists `ranges` and takes in what is found; returns how many keys were
    /// looked at. `at` moves on where it was compacted.
    pub async fn list(
        &mut self,
        ranges: Vec<KeyRange>,
        at: &mut SourceRevision,
        stage: Option<usize>,
        purpose: Purpose,
    ) -> Result<usize, End> {
        let namespaces = self.namespaces.clone();
        let report = self.report.clone();
        let step = match self.title(stage, purpose) {
            Some(title) => {
                let keys = async { Ok::<_, End>(count(&*self.parts.source, &ranges, *at).await) };
                let keys = self.unless_stopped(keys).await?;
                Some(Step::begin(report.progress(), &title, keys))
            }
            None => None,
        };
        let job = Job {
            ranges,
            at: *at,
            stage,
            namespaces,
            purpose,
            believe_ledger: true,
            compare: self.compare,
            lands: true,
            leftovers: self.leftovers,
        };
        let mut listing = Listing::start(&self.parts, job);
        let mut judged = 0;
        loop {
            match self.turn(Feed::Listing(&mut listing)).await? {
                Some(Fed::Chunk(chunk)) => {
                    judged += chunk.judged;
                    step.iter().for_each(|step| step.advance(chunk.judged));
                    self.take_chunk(chunk, at)?;
                }
                Some(Fed::ListEnd) => return Ok(judged),
                _ => {}
            }
        }
    }

    fn take_chunk(&mut self, chunk: Chunk, at: &mut SourceRevision) -> Result<(), End> {
        if let Some((range, newer)) = chunk.newer {
            *at = newer.max(*at);
            self.look_ahead(&range, newer);
        }
        let mut found = chunk.found;
        let writes = found.iter_mut().filter_map(|found| match found {
            Found::Write(write) => Some(write),
            Found::Record(_) | Found::Keep { .. } | Found::Hold { .. } => None,
        });
        self.writer.note_intents(writes)?;
        found
            .into_iter()
            .try_for_each(|found| self.take_found(found))
    }

    /// Does what was found to be necessary.
    pub fn take_found(&mut self, found: Found) -> Result<(), End> {
        match found {
            Found::Write(write) => {
                // An earlier list may have found another's there.
                self.release_kept(write.op.key())?;
                self.writer.pipeline.submit(write);
            }
            Found::Record(change) => self.record(change)?,
            Found::Keep { key } => self.keep(&key)?,
            Found::Hold { key, rule, unfit } => self.hold(key, Why::of(rule, unfit))?,
        }
        Ok(())
    }

    /// Tells the world how it is.
    pub fn tell(&self) {
        self.report.alive();
        if self.following {
            // What waits to be judged was seen, too.
            self.report.saw_source(self.seen.max(self.spool.newest()).0);
            self.report.applied(self.watermark().0);
        }
    }

    /// Finishes what was sent, without beginning anything, and writes a last
    /// checkpoint; gives up when `options.drain_within` is over.
    pub async fn drain(&mut self) {
        self.writer.close();
        let within = self.options.drain_within;
        match tokio::time::timeout(within, self.finish_sent()).await {
            Ok(Ok(())) => {}
            Ok(Err(end)) => tracing::warn!("draining ended early: {end:?}"),
            Err(_) => tracing::warn!("draining took longer than {within:?}: gave up"),
        }
        self.tell();
    }

    async fn finish_sent(&mut self) -> Result<(), End> {
        self.answer_all().await?;
        self.write_checkpoint()?;
        self.answer_all().await
    }

    async fn answer_all(&mut self) -> Result<(), End> {
        while self.writer.is_open() {
            self.writer.launch()?;
            if let Some(done) = self.writer.next().await {
                self.writer.settle(done)?;
                // Before the checkpoint passes them.
                self.take_refused()?;
            }
        }
        Ok(())
    }
}

async fn next_of(feed: &mut Feed<'_>, spool: &Spool) -> Result<Fed, End> {
    match feed {
        Feed::Nothing => std::future::pending().await,
        Feed::Listing(listing) => match listing.next().await {
            Some(chunk) => Ok(Fed::Chunk(chunk?)),
            None => Ok(Fed::ListEnd),
        },
        Feed::Spool => match spool.next().await {
            Ok(event) => Ok(Fed::Event(event)),
            Err(error) => Err(match watch_remedy(&error) {
                Remedy::Resync => End::Resync(error.to_string()),
                Remedy::Retry => End::Resume(error.to_string()),
                Remedy::Hold | Remedy::Fatal => End::Failed(MirrorError::Watch(error)),
            }),
        },
    }
}
