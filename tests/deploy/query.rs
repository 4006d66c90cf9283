//! Expressions of PromQL against the metrics that carry has: names, labels,
//! values of labels, and what may be asked of which type.

use std::collections::BTreeMap;

use super::metrics::{Series, TARGET};

/// What PromQL knows, of what is used here.
const WORDS: [&str; 22] = [
    "sum",
    "max",
    "count",
    "by",
    "on",
    "and",
    "unless",
    "absent",
    "rate",
    "increase",
    "changes",
    "deriv",
    "delta",
    "predict_linear",
    "histogram_quantile",
    "last_over_time",
    "max_over_time",
    "time",
    "or",
    "min",
    "avg",
    "bool",
];
/// Metrics of Prometheus itself.
const ITS_OWN: [&str; 2] = ["up", "ALERTS"];
/// What counts what has grown.
const OF_COUNTERS: [&str; 2] = ["rate", "increase"];
/// What looks at how something has changed over time, up or down.
const OF_GAUGES: [&str; 4] = ["delta", "deriv", "changes", "predict_linear"];

/// One metric as it is asked for.
struct Asked {
    name: String,
    matchers: Vec<(String, String, String)>,
    /// The function right around it.
    function: String,
    /// Whether it stands over a time, as in `x[5m]`.
    ranged: bool,
}

/// What is wrong with an expression.
pub fn findings(expression: &str, known: &BTreeMap<String, Series>) -> Vec<String> {
    let (asked, grouped) = read(expression);
    let mut found = Vec::new();
    for metric in &asked {
        let name = &metric.name;
        if ITS_OWN.contains(&name.as_str()) {
            continue;
        }
        let Some(series) = known.get(name) else {
            found.push(format!("`{name}` is no metric of carry"));
            continue;
        };
        let counts = series.kind == "counter" || series.kind == "histogram";
        let function = metric.function.as_str();
        match (counts, metric.ranged) {
            (true, true) if !OF_COUNTERS.contains(&function) => {
                found.push(format!("`{name}` counts: `{function}` is not for it"));
            }
            (true, false) => found.push(format!("`{name}` counts: take its rate or increase")),
            (false, true) if OF_COUNTERS.contains(&function) => {
                found.push(format!(
                    "`{name}` does not count: `{function}` is not for it"
                ));
            }
            (false, true) if !OF_GAUGES.contains(&function) && function != "last_over_time" => {
                found.push(format!("`{function}` of `{name}`?"));
            }
            _ => {}
        }
        for matcher in &metric.matchers {
            found.extend(wrong_matcher(name, series, matcher));
        }
    }
    for label in grouped {
        let mut all = asked.iter().filter_map(|metric| known.get(&metric.name));
        if !TARGET.contains(&label.as_str())
            && !all.any(|series| series.labels.contains_key(&label))
        {
            found.push(format!("no metric here has the label `{label}`"));
        }
    }
    found
}

fn wrong_matcher(
    name: &str,
    series: &Series,
    matcher: &(String, String, String),
) -> Option<String> {
    let (label, operator, value) = matcher;
    if TARGET.contains(&label.as_str()) {
        return None;
    }
    let Some(values) = series.labels.get(label) else {
        return Some(format!("`{name}` has no label `{label}`"));
    };
    let wanted: Vec<&str> = match operator.as_str() {
        "=~" | "!~" => value.split('|').collect(),
        _ => vec![value.as_str()],
    };
    let strange = wanted.iter().find(|wanted| !values.contains(**wanted));
    strange.map(|strange| format!("`{label}` of `{name}` is never `{strange}`"))
}

/// The metrics that are asked for, and the labels that things are grouped by.
fn read(expression: &str) -> (Vec<Asked>, Vec<String>) {
    let tokens = tokens(expression);
    let mut asked: Vec<Asked> = Vec::new();
    let mut grouped = Vec::new();
    let mut around = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        let next = tokens.get(at + 1).map_or("", String::as_str);
        match token {
            "by" | "on" | "without" | "ignoring" => {
                at += 2;
                while tokens[at] != ")" {
                    if tokens[at] != "," {
                        grouped.push(tokens[at].clone());
                    }
                    at += 1;
                }
            }
            "(" => around.push(String::new()),
            ")" => drop(around.pop()),
            "{" => {
                let metric = asked.last_mut().expect("a metric before its labels");
                at += 1;
                while tokens[at] != "}" {
                    if tokens[at] != "," {
                        let value = tokens[at + 2].trim_matches('"').to_owned();
                        metric
                            .matchers
                            .push((tokens[at].clone(), tokens[at + 1].clone(), value));
                        at += 2;
                    }
                    at += 1;
                }
            }
            "[" => {
                // After a bracket it is the time of all that stands in it.
                if tokens[at - 1] != ")" {
                    asked.last_mut().expect("a metric before its time").ranged = true;
                }
                while tokens[at] != "]" {
                    at += 1;
                }
            }
            _ if !token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {}
            _ if next == "(" => {
                assert!(WORDS.contains(&token), "`{token}` in {expression}");
                around.push(token.to_owned());
                at += 1;
            }
            _ if WORDS.contains(&token) => {}
            _ => asked.push(Asked {
                name: token.to_owned(),
                matchers: Vec::new(),
                function: around.last().cloned().unwrap_or_default(),
                ranged: false,
            }),
        }
        at += 1;
    }
    (asked, grouped)
}

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            rest[1..].find('"').expect("the end of a text") + 2
        } else if first.is_ascii_alphanumeric() || "_$".contains(first) {
            let inside = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
            rest.find(|c| !inside(c)).unwrap_or(rest.len())
        } else if "=!<>".contains(first) {
            rest.find(|c| !"=!<>~".contains(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

/// The names of all metrics in an expression.
pub fn names(expression: &str) -> Vec<String> {
    read(expression)
        .0
        .into_iter()
        .map(|metric| metric.name)
        .collect()
}

#[test]
fn what_is_wrong_is_found() {
    let known = super::metrics::all();
    for good in [
        "carry_leader == 1",
        r#"sum by (job, reason) (increase(carry_resyncs_total{reason!~"requested|rules"}[1h])) > 3"#,
        r#"carry_phase{phase="tail", job=~"$job"} == 1 and on (job) up == 1"#,
        "histogram_quantile(0.99, sum by (le) (rate(carry_transaction_duration_seconds_bucket[5m])))",
        "max_over_time(count by (job) (carry_build_info)[6h:5m]) > 1",
        "max by (job) (predict_linear(carry_destination_db_size_bytes[6h], 86400)) > 0.5 * 2147483648",
    ] {
        assert_eq!(findings(good, &known), Vec::<String>::new(), "{good}");
    }
    for wrong in [
        "carry_lead == 1",
        "carry_resyncs == 1",
        "carry_resyncs_total > 1",
        "rate(carry_leader[5m])",
        "delta(carry_resyncs_total[5m]) > 0",
        r#"carry_phase{phase="tial"}"#,
        r#"carry_phase{fase="tail"}"#,
        r#"rate(carry_resyncs_total{reason=~"history|histroy"}[1h])"#,
        "sum by (reason) (carry_leader)",
    ] {
        assert_eq!(findings(wrong, &known).len(), 1, "{wrong}");
    }
}
