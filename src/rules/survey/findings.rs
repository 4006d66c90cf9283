//! What is conspicuous about rules in the light of data: codes N003, N004 and
//! W053.
//!
//! Promises that a rule which selects nothing is not blamed for its excludes,
//! too. Deliberately shows no key and no value.

use super::{RuleCounts, StoredVersion, Surveyed};
use crate::diagnostic::Diagnostic;
use crate::rules::codes;
use crate::rules::rule_set::{ResourceRef, Rule, RuleSet};

/// All of them.
pub fn of(surveyed: &Surveyed, rules: &RuleSet) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (rule, counts) in rules.rules().zip(&surveyed.rules) {
        found.extend(selects_nothing(rule, counts));
        found.extend(excludes_nothing(rule, counts));
        let excluded = rule.excludes.iter().filter_map(|own| own.resource.as_ref());
        let named = rule.resources.iter().chain(excluded);
        found.extend(named.filter_map(|own| not_stored(own, &surveyed.versions)));
    }
    found
}

fn selects_nothing(rule: &Rule, counts: &RuleCounts) -> Option<Diagnostic> {
    let name = &counts.name;
    let all_excluded = counts.without_excludes.keys;
    let kept_out: u64 = counts.kept_out.values().map(|own| own.keys).sum();
    let (message, help) = match (counts.selects.keys, counts.held, all_excluded) {
        (0, 0, _) if counts.may_select > 0 => (
            format!(
                "`{name}` selects nothing of the data that can be read: {} that it may select {} held",
                of_keys(counts.may_select),
                if counts.may_select == 1 { "is" } else { "are" },
            ),
            "`carry explain KEY` says why such a key cannot be read; where values are encrypted it takes `--encryption-provider-config`",
        ),
        (0, 0, _) if kept_out > 0 => (
            format!(
                "nothing of the data is mirrored by `{name}`: policies keep {} out",
                of_keys(kept_out)
            ),
            "`carry explain KEY` says which policy and why; the rule's `policy` can let such objects through",
        ),
        (0, 0, 0) => (
            format!("`{name}` selects nothing of the data"),
            "nothing there is like that now: `carry explain KEY` says what keeps a key from being selected",
        ),
        (0, 0, keys) => (
            format!(
                "`{name}` selects nothing of the data: its excludes take all of {} away",
                of_keys(keys)
            ),
            "see which exclude takes too much, or remove the rule",
        ),
        (0, held, _) => (
            format!(
                "`{name}` selects nothing of the data, and cannot judge {} of it",
                of_keys(held)
            ),
            "such keys are held: mend the condition, or set `onError: skip`",
        ),
        _ => return None,
    };
    let found = codes::SELECTS_NOTHING_NOW.at(rule.name.span, message);
    Some(found.help(help))
}

fn excludes_nothing(rule: &Rule, counts: &RuleCounts) -> Vec<Diagnostic> {
    if counts.without_excludes.keys == 0 {
        return Vec::new();
    }
    let both = rule.excludes.iter().zip(&counts.excludes);
    let idle = both.filter(|(_, tally)| tally.keys == 0);
    idle.map(|(exclude, _)| {
        let message = format!(
            "this exclude takes nothing of the data away: of {} that `{}` would select without excludes, none is like this",
            of_keys(counts.without_excludes.keys),
            counts.name
        );
        codes::EXCLUDES_NOTHING_NOW
            .at(exclude.span, message)
            .help("keep it for what may come, or see whether its name, labels or kind are mistyped")
    })
    .collect()
}

/// A version that is written down, where the data has the kind in others only.
fn not_stored(named: &ResourceRef, versions: &[StoredVersion]) -> Option<Diagnostic> {
    let (version, kind) = (named.version.as_ref()?, named.kind.as_ref()?);
    let (group, kind) = (named.group.value.as_str(), kind.value.as_str());
    let stored = versions
        .iter()
        .filter(|own| own.group == group && own.kind == kind);
    let stored: Vec<&StoredVersion> = stored.collect();
    if stored.is_empty() || stored.iter().any(|own| own.version == version.value) {
        return None;
    }
    let others = stored
        .iter()
        .map(|own| format!("`{}` ({})", own.version, of_keys(own.keys)));
    let others: Vec<String> = others.collect();
    let message = format!(
        "the data has no {kind} in `{}`, but in {}",
        version.value,
        others.join(" and ")
    );
    let help = match stored.as_slice() {
        [only] => format!(
            "a version is compared with the stored one: write `{}`, or leave `version` out",
            only.version
        ),
        _ => "a version is compared with the stored one: leave `version` out".to_owned(),
    };
    let found = codes::VERSION_NOT_STORED.at(version.span, message);
    Some(found.help(help))
}

fn of_keys(keys: u64) -> String {
    match keys {
        1 => "1 key".to_owned(),
        keys => format!("{keys} keys"),
    }
}
