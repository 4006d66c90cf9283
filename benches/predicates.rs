//! Deciding about events from stored bytes: ns per event over the 287 values of
//! the shared corpus, in the order of their keys.
//!
//! Measured, on one core: `Judge::decide` from the key and the stored bytes to
//! the decision, decryption of Secrets included, with the example rules
//! (`deploy/examples/rules.yaml`); the same for only those events whose value
//! the plan has to read; and rules that select by label over every kind, so
//! that every value is scanned. The figure is the median of several rounds.
//!
//! The Go original's figure (36,000 ns an event on the same corpus) was
//! measured elsewhere, once: it stands in the table as a given number, not as a
//! peer of this run.
//!
//! Not measured: reading from etcd, writing, more than one core.
//!
//! `cargo bench --bench predicates`, with CARRY_SHARED for the data.

#[path = "report/mod.rs"]
mod report;
#[path = "../tests/shared.rs"]
mod shared;

use std::hint::black_box;
use std::time::{Duration, Instant};

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::Plan;
use carry::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use carry::rules::namespaces::Namespaces;
use report::{Better, Report, Row, median};
use shared::Stored;

/// ns per event, as measured for etcd-carry over the same corpus.
const ETCD_CARRY: f64 = 36_000.0;

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(100);

const EVERY_KIND: &str = "\
filters:
  secondary:
    - group: \"*\"
      labelSelectors:
        - matchLabels: {test.io/namespace-kind: unique}
        - matchExpressions: [{key: app, operator: In, values: [web, db]}]
";

fn main() {
    if !report::asked_for() {
        println!("predicates: run by `cargo bench` only");
        return;
    }
    let Some(corpus) = shared::corpus("predicates") else {
        return;
    };
    let example = include_str!("../deploy/examples/rules.yaml");
    let example = Setup::new(example, &corpus);
    let every_kind = Setup::new(EVERY_KIND, &corpus);
    let all: Vec<&Stored> = corpus.iter().collect();
    let read: Vec<&Stored> = corpus
        .iter()
        .filter(|stored| example.reads(stored))
        .collect();

    let mut report = Report::new("predicates");
    let rows = [
        (
            format!("example rules, all {} events", all.len()),
            &example,
            &all,
        ),
        (
            format!(
                "example rules, the {} events whose value is read",
                read.len()
            ),
            &example,
            &read,
        ),
        (
            format!("labels over every kind, all {} events", all.len()),
            &every_kind,
            &all,
        ),
    ];
    for (name, setup, events) in rows {
        let figure = setup.measure(events);
        let row = Row::new(name, "ns/event", Better::Less, figure);
        report.add(row.peer("etcd-carry (given)", ETCD_CARRY));
    }
    report.finish();
}

struct Setup {
    judge: Judge,
    namespaces: Namespaces,
}

impl Setup {
    fn new(rules: &str, corpus: &[Stored]) -> Setup {
        let loaded = carry::rules::load(&SourceText::new("rules.yaml", rules));
        let rules = loaded.rule_set.expect("good rules");
        let plan = Plan::compile(&rules, "/registry").0.expect("a plan");
        let keys = shared::corpus_encryption("predicates").expect("beside the corpus");
        let judge = Judge::new(
            plan,
            Keyring::parse("encryption.yaml", &keys).expect("keys"),
        );
        let mut namespaces = Namespaces::default();
        for stored in corpus {
            if let Some(name) = judge.namespace_of_key(stored.key.as_bytes()) {
                let view = judge.namespace_view(stored.key.as_bytes(), &stored.value);
                namespaces.set(name, view);
            }
        }
        Setup { judge, namespaces }
    }

    /// Whether deciding about it takes more than the key: a value that cannot
    /// be read is then held.
    fn reads(&self, stored: &Stored) -> bool {
        let garbage = Stored {
            key: stored.key.clone(),
            value: b"?".to_vec(),
            lease: 0,
            json: serde_json::Value::Null,
        };
        matches!(
            self.decide(&garbage, &mut Scratch::default()),
            Decision::Hold { .. }
        )
    }

    fn decide(&self, stored: &Stored, scratch: &mut Scratch) -> Decision {
        let event = Event {
            key: stored.key.as_bytes(),
            value: Some(&stored.value),
            leased: stored.lease != 0,
            owned: false,
        };
        self.judge.decide(&event, &self.namespaces, scratch)
    }

    fn measure(&self, events: &[&Stored]) -> f64 {
        let mut scratch = Scratch::default();
        for stored in events {
            let decision = self.decide(stored, &mut scratch);
            let held = matches!(decision, Decision::Hold { .. });
            assert!(
                !held && decision != Decision::Skip(SkipReason::Outside),
                "{}",
                stored.key
            );
        }
        let rounds = (0..ROUNDS).map(|_| {
            let (start, mut done) = (Instant::now(), 0_usize);
            while start.elapsed() < ROUND {
                for stored in events {
                    black_box(self.decide(black_box(stored), &mut scratch));
                }
                done += events.len();
            }
            start.elapsed().as_nanos() as f64 / done as f64
        });
        median(rounds.collect())
    }
}
