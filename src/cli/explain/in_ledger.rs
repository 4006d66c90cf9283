//! What the ledger knows of one key: whether carry has written it, and for
//! which rule.
//!
//! Promises to be of use beside a carry that runs, and to believe no ledger of
//! other etcds or of another `--name`. Deliberately changes nothing in it.

use serde_json::{Value, json};

use super::settings::LedgerSettings;
use crate::cli::explain_report::{AtDestination, Need, Report};
use crate::cli::ledger;
use crate::etcd::SourceRevision;
use crate::rules::decide::{Decision, Judge};
use crate::rules::drift::Drift;
use crate::rules::outgoing::OutgoingScratch;
use crate::rules::policy::{OnDrift, Policy};
use crate::state::{HeldKey, LedgerEntry, Pair, StateError, StateStore as _};

/// What is known of both sides.
pub struct Sides {
    /// The source's cluster id.
    pub source: Option<u64>,
    /// The destination's cluster id.
    pub destination: Option<u64>,
    /// The revision that the source was asked as of; `None` for the newest.
    pub as_of: Option<SourceRevision>,
}

/// What there is about one key.
struct Known {
    entry: Option<LedgerEntry>,
    held: Option<HeldKey>,
    /// Up to which source revision everything is applied.
    checkpoint: Option<i64>,
    /// Whether everything is compared at the next start, since it was written
    /// under other settings.
    compares: bool,
}

/// Looks the key up, and adds what there is to the report. What programs are
/// told.
pub fn look(
    judge: &Judge,
    settings: &LedgerSettings,
    sides: &Sides,
    key: &[u8],
    report: &mut Report,
) -> Result<Value, String> {
    let path = settings.path.display();
    let opened = ledger::open_beside(&settings.path);
    let opened = opened.map_err(|error| format!("`--db-path`: {error}"))?;
    let Some((store, logs)) = opened else {
        if !settings.required {
            return Ok(Value::Null);
        }
        return Err(format!(
            "`--db-path` `{path}`: there is no ledger; give the directory that `carry run` has under the same flag"
        ));
    };
    let read = || -> Result<Result<Known, String>, StateError> {
        let Some(pair) = store.pair()? else {
            return Ok(Err("nothing has been written yet".to_owned()));
        };
        if let Some(why) = other_than(&pair, settings, sides) {
            return Ok(Err(why));
        }
        Ok(Ok(Known {
            // What is noted before it is written is no proof that it was.
            entry: store.get(key)?.filter(|entry| entry.intent.is_none()),
            held: store.held()?.into_iter().find(|held| held.key == key),
            checkpoint: store.checkpoints()?.iter().map(|own| own.revision).max(),
            compares: store.encryption()? != Some(judge.encryption_digest()),
        }))
    };
    let known = read().map_err(|error| format!("`--db-path`: {error}"));
    drop((store, logs));
    let known = match known? {
        Ok(known) => known,
        Err(why) => {
            report
                .asides
                .push(format!("ledger: says nothing of this key: {why}"));
            return Ok(json!({"applies": false, "why": why}));
        }
    };
    let entry = known.entry.as_ref();
    let drift = settle(judge, key, &known, report);
    let lines = lines(&known, sides.as_of, report)
        .into_iter()
        .chain(drift.clone());
    for (at, line) in lines.enumerate() {
        report.asides.push(match at {
            0 => format!("ledger: {line}"),
            _ => format!("  {line}"),
        });
    }
    Ok(json!({
        "applies": true,
        "written": entry.is_some(),
        "rule": entry.map(|own| &own.rule),
        "revision": entry.map(|own| own.revision.0),
        "retired": entry.map(|own| own.retired),
        "lease": entry.map(|own| own.lease).filter(|lease| *lease != 0),
        "borrowed": entry.map(|own| own.borrowed),
        "held": known.held.as_ref().is_some_and(|own| own.left_out.is_none()),
        "leftOutBy": known.held.as_ref().and_then(|own| own.left_out).map(Policy::name),
        "drift": drift,
        "checkpoint": known.checkpoint,
    }))
}

/// What the ledger means for what is to be written, in the report; and what
/// somebody else has changed since.
fn settle(judge: &Judge, key: &[u8], known: &Known, report: &mut Report) -> Option<String> {
    let entry = known.entry.as_ref();
    if let Some(conflict) = &mut report.conflict {
        conflict.is_ours = Some(entry.is_some());
    }
    let settled = entry.filter(|entry| !known.compares && is_settled(entry, report));
    let drift = settled.and_then(|_| drift(judge, key, report));
    if let (Some(to_write), Some(_)) = (&mut report.to_write, settled)
        && to_write.need == Need::Write
        && drift
            .as_ref()
            .is_none_or(|(_, then)| *then == OnDrift::Keep)
    {
        to_write.need = Need::Settled;
    }
    drift.map(|(text, _)| text)
}

/// Why it is the ledger of others.
fn other_than(pair: &Pair, settings: &LedgerSettings, sides: &Sides) -> Option<String> {
    if pair.name != settings.name {
        return Some(format!(
            "it is that of the mirror `{}`: give `--name {}`",
            pair.name, pair.name
        ));
    }
    let differs = |own: &str, asked: Option<u64>| asked.is_some_and(|id| format!("{id:x}") != own);
    if differs(&pair.source_cluster_id, sides.source) {
        return Some("it is that of a mirror of another source".to_owned());
    }
    differs(&pair.destination_cluster_id, sides.destination)
        .then(|| "it is that of a mirror into another destination".to_owned())
}

fn lines(known: &Known, as_of: Option<SourceRevision>, report: &Report) -> Vec<String> {
    let mut lines = vec![match (&known.entry, &report.destination) {
        (Some(entry), _) => written(entry),
        (None, AtDestination::Read(Some(_))) => {
            "carry has not written it: what the destination has there is another's".to_owned()
        }
        (None, _) => "carry has not written it".to_owned(),
    }];
    let revision = report.item.as_ref().map(|item| item.revision.0);
    if let Some(entry) = &known.entry {
        // What was decided of long ago says nothing of what the ledger has.
        let newest = known.checkpoint.max(Some(entry.revision.0));
        let long_ago = as_of.is_some_and(|at| newest > Some(at.0));
        if entry.retired {
            lines.push(
                "no rule has selected it since the rules were changed: it is kept as it is, and no longer followed"
                    .to_owned(),
            );
        } else if matches!(report.decision, Decision::Skip(_)) && !long_ago {
            lines.push(
                "no rule selects it any longer: carry removes it there, or keeps it if that is because the rules were changed"
                    .to_owned(),
            );
        } else if revision.is_some_and(|revision| revision > entry.revision.0) {
            lines.push("the source has changed it since".to_owned());
        }
    }
    if known.entry.is_some() && known.compares {
        lines.push(
            "that was under other settings, or not all of it: everything is compared at the next start".to_owned(),
        );
    }
    lines.extend(known.held.as_ref().map(held));
    if let Some(applied) = known.checkpoint {
        lines.push(format!(
            "everything up to source revision {applied} is applied"
        ));
    }
    lines
}

/// What became of it then, which may be otherwise by now.
fn held(held: &HeldKey) -> String {
    let how = match held.left_out {
        None => "it was held".to_owned(),
        Some(policy) => format!("the policy `{policy}` left it out"),
    };
    let why = held.reason.as_ref();
    let why = why.map_or(String::new(), |reason| format!(": {reason}"));
    format!("{how} when carry last judged it{why}")
}

/// Whether carry has written what the source has, as far as that can be told.
fn is_settled(entry: &LedgerEntry, report: &Report) -> bool {
    let item = report.item.as_ref().filter(|item| item.lease == 0);
    let same = item.is_some_and(|item| item.revision == entry.revision);
    same && !entry.retired && entry.lease == 0
}

/// What somebody else has changed since carry has written what the source has,
/// and what becomes of that.
fn drift(judge: &Judge, key: &[u8], report: &Report) -> Option<(String, OnDrift)> {
    let (Decision::Put { rule }, Some(item)) = (&report.decision, &report.item) else {
        return None;
    };
    let drift = match &report.destination {
        AtDestination::NotAsked => return None,
        AtDestination::Read(None) => Drift::Gone,
        AtDestination::Read(Some(there)) => {
            let mut scratch = OutgoingScratch::default();
            judge.drift(key, &item.value, &there.item.value, *rule, &mut scratch)?
        }
    };
    let on_drift = judge.on_drift(*rule);
    let then = match on_drift {
        OnDrift::Keep => "it is left so until the source changes",
        OnDrift::Mend => "a running carry mends it",
    };
    let text = format!(
        "somebody else has changed it at the destination since: {drift}; {then} (policy `drift`)"
    );
    Some((text, on_drift))
}

fn written(entry: &LedgerEntry) -> String {
    let mut text = format!(
        "carry has written it, for rule `{}`, as of source revision {}",
        entry.rule, entry.revision.0
    );
    if entry.lease != 0 {
        text.push_str(&format!(
            ", under a lease like the source's {:x}",
            entry.lease
        ));
    }
    if entry.borrowed {
        text.push_str(", over something else that was there: it stays when the source's goes");
    }
    text
}
