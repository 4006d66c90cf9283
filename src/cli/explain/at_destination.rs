//! What the destination has under the key, and where it differs.
//!
//! Promises that each side is decrypted with its own keys, and that nothing of
//! a Secret's is shown. Deliberately says only what is there: whose it is, the
//! ledger knows.

use serde_json::{Value, json};

use super::judged::changed;
use super::landing::Place;
use super::told;
use crate::cli::connecting::{self, Which, failed};
use crate::cli::explain_report::{AtDestination, Report, There};
use crate::etcd::TransportSettings;
use crate::metrics::Metrics;
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Judge};
use crate::rules::identity::Side;
use crate::rules::outgoing::OutgoingScratch;
use crate::rules::policy::OnConflict;
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
    let said = |error| failed(Which::Destination, &settings, &error);
    let (there, status) = (there.map_err(said)?, status.map_err(said)?);
    let rule = match report.decision {
        Decision::Put { rule } => Some(rule),
        _ => None,
    };
    let there = there.map(|there| compare(judge, key, report.item.as_ref(), rule, there));
    if let (Some(there), Some(item)) = (&there, &report.item) {
        let aside = conflict(judge, key, item, rule, &there.item);
        report.asides.extend(aside);
    }
    let needs_write = !matches!(&there, Some(there) if there.same_bytes || there.same_content);
    let needs_write = needs_write && report.to_write.is_some();
    if let (Some(rule), Some(item), true) = (rule, report.item.clone(), needs_write) {
        let place = Place {
            judge,
            destination: &destination,
            at: status.revision,
        };
        place.land(&item, rule, report).await.map_err(said)?;
    }
    if let (Some(rule), Some(there)) = (rule, &there) {
        stands(judge, key, rule, there, report);
    }
    let mut json = Value::Null;
    if let (Some(there), Some(item)) = (&there, &report.item)
        && !there.same_bytes
        && !there.same_content
        && !judge.is_outside_kubernetes(key)
    {
        let found = judge.difference(key, &item.value, &there.item.value, rule, show_secrets);
        let lines = match &found {
            Err(why) => vec![format!("the two cannot be compared field by field: {why}")],
            Ok(found) if found.is_empty() => {
                vec!["no field differs: it is encrypted, or written down, otherwise".to_owned()]
            }
            Ok(found) => {
                let mut lines = vec![match report.decision {
                    Decision::Put { .. } => "what writing it changes there:".to_owned(),
                    _ => "where it differs from there:".to_owned(),
                }];
                lines.extend(told::places(found, ""));
                lines
            }
        };
        report.asides.extend(indented(lines));
        json = match found {
            Ok(found) => json!({"differences": told::places_json(&found)}),
            Err(why) => json!({"incomparable": why}),
        };
    }
    report.destination = AtDestination::Read(there);
    Ok((status.cluster_id, json))
}

/// The first line is about those that follow.
fn indented(lines: Vec<String>) -> impl Iterator<Item = String> {
    let lines = lines.into_iter().enumerate();
    lines.map(|(at, line)| match at {
        0 => format!("  {line}"),
        _ => format!("    {line}"),
    })
}

/// What policies have changed in what needs no write.
fn stands(judge: &Judge, key: &[u8], rule: RuleId, there: &There, report: &mut Report) {
    if let (Some(item), Some(to_write), true) =
        (&report.item, &mut report.to_write, there.same_content)
    {
        let (value, scratch) = (&item.value, &mut OutgoingScratch::default());
        if let Ok(standing) = judge.standing(key, value, &there.item.value, rule, scratch) {
            to_write.changed = changed(judge, (key, value), standing, true);
        }
    }
}

/// What becomes of another object than the source's.
fn conflict(
    judge: &Judge,
    key: &[u8],
    item: &Item,
    rule: Option<RuleId>,
    there: &Item,
) -> Option<String> {
    let rule = rule?;
    let here = judge.identity(key, &item.value, Side::Source).ok()?;
    let same = judge.identity(key, &there.value, Side::Destination) == Ok(here);
    let what = match judge.on_conflict(Some(rule), key) {
        _ if same => return None,
        OnConflict::Keep => {
            "`onConflict: keep` leaves it as it is, unless the ledger says that carry has written it"
        }
        OnConflict::Adopt => "by `onConflict: adopt` carry writes over it and takes it over",
        OnConflict::Overwrite => {
            "by `onConflict: overwrite` carry writes over it and never deletes it"
        }
        OnConflict::Stop => {
            "`onConflict: stop` ends carry, unless the ledger says that carry has written it"
        }
    };
    Some(format!(
        "  it is another object than the source's, under the same key: {what}"
    ))
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
    There {
        same_bytes: value == Some(there.value.as_slice()),
        same_content: value
            .is_some_and(|value| judge.is_there(key, value, &there.value, rule, &mut scratch)),
        encryption: judge
            .encryption_there(key, &there.value)
            .map(|provider| provider.to_string()),
        item: there,
    }
}
