//! Rules files of 10 to 10,000 rules: ns per event, and the time to load and
//! compile the file.
//!
//! Measured, on one core: `Judge::decide` about three ConfigMaps in turn, of
//! which one belongs to the first rule, one to the last, and one to none; and
//! `rules::load` with `Plan::compile`, once. The files differ in what tells
//! their rules apart:
//! * the namespace (`namespaces`), which is in the key;
//! * the value of a label (`labelSelectors`);
//! * the value of a label in a `when`, beside a regular expression that all
//!   rules share;
//! * the beginning of a label's value in a `when`, which no index helps with:
//!   every rule is tried;
//! * the kind: all rules but one are for Secrets.
//!
//! The figure of an event is the median of several rounds. Not measured:
//! decryption, Namespaces, more than one core.
//!
//! `cargo bench --bench rules`.

#[path = "report/mod.rs"]
mod report;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::Plan;
use carry::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use carry::rules::namespaces::Namespaces;
use k8s_pb::api::core::v1::ConfigMap;
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use prost::Message;
use report::{Better, Report, Row, median};

/// Short, so that most are over before the scheduler gives the core away.
const ROUND: Duration = Duration::from_micros(500);
const ROUNDS: usize = 201;
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// What tells the rules of a file apart.
struct Shape {
    name: &'static str,
    /// The kind, and the lines of the rule with a number.
    rule: fn(usize) -> (&'static str, String),
}

const SHAPES: [Shape; 5] = [
    Shape {
        name: "namespaces",
        rule: |number| ("ConfigMap", format!("      namespaces: [team-{number}]\n")),
    },
    Shape {
        name: "labels",
        rule: |number| {
            let selector = format!("        - matchLabels: {{team: team-{number}}}\n");
            ("ConfigMap", format!("      labelSelectors:\n{selector}"))
        },
    },
    Shape {
        name: "`when`, shared in part",
        rule: |number| {
            let own = format!("object.metadata.labels.team == 'team-{number}'");
            let shared = "object.metadata.name.matches('^settings-[a-z]+$')";
            ("ConfigMap", format!("      when: \"{own} && {shared}\"\n"))
        },
    },
    Shape {
        name: "`when`, none indexed",
        rule: |number| {
            let own = format!("(object.metadata.labels.team + '.').startsWith('team-{number}.')");
            ("ConfigMap", format!("      when: \"{own}\"\n"))
        },
    },
    Shape {
        name: "one candidate",
        rule: |number| match number {
            0 => ("ConfigMap", "      namespaces: [team-0]\n".to_owned()),
            number => ("Secret", format!("      namespaces: [team-{number}]\n")),
        },
    },
];

fn main() {
    if !report::asked_for() {
        println!("rules: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("rules");
    for shape in &SHAPES {
        for size in SIZES {
            let text = file(shape, size);
            let start = Instant::now();
            let judge = judge(&text);
            let loading = start.elapsed().as_secs_f64() * 1000.0;
            let name = format!("{}, {size} rules", shape.name);
            let deciding = measure(&judge, shape, size);
            report.add(Row::new(&name, "ns/event", Better::Less, deciding));
            let name = format!("{name}, loading");
            report.add(Row::new(name, "ms", Better::Less, loading));
        }
    }
    report.finish();
}

fn file(shape: &Shape, size: usize) -> String {
    let mut text = "filters:\n  secondary:\n".to_owned();
    for number in 0..size {
        let (kind, lines) = (shape.rule)(number);
        write!(
            text,
            "    - name: rule-{number}\n      group: \"\"\n      resources:\n        \
             - {{group: \"\", version: v1, kind: {kind}}}\n{lines}"
        )
        .expect("a text");
    }
    text
}

fn judge(text: &str) -> Judge {
    let loaded = carry::rules::load(&SourceText::new("rules.yaml", text));
    let rules = loaded.rule_set;
    let rules = rules.unwrap_or_else(|| panic!("bad rules: {:?}", loaded.diagnostics.first()));
    let plan = Plan::compile(&rules, "/registry").0.expect("a plan");
    Judge::new(plan, Keyring::default())
}

fn measure(judge: &Judge, shape: &Shape, size: usize) -> f64 {
    let last = match shape.name {
        "one candidate" => 0,
        _ => size - 1,
    };
    let events = [
        (config_map("team-0"), true),
        (config_map(&format!("team-{last}")), true),
        (config_map("nobody"), false),
    ];
    let namespaces = Namespaces::default();
    let mut scratch = Scratch::default();
    let mut decide = |(key, value): &(String, Vec<u8>)| {
        let event = Event {
            key: key.as_bytes(),
            value: Some(value),
            leased: false,
            owned: false,
        };
        judge.decide(&event, &namespaces, &mut scratch)
    };
    for (event, selected) in &events {
        match decide(event) {
            Decision::Put { .. } => assert!(selected, "{}", event.0),
            Decision::Skip(SkipReason::NotSelected) => assert!(!selected, "{}", event.0),
            other => panic!("{}: {other:?}", event.0),
        }
    }
    // Without the label a `when` has no verdict, indexed or not.
    let bare = unlabelled("nobody");
    let held = matches!(decide(&bare), Decision::Hold { .. });
    assert_eq!(held, shape.name.starts_with("`when`"), "{}", shape.name);
    let rounds = (0..ROUNDS).map(|_| {
        let (start, mut done) = (Instant::now(), 0_usize);
        while start.elapsed() < ROUND {
            for (event, _) in &events {
                black_box(decide(black_box(event)));
            }
            done += events.len();
        }
        start.elapsed().as_nanos() as f64 / done as f64
    });
    median(rounds.collect())
}

/// A ConfigMap of a team in a namespace of the same name: its key and value.
fn config_map(team: &str) -> (String, Vec<u8>) {
    stored(team, &[("app", "web"), ("team", team), ("tier", "back")])
}

/// The same without the label.
fn unlabelled(team: &str) -> (String, Vec<u8>) {
    stored(team, &[("app", "web"), ("tier", "back")])
}

fn stored(team: &str, labels: &[(&str, &str)]) -> (String, Vec<u8>) {
    let labels = labels.iter();
    let config_map = ConfigMap {
        metadata: Some(ObjectMeta {
            name: Some("settings-web".to_owned()),
            namespace: Some(team.to_owned()),
            uid: Some("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9".to_owned()),
            labels: labels
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..ObjectMeta::default()
        }),
        data: BTreeMap::from([("settings.yaml".to_owned(), "x: 1\n".repeat(100))]),
        ..ConfigMap::default()
    };
    let mut meta = Vec::new();
    prost::encoding::string::encode(1, &"v1".to_owned(), &mut meta);
    prost::encoding::string::encode(2, &"ConfigMap".to_owned(), &mut meta);
    let mut value = b"k8s\0".to_vec();
    prost::encoding::bytes::encode(1, &meta, &mut value);
    prost::encoding::bytes::encode(2, &config_map.encode_to_vec(), &mut value);
    prost::encoding::string::encode(3, &String::new(), &mut value);
    prost::encoding::string::encode(4, &String::new(), &mut value);
    (format!("/registry/configmaps/{team}/settings-web"), value)
}
