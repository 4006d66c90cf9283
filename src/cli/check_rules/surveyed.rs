//! What the rules make of data, for people and for programs.
//!
//! Promises that programs are told of every rule, people of as many as they
//! can read. Deliberately names no key.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::columns::{Line, grouped, keys, table};
use crate::cli::bytes;
use crate::cli::explain::layout::plain;
use crate::diagnostic::wrapped;
use crate::rules::policy::Policy;
use crate::rules::survey::{RuleCounts, Surveyed, Tally};

/// People are shown so many rules, versions and reasons.
const RULES: usize = 50;
const VERSIONS: usize = 20;
const REASONS: usize = 10;

/// For a terminal of this width.
pub fn human(survey: &Surveyed, width: Option<usize>) -> String {
    let mut out = rules(survey, width);
    out.push_str(&held(survey, width));
    out.push_str(&versions(survey, width));
    out
}

fn rules(survey: &Surveyed, width: Option<usize>) -> String {
    let earlier = |own: &RuleCounts| own.selects.keys.saturating_sub(own.writes.keys);
    let any_earlier = survey.rules.iter().any(|own| earlier(own) > 0);
    let figures = |tally: &Tally, earlier: Option<u64>| {
        let mut figures = vec![grouped(tally.keys), bytes::shown(tally.bytes)];
        figures.extend(earlier.filter(|_| any_earlier).map(grouped));
        figures
    };
    let mut lines = Vec::new();
    let shown = shown(survey);
    for own in &shown {
        lines.push(Line::new(
            own.name.clone(),
            figures(&own.writes, Some(earlier(own))),
        ));
        for (at, exclude) in own.excludes.iter().enumerate() {
            let name = format!("  - excludes[{at}]");
            lines.push(Line::new(name, figures(exclude, None)));
        }
        for (policy, kept) in &own.kept_out {
            let name = format!("  - policy {policy}");
            lines.push(Line::new(name, figures(kept, None)));
        }
    }
    let mut head = vec!["KEYS".to_owned(), "BYTES".to_owned()];
    head.extend(any_earlier.then(|| "EARLIER".to_owned()));
    let mut out = table(&Line::new("RULE", head), &lines, width);
    let left = survey.rules.len() - shown.len();
    if left > 0 {
        let _ = writeln!(out, "  … and {} more rules", grouped(left as u64));
    }
    let mut notes = Vec::new();
    if shown.iter().any(|own| !own.excludes.is_empty()) {
        notes.push("- excludes[N]: what that exclude takes away from its rule");
    }
    if shown.iter().any(|own| !own.kept_out.is_empty()) {
        notes.push("- policy NAME: what that policy takes away of what the rule selects");
    }
    if any_earlier {
        notes.push("EARLIER: what the rule selects, too, and an earlier rule writes");
    }
    for note in notes {
        for line in wrapped(note, width.unwrap_or(100).saturating_sub(2).max(16)) {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

/// All in their order; of many those that write the most.
fn shown(survey: &Surveyed) -> Vec<&RuleCounts> {
    let mut all: Vec<(usize, &RuleCounts)> = survey.rules.iter().enumerate().collect();
    if all.len() > RULES {
        all.sort_by_key(|(at, own)| (std::cmp::Reverse(own.writes.keys), *at));
        all.truncate(RULES);
        all.sort_by_key(|(at, _)| *at);
    }
    all.into_iter().map(|(_, own)| own).collect()
}

fn held(survey: &Surveyed, width: Option<usize>) -> String {
    let mut out = String::new();
    for own in survey.held.iter().take(REASONS) {
        let by = own.rule.as_ref().map(|rule| format!(" by `{rule}`"));
        let text = format!(
            "held{}: {}: {}",
            by.unwrap_or_default(),
            keys(own.keys),
            own.reason
        );
        let room = width.unwrap_or(usize::MAX).saturating_sub(4).max(16);
        for (at, line) in wrapped(&plain(&text), room).into_iter().enumerate() {
            let indent = if at == 0 { 2 } else { 4 };
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
    let left = survey.held.iter().skip(REASONS);
    let left: u64 = left.map(|own| own.keys).sum();
    if left > 0 {
        let _ = writeln!(out, "  held for other reasons: {}", keys(left));
    }
    match out.is_empty() {
        true => out,
        false => format!("\n{out}"),
    }
}

fn versions(survey: &Surveyed, width: Option<usize>) -> String {
    if survey.versions.is_empty() {
        return String::new();
    }
    let mut all: Vec<_> = survey.versions.iter().collect();
    if all.len() > VERSIONS {
        all.sort_by_key(|own| std::cmp::Reverse(own.keys));
        all.truncate(VERSIONS);
        all.sort();
    }
    let lines = all.iter().map(|own| {
        let api_version = match own.group.as_str() {
            "" => own.version.clone(),
            group => format!("{group}/{}", own.version),
        };
        Line::new(
            format!("{api_version} {}", own.kind),
            vec![grouped(own.keys)],
        )
    });
    let lines: Vec<Line> = lines.collect();
    let head = Line::new("STORED AS", vec!["KEYS".to_owned()]);
    let mut out = format!("\n{}", table(&head, &lines, width));
    let left = survey.versions.len() - lines.len();
    if left > 0 {
        let _ = writeln!(out, "  … and {left} more");
    }
    out
}

/// In one line: what was read, and what becomes of it.
pub fn summary(survey: &Surveyed) -> String {
    let held = match survey.held_keys() {
        0 => String::new(),
        held => format!(", {} held", grouped(held)),
    };
    format!(
        "{} ({}) read: {} written ({}){}, {} selected by no rule{held}",
        keys(survey.read.keys),
        bytes::shown(survey.read.bytes),
        grouped(survey.written.keys),
        bytes::shown(survey.written.bytes),
        kept_out(survey),
        grouped(survey.unselected.keys),
    )
}

fn kept_out(survey: &Surveyed) -> String {
    let all = grouped(survey.all_kept_out().keys);
    let mut policies = survey.kept_out.iter();
    match (policies.next(), policies.len()) {
        (None, _) => String::new(),
        (Some((policy, _)), 0) => format!(", {all} kept out by the policy `{policy}`"),
        _ => {
            let each = survey.kept_out.iter();
            let each = each.map(|(policy, own)| format!("`{policy}` {}", grouped(own.keys)));
            let each: Vec<String> = each.collect();
            format!(", {all} kept out by policies ({})", each.join(", "))
        }
    }
}

/// For programs.
pub fn as_json(survey: &Surveyed) -> Value {
    let rules = survey.rules.iter().map(|own| {
        json!({
            "name": own.name,
            "writes": tally(&own.writes),
            "selects": tally(&own.selects),
            "held": own.held,
            "excludes": own.excludes.iter().map(tally).collect::<Vec<_>>(),
            "policies": by_policy(&own.kept_out),
        })
    });
    let held = survey.held.iter();
    let held = held.map(|own| json!({"rule": own.rule, "reason": own.reason, "keys": own.keys}));
    let versions = survey.versions.iter().map(|own| {
        json!({
            "group": own.group,
            "version": own.version,
            "kind": own.kind,
            "keys": own.keys,
        })
    });
    let mut kept_out = tally(&survey.all_kept_out());
    kept_out["policies"] = by_policy(&survey.kept_out);
    json!({
        "read": tally(&survey.read),
        "written": tally(&survey.written),
        "kept_out": kept_out,
        "unselected": tally(&survey.unselected),
        "rules": rules.collect::<Vec<_>>(),
        "held": held.collect::<Vec<_>>(),
        "versions": versions.collect::<Vec<_>>(),
    })
}

fn by_policy(kept: &BTreeMap<Policy, Tally>) -> Value {
    let each = kept.iter();
    let each = each.map(|(policy, own)| (policy.name().to_owned(), tally(own)));
    Value::Object(each.collect())
}

/// Keys and bytes.
pub fn tally(own: &Tally) -> Value {
    json!({"keys": own.keys, "bytes": own.bytes})
}
