//! `--witness`: for each rule an object that it selects, for each exclude one
//! that it takes away.
//!
//! Promises documents that `carry explain --file -` takes. Deliberately gives
//! the shortest objects that do, not the likeliest.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::rules_file::CheckedFile;
use crate::k8s::crypto::Keyring;
use crate::rules::decide::Judge;
use crate::rules::witness::{Content, Witness, witnesses};
use crate::rules::{Plan, Rule};

/// What was found for one rule.
pub struct Example {
    name: String,
    place: String,
    selected: Option<Witness>,
    excluded: Vec<Option<Witness>>,
}

/// Examples for every rule of a file without errors; none of one with errors.
pub fn of(file: &CheckedFile, prefix: &str) -> Vec<Example> {
    let Some(rules) = &file.checked.rule_set else {
        return Vec::new();
    };
    let (Some(plan), _) = Plan::compile(rules, prefix) else {
        return Vec::new();
    };
    let judge = Judge::new(plan, Keyring::default());
    let found = witnesses(rules, &judge).into_iter().zip(rules.rules());
    let example = |rule: &Rule, selected, excluded| {
        let (line, column) = file.source.line_column(rule.span.start);
        Example {
            name: rule.name.value.clone(),
            place: format!("{}:{line}:{column}", file.source.name),
            selected,
            excluded,
        }
    };
    found
        .map(|(own, rule)| example(rule, own.selected, own.excluded))
        .collect()
}

/// As YAML, with comments that say what each document shows.
pub fn yaml(examples: &[Example]) -> String {
    let mut out = String::new();
    for Example {
        name,
        place,
        selected,
        excluded,
    } in examples
    {
        match selected {
            Some(witness) => {
                let what = format!("`{name}` ({place}) selects `{}`", witness.key);
                document(&mut out, &what, witness);
            }
            None => {
                let _ = writeln!(out, "# `{name}` ({place}): no example was found");
            }
        }
        for (at, witness) in excluded.iter().enumerate() {
            match witness {
                Some(witness) => {
                    let what = format!("`{name}` leaves out `{}`, by excludes[{at}]", witness.key);
                    document(&mut out, &what, witness);
                }
                None => {
                    let _ = writeln!(out, "# `{name}`: no example was found for excludes[{at}]");
                }
            }
        }
    }
    out
}

fn document(out: &mut String, what: &str, witness: &Witness) {
    let _ = writeln!(out, "---\n# {}", what.replace(['\r', '\n'], " "));
    let mut parts: Vec<Value> = witness.namespace.iter().cloned().collect();
    parts.push(match &witness.content {
        Content::Object(object) => object.clone(),
        Content::Document(value) => json!({"key": witness.key, "value": value}),
        Content::Text(text) => json!({"key": witness.key, "value": text}),
    });
    let parts = parts
        .iter()
        .map(|part| serde_yaml::to_string(part).unwrap_or_default());
    out.push_str(&parts.collect::<Vec<_>>().join("---\n"));
}

/// The same for programs.
pub fn as_json(examples: &[Example]) -> Value {
    let all = examples.iter().map(|example| {
        json!({
            "rule": example.name,
            "selected": example.selected.as_ref().map(witness_json),
            "excluded": example
                .excluded
                .iter()
                .map(|own| own.as_ref().map(witness_json))
                .collect::<Vec<_>>(),
        })
    });
    all.collect()
}

fn witness_json(witness: &Witness) -> Value {
    let (field, value) = match &witness.content {
        Content::Object(object) => ("object", object.clone()),
        Content::Document(value) => ("value", value.clone()),
        Content::Text(text) => ("value", Value::String(text.clone())),
    };
    let mut shown = json!({"key": witness.key, "namespace": witness.namespace});
    shown[field] = value;
    shown
}
