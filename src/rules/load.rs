//! From the text of a rules file to what it means.
//!
//! Promises that every finding is reported in one run, in the order of the
//! file, and that a rule set comes out exactly when none of them is an error.
//! Deliberately does no I/O and compiles nothing.

use std::collections::HashMap;
use std::string::FromUtf8Error;

use super::codes;
use super::directives::Directives;
use super::document::Node;
use super::entries;
use super::fields::{self, Fields, Shape};
use super::findings::Findings;
use super::policy::Policies;
use super::policy_fields::{self, POLICIES, POLICY};
use super::rule_set::{Phase, Rule, RuleSet};
use super::{field_check, lint, reader, when};
use crate::diagnostic::{Diagnostic, SourceText, Span};

/// What became of a rules file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The rules, unless the file has errors.
    pub rule_set: Option<RuleSet>,
    /// Everything that was found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The comments that say how findings are to be taken; nothing of that is
    /// done yet (see [`check`](super::check())).
    pub directives: Directives,
}

const FILE: Shape = Shape {
    what: "a rules file",
    fields: &["policies", "filters"],
    refused: &[POLICY],
};
const FILTERS: Shape = Shape {
    what: "`filters`",
    fields: &["sequential", "secondary"],
    refused: &[POLICY, POLICIES],
};

/// Reads the rules file `source`.
pub fn load(source: &SourceText) -> Loaded {
    let mut findings = Findings::new(&source.text);
    let document = reader::read(&source.text, &mut findings);
    let directives = Directives::of(&source.text, || {
        document.as_ref().map(Node::scalars).unwrap_or_default()
    });
    let rules = document
        .and_then(|document| rule_set(&document, &mut findings))
        .unwrap_or_default();
    lint::check(&rules, &mut findings);
    field_check::check(&rules, &mut findings);
    when::check(&rules, &mut findings);
    let rule_set = (!findings.has_errors()).then_some(rules);
    Loaded {
        rule_set,
        diagnostics: findings.into_sorted(),
        directives,
    }
}

/// Reads the rules file that holds `bytes`: as [`load`] does, and says where
/// they are no text. Returns the text too, for who shows the diagnostics.
pub fn load_bytes(name: &str, bytes: Vec<u8>) -> (SourceText, Loaded) {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let source = SourceText::new(name, text);
            let loaded = load(&source);
            (source, loaded)
        }
        Err(error) => {
            let diagnostics = vec![not_text(&error)];
            let shown = String::from_utf8_lossy(error.as_bytes());
            (
                SourceText::new(name, shown),
                Loaded {
                    rule_set: None,
                    diagnostics,
                    directives: Directives::default(),
                },
            )
        }
    }
}

pub(super) fn not_text(error: &FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    // What cannot be shown is shown as one replacement character.
    let place = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    codes::NOT_TEXT
        .at(place, "the file is not UTF-8 text")
        .label(
            bytes
                .get(at)
                .map_or(String::new(), |byte| format!("byte 0x{byte:02x}")),
        )
        .help(if wide {
            "it looks like UTF-16: save it as UTF-8"
        } else {
            "save it as UTF-8"
        })
}

fn rule_set(document: &Node, findings: &mut Findings) -> Option<RuleSet> {
    let file = fields::read(document, &FILE, findings)?;
    if file.entry("filters").is_none() {
        let help = "write `filters:` with `sequential:` and `secondary:` below it";
        file.missing("filters", help, findings);
        return None;
    }
    let Some(node) = file.value("filters") else {
        findings.push(no_rules(file.head));
        return None;
    };
    let filters = fields::read(node, &FILTERS, findings)?;
    let policies = policy_fields::of_file(&file, findings);
    let rules = RuleSet {
        sequential: phase(&filters, Phase::Sequential, policies, findings),
        secondary: phase(&filters, Phase::Secondary, policies, findings),
    };
    if rules.rules().next().is_none() && !findings.has_errors() {
        findings.push(no_rules(file.head));
    }
    unique_names(&rules, findings);
    Some(rules)
}

fn no_rules(place: Span) -> Diagnostic {
    codes::NO_RULES
        .at(place, "the file has no rules: nothing is selected")
        .help("add rules under `sequential:` or `secondary:`")
}

fn phase(
    filters: &Fields<'_>,
    phase: Phase,
    policies: Policies,
    findings: &mut Findings,
) -> Vec<Rule> {
    let nodes = filters.list(&phase.to_string(), findings);
    let rules = nodes.iter().enumerate();
    rules
        .filter_map(|(index, node)| entries::rule(node, (phase, index), policies, findings))
        .collect()
}

fn unique_names(rules: &RuleSet, findings: &mut Findings) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for rule in rules.rules() {
        let name = rule.name.value.as_str();
        match seen.get(name) {
            Some(first) => findings.push(
                codes::RULE_NAME_TWICE
                    .at(rule.name.span, format!("two rules are named `{name}`"))
                    .also(*first, "the first one")
                    .help("names tell rules apart in metrics and explanations: choose another"),
            ),
            None => {
                seen.insert(name, rule.name.span);
            }
        }
    }
}
