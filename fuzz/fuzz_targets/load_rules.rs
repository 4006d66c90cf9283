//! Any bytes as a rules file: loaded or refused, rendered, and compiled where
//! they are good; never a panic, and every place lies within the text.
#![no_main]

use carry::diagnostic::{Style, render};
use carry::rules::{Plan, load_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (source, loaded) = load_bytes("fuzz.yaml", bytes.to_vec());
    let mut diagnostics = loaded.diagnostics;
    if let Some(rules) = &loaded.rule_set {
        let (plan, found) = Plan::compile(rules, "/registry");
        diagnostics.extend(found);
        if let Some(plan) = plan {
            assert!(plan.stages().len() == rules.sequential.len() + 1);
            let _ = plan.listing();
        }
    }
    for label in diagnostics.iter().flat_map(|own| &own.labels) {
        assert!(label.span.end as usize <= source.text.len());
    }
    let _ = render(&source, &diagnostics, Style::default());
});
