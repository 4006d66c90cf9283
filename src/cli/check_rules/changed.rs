//! What is gained and lost against another rules file, for people and for
//! programs.
//!
//! Promises that people see something of each sort of change, however many
//! groups another sort has. Deliberately names a few keys of each group.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::columns::{Line, folded, grouped, keys, table};
use super::surveyed::tally;
use crate::cli::bytes;
use crate::cli::explain::layout::plain;
use crate::rules::survey::{Change, Changes, Group};

/// People are shown so many groups.
const GROUPS: usize = 20;

/// For a terminal of this width.
pub fn human(against: &str, changes: &Changes, width: Option<usize>) -> String {
    let of = |change: &Change, what: &str| {
        let size = match change.total.keys {
            0 => String::new(),
            _ => format!(" ({})", bytes::shown(change.total.bytes)),
        };
        format!("{} {what}{size}", grouped(change.total.keys))
    };
    let summary = format!(
        "against {}: {}, {}, {}, {} as before",
        plain(against),
        of(&changes.gained, "gained"),
        of(&changes.lost, "lost"),
        of(&changes.moved, "by another rule"),
        grouped(changes.kept.keys),
    );
    let mut out = folded(&summary, width);
    let sorts = [
        ("GAINED", Some("before"), &changes.gained),
        ("LOST", Some("now"), &changes.lost),
        ("BY ANOTHER RULE", None, &changes.moved),
    ];
    let shares = shares(sorts.map(|(.., change)| change.groups.len()));
    for ((title, when, change), share) in sorts.into_iter().zip(shares) {
        if change.groups.is_empty() {
            continue;
        }
        let groups = change.groups.iter().take(share);
        let lines: Vec<Line> = groups.map(|group| line(group, when)).collect();
        let head = Line::new(title, vec!["KEYS".to_owned(), "BYTES".to_owned()]);
        let _ = write!(out, "\n{}", table(&head, &lines, width));
        let left = change.groups.get(share..).unwrap_or_default();
        if !left.is_empty() {
            let noun = if left.len() == 1 { "group" } else { "groups" };
            let more: u64 = left.iter().map(|group| group.tally.keys).sum();
            let _ = writeln!(
                out,
                "  … and {} more {noun} ({})",
                grouped(left.len() as u64),
                keys(more)
            );
        }
    }
    out
}

/// How many groups of each sort are shown: all as long as there is room, and
/// none is crowded out by the others.
fn shares(counts: [usize; 3]) -> [usize; 3] {
    let mut shares = counts.map(|count| count.min(GROUPS / counts.len()));
    let mut room = GROUPS - shares.iter().sum::<usize>();
    for (share, count) in shares.iter_mut().zip(counts) {
        let more = (count - *share).min(room);
        *share += more;
        room -= more;
    }
    shares
}

/// `when` says which of the two files may hold such keys.
fn line(group: &Group, when: Option<&str>) -> Line {
    let rule = match &group.before {
        None => group.rule.clone(),
        Some(before) => format!("{before} -> {}", group.rule),
    };
    let resource = group.resource.as_deref().unwrap_or("other keys");
    let place = match &group.namespace {
        None => resource.to_owned(),
        Some(namespace) => format!("{resource} in {namespace}"),
    };
    let mut beneath: Vec<String> = group.examples.iter().map(|key| plain(key)).collect();
    let named = u64::try_from(beneath.len()).unwrap_or(u64::MAX);
    if group.tally.keys > named {
        beneath.push("…".to_owned());
    }
    if let Some(when) = when.filter(|_| group.held > 0) {
        let held = grouped(group.held);
        beneath.push(format!("held {when}, neither written nor deleted: {held}"));
    }
    Line {
        name: format!("{rule}: {place}"),
        figures: vec![grouped(group.tally.keys), bytes::shown(group.tally.bytes)],
        beneath,
    }
}

/// For programs: every group.
pub fn as_json(against: &str, changes: &Changes) -> Value {
    let of = |change: &Change| {
        let groups = change.groups.iter().map(|own| {
            json!({
                "rule": own.rule,
                "rule_before": own.before,
                "resource": own.resource,
                "namespace": own.namespace,
                "keys": own.tally.keys,
                "bytes": own.tally.bytes,
                "held": own.held,
                "examples": own.examples,
            })
        });
        let mut object = tally(&change.total);
        object["groups"] = groups.collect();
        object
    };
    json!({
        "against": against,
        "gained": of(&changes.gained),
        "lost": of(&changes.lost),
        "rule_changed": of(&changes.moved),
        "kept": tally(&changes.kept),
    })
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn no_sort_is_crowded_out() {
        for (counts, expected) in [
            ([1, 2, 3], [1, 2, 3]),
            ([20, 0, 0], [20, 0, 0]),
            ([500, 0, 500], [14, 0, 6]),
            ([3, 500, 500], [3, 11, 6]),
            ([500, 500, 500], [8, 6, 6]),
        ] {
            assert_eq!(shares(counts), expected, "{counts:?}");
        }
    }
}
