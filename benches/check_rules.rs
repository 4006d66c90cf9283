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

#[path = "made/mod.rs"]
mod made;
#[path = "report/mod.rs"]
mod report;

use std::fmt::Write as _;
use std::hint::black_box;

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::decide::{Event, Judge, Scratch};
use carry::rules::namespaces::Namespaces;
use carry::rules::survey::{Stored, Survey};
use carry::rules::{Check, Plan, check, load};
use made::NAMESPACES;
use report::{Better, Report, Row, timed};

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

/// A name, and what tells the rule of a number apart.
type Shape = (&'static str, fn(usize) -> String);

/// What the rules of a large file look like.
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
        return made::namespace(number);
    }
    let (team, name) = made::place(number);
    let app = if number.is_multiple_of(7) {
        "web"
    } else {
        "db"
    };
    let (plural, value) = match (number / NAMESPACES).is_multiple_of(3) {
        true => ("secrets", made::secret(number, app)),
        false => ("configmaps", made::config_map(number, app)),
    };
    (format!("/registry/{plural}/{team}/{name}"), value)
}
