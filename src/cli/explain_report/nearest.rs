//! Which rules an explanation shows, and under what heading.
//!
//! Promises that those which came nearest come first, and that it is said how
//! many are left out. Deliberately words nothing of the rules themselves.

use crate::rules::RuleId;
use crate::rules::decide::{Decision, SkipReason};
use crate::rules::trace::{RuleTrace, Truth};

use super::Report;

/// How many of the rules that came near are shown.
const NEAREST: usize = 3;

/// The rules that are shown.
pub(super) struct Shown<'r> {
    pub heading: String,
    pub rules: Vec<&'r RuleTrace>,
    /// Of those left out, the ones that look at such keys.
    others: usize,
    /// And the ones that select other resources.
    elsewhere: usize,
}

impl Shown<'_> {
    /// What is left out.
    pub fn more(&self) -> Option<String> {
        let more = match self.rules.as_slice() {
            [] => "",
            _ => "more ",
        };
        let rules = |count: usize| match count {
            1 => format!("1 {more}rule"),
            count => format!("{count} {more}rules"),
        };
        let selects = |count: usize| match count {
            1 => "selects other resources",
            _ => "select other resources",
        };
        let left_out = match (self.others, self.elsewhere) {
            (0, 0) => return None,
            (others, 0) => rules(others),
            (0, elsewhere) => format!("{}, which {}", rules(elsewhere), selects(elsewhere)),
            (others, elsewhere) => format!(
                "{}, {elsewhere} of which {}",
                rules(others + elsewhere),
                selects(elsewhere)
            ),
        };
        Some(format!("{left_out}: shown with `--all`"))
    }
}

/// The rules by how near they came, nearest first; not those that select other
/// resources.
pub(super) fn by_nearness(rules: &[RuleTrace]) -> Vec<&RuleTrace> {
    let near = rules
        .iter()
        .filter_map(|rule| Some((rule.nearness()?, rule)));
    let mut near: Vec<_> = near.collect();
    near.sort_by_key(|(nearness, _)| nearness.rank());
    near.into_iter().map(|(_, rule)| rule).collect()
}

/// What is shown of `rules`.
pub(super) fn shown<'r>(report: &Report, rules: &'r [RuleTrace], all: bool) -> Shown<'r> {
    let (heading, chosen) = match all {
        true => (
            "rules, in the order in which they are tried".to_owned(),
            rules.iter().collect(),
        ),
        false => chosen(report, rules),
    };
    let left_out = |rule: &&RuleTrace| !chosen.iter().any(|own| own.rule == rule.rule);
    let left_out: Vec<_> = rules.iter().filter(left_out).collect();
    let elsewhere = left_out.iter().filter(|rule| rule.condition.is_none());
    let elsewhere = elsewhere.count();
    Shown {
        heading,
        others: left_out.len() - elsewhere,
        elsewhere,
        rules: chosen,
    }
}

fn chosen<'r>(report: &Report, rules: &'r [RuleTrace]) -> (String, Vec<&'r RuleTrace>) {
    let numbered = |wanted: RuleId| rules.iter().filter(move |rule| rule.rule == wanted);
    match &report.decision {
        Decision::Put { rule } => (
            "the rule that selects it".to_owned(),
            numbered(*rule).collect(),
        ),
        Decision::Hold {
            rule: Some(rule), ..
        } => (
            "the rule that cannot be evaluated".to_owned(),
            numbered(*rule).collect(),
        ),
        // A rule selects it, and then it cannot be written.
        Decision::Hold { rule: None, .. } => (
            "the rule that selects it".to_owned(),
            rules.iter().filter(|rule| selects(rule)).take(1).collect(),
        ),
        Decision::Skip(SkipReason::ClusterLocal) => (String::new(), Vec::new()),
        Decision::Skip(_) | Decision::Delete(_) | Decision::Disown(_) => {
            let mut near = by_nearness(rules);
            near.truncate(NEAREST);
            let heading = match near.len() {
                1 => "the nearest rule".to_owned(),
                count => format!("the {count} nearest rules"),
            };
            (heading, near)
        }
    }
}

fn selects(rule: &RuleTrace) -> bool {
    let condition = rule.condition.as_ref();
    condition.is_some_and(|own| own.truth == Truth::Holds)
}
