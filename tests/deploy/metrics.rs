//! The metrics that carry really has, with their labels and the values that
//! those take: what alerts and the dashboard are compared with.

use std::collections::{BTreeMap, BTreeSet};

use carry::metrics::{Metrics, Readdressed};

/// One name of a sample.
#[derive(Default)]
pub struct Series {
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: String,
    pub labels: BTreeMap<String, BTreeSet<String>>,
}

/// Labels that Prometheus gives to everything that it scrapes.
pub const TARGET: [&str; 3] = ["namespace", "job", "instance"];

/// By the names that Prometheus stores.
pub fn all() -> BTreeMap<String, Series> {
    let metrics = Metrics::default();
    metrics.rule_keys("a rule", 1);
    let [source, destination] = ["10.0.0.1", "10.9.0.7"].map(|ip| ip.parse().expect("an address"));
    let key = "/registry/services/specs/shop/web".to_owned();
    metrics.readdressed(
        [Readdressed {
            key,
            source,
            destination,
        }]
        .into_iter(),
    );
    let text = metrics.encode();
    assert!(
        text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1,
        "{text}"
    );
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut kind = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            kind = rest.split(' ').nth(1).expect("a type").to_owned();
        }
        if line.starts_with('#') {
            continue;
        }
        let end = line.find(['{', ' ']).expect("a sample");
        let series = all.entry(line[..end].to_owned()).or_default();
        series.kind.clone_from(&kind);
        for (label, value) in labels(&line[end..]) {
            series.labels.entry(label).or_default().insert(value);
        }
    }
    all
}

/// `{a="b",c="d"} 1`.
fn labels(rest: &str) -> Vec<(String, String)> {
    let Some((inside, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return Vec::new();
    };
    let pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[test]
fn what_carry_has_is_read_right() {
    let all = all();
    assert_eq!(all["carry_leader"].kind, "gauge");
    assert_eq!(all["carry_resyncs_total"].kind, "counter");
    assert!(all["carry_resyncs_total"].labels["reason"].contains("history"));
    assert_eq!(
        all["carry_transaction_duration_seconds_bucket"].kind,
        "histogram"
    );
    assert_eq!(all["process_cpu_seconds_total"].kind, "counter");
    assert_eq!(all["process_resident_memory_bytes"].kind, "gauge");
    assert!(all.contains_key("carry_build_info"));
    assert!(all.len() > 30, "{}", all.len());
}
