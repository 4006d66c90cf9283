//! Reading JSON by path: ns per value, for values as a kube-apiserver stored
//! them (`kube/corpus`) and for synthetic custom resources of 1, 8 and 64 KiB.
//!
//! Measured, on one core, from the stored bytes to the fields as text:
//! * one early field (`metadata.name`) and one late one (the last string of
//!   the value);
//! * three at once: the name, one label, the late field;
//! * the check of the whole value that precedes a write.
//!
//! Ours is what a predicate costs: `Record::parse`, which finds apiVersion and
//! kind, then `Record::scan` with a query that was compiled before. Peers:
//! `sonic_rs::get` (for three: `get_many` with a pointer tree), and serde_json
//! to a tree; for the check, both into nothing. All get bytes and have to
//! return the same text.
//!
//! What to expect: of a repeated key the last counts, so we always read to the
//! end. `sonic_rs::get` takes the first and stops there, so it wins for a
//! single field near the beginning, by as much as lies behind it (the name of
//! an APIService or a CustomResourceDefinition is the first of its metadata).
//! It checks what it skips, which we leave to `Record::verify`.
//!
//! Not measured: compiling paths, more than one core.
//!
//! `cargo bench --bench json`, with CARRY_SHARED for the corpus.

#[path = "report/mod.rs"]
mod report;
#[path = "../tests/shared.rs"]
mod shared;

use std::hint::black_box;
use std::time::{Duration, Instant};

use carry::k8s::{Field, Path, Query, Record, Step};
use report::{Better, Report, Row, median};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use sonic_rs::{JsonValueTrait as _, PointerNode, PointerTree};

const ROUNDS: usize = 25;
const ROUND: Duration = Duration::from_millis(10);

fn main() {
    if !report::asked_for() {
        println!("json: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("json");
    for (name, values) in sets() {
        let cases: Vec<Case> = values.into_iter().map(Case::new).collect();
        let bytes: usize = cases.iter().map(|case| case.text.len()).sum();
        let name = format!("{name} ({} B)", bytes / cases.len().max(1));
        report.add(one(&name, "early", &cases, |case| &case.early));
        report.add(one(&name, "late", &cases, |case| &case.late));
        report.add(three(&name, &cases));
        report.add(check(&name, &cases));
    }
    report.finish();
}

/// What is measured together.
fn sets() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let corpus = shared::corpus("json").unwrap_or_default();
    let stored = |part: &str, but: &str| -> Vec<Vec<u8>> {
        let wanted = corpus.iter().filter(|stored| {
            stored.value.starts_with(b"{")
                && stored.key.contains(part)
                && (but.is_empty() || !stored.key.contains(but))
        });
        wanted.map(|stored| stored.value.clone()).collect()
    };
    let mut sets = vec![
        ("stored custom resources", stored("/registry/", "k8s.io/")),
        ("stored APIServices", stored("/apiservices/", "")),
        ("stored CRDs", stored("/customresourcedefinitions/", "")),
        ("synthetic 1 KiB", vec![custom_resource(1 << 10)]),
        ("synthetic 8 KiB", vec![custom_resource(8 << 10)]),
        ("synthetic 64 KiB", vec![custom_resource(64 << 10)]),
    ];
    sets.retain(|(_, values)| !values.is_empty());
    sets
}

/// A custom resource as kubectl and a controller leave it, of about `size`
/// bytes: a quarter of it metadata, of which half managed fields.
fn custom_resource(size: usize) -> Vec<u8> {
    let mut count = 0;
    loop {
        let text = grown(count).to_string() + "\n";
        if text.len() >= size {
            return text.into_bytes();
        }
        count += 1;
    }
}

fn grown(count: usize) -> Value {
    let replicas = |place: usize| {
        json!({
            "name": format!("worker-{place}"), "image": "registry.example.com/team/worker:1.2.3",
            "replicas": place, "paused": false, "command": ["/bin/worker", "--queue", "a\\b"],
            "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}, "weight": 0.5},
        })
    };
    let managed = |place: usize| {
        let owned = json!({"f:image": {}, "f:replicas": {}, "f:resources": {"f:limits": {}}});
        (format!("k:{{\"name\":\"worker-{place}\"}}"), owned)
    };
    let managed: serde_json::Map<_, _> = (0..count).map(managed).collect();
    let spec = json!({"replicas": (0..count).map(replicas).collect::<Vec<_>>()});
    let applied = json!({"spec": {"replicas": (0..count / 8).map(replicas).collect::<Vec<_>>()}});
    json!({
        "apiVersion": "test.io/v1",
        "kind": "Cell",
        "metadata": {
            "name": "a-cell",
            "namespace": "default",
            "uid": "2b1c9f5e-6f0a-4d53-9b53-d4a2a5d1c0de",
            "labels": {"app": "cell", "team": "a", "tier": "back"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied.to_string()},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": managed}}],
        },
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "Fine"}],
            "phase": "Running",
        },
    })
}

/// A value, and how each of us asks for its fields.
struct Case {
    text: &'static [u8],
    record: Record<'static>,
    early: Way,
    late: Way,
    query: Query,
    tree: PointerTree,
    pointers: [String; 3],
}

/// One field.
struct Way {
    query: Query,
    nodes: Vec<PointerNode>,
    pointer: String,
}

impl Way {
    fn new(path: &Path, (api_version, kind): (&str, &str)) -> Way {
        Way {
            query: Query::new(std::slice::from_ref(path), api_version, kind),
            nodes: nodes(path),
            pointer: pointer(path),
        }
    }
}

fn nodes(path: &Path) -> Vec<PointerNode> {
    let node = |step: &Step| match step {
        Step::Field(name) | Step::Key(name) => PointerNode::Key(name.to_string().into()),
        Step::Index(index) => PointerNode::Index(*index as usize),
    };
    path.steps().iter().map(node).collect()
}

fn pointer(path: &Path) -> String {
    let token = |step: &Step| match step {
        Step::Field(name) | Step::Key(name) => name.replace('~', "~0").replace('/', "~1"),
        Step::Index(index) => index.to_string(),
    };
    let steps = path.steps().iter();
    steps.map(|step| format!("/{}", token(step))).collect()
}

/// The path of the last string.
fn last_string(value: &Value) -> Option<Vec<Step>> {
    let below = |step: Step, value: &Value| {
        let mut steps = vec![step];
        steps.extend(last_string(value)?);
        Some(steps)
    };
    match value {
        Value::String(_) => Some(Vec::new()),
        Value::Array(items) => {
            let mut items = (0u32..).zip(items).collect::<Vec<_>>().into_iter().rev();
            items.find_map(|(index, item)| below(Step::Index(index), item))
        }
        Value::Object(members) => {
            let mut members = members.iter().rev();
            members.find_map(|(key, value)| below(Step::Key(key.as_str().into()), value))
        }
        _ => None,
    }
}

impl Case {
    fn new(text: Vec<u8>) -> Case {
        let text: &[u8] = text.leak();
        let value: Value = serde_json::from_slice(text).expect("JSON");
        let record = Record::parse(text).expect("an object");
        let of = (record.api_version(), record.kind());
        let early: Path = "metadata.name".parse().expect("a path");
        let late = Path::new(last_string(&value).expect("a string"));
        let three = [early.clone(), Path::label("app"), late.clone()];
        let mut tree = PointerTree::new();
        for path in &three {
            tree.add_path(nodes(path));
        }
        Case {
            early: Way::new(&early, of),
            late: Way::new(&late, of),
            query: Query::new(&three, of.0, of.1),
            tree,
            pointers: three.each_ref().map(pointer),
            record: record.clone(),
            text,
        }
    }
}

fn ours<const N: usize>(text: &[u8], query: &Query) -> [Option<String>; N] {
    let record = Record::parse(text).expect("an object");
    let mut out = [const { Field::Absent }; N];
    record.scan(query, &mut out).expect("a scan");
    out.map(|field| match field {
        Field::String(text) => Some(text.into_owned()),
        _ => None,
    })
}

fn tree<const N: usize>(text: &[u8], pointers: [&str; N]) -> [Option<String>; N] {
    let value: Value = serde_json::from_slice(text).expect("JSON");
    pointers.map(|pointer| Some(value.pointer(pointer)?.as_str()?.to_owned()))
}

fn one(set: &str, which: &str, cases: &[Case], way: impl Fn(&Case) -> &Way) -> Row {
    let ours = |case: &Case| ours::<1>(case.text, &way(case).query);
    let sonic = |case: &Case| {
        let found = sonic_rs::get(case.text, &way(case).nodes).ok();
        [found.and_then(|found| Some(found.as_str()?.to_owned()))]
    };
    let serde = |case: &Case| tree(case.text, [&way(case).pointer]);
    row(
        format!("{set}: one {which} field"),
        cases,
        &ours,
        [("sonic-rs get", &sonic), ("serde_json tree", &serde)],
    )
}

fn three(set: &str, cases: &[Case]) -> Row {
    let ours = |case: &Case| ours::<3>(case.text, &case.query);
    let sonic = |case: &Case| {
        let found = sonic_rs::get_many(case.text, &case.tree).expect("JSON");
        let mut found = found
            .into_iter()
            .map(|found| Some(found?.as_str()?.to_owned()));
        [(); 3].map(|()| found.next().flatten())
    };
    let serde = |case: &Case| tree(case.text, case.pointers.each_ref().map(String::as_str));
    row(
        format!("{set}: name, label, late field"),
        cases,
        &ours,
        [("sonic-rs get_many", &sonic), ("serde_json tree", &serde)],
    )
}

fn check(set: &str, cases: &[Case]) -> Row {
    let ours = |case: &Case| case.record.verify().is_ok();
    let sonic = |case: &Case| sonic_rs::from_slice::<IgnoredAny>(case.text).is_ok();
    let serde = |case: &Case| serde_json::from_slice::<IgnoredAny>(case.text).is_ok();
    row(
        format!("{set}: check of the whole"),
        cases,
        &ours,
        [("sonic-rs", &sonic), ("serde_json", &serde)],
    )
}

/// One way to read a case.
type Read<'r, T> = &'r dyn Fn(&Case) -> T;

/// Measures us and the peers, which have to find what we find, in turns.
fn row<T: PartialEq + std::fmt::Debug>(
    name: String,
    cases: &[Case],
    ours: Read<'_, T>,
    peers: [(&str, Read<'_, T>); 2],
) -> Row {
    let [(first, one), (second, two)] = peers;
    for case in cases {
        let found = ours(case);
        assert_eq!(one(case), found, "{first}, {name}");
        assert_eq!(two(case), found, "{second}, {name}");
    }
    let contenders = [ours, one, two];
    let mut figures = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (read, figures) in contenders.iter().zip(&mut figures) {
            figures.push(round(cases, read));
        }
    }
    let [ours, one, two] = figures.map(median);
    Row::new(name, "ns/value", Better::Less, ours)
        .peer(first, one)
        .peer(second, two)
}

/// ns per value.
fn round<T>(cases: &[Case], read: impl Fn(&Case) -> T) -> f64 {
    let (start, mut done) = (Instant::now(), 0_usize);
    while start.elapsed() < ROUND {
        for case in cases {
            black_box(read(black_box(case)));
        }
        done += cases.len();
    }
    start.elapsed().as_nanos() as f64 / done as f64
}
