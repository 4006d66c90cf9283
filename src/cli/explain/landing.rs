//! What the destination, as it is, lets become of a value: whether it has the
//! owners and the definition, and what changes for what it has already.
//!
//! Promises to ask the destination for what `rules::landing` asks for and no
//! more. Deliberately writes nothing, so that what must still be so when
//! something is written does not matter here.

use std::sync::Arc;

use super::judged::changed;
use crate::cli::explain_report::{Need, Report};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Judge, KeyRange, SkipReason};
use crate::rules::landing::{Landing, Obstacle, Seen, StoredObjects, There};
use crate::rules::outgoing::{Outgoing, OutgoingScratch, Unfit};
use crate::source::{Item, Source};

/// How many items are asked for at once.
const PAGE: usize = 500;
/// More looks than any value needs.
const MAX_LOOKS: usize = 16;

/// The destination as it was at one revision.
pub struct Place<'p, S> {
    pub judge: &'p Judge,
    pub destination: &'p S,
    pub at: SourceRevision,
}

impl<S: Source> Place<'_, S> {
    /// What becomes of the source's `item`, which `rule` selects, in the report;
    /// `is_there` says whether the destination has it. What is to be written, as
    /// the destination stores it.
    pub async fn land(
        &self,
        item: &Item,
        rule: RuleId,
        is_there: bool,
        report: &mut Report,
    ) -> Result<Option<Vec<u8>>, EtcdError> {
        let mut seen = Seen::default();
        let prefix = self.judge.plan().prefix();
        let leases = KeyRange::prefix(format!("{prefix}/masterleases/"));
        seen.live = !self.page(&leases, 1).await?.0.is_empty();
        if seen.live {
            let apis = self.all(&self.judge.api_range()).await?;
            let apis = apis.iter().map(|(key, there)| (key.as_slice(), there));
            seen.set_apis(Arc::new(self.judge.api_table(apis)));
        }
        let mut scratch = OutgoingScratch::default();
        for _ in 0..MAX_LOOKS {
            let (key, value) = (&item.key, &item.value);
            let landing = self
                .judge
                .landing(key, value, Some(rule), &seen, &mut scratch);
            match landing {
                Ok(landing) => {
                    let along = landing.along.as_ref();
                    if is_there && along.is_none_or(|along| along.is_settled) {
                        return Ok(None);
                    }
                    let there = seen.get(key).flatten().is_some();
                    return Ok(self.to_write(item, landing, there, report));
                }
                Err(Obstacle::Unfit(Unfit {
                    reason, transient, ..
                })) => {
                    report.to_write = None;
                    let rule = None;
                    report.decision = Decision::Hold {
                        rule,
                        reason,
                        transient,
                    };
                    return Ok(None);
                }
                Err(Obstacle::Skip(policy, why)) => {
                    report.to_write = None;
                    report.left_out = why.map(|unfit| unfit.reason);
                    report.decision = Decision::Skip(SkipReason::KeptOut(policy));
                    return Ok(None);
                }
                Err(wanted) => self.look(wanted, &mut seen).await?,
            }
        }
        Ok(None)
    }

    fn to_write(
        &self,
        item: &Item,
        landing: Landing<'_>,
        there: bool,
        report: &mut Report,
    ) -> Option<Vec<u8>> {
        let to_write = report.to_write.as_mut()?;
        let Outgoing { value, rewritings } = landing.outgoing;
        let (key, own) = (&item.key, &item.value);
        to_write.need = Need::Write;
        to_write.changed = changed(self.judge, (key, own), rewritings, there);
        let also = landing.along.into_iter().flat_map(|along| along.also);
        let keys = also.map(|also| self.judge.key_map().to_destination(&also.key).into_owned());
        let shown = keys.map(|key| String::from_utf8_lossy(&key).into_owned());
        to_write.along = shown.collect();
        Some(value.stored(own))
    }

    async fn look(&self, wanted: Obstacle, seen: &mut Seen) -> Result<(), EtcdError> {
        match wanted {
            Obstacle::Look(keys) => {
                for key in keys {
                    let at = self.judge.key_map().to_destination(&key).into_owned();
                    let there = self.destination.get(&at).await?.map(there);
                    seen.set(key, there);
                }
            }
            Obstacle::LookAtCrds => {
                let crds = self.all(&self.judge.crd_range()).await?;
                let crds = crds.iter().map(|(key, there)| (key.as_slice(), there));
                seen.set_crds(Arc::new(self.judge.crd_table(crds)), true);
            }
            Obstacle::LookAtObjects { key, range } => {
                let mut objects = StoredObjects::seen_from(self.at.0);
                for (key, there) in self.all(&range).await? {
                    self.judge.add_stored(&mut objects, &key, &there.value);
                }
                seen.set_objects(key, objects);
            }
            Obstacle::LookAtAddresses => {
                let mut all = Vec::new();
                for range in self.judge.address_ranges() {
                    all.extend(self.all(&range).await?);
                }
                let all = all.iter().map(|(key, there)| (key.as_slice(), there));
                seen.set_addresses(Some(Arc::new(self.judge.addresses(all))));
            }
            Obstacle::Unfit(_) | Obstacle::Skip(..) => {}
        }
        Ok(())
    }

    /// All that the destination has for the source's `range`, under the
    /// source's keys.
    async fn all(&self, range: &KeyRange) -> Result<Vec<(Vec<u8>, There)>, EtcdError> {
        let (mut all, mut range) = (Vec::new(), range.clone());
        loop {
            let (items, more) = self.page(&range, PAGE).await?;
            let keyed = items.into_iter().map(|item| {
                let key = self.judge.key_map().to_source(&item.key).into_owned();
                (key, there(item))
            });
            all.extend(keyed);
            match all.last() {
                // The next key.
                Some((last, _)) if more => range.start = [last.as_slice(), &[0]].concat(),
                _ => return Ok(all),
            }
        }
    }

    async fn page(&self, range: &KeyRange, limit: usize) -> Result<(Vec<Item>, bool), EtcdError> {
        let range = self.judge.key_map().range_to_destination(range);
        match range {
            Some(range) => self.destination.list(&range, self.at, limit).await,
            None => Ok((Vec::new(), false)),
        }
    }
}

fn there(item: Item) -> There {
    There {
        value: item.value,
        // Nothing is compared with it here.
        create_revision: 0,
        mod_revision: item.revision.0,
    }
}
