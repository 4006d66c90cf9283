//! Conditions in CEL: what compiling one takes, and evaluating it.
//!
//! Measured, on one core, hot, over two Pods in turn, of which one matches:
//! * compiling a text to its program (µs);
//! * evaluating over slots that are filled already (ns);
//! * the same from a `serde_json::Value`, reading the slots included (ns);
//! * for conditions over one to three fields, from the stored protobuf bytes:
//!   `Record::parse`, `Record::scan` and `vm::eval` (ns). The limit beside it is
//!   a scanner written by hand for exactly this condition of exactly this kind;
//!   the goal is at most twice its time.
//!
//! The figure is the median of several rounds. Not measured here: other
//! engines, which have a package of their own (`benches/peers`), so that no
//! build of the project compiles them; finding the rules that a key concerns
//! (`rules`); decryption (`decrypt`).
//!
//! `cargo bench --bench expressions`.

#[path = "by_hand/mod.rs"]
mod by_hand;
#[path = "conditions/mod.rs"]
mod conditions;
#[path = "made/mod.rs"]
mod made;
#[path = "report/mod.rs"]
mod report;

use std::collections::BTreeMap;
use std::hint::black_box;

use carry::k8s::{Field, Path, Query, Record};
use carry::lang::check::Options;
use carry::lang::scheme::Variables;
use carry::lang::{Expression, Type, Value, Verdict};
use carry::vm;
use k8s_pb::api::core::v1::{Container, Pod, PodSpec};
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use prost::Message;
use report::{Better, Report, Row};

fn main() {
    if !report::asked_for() {
        println!("expressions: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("expressions");
    for condition in conditions::all() {
        decoded(condition.name, &condition.text, &mut report);
    }
    for stored in STORED {
        report.add(stored.measure());
    }
    report.finish();
}

fn compile(text: &str) -> Expression {
    let scheme = Variables::new([("object", Type::Dyn)]);
    // As the rules do: a path of names is one slot.
    let options = Options {
        json_paths: true,
        ..Options::default()
    };
    let compiled = Expression::compile_with(text, &scheme, &options, true);
    compiled.unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn decoded(name: &str, text: &str, report: &mut Report) {
    let compiling = conditions::time_compiling(|| {
        black_box(compile(black_box(text)));
    });
    let expression = compile(text);
    let sources = conditions::pods().map(|pod| serde_json::json!({"object": pod}));
    let slots = sources.each_ref().map(|source| expression.read(source));
    let verdicts = slots
        .each_ref()
        .map(|slots| vm::eval(expression.program(), &slots[..]));
    assert_eq!(
        verdicts,
        [Ok(Verdict::Match), Ok(Verdict::NoMatch)],
        "{text}"
    );
    let filled = conditions::time(|which| {
        let slots = black_box(&slots[which][..]);
        black_box(vm::eval(black_box(expression.program()), slots)).ok();
    });
    let read = conditions::time(|which| {
        let slots = expression.read(black_box(&sources[which]));
        black_box(vm::eval(black_box(expression.program()), &slots[..])).ok();
    });
    for (what, unit, figure) in [
        ("compiling", "µs", compiling),
        ("over slots", "ns", filled),
        ("from JSON", "ns", read),
    ] {
        report.add(Row::new(
            format!("{name}, {what}"),
            unit,
            Better::Less,
            figure,
        ));
    }
}

/// A condition over stored bytes.
struct Stored {
    name: &'static str,
    text: &'static str,
    by_hand: fn(&[u8]) -> Option<bool>,
}

const STORED: [Stored; 4] = [
    Stored {
        name: "namespace, from protobuf",
        text: "object.metadata.namespace == 'payments'",
        by_hand: |value| Some(by_hand::namespace(value)? == "payments"),
    },
    Stored {
        name: "label, from protobuf",
        text: "object.metadata.labels.team in ['billing', 'ledger', 'team-150']",
        by_hand: |value| {
            let team = by_hand::label(value, "team")?;
            Some(matches!(team, "billing" | "ledger" | "team-150"))
        },
    },
    Stored {
        name: "name and nodeName, from protobuf",
        text: "object.metadata.name.startsWith('web-') \
               && object.spec.nodeName.contains('.eu-west-1.')",
        by_hand: |value| {
            let [name, _, node] = by_hand::pod(value, "team")?;
            Some(name.starts_with("web-") && node.contains(".eu-west-1."))
        },
    },
    Stored {
        name: "name, label and nodeName, from protobuf",
        text: "object.metadata.name.startsWith('web-') \
               && object.metadata.labels.team in ['billing', 'ledger', 'team-150'] \
               && object.spec.nodeName.contains('.eu-west-1.')",
        by_hand: |value| {
            let [name, team, node] = by_hand::pod(value, "team")?;
            let of_team = matches!(team, "billing" | "ledger" | "team-150");
            Some(name.starts_with("web-") && of_team && node.contains(".eu-west-1."))
        },
    },
];

const MOST_FIELDS: usize = 3;

impl Stored {
    fn measure(&self) -> Row {
        let expression = compile(self.text);
        let paths: Vec<Path> = expression
            .fields()
            .iter()
            .map(|(_, path)| path.clone())
            .collect();
        let query = Query::new(&paths, "v1", "Pod");
        let pods = conditions::pods().map(|pod| stored(&pod));
        let carry = |value: &[u8]| {
            let mut fields = [const { Field::Absent }; MOST_FIELDS];
            let fields = &mut fields[..paths.len()];
            let record = Record::parse(value).expect("a record");
            record.scan(&query, fields).expect("readable");
            let mut slots = [const { Value::Absent }; MOST_FIELDS];
            for (slot, field) in slots.iter_mut().zip(fields) {
                *slot = Value::from(std::mem::take(field));
            }
            vm::eval(expression.program(), &slots[..])
        };
        for (pod, verdict) in pods.iter().zip([true, false]) {
            assert_eq!(carry(pod), Ok(verdict.into()), "{}", self.name);
            assert_eq!((self.by_hand)(pod), Some(verdict), "{}", self.name);
        }
        let by_hand = conditions::time(|which| {
            black_box((self.by_hand)(black_box(&pods[which])));
        });
        let figure = conditions::time(|which| {
            black_box(carry(black_box(&pods[which]))).ok();
        });
        Row::new(self.name, "ns", Better::Less, figure).limit(by_hand)
    }
}

/// What of the Pod the conditions over stored bytes can ask for, as a
/// kube-apiserver stores it.
fn stored(json: &serde_json::Value) -> Vec<u8> {
    let text = |pointer: &str| Some(json.pointer(pointer)?.as_str()?.to_owned());
    let texts = |pointer: &str| -> BTreeMap<String, String> {
        let members = json.pointer(pointer).and_then(|json| json.as_object());
        let members = members.into_iter().flatten();
        members
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    let containers = json["spec"]["containers"].as_array();
    let containers = containers.into_iter().flatten().map(|container| Container {
        name: container["name"].as_str().map(str::to_owned),
        image: container["image"].as_str().map(str::to_owned),
        ..Container::default()
    });
    let pod = Pod {
        metadata: Some(ObjectMeta {
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
            uid: text("/metadata/uid"),
            labels: texts("/metadata/labels"),
            annotations: texts("/metadata/annotations"),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            node_name: text("/spec/nodeName"),
            containers: containers.collect(),
            ..PodSpec::default()
        }),
        ..Pod::default()
    };
    made::stored("Pod", &pod.encode_to_vec())
}
