//! The 400 rule files that the Go original judged: what its `sequential` and
//! its `secondary` rules select of the stored bytes, by VM and oracle alike.

use std::collections::BTreeSet;
use std::io::BufRead as _;

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::decide::{Decision, Event, Judge, Scratch, Selection};
use carry::rules::namespaces::Namespaces;
use carry::rules::trace::Truth;
use carry::rules::{Plan, RuleSet};
use serde::Deserialize;

use crate::shared::{self, Stored};

#[derive(Deserialize)]
struct Case {
    name: String,
    rules: String,
    sequential: BTreeSet<String>,
    secondary: BTreeSet<String>,
}

fn cases() -> Option<Vec<Case>> {
    let path = shared::folder("etcd_carry")?.join("conformance/etcd-carry/cases.jsonl");
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("cases"));
    let lines = file.lines().map(|line| line.expect("a line"));
    Some(
        lines
            .map(|line| serde_json::from_str(&line).expect("a case"))
            .collect(),
    )
}

/// The rules of one phase alone.
fn judge(rules: RuleSet, keyring: &str) -> Judge {
    let (plan, diagnostics) = Plan::compile(&rules, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("{diagnostics:?}"));
    Judge::new(
        plan,
        Keyring::parse("encryption.yaml", keyring).expect("keyring"),
    )
}

/// What a judge selects; VM and oracle must agree on every value.
fn selected(judge: &Judge, corpus: &[Stored], namespaces: &Namespaces) -> BTreeSet<String> {
    let mut scratch = Scratch::default();
    let selects = |stored: &&Stored| {
        let key = stored.key.as_bytes();
        let by_vm = match judge.select(key, &stored.value, namespaces, &mut scratch) {
            Selection::Selected(rule) => Some(rule),
            Selection::Not(_) => None,
            Selection::Unknown { reason, .. } => panic!("{}: {reason}", stored.key),
        };
        let traced = judge
            .trace(key, &stored.value, namespaces, false)
            .unwrap_or_default();
        let holds = |rule: &carry::rules::trace::RuleTrace| {
            rule.condition
                .as_ref()
                .is_some_and(|own| own.truth == Truth::Holds)
        };
        let by_oracle = traced.iter().find(|rule| holds(rule)).map(|rule| rule.rule);
        assert_eq!(by_vm, by_oracle, "{}", stored.key);
        let event = Event {
            key,
            value: Some(&stored.value),
            leased: false,
            owned: false,
        };
        if matches!(
            judge.decide(&event, namespaces, &mut scratch),
            Decision::Put { .. }
        ) {
            let within = judge.ranges().iter().any(|range| range.contains(key));
            assert!(
                within,
                "{} is selected outside the plan's ranges",
                stored.key
            );
        }
        by_vm.is_some()
    };
    corpus
        .iter()
        .filter(selects)
        .map(|stored| stored.key.clone())
        .collect()
}

/// etcd-carry's `namespaceSelectors` see only Namespaces that a sequential
/// rule selected.
fn seen_namespaces(judge: &Judge, corpus: &[Stored], keys: &BTreeSet<String>) -> Namespaces {
    let mut namespaces = Namespaces::default();
    for stored in corpus.iter().filter(|stored| keys.contains(&stored.key)) {
        if let Some(name) = judge.namespace_of_key(stored.key.as_bytes()) {
            let view = judge.namespace_view(stored.key.as_bytes(), &stored.value);
            namespaces.set(name, view);
        }
    }
    namespaces
}

#[test]
fn selects_what_the_original_selects() {
    let (Some(cases), Some(corpus)) = (cases(), shared::corpus("etcd_carry")) else {
        return;
    };
    let keyring = shared::corpus_encryption("etcd_carry").expect("beside the corpus");
    let mut failed = Vec::new();
    for case in &cases {
        let loaded = carry::rules::load(&SourceText::new(&case.name, &case.rules));
        let rules = loaded
            .rule_set
            .unwrap_or_else(|| panic!("{}: {:?}", case.name, loaded.diagnostics));
        let first = RuleSet {
            sequential: rules.sequential,
            secondary: Vec::new(),
        };
        let second = RuleSet {
            sequential: Vec::new(),
            secondary: rules.secondary,
        };
        let (first, second) = (judge(first, &keyring), judge(second, &keyring));
        let sequential = selected(&first, &corpus, &Namespaces::default());
        let namespaces = seen_namespaces(&first, &corpus, &sequential);
        let secondary = selected(&second, &corpus, &namespaces);
        if sequential != case.sequential || secondary != case.secondary {
            failed.push(&case.name);
            println!(
                "{}: sequential off by {:?}, secondary off by {:?}",
                case.name,
                sequential
                    .symmetric_difference(&case.sequential)
                    .collect::<Vec<_>>(),
                secondary
                    .symmetric_difference(&case.secondary)
                    .collect::<Vec<_>>()
            );
        }
    }
    println!("etcd_carry: {}/{}", cases.len() - failed.len(), cases.len());
    assert!(!cases.is_empty(), "there are no cases");
    assert!(failed.is_empty(), "failed: {failed:?}");
}
