//! What `carry run` says where it ends by itself: of a dry run, and with
//! `--once`.
//!
//! Promises a line for each key of a dry run, and those that count. Deliberately
//! prints nothing itself.

use std::fmt::Write as _;

use crate::mirror::{DryRun, OfDeletion, Planned, Summary, numbered};
use crate::rules::decide::KeyMap;
use crate::rules::policy::Policy;

/// So many reasons are told apart.
const REASONS: usize = 10;

/// What comes before the first key, where both sides name keys otherwise.
pub fn heading(map: &KeyMap) -> Option<String> {
    let (from, to) = (map.source_prefix(), map.destination_prefix());
    let differs = !map.is_identity();
    differs.then(|| {
        format!("keys are named as at the source: what is below `{from}` there is below `{to}` at the destination\n")
    })
}

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
        retired_before,
        kept,
        stops,
        first_stop: _,
        held,
        held_by,
        left_out,
        kept_out,
    } = looked;
    let judged = numbered(*judged, "key");
    let reencrypted = numbered(*reencrypted, "value");
    let retired = numbered(retired + retired_before, "key");
    let others = kept + stops;
    let mut text = format!(
        "dry run at revision {revision}: of {judged} looked at, {puts} would be written, {deletes} deleted, {held} held; {reencrypted} re-encrypted; {retired} no longer selected would stay; of {others} the destination has something else, which would stay\n"
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
    for (policy, count) in kept_out {
        more(*count, format!("kept out by the policy `{policy}`"));
    }
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
        "of which the destination has something else: carry would end at the first, with an error (`onConflict: stop`)".to_owned(),
    );
    more(
        *retired_before,
        "no longer selected, and kept since before".to_owned(),
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
            of_deletion,
            also,
            over,
        } => {
            let mut how = format!("{}, rule `{rule}`", numbered(bytes, "byte"));
            if let Some(with) = reencrypted {
                how.push_str(&format!(", re-encrypted: {with}"));
            }
            let changed = changed(&acts, &of_deletion);
            if !changed.is_empty() {
                how.push_str(&format!(", {changed}"));
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

/// What policies change in a value.
fn changed(acts: &[Policy], of_deletion: &OfDeletion) -> String {
    let OfDeletion { left_out, set } = of_deletion;
    let mut all = Vec::new();
    let told_apart = *of_deletion != OfDeletion::default();
    let acts = acts.iter();
    let acts = acts.filter(|own| **own != Policy::Deletion || !told_apart);
    let acts: Vec<String> = acts.map(|own| format!("`{own}`")).collect();
    if !acts.is_empty() {
        all.push(format!("changed by {}", acts.join(", ")));
    }
    for (what, fields) in [("leaves out", left_out), ("sets", set)] {
        if !fields.is_empty() {
            all.push(format!(
                "`{}` {what} {}",
                Policy::Deletion,
                fields.join(", ")
            ));
        }
    }
    all.join(", ")
}

/// What was done, where it was to end.
pub fn done(summary: &Summary) -> String {
    let Summary {
        puts,
        deletes,
        transactions,
        applied,
        held,
        left_out,
        kept,
    } = summary;
    let puts = numbered(*puts, "key");
    let transactions = numbered(*transactions, "transaction");
    let mut text = format!(
        "mirrored up to revision {applied}: {puts} written, {deletes} deleted in {transactions}, {held} held\n"
    );
    for (policy, count) in left_out {
        let keys = numbered(*count, "key");
        let _ = writeln!(text, "{keys} left out by the policy `{policy}`");
    }
    if *kept > 0 {
        let keys = numbered(*kept, "key");
        let _ = writeln!(
            text,
            "{keys} kept: the destination has something else there, which is not carry's (policy `onConflict`)"
        );
    }
    text
}
