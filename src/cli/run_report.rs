//! What `carry run` says where it ends by itself: of a dry run, and with
//! `--once`.
//!
//! Promises a line for each key of a dry run, and those that count. Deliberately
//! prints nothing itself.

use crate::mirror::{DryRun, Planned, Summary, numbered};

/// So many reasons are told apart.
const REASONS: usize = 10;

/// What all would come to.
pub fn would(looked: &DryRun) -> String {
    let DryRun {
        revision,
        judged,
        puts,
        reencrypted,
        over,
        deletes,
        retired,
        kept,
        stops,
        held,
        held_by,
        left_out,
    } = looked;
    let judged = numbered(*judged, "key");
    let reencrypted = numbered(*reencrypted, "value");
    let retired = numbered(*retired, "key");
    let mut text = format!(
        "dry run at revision {revision}: of {judged} looked at, {puts} would be written, {deletes} deleted, {held} held; {reencrypted} re-encrypted; {retired} no longer selected would stay; of {kept} the destination has something else, which would stay\n"
    );
    let mut more = |count: usize, what: String| {
        if count > 0 {
            text.push_str(&format!("  {count} {what}\n"));
        }
    };
    let mut held_by: Vec<_> = held_by.iter().collect();
    held_by.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let rest: usize = held_by.iter().skip(REASONS).map(|(_, count)| **count).sum();
    for (reason, count) in held_by.into_iter().take(REASONS) {
        more(*count, format!("held: {reason}"));
    }
    more(rest, "held for other reasons".to_owned());
    for (policy, count) in left_out {
        more(
            *count,
            format!("left out by the policy `{policy}`, by what the destination has"),
        );
    }
    more(
        *over,
        "written over other objects that are not carry's".to_owned(),
    );
    more(
        *stops,
        "of which the destination has something else: carry would end at the first".to_owned(),
    );
    text
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
            acts,
            also,
            over,
        } => {
            let mut how = format!("{}, rule `{rule}`", numbered(bytes, "byte"));
            if let Some(with) = reencrypted {
                how.push_str(&format!(", re-encrypted: {with}"));
            }
            if !acts.is_empty() {
                let acts: Vec<String> = acts.iter().map(|own| format!("`{own}`")).collect();
                how.push_str(&format!(", changed by {}", acts.join(", ")));
            }
            if also > 0 {
                how.push_str(&format!(", together with {}", numbered(also, "other key")));
            }
            if over {
                how.push_str(", over another object, which is not carry's");
            }
            format!("put {} ({how})\n", shown(&key))
        }
        Planned::Delete { key } => format!("delete {}\n", shown(&key)),
        Planned::Retire { key } => {
            format!("keep {} (no rule selects it any more)\n", shown(&key))
        }
        Planned::Keep { key } => format!(
            "keep {} (the destination has another object there, which is not carry's)\n",
            shown(&key)
        ),
        Planned::Stop { key } => format!(
            "stop at {} (the destination has another object there, which is not carry's: `onConflict: stop`)\n",
            shown(&key)
        ),
        Planned::LeaveOut {
            key,
            policy,
            reason,
        } => {
            let why = reason.map_or(String::new(), |reason| format!(": {reason}"));
            format!("skip {} (policy `{policy}`{why})\n", shown(&key))
        }
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
