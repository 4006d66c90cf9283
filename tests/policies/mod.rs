//! Policies over what a real kube-apiserver stored: what is kept out, what is
//! changed, and nothing else.

mod drift;
mod kept_out;
pub mod landing;
mod rewriting;
mod services;
mod workloads;

use carry::diagnostic::{SourceText, Style, render};
use carry::k8s::Keyring;
use carry::rules::decide::{Decision, Event, Judge, Scratch};
use carry::rules::namespaces::Namespaces;
use carry::rules::{self, Plan};

use crate::shared;

fn judge(rules: &str) -> Judge {
    let source = SourceText::new("rules.yaml", rules);
    let loaded = rules::load(&source);
    let shown = render(&source, &loaded.diagnostics, Style::default());
    let rules = loaded.rule_set.unwrap_or_else(|| panic!("{shown}"));
    let (plan, found) = Plan::compile(&rules, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
    let keyring = shared::corpus_encryption("policies")
        .map(|text| Keyring::parse("encryption.yaml", &text).expect("a configuration"));
    Judge::new(plan, keyring.unwrap_or_default())
}

fn decide(judge: &Judge, key: &str, value: &[u8]) -> Decision {
    let event = Event {
        key: key.as_bytes(),
        value: Some(value),
        leased: false,
        owned: false,
    };
    judge.decide(&event, &Namespaces::default(), &mut Scratch::default())
}
