//! `carry check-rules`: how long until a large file is checked, and until its
//! rules have been counted over many keys.
//!
//! Measured, on one core:
//! * `rules::load` and `rules::check` with every lint, over generated files of
//!   10,000 rules; beside it the same without lints, which is what `carry run`
//!   does of it;
//! * `Survey::add` over the keys of a made cluster: ConfigMaps and Secrets of
//!   1.6 KB in protobuf, in 100 Namespaces; a fifth of the keys is selected.
//!   Beside it the same keys one by one, every rule traced (`Judge::trace`), and
//!   as what could be reached at best, `Judge::decide` alone, which does not say
//!   what other rules and excludes select.
//!
//! Each figure is the median of several runs. Not measured: reading a file or a
//! source (see `explain`), encryption.
//!
//! `cargo bench --bench check_rules`, with CARRY_BENCH_KEYS (100000) and
//! CARRY_BENCH_RULES (10000).

#[path = "report/mod.rs"]
mod report;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::decide::{Event, Judge, Scratch};
use carry::rules::namespaces::Namespaces;
use carry::rules::survey::{Stored, Survey};
use carry::rules::{Check, Plan, check, load};
use k8s_pb::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use prost::Message;
use report::{Better, Report, Row, median};

const RUNS: usize = 5;
const NAMESPACES: usize = 100;

const RULES: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{version: v1, kind: Namespace}]
  secondary:
    - name: web
      group: ""
      resources: [{version: v1, kind: ConfigMap}]
      labelSelectors:
        - matchLabels: {app: web}
      when: "object.metadata.labels.?tier.orValue('') != 'test'"
    - name: secrets-of-prod
      group: ""
      resources: [{version: v1, kind: Secret}]
      namespaceSelectors:
        - matchLabels: {env: prod}
      excludes:
        - name: skip-me
        - labelSelectors:
            - matchLabels: {app: web}
"#;

/// What tells the rules of a large file apart.
/// A name, and the rule of a number.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 3] = [
    ("namespaces", |number| {
        format!("      namespaces: [team-{number}]\n")
    }),
    ("labels and excludes", |number| {
        format!(
            "      labelSelectors:\n        - matchLabels: {{team: team-{number}}}\n      excludes:\n        - name: skip-{number}\n"
        )
    }),
    ("`when`", |number| {
        format!("      when: \"object.metadata.name == 'team-{number}'\"\n")
    }),
];

fn main() {
    if !report::asked_for() {
        println!("check_rules: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("check_rules");
    let size = number("CARRY_BENCH_RULES", 10_000);
    for (name, lines) in SHAPES {
        let text = file(size, lines);
        let row = Row::new(
            format!("{size} rules, {name}"),
            "ms",
            Better::Less,
            timed(|| checked(&text, true)),
        );
        report.add(row.peer("without lints", timed(|| checked(&text, false))));
    }
    survey(&mut report, number("CARRY_BENCH_KEYS", 100_000));
    report.finish();
}

fn number(variable: &str, usual: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.map_or(usual, |text| text.parse().expect("a number"))
}

/// Milliseconds.
fn timed(mut run: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1000.0
    };
    median((0..RUNS).map(once).collect())
}

fn file(size: usize, lines: fn(usize) -> String) -> String {
    let mut text = "filters:\n  secondary:\n".to_owned();
    for number in 0..size {
        write!(
            text,
            "    - name: rule-{number}\n      group: \"\"\n      resources:\n        \
             - {{group: \"\", version: v1, kind: ConfigMap}}\n{}",
            lines(number)
        )
        .expect("a text");
    }
    text
}

fn checked(text: &str, lints: bool) {
    let how = Check {
        prefix: "/registry".to_owned(),
        lints,
        ..Check::default()
    };
    let checked = check(load(&SourceText::new("rules.yaml", text)), &how);
    assert!(checked.plan.is_some());
    black_box(checked);
}

fn survey(report: &mut Report, keys: usize) {
    let rules = load(&SourceText::new("rules.yaml", RULES)).rule_set;
    let plan = Plan::compile(&rules.expect("rules"), "/registry").0;
    let judge = Judge::new(plan.expect("a plan"), Keyring::default());
    let items: Vec<(String, Vec<u8>)> = (0..keys).map(item).collect();
    let mut namespaces = Namespaces::default();
    for (key, value) in &items {
        if let Some(name) = judge.namespace_of_key(key.as_bytes()) {
            namespaces.set(name, judge.namespace_view(key.as_bytes(), value));
        }
    }
    let surveyed = timed(|| {
        let mut survey = Survey::new(&judge);
        for (key, value) in &items {
            let stored = Stored {
                key: key.as_bytes(),
                value,
                leased: false,
            };
            survey.add(&stored, &namespaces);
        }
        let surveyed = survey.finish();
        assert!(surveyed.rules.iter().all(|rule| rule.selects.keys > 0));
        assert!(surveyed.rules[2].excludes[1].keys > 0);
    });
    let traced = timed(|| {
        for (key, value) in &items {
            let traced = judge.trace(key.as_bytes(), value, &namespaces, false);
            black_box(traced.expect("a trace"));
        }
    });
    let mut scratch = Scratch::default();
    let decided = timed(|| {
        for (key, value) in &items {
            let event = Event {
                key: key.as_bytes(),
                value: Some(value),
                leased: false,
                owned: false,
            };
            black_box(judge.decide(&event, &namespaces, &mut scratch));
        }
    });
    let row = Row::new(format!("{keys} keys counted"), "ms", Better::Less, surveyed);
    report.add(row.peer("every rule traced", traced).limit(decided));
}

/// A Namespace, and then of three: a Secret and two ConfigMaps.
fn item(number: usize) -> (String, Vec<u8>) {
    if number < NAMESPACES {
        let env = if number.is_multiple_of(4) {
            "prod"
        } else {
            "dev"
        };
        let namespace = Namespace {
            metadata: Some(metadata(&format!("team-{number}"), None, &[("env", env)])),
            ..Namespace::default()
        };
        let value = stored("Namespace", &namespace);
        return (format!("/registry/namespaces/team-{number}"), value);
    }
    let (team, name) = (
        format!("team-{}", number % NAMESPACES),
        format!("object-{number:06}"),
    );
    let app = if number.is_multiple_of(7) {
        "web"
    } else {
        "db"
    };
    let metadata = metadata(&name, Some(&team), &[("app", app), ("tier", "front")]);
    let data = "setting: value\n".repeat(90);
    if (number / NAMESPACES).is_multiple_of(3) {
        let secret = Secret {
            metadata: Some(metadata),
            data: BTreeMap::from([("a".to_owned(), data.into_bytes())]),
            ..Secret::default()
        };
        let key = format!("/registry/secrets/{team}/{name}");
        return (key, stored("Secret", &secret));
    }
    let config_map = ConfigMap {
        metadata: Some(metadata),
        data: BTreeMap::from([("a".to_owned(), data)]),
        ..ConfigMap::default()
    };
    let key = format!("/registry/configmaps/{team}/{name}");
    (key, stored("ConfigMap", &config_map))
}

fn metadata(name: &str, namespace: Option<&str>, labels: &[(&str, &str)]) -> ObjectMeta {
    let labels = labels.iter();
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        uid: Some("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9".to_owned()),
        labels: labels
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..ObjectMeta::default()
    }
}

/// As a kube-apiserver stores it.
fn stored(kind: &str, object: &impl Message) -> Vec<u8> {
    let mut meta = Vec::new();
    prost::encoding::string::encode(1, &"v1".to_owned(), &mut meta);
    prost::encoding::string::encode(2, &kind.to_owned(), &mut meta);
    let mut value = b"k8s\0".to_vec();
    prost::encoding::bytes::encode(1, &meta, &mut value);
    prost::encoding::bytes::encode(2, &object.encode_to_vec(), &mut value);
    prost::encoding::string::encode(3, &String::new(), &mut value);
    prost::encoding::string::encode(4, &String::new(), &mut value);
    value
}
