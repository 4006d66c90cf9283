//! Name, one label and one field from a stored value: ns per value.
//!
//! Measured, on one core, hot: `Record::parse` and one `Record::scan` of a
//! compiled `Query` of three paths, on Secrets (`type`, which lies behind the
//! data) and Pods (`spec.nodeName`) of 1, 2 and 8 KB. Beside it, in the same
//! run and with the same answers: a scanner written by hand for exactly these
//! three fields of exactly this kind (the goal is at most twice its time), a
//! full decode with prost, and a full parse with serde_json of the same object
//! as JSON text. The figure is the median of several rounds.
//!
//! The Pods are one of the shared corpus, put on a node, then cut or with an
//! annotation made longer to the size; the Secrets are made here.
//!
//! Not measured: decryption (`decrypt`), stored JSON (`json`), predicates
//! (`predicates`).
//!
//! `cargo bench --bench fields`, with CARRY_SHARED for the data.

#[path = "by_hand/mod.rs"]
mod by_hand;
#[path = "made/mod.rs"]
mod made;
#[path = "report/mod.rs"]
mod report;
#[path = "../tests/shared.rs"]
mod shared;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use carry::k8s::{Field, Path, Query, Record};
use k8s_pb::api::core::v1::{Container, Pod, PodSpec, Secret};
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use prost::Message;
use report::{Better, Report, Row, median};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(60);
const SIZES: [usize; 3] = [1024, 2048, 8192];
const LABEL: &str = "app";

fn main() {
    if !report::asked_for() {
        println!("fields: run by `cargo bench` only");
        return;
    }
    let Some(corpus) = shared::corpus("fields") else {
        return;
    };
    let pod = corpus
        .iter()
        .find(|stored| stored.key.ends_with("/pods/unique/db-0"))
        .expect("a Pod with a label");
    let pod = enveloped(&pod.value).expect("an envelope");
    let mut pod = Pod::decode(pod).expect("a Pod");
    // No kubelet ran where it was stored.
    pod.spec.get_or_insert_default().node_name = Some("node-a".to_owned());

    let mut report = Report::new("fields");
    for size in SIZES {
        let case = Case {
            name: format!("Secret, {size} bytes"),
            kind: "Secret",
            field: "type",
            value: sized(size, secret),
            by_hand: |object| by_hand::secret(object, LABEL),
            decode: |object| Answer::of_secret(Secret::decode(object).ok()?),
        };
        report.add(case.measure());
    }
    for size in SIZES {
        let case = Case {
            name: format!("Pod, {size} bytes"),
            kind: "Pod",
            field: "spec.nodeName",
            value: sized(size, |padding| resized(&pod, size, padding)),
            by_hand: |object| by_hand::pod(object, LABEL),
            decode: |object| Answer::of_pod(Pod::decode(object).ok()?),
        };
        report.add(case.measure());
    }
    report.finish();
}

/// The three fields.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Answer {
    name: String,
    label: String,
    field: String,
}

impl Answer {
    fn of_secret(secret: Secret) -> Option<Answer> {
        let metadata = secret.metadata?;
        Some(Answer {
            name: metadata.name?,
            label: metadata.labels.get(LABEL)?.clone(),
            field: secret.r#type?,
        })
    }

    fn of_pod(pod: Pod) -> Option<Answer> {
        let metadata = pod.metadata?;
        Some(Answer {
            name: metadata.name?,
            label: metadata.labels.get(LABEL)?.clone(),
            field: pod.spec?.node_name?,
        })
    }

    fn of_json(json: &serde_json::Value, field: &str) -> Option<Answer> {
        let pointer = format!("/{}", field.replace('.', "/"));
        Some(Answer {
            name: json["metadata"]["name"].as_str()?.to_owned(),
            label: json["metadata"]["labels"][LABEL].as_str()?.to_owned(),
            field: json.pointer(&pointer)?.as_str()?.to_owned(),
        })
    }
}

struct Case {
    name: String,
    kind: &'static str,
    field: &'static str,
    /// With its envelope.
    value: Vec<u8>,
    by_hand: fn(&[u8]) -> Option<[&str; 3]>,
    decode: fn(&[u8]) -> Option<Answer>,
}

impl Case {
    fn measure(&self) -> Row {
        let paths = [
            "metadata.name".parse().expect("a path"),
            Path::label(LABEL),
            self.field.parse().expect("a path"),
        ];
        let query = Query::new(&paths, "v1", self.kind);
        let object = enveloped(&self.value).expect("an envelope");
        let json = Record::parse(&self.value).and_then(|record| record.to_json());
        let json = serde_json::to_vec(&json.expect("readable")).expect("JSON");

        let answer = (self.decode)(object).expect("all three fields");
        let texts = [&*answer.name, &*answer.label, &*answer.field];
        assert_eq!((self.by_hand)(&self.value), Some(texts));
        assert_eq!(scan(&query, &self.value), texts.map(str::to_owned));
        let parsed = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(Answer::of_json(&parsed, self.field), Some(answer.clone()));

        let carry = time(|| {
            let mut fields = [const { Field::Absent }; 3];
            let record = Record::parse(black_box(&self.value)).expect("a record");
            record.scan(&query, &mut fields).expect("readable");
            assert_ne!(black_box(&fields)[2], Field::Absent);
        });
        let by_hand = time(|| assert!(black_box((self.by_hand)(black_box(&self.value))).is_some()));
        let decoded = time(|| assert!(black_box((self.decode)(black_box(object))).is_some()));
        let parsed = time(|| {
            let json: serde_json::Value = serde_json::from_slice(black_box(&json)).expect("JSON");
            assert!(black_box(Answer::of_json(&json, self.field)).is_some());
        });
        Row::new(&self.name, "ns/value", Better::Less, carry)
            .limit(by_hand)
            .peer("prost", decoded)
            .peer("serde_json", parsed)
    }
}

fn scan(query: &Query, value: &[u8]) -> [String; 3] {
    let mut fields = [const { Field::Absent }; 3];
    let record = Record::parse(value).expect("a record");
    record.scan(query, &mut fields).expect("readable");
    fields.map(|field| match field {
        Field::String(text) => text.into_owned(),
        other => panic!("no text: {other:?}"),
    })
}

/// ns per call.
fn time(mut call: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let mut calls = 0u32;
        while start.elapsed() < ROUND {
            for _ in 0..100 {
                call();
            }
            calls += 100;
        }
        start.elapsed().as_nanos() as f64 / f64::from(calls)
    });
    median(rounds.collect())
}

/// A value of `size` bytes, by making its padding as long as needed.
fn sized(size: usize, make: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut padding = 0;
    // A length may take one byte more when the padding has grown.
    for _ in 0..4 {
        let length = make(padding).len();
        padding = (padding + size)
            .checked_sub(length)
            .expect("a small object");
    }
    make(padding)
}

fn secret(padding: usize) -> Vec<u8> {
    let labels = [
        (LABEL, "db"),
        ("pod-template-hash", "6bf8f4cf98"),
        ("tier", "back"),
    ];
    let secret = Secret {
        metadata: Some(ObjectMeta {
            name: Some("credentials".to_owned()),
            generate_name: Some(String::new()),
            namespace: Some("unique".to_owned()),
            self_link: Some(String::new()),
            uid: Some("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9".to_owned()),
            resource_version: Some(String::new()),
            generation: Some(0),
            labels: BTreeMap::from(labels.map(|(key, value)| (key.to_owned(), value.to_owned()))),
            ..ObjectMeta::default()
        }),
        data: BTreeMap::from([
            ("password".to_owned(), vec![0xa5; padding / 2]),
            ("username".to_owned(), vec![0x5a; padding - padding / 2]),
        ]),
        r#type: Some("Opaque".to_owned()),
        ..Secret::default()
    };
    made::stored("Secret", &secret.encode_to_vec())
}

/// What is left of a Pod of this size, with an annotation of this length.
fn resized(pod: &Pod, size: usize, padding: usize) -> Vec<u8> {
    let mut pod = pod.clone();
    let metadata = pod.metadata.get_or_insert_default();
    metadata
        .annotations
        .insert("example.com/note".to_owned(), "x".repeat(padding));
    if size < 4096 {
        metadata.managed_fields.clear();
        pod.status = None;
    }
    if size < 2048 {
        metadata.owner_references.clear();
        pod.spec = pod.spec.map(|spec| PodSpec {
            containers: spec.containers.into_iter().take(1).map(bare).collect(),
            node_name: spec.node_name,
            ..PodSpec::default()
        });
    }
    made::stored("Pod", &pod.encode_to_vec())
}

/// A container's name and image.
fn bare(container: Container) -> Container {
    Container {
        name: container.name,
        image: container.image,
        ..Container::default()
    }
}

/// The object within a value.
fn enveloped(value: &[u8]) -> Option<&[u8]> {
    let mut rest = value.strip_prefix(b"k8s\0")?;
    let mut object = None;
    while let Some((number, field)) = by_hand::field(&mut rest) {
        if number == 2 {
            object = field;
        }
    }
    object
}
