//! What `carry run` says where it ends by itself: of a dry run, and with
//! `--once`.
//!
//! Promises a line for each key of a dry run, and one that counts. Deliberately
//! prints nothing itself.

use crate::mirror::{DryRun, Planned, Summary, numbered};

/// What all would come to.
pub fn would(looked: &DryRun) -> String {
    let DryRun {
        revision,
        judged,
        puts,
        reencrypted,
        deletes,
        retired,
        kept,
        held,
    } = looked;
    let judged = numbered(*judged, "key");
    let reencrypted = numbered(*reencrypted, "value");
    let retired = numbered(*retired, "key");
    format!(
        "dry run at revision {revision}: of {judged} looked at, {puts} would be written, {deletes} deleted, {held} held; {reencrypted} re-encrypted; {retired} no longer selected would stay; of {kept} the destination has something else, which would stay\n"
    )
}

/// What would be done with one key.
pub fn planned(planned: Planned) -> String {
    let shown = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    match planned {
        Planned::Put {
            key,
            rule,
            bytes,
            reencrypted,
        } => {
            let how = reencrypted.map_or(String::new(), |with| format!(", re-encrypted: {with}"));
            format!("put {} ({bytes} bytes, rule `{rule}`{how})\n", shown(&key))
        }
        Planned::Delete { key } => format!("delete {}\n", shown(&key)),
        Planned::Retire { key } => {
            format!("keep {} (no rule selects it any more)\n", shown(&key))
        }
        Planned::Keep { key } => format!(
            "keep {} (the destination has another object there, which is not carry's)\n",
            shown(&key)
        ),
        Planned::Hold { key, reason } => format!("hold {} ({reason})\n", shown(&key)),
    }
}

/// What was done, where it was to end.
pub fn done(summary: &Summary) -> String {
    let Summary {
        puts,
        deletes,
        transactions,
        applied,
        held,
    } = summary;
    let puts = numbered(*puts, "key");
    let transactions = numbered(*transactions, "transaction");
    format!(
        "mirrored up to revision {applied}: {puts} written, {deletes} deleted in {transactions}, {held} held\n"
    )
}
