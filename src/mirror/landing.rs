//! One batch on its way to the destination, until there is an answer.
//!
//! Promises that nothing is written which was decided upon something at the
//! destination that is no longer so: what a batch relies on is compared in its
//! transaction, and looked at again where it was not met. Runs beside the
//! session. Deliberately keeps nothing from batch to batch but the destination's
//! CustomResourceDefinitions, what its kube-apiserver serves, and what it has of
//! addresses: those of Services are given to one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, sleep};

use super::addresses::Turn;
use super::cursor::PageSize;
use super::definitions::Definitions;
use super::judging::Judging;
use super::leasing::{self, Leases};
use super::outcome::Committed;
use super::pipeline::{Batch, op_key};
use super::ranges::after;
use super::report::Report;
use super::sealing::{Prepared, Sealer, Unsent, Unwritten, Wanted, blocking};
use super::source_services::wanted;
use super::standby::StandbyWatch;
use super::world::{Parts, World};
use crate::destination::{Destination, Entry, Fence, Guard, Op, Outcome, There};
use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;
use crate::rules::landing::{ApiTable, Seen};
use crate::rules::outgoing::Unfit;

/// Looks at the destination under way, for one batch.
const WIDTH: usize = 16;

/// How long what a kube-apiserver serves is believed.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// How long a batch waits that was not met again and again, at most.
const LONGEST: Duration = Duration::from_millis(500);

/// Sends batches.
pub struct Lander<W: World> {
    pub(super) parts: Parts<W>,
    sealer: Sealer<W::Judge>,
    leases: Option<Arc<Leases<W>>>,
    standby: Arc<StandbyWatch>,
    /// Whether what is not there may be about to come.
    pub early: AtomicBool,
    pub(super) definitions: Definitions,
    apis: tokio::sync::Mutex<Option<(Instant, Arc<ApiTable>)>>,
    /// From the look to the answer of each Service.
    pub(super) turn: tokio::sync::Mutex<Turn>,
    pub(super) report: Arc<dyn Report>,
    /// The newest revision of the destination that is known. All that we have
    /// written before is not newer.
    newest: AtomicI64,
}

impl<W: World> Lander<W> {
    /// For one session.
    pub fn new(
        parts: Parts<W>,
        leases: Option<Arc<Leases<W>>>,
        standby: Arc<StandbyWatch>,
        report: Arc<dyn Report>,
    ) -> Lander<W> {
        Lander {
            sealer: Sealer::new(parts.judge.clone()),
            parts,
            leases,
            standby,
            early: AtomicBool::new(true),
            definitions: Definitions::default(),
            apis: tokio::sync::Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            report,
            newest: AtomicI64::new(0),
        }
    }

    /// The newest revision of the destination that is known while `fence` is
    /// ours.
    pub fn newest(&self, fence: &Fence) -> DestRevision {
        let before = self.newest.fetch_max(fence.mod_revision, Ordering::Relaxed);
        DestRevision(before.max(fence.mod_revision))
    }

    /// Sends a batch, and says what became of it.
    pub async fn send(&self, batch: Batch, fence: Fence) -> Committed {
        let _beside = self.beside_definitions(&batch).await;
        if !self.goes_alone(&batch) {
            return self.send_in(&mut Turn::default(), batch, fence).await;
        }
        let mut turn = self.turn.lock().await;
        match turn.without_ranges() {
            Some(mut own) => {
                drop(turn);
                self.send_in(&mut own, batch, fence).await
            }
            None => self.send_in(&mut turn, batch, fence).await,
        }
    }

    fn goes_alone(&self, batch: &Batch) -> bool {
        let mut keys = batch.ops.iter().map(op_key);
        keys.any(|key| self.parts.judge.goes_alone(key))
    }

    async fn send_in(&self, turn: &mut Turn, batch: Batch, fence: Fence) -> Committed {
        let mut unsent = Vec::new();
        let mut seen = self.blank();
        seen.set_addresses(turn.known());
        let mut batch = batch;
        batch.note_sending(self.newest(&fence));
        let mut wait = Duration::ZERO;
        let mut alone = None;
        match self.served().await {
            Ok(apis) => apis.into_iter().for_each(|apis| seen.set_apis(apis)),
            Err(error) => {
                let prepared = Prepared::untouched(batch);
                return committed(prepared, unsent, fence, Some(Err(error)));
            }
        }
        loop {
            let (mut prepared, looked) = match self.prepare(batch, &mut seen, turn).await {
                Ok(prepared) => (prepared, Ok(())),
                Err((batch, EtcdError::PermissionDenied(why))) => {
                    let prepared = forbidden(batch, &why, unsent);
                    return committed(prepared.0, prepared.1, fence, None);
                }
                Err((batch, error)) => (Prepared::untouched(batch), Err(error)),
            };
            self.tell_there(&prepared.unsent, &seen);
            unsent.append(&mut prepared.unsent);
            // The ledger has to know first.
            if prepared.batch.borrows_untold() {
                return committed(prepared, unsent, fence, None);
            }
            let result = match looked {
                Ok(()) => self.commit(&prepared, &fence).await,
                Err(error) => Some(Err(error)),
            };
            let mut prepared = match result {
                Some(Ok(Outcome::Unmet)) => prepared,
                result => {
                    drop(seen);
                    self.note(&prepared, &result, turn);
                    return committed(prepared, unsent, fence, result);
                }
            };
            drop(alone.take());
            sleep(wait).await;
            alone = self.without_objects(&prepared.guards).await;
            wait = (wait * 2 + Duration::from_millis(1)).min(LONGEST);
            seen = self.blank().with_apis_of(&seen);
            let keys = prepared.guards.iter().filter_map(Guard::key);
            let keys: Vec<Vec<u8>> = keys.map(<[u8]>::to_vec).collect();
            if let Err(error) = self.look(keys, &mut seen, turn).await {
                prepared.guards.clear();
                // What was claimed before counts no more.
                prepared.ready = false;
                prepared.batch.note_unsent();
                return committed(prepared, unsent, fence, Some(Err(error)));
            }
            batch = prepared.batch;
            batch.note_unsent();
        }
    }

    /// What a batch would come to that is not sent, with a look at `looks` first.
    pub async fn foresee(
        &self,
        batch: Batch,
        looks: Vec<Vec<u8>>,
        turn: &mut Turn,
    ) -> Result<Prepared, EtcdError> {
        let mut seen = self.blank();
        seen.set_addresses(turn.known());
        let apis = self.served().await?;
        apis.into_iter().for_each(|apis| seen.set_apis(apis));
        let looked = self.look(looks, &mut seen, turn).await;
        let prepared = match looked {
            Ok(()) => self.prepare(batch, &mut seen, turn).await,
            Err(error) => Err((batch, error)),
        };
        match prepared {
            Ok(prepared) => Ok(prepared),
            Err((batch, EtcdError::PermissionDenied(why))) => {
                let (mut prepared, unsent) = forbidden(batch, &why, Vec::new());
                prepared.unsent = unsent;
                Ok(prepared)
            }
            Err((_, error)) => Err(error),
        }
    }

    /// What became of a batch, for the next Service and whoever is told of
    /// addresses.
    fn note(
        &self,
        prepared: &Prepared,
        result: &Option<Result<Outcome, EtcdError>>,
        turn: &mut Turn,
    ) {
        let revision = match result {
            Some(Ok(Outcome::Applied(revision))) => {
                self.newest.fetch_max(revision.0, Ordering::Relaxed);
                revision.0
            }
            Some(_) => return turn.forget(),
            None => return,
        };
        for along in &prepared.along {
            turn.applied(along, revision);
        }
        if self.goes_alone(&prepared.batch) {
            let pairs = prepared
                .along
                .first()
                .map(|along| along.addresses.as_slice());
            for op in &prepared.batch.ops {
                let report = &self.report;
                report.service_addresses(op_key(op), pairs.unwrap_or_default());
            }
        }
    }

    /// The addresses of those that are not written since they are there.
    fn tell_there(&self, unsent: &[Unsent], seen: &Seen) {
        let judge = &self.parts.judge;
        for Unsent { op, why, .. } in unsent {
            if let (Op::Put { key, value }, Unwritten::There) = (op, why)
                && judge.goes_alone(key)
                && let Some(Some(there)) = seen.get(key)
            {
                let pairs = blocking(judge.may_block(), || {
                    judge.addresses_of(key, value, &there.value)
                });
                self.report.service_addresses(key, &pairs);
            }
        }
    }

    fn blank(&self) -> Seen {
        let mut seen = Seen::default();
        seen.live = self.standby.is_live();
        seen.early = self.early.load(Ordering::Relaxed);
        if let Some(crds) = self.definitions.known() {
            seen.set_crds(crds, false);
        }
        seen
    }

    async fn prepare(
        &self,
        mut batch: Batch,
        seen: &mut Seen,
        turn: &mut Turn,
    ) -> Result<Prepared, (Batch, EtcdError)> {
        loop {
            let wanted = match self.sealer.prepare(batch, seen) {
                Ok(prepared) => return Ok(prepared),
                Err((unprepared, wanted)) => {
                    batch = unprepared;
                    wanted
                }
            };
            if let Err(error) = self.look_at(wanted, seen, turn).await {
                return Err((batch, error));
            }
        }
    }

    async fn look_at(
        &self,
        wanted: Wanted,
        seen: &mut Seen,
        turn: &mut Turn,
    ) -> Result<(), EtcdError> {
        for (key, range) in wanted.objects {
            seen.set_objects(key, self.stored_objects(range).await?);
        }
        if wanted.crds {
            seen.set_crds(self.fresh_crds().await?, true);
        }
        if wanted.addresses {
            self.list_addresses(turn).await?;
        }
        self.look(wanted.keys, seen, turn).await
    }

    async fn look(
        &self,
        keys: Vec<Vec<u8>>,
        seen: &mut Seen,
        turn: &mut Turn,
    ) -> Result<(), EtcdError> {
        let keys: BTreeSet<Vec<u8>> = keys.into_iter().collect();
        let destination = &self.parts.destination;
        let looks = keys.into_iter().map(|key| async move {
            let there = destination.look(&key).await?;
            Ok::<_, EtcdError>((key, there))
        });
        let looks = futures::stream::iter(looks).buffer_unordered(WIDTH);
        let all: Vec<(Vec<u8>, Option<There>)> = looks.try_collect().await?;
        // It would be copied otherwise.
        seen.set_addresses(None);
        for (key, there) in all {
            turn.tell(&*self.parts.judge, &key, there.as_ref());
            self.learn(&key, there.as_ref());
            seen.set(key, there);
        }
        seen.set_addresses(turn.known());
        Ok(())
    }

    async fn list_addresses(&self, turn: &mut Turn) -> Result<(), EtcdError> {
        let judge = &self.parts.judge;
        if turn.is_to_ask() {
            turn.want(wanted(&self.parts).await);
        }
        let mut items = Vec::new();
        for range in judge.address_ranges() {
            items.extend(self.all(&range).await?);
        }
        let addresses = blocking(judge.may_block(), || judge.addresses(&items));
        if let Some(addresses) = addresses {
            turn.learn(addresses);
        }
        Ok(())
    }

    /// What the destination's kube-apiserver serves: asked for now and then.
    async fn served(&self) -> Result<Option<Arc<ApiTable>>, EtcdError> {
        let judge = &self.parts.judge;
        let Some(range) = judge.api_range().filter(|_| self.standby.is_live()) else {
            return Ok(None);
        };
        let mut known = self.apis.lock().await;
        if let Some((at, table)) = &*known
            && at.elapsed() < ASK_AGAIN
        {
            return Ok(Some(table.clone()));
        }
        let items = match self.all(&range).await {
            // Nothing is held for what nobody may know.
            Err(EtcdError::PermissionDenied(_)) => Vec::new(),
            items => items?,
        };
        let table = Arc::new(blocking(judge.may_block(), || judge.api_table(&items)));
        *known = Some((Instant::now(), table.clone()));
        Ok(Some(table))
    }

    /// All that the destination has in a range.
    pub(super) async fn all(&self, range: &KeyRange) -> Result<Vec<Entry>, EtcdError> {
        let mut items = Vec::new();
        let take = |page| items.extend(page);
        self.go_through(range.clone(), take).await?;
        Ok(items)
    }

    pub(super) async fn go_through(
        &self,
        mut rest: KeyRange,
        mut take: impl FnMut(Vec<Entry>) + Send,
    ) -> Result<(), EtcdError> {
        let limit = PageSize::default().limit();
        loop {
            let (page, more) = self.parts.destination.entries(&rest, limit).await?;
            let last = page.last().map(|(key, _)| key.clone());
            take(page);
            match last.filter(|_| more) {
                Some(last) => rest = after(&last, &rest),
                None => return Ok(()),
            }
        }
    }

    async fn commit(
        &self,
        prepared: &Prepared,
        fence: &Fence,
    ) -> Option<Result<Outcome, EtcdError>> {
        let destination = &*self.parts.destination;
        let sent = Instant::now();
        let result = leasing::commit(self.leases.as_deref(), destination, prepared, fence).await;
        if result.is_some() {
            self.parts.metrics.transaction_took(sent.elapsed());
        }
        result
    }
}

/// Something that must not be read has to be looked at: for whom, shows when
/// they are alone.
fn forbidden(batch: Batch, why: &str, mut unsent: Vec<Unsent>) -> (Prepared, Vec<Unsent>) {
    if batch.ops.len() > 1 {
        let mut prepared = Prepared::untouched(batch);
        prepared.apart = true;
        return (prepared, unsent);
    }
    let reason = format!(
        "what it depends on at the destination must not be read ({why}): let the user of `--slave-user` read it"
    );
    for (op, note) in batch.ops.into_iter().zip(batch.notes) {
        let why = Unwritten::Unfit(Unfit::new(reason.clone(), true));
        unsent.push(Unsent { op, note, why });
    }
    let nothing = Batch {
        ops: Vec::new(),
        notes: Vec::new(),
    };
    (Prepared::untouched(nothing), unsent)
}

fn committed(
    mut prepared: Prepared,
    unsent: Vec<Unsent>,
    fence: Fence,
    result: Option<Result<Outcome, EtcdError>>,
) -> Committed {
    prepared.unsent = unsent;
    Committed {
        prepared,
        fence,
        result,
    }
}
