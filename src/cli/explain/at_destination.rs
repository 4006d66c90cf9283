//! What the destination has under the key, and where it differs.
//!
//! Promises that each side is decrypted with its own keys, and that nothing of
//! a Secret's is shown. Deliberately says only what is there: whose it is, the
//! ledger knows.

use serde_json::{Value, json};

use super::judged::changed;
use super::landing::Place;
use super::told;
use crate::cli::connecting::{self, Lacking, Which, refused};
use crate::cli::explain_report::{AtDestination, Conflict, Differs, Need, Report, There};
use crate::etcd::{EtcdError, TransportSettings};
use crate::metrics::Metrics;
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Judge, KeyRange};
use crate::rules::identity::Side;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::{EtcdSource, Item, Source as _};

/// Asks the destination, and adds what it has to the report. Its cluster id,
/// and what programs are told.
pub async fn look(
    judge: &Judge,
    settings: &TransportSettings,
    key: &[u8],
    show_secrets: bool,
    report: &mut Report,
) -> Result<(u64, Value), String> {
    let at = judge.key_map().to_destination(key);
    let settings = settings.clone().asking_for(&*at);
    let connection = connecting::open(Which::Destination, &settings).await?;
    let destination = EtcdSource::new(connection, Metrics::default());
    let there = destination.get(&at).await;
    let status = destination.status().await;
    let said = |error| unread(judge, &settings, &at, &error);
    let (there, status) = (there.map_err(said)?, status.map_err(said)?);
    let rule = match report.decision {
        Decision::Put { rule } => Some(rule),
        _ => None,
    };
    let there = there.map(|there| compare(judge, key, report.item.as_ref(), rule, there));
    if let (Some(there), Some(item)) = (&there, &report.item) {
        report.conflict = conflict(judge, key, item, rule, &there.item);
    }
    let is_there = there.as_ref().is_some_and(There::is_same);
    if let Some(to_write) = &mut report.to_write {
        to_write.need = match is_there {
            true => Need::Nothing,
            false => Need::Write,
        };
    }
    let mut written = None;
    // What goes along with a Service may be missing though the Service is there.
    if let (Some(rule), Some(item), Some(_)) = (rule, report.item.clone(), &report.to_write)
        && (!is_there || judge.goes_alone(key))
    {
        let place = Place {
            judge,
            destination: &destination,
            at: status.revision,
        };
        let landed = place.land(&item, rule, is_there, report).await;
        written = landed.map_err(said)?;
    }
    if let (Some(rule), Some(there)) = (rule, &there) {
        stands(judge, key, rule, there, report);
    }
    let found = there.as_ref().filter(|there| !there.is_same());
    let found = found.and_then(|there| {
        let there = &there.item.value;
        match &written {
            _ if judge.is_outside_kubernetes(key) => None,
            Some(written) => Some(judge.change(key, there, written, show_secrets)),
            None => {
                let value = &report.item.as_ref()?.value;
                Some(judge.difference(key, value, there, rule, show_secrets))
            }
        }
    });
    report.destination = AtDestination::Read(there);
    let json = match &found {
        None => Value::Null,
        Some(Ok(found)) => json!({"differences": told::places_json(found)}),
        Some(Err(why)) => json!({"incomparable": why}),
    };
    report.difference = found.map(|found| match found {
        Ok(found) => Differs::In(told::places(&found, "")),
        Err(why) => Differs::Incomparably(why),
    });
    Ok((status.cluster_id, json))
}

/// Why what the destination has under `at` is not known.
fn unread(judge: &Judge, settings: &TransportSettings, at: &[u8], error: &EtcdError) -> String {
    let lacking = Lacking {
        access: "read",
        ranges: &[KeyRange::only(at)],
        kube_prefix: judge.key_map().destination_prefix(),
    };
    refused(Which::Destination, settings, error, &lacking)
}

/// What policies have changed in what needs no write.
fn stands(judge: &Judge, key: &[u8], rule: RuleId, there: &There, report: &mut Report) {
    if let (Some(item), Some(to_write), true) =
        (&report.item, &mut report.to_write, there.same_content)
        && to_write.need == Need::Nothing
    {
        let (value, scratch) = (&item.value, &mut OutgoingScratch::default());
        if let Ok(standing) = judge.standing(key, value, &there.item.value, rule, scratch) {
            to_write.changed = changed(judge, (key, value), standing, true);
        }
    }
}

/// What the destination has, where that is another object than the source's.
fn conflict(
    judge: &Judge,
    key: &[u8],
    item: &Item,
    rule: Option<RuleId>,
    there: &Item,
) -> Option<Conflict> {
    let rule = rule?;
    let here = judge.identity(key, &item.value, Side::Source).ok()?;
    let same = judge.identity(key, &there.value, Side::Destination) == Ok(here);
    (!same).then(|| Conflict {
        setting: judge.on_conflict(Some(rule), key),
        is_ours: None,
    })
}

fn compare(
    judge: &Judge,
    key: &[u8],
    item: Option<&Item>,
    rule: Option<RuleId>,
    there: Item,
) -> There {
    let mut scratch = OutgoingScratch::default();
    let value = item.map(|item| item.value.as_slice());
    let same_bytes = value == Some(there.value.as_slice());
    // The same bytes will not do where policies change some of them.
    let is_there = |value| judge.is_there(key, value, &there.value, rule, &mut scratch);
    There {
        same_bytes,
        same_content: (same_bytes && rule.is_none()) || value.is_some_and(is_there),
        encryption: judge
            .encryption_there(key, &there.value)
            .map(|provider| provider.to_string()),
        item: there,
    }
}
