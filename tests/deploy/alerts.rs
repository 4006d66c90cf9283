//! The alerts: against the metrics that carry has, and under promtool against
//! series in which each must fire and all others must not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, list, metrics, path, query, read, text, tools};
use crate::mirror::harness::temp_dir;

const ALERTS: &str = "prometheus/alerts.yaml";

fn rules() -> Vec<Value> {
    let groups = document(&read(ALERTS));
    let groups = list(&groups, "/groups").iter();
    groups
        .flat_map(|group| list(group, "/rules").to_vec())
        .collect()
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let known = metrics::all();
    for rule in rules() {
        let found = query::findings(text(&rule, "/expr"), &known);
        assert!(found.is_empty(), "{}: {found:#?}", text(&rule, "/alert"));
    }
}

#[test]
fn alerts_say_what_to_do() {
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = text(&rule, "/alert").to_owned();
        let severity = text(&rule, "/labels/severity");
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        for field in ["summary", "description", "runbook"] {
            let text = text(&rule, &format!("/annotations/{field}"));
            assert!(text.len() > 15, "{name}: {field}: `{text}`");
        }
        assert!(names.insert(name.clone()), "{name} stands there twice");
    }
    for wanted in [
        "CarryLags",
        "CarryHoldsKeys",
        "CarryNobodyLeads",
        "CarryDestinationNearQuota",
        "CarryResyncStorm",
    ] {
        assert!(names.contains(wanted), "{wanted}");
    }
}

/// The names of alerts that a runbook refers to, and the metrics that any text
/// names.
#[test]
fn texts_name_what_there_is() {
    let rules = rules();
    let names: BTreeSet<&str> = rules.iter().map(|rule| text(rule, "/alert")).collect();
    let known = metrics::all();
    for rule in &rules {
        let annotations = rule["annotations"].as_object().expect("annotations");
        for said in annotations.values().filter_map(Value::as_str) {
            for word in said.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let alert = word.len() > 5 && word.starts_with("Carry");
                assert!(!alert || names.contains(word), "{word}");
                let metric = word.starts_with("carry_");
                assert!(!metric || has(&known, word), "{word}");
            }
        }
    }
}

/// A histogram may be named without what its series end with.
fn has(known: &std::collections::BTreeMap<String, metrics::Series>, name: &str) -> bool {
    known.contains_key(name) || known.contains_key(&format!("{name}_bucket"))
}

/// Whichever is changed, the other is made from it with
/// CARRY_UPDATE_DEPLOY=1.
#[test]
fn prometheus_operator_gets_the_same_alerts() {
    let alerts = read(ALERTS);
    let mut wanted = String::from(concat!(
        "# alerts.yaml for Prometheus Operator. Not to be edited: the tests make it anew\n",
        "# with CARRY_UPDATE_DEPLOY=1.\n",
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: carry\n",
        "  labels:\n    app.kubernetes.io/name: carry\n    app.kubernetes.io/component: mirror\nspec:\n",
    ));
    for line in alerts.lines() {
        wanted.push_str(if line.is_empty() { "" } else { "  " });
        wanted.push_str(line);
        wanted.push('\n');
    }
    let file = "prometheus/prometheusrule.yaml";
    if std::env::var_os("CARRY_UPDATE_DEPLOY").is_some() {
        std::fs::write(path(file), &wanted).expect("written");
    }
    assert!(
        read(file) == wanted,
        "{file} is not {ALERTS}: run the tests with CARRY_UPDATE_DEPLOY=1"
    );
    let object = document(&wanted);
    assert_eq!(object["spec"], document(&alerts));
    super::kinds::assert_good(
        &[object, document(&read("prometheus/servicemonitor.yaml"))],
        "prometheus",
    );
}

#[test]
fn each_alert_has_a_test_in_which_it_fires() {
    let tests = document(&read("prometheus/alerts_test.yaml"));
    let mut fire = BTreeSet::new();
    let mut quiet = 0;
    for test in list(&tests, "/tests") {
        for evaluated in list(test, "/promql_expr_test") {
            let samples = list(evaluated, "/exp_samples");
            quiet += usize::from(samples.is_empty());
            for sample in samples {
                let labels = text(sample, "/labels");
                let name = labels
                    .split("alertname=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                fire.insert(name.expect("a name").to_owned());
            }
        }
    }
    let all: BTreeSet<String> = rules()
        .iter()
        .map(|rule| text(rule, "/alert").to_owned())
        .collect();
    assert_eq!(fire, all);
    assert!(quiet >= all.len(), "{quiet}");
}

#[test]
fn promtool_agrees() {
    let Some(promtool) = tools::promtool("alerts under promtool") else {
        return;
    };
    let folder = path("prometheus");
    tools::stdout(&promtool, &["check", "rules", "alerts.yaml"], &folder);
    tools::stdout(&promtool, &["test", "rules", "alerts_test.yaml"], &folder);
    // A test that cannot fail would be none.
    let folder = temp_dir();
    let broken = read(ALERTS).replace("carry_held_keys > 0", "carry_held_keys > 5");
    assert_ne!(broken, read(ALERTS));
    std::fs::write(folder.path().join("alerts.yaml"), broken).expect("a file");
    let tests = read("prometheus/alerts_test.yaml");
    std::fs::write(folder.path().join("alerts_test.yaml"), tests).expect("a file");
    let ran = tools::run(
        &promtool,
        &["test", "rules", "alerts_test.yaml"],
        folder.path(),
    );
    let said = ran.stdout + &ran.stderr;
    assert!(!ran.ok && said.contains("CarryHoldsKeys"), "{said}");
}
