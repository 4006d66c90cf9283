//! Grafana's dashboard: it asks for metrics that there are, and shows all of
//! them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{list, metrics, query, read, text};

/// Metrics that are not on it, and why.
const NOT_SHOWN: [(&str, &str); 2] = [
    (
        "process_virtual_memory_bytes",
        "RocksDB and the allocator reserve what they do not use: it tells nothing",
    ),
    (
        "carry_service_address_info",
        "a mapping to look things up in: the page and `/status` show it",
    ),
];

fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/carry.json")).expect("JSON")
}

fn panels(dashboard: &Value) -> &[Value] {
    list(dashboard, "/panels")
}

/// Every expression, and where it stands.
fn expressions(dashboard: &Value) -> Vec<(&str, &str)> {
    let targets = panels(dashboard).iter().flat_map(|panel| {
        let targets = list(panel, "/targets").iter();
        targets.map(|target| (text(panel, "/title"), text(target, "/expr")))
    });
    let marks = list(dashboard, "/annotations/list").iter();
    targets
        .chain(marks.map(|mark| (text(mark, "/name"), text(mark, "/expr"))))
        .collect()
}

#[test]
fn it_asks_for_metrics_that_there_are() {
    let dashboard = dashboard();
    let known = metrics::all();
    for (title, expression) in expressions(&dashboard) {
        let found = query::findings(expression, &known);
        assert!(found.is_empty(), "{title}: {found:#?}");
    }
}

#[test]
fn it_shows_every_metric() {
    let dashboard = dashboard();
    let shown: BTreeSet<String> = expressions(&dashboard)
        .iter()
        .flat_map(|(_, expression)| query::names(expression))
        .collect();
    let known = metrics::all();
    let missing: Vec<&String> = known
        .keys()
        .filter(|name| !shown.contains(*name))
        .filter(|name| !NOT_SHOWN.iter().any(|(not_shown, _)| not_shown == *name))
        .collect();
    assert!(missing.is_empty(), "not on the dashboard: {missing:?}");
    for (name, _) in NOT_SHOWN {
        assert!(known.contains_key(name) && !shown.contains(name), "{name}");
    }
}

#[test]
fn its_panels_are_whole_and_none_covers_another() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    let mut covered = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = text(panel, "/title");
        assert!(
            !title.is_empty() && ids.insert(panel["id"].as_i64()),
            "{title}"
        );
        let at = |field: &str| panel["gridPos"][field].as_i64().expect("a place");
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(covered.insert((x, y)), "{title} covers another");
            }
        }
        if text(panel, "/type") == "row" {
            continue;
        }
        assert!(text(panel, "/description").len() > 5, "{title}");
        assert!(!list(panel, "/targets").is_empty(), "{title}");
        for target in list(panel, "/targets") {
            assert_eq!(text(target, "/datasource/uid"), "${datasource}", "{title}");
            assert!(!text(target, "/legendFormat").is_empty(), "{title}");
        }
    }
    let rows = panels(&dashboard)
        .iter()
        .filter(|panel| text(panel, "/type") == "row");
    assert!(rows.count() >= 6);
}

#[test]
fn its_variables_are_there_and_every_panel_heeds_them() {
    let dashboard = dashboard();
    let variables = list(&dashboard, "/templating/list").iter();
    let variables: BTreeSet<&str> = variables.map(|variable| text(variable, "/name")).collect();
    assert_eq!(
        variables,
        BTreeSet::from(["datasource", "job", "namespace"])
    );
    for (title, expression) in expressions(&dashboard) {
        assert!(
            expression.contains(r#"job=~"$job""#),
            "{title}: {expression}"
        );
        for (_, rest) in expression
            .match_indices('$')
            .map(|(at, _)| expression.split_at(at + 1))
        {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            assert!(
                name == "__rate_interval" || variables.contains(name),
                "{title}: ${name}"
            );
        }
    }
}
