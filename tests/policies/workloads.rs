//! Workloads that rest at a standby, and are woken when it is promoted.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::{Edit, Keyring, Path, Record, TransferBuffers, Transferred, rewrite, schema};
use carry::rules::RuleId;
use carry::rules::decide::{Judge, Keyrings};
use carry::rules::outgoing::OutgoingScratch;
use carry::rules::policy::Policy;
use carry::rules::waking::wake;
use carry::rules::workloads::{ANNOTATION, Woken};
use serde_json::{Value, json};

use super::judge;
use crate::shared;

/// The kinds that rest, and the field that makes them.
const KINDS: [(&str, &str, &str, &str); 7] = [
    ("apps", "Deployment", "deployments", "spec.replicas"),
    ("apps", "StatefulSet", "statefulsets", "spec.replicas"),
    ("apps", "ReplicaSet", "replicasets", "spec.replicas"),
    ("", "ReplicationController", "controllers", "spec.replicas"),
    ("apps", "DaemonSet", "daemonsets", NODE_SELECTOR),
    ("batch", "CronJob", "cronjobs", "spec.suspend"),
    ("batch", "Job", "jobs", "spec.suspend"),
];

const NODE_SELECTOR: &str = "spec.template.spec.nodeSelector['standby.carry/promoted']";

fn with(workloads: &str) -> Judge {
    judge(&format!(
        "policies: {{systemObjects: mirror, controlledObjects: mirror, workloads: {workloads}}}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n"
    ))
}

fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

/// Values of all kinds, in protobuf and in JSON: what a real kube-apiserver
/// stored, and objects in which every field is set. Without what another policy
/// would change.
fn values() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = shared::folder("workloads")?;
    let file = std::fs::File::open(folder.join("conformance/kube/golden.jsonl.gz"));
    let mut text = String::new();
    let mut golden = flate2::read::GzDecoder::new(file.expect("golden"));
    golden.read_to_string(&mut text).expect("gzip");
    let golden = text.lines().map(|line| {
        let case: Value = serde_json::from_str(line).expect("a case");
        let bytes = STANDARD.decode(case["protobuf"].as_str().expect("protobuf"));
        (bytes.expect("base64"), case["json"].clone())
    });
    let stored = shared::corpus("workloads")?.into_iter();
    // The others are the same under other names.
    let stored = stored.filter(|own| own.key.contains("/test1/"));
    let stored = stored.map(|own| (own.value, own.json));
    let mut values = Vec::new();
    for (bytes, json) in golden.chain(stored) {
        let Ok(record) = Record::parse(&bytes) else {
            // It is encrypted, and none of these kinds.
            continue;
        };
        let kinds = KINDS.iter();
        let known = kinds.clone().find(|(group, kind, ..)| {
            record.kind() == *kind
                && schema::by_kind(record.group(), kind) == schema::by_kind(group, kind)
                && schema::by_kind(group, kind).is_some()
        });
        let Some((_, _, resource, _)) = known else {
            continue;
        };
        let key = format!("/registry/{resource}/red/name");
        for value in [bytes.clone(), json.to_string().into_bytes()] {
            let gone = [
                "metadata.deletionTimestamp",
                "metadata.deletionGracePeriodSeconds",
                "metadata.finalizers",
            ];
            let gone = gone.map(|field| (path(field), Edit::Remove));
            let value = rewrite(&value, &gone).expect("an object").to_vec();
            values.push((key.clone(), value));
        }
    }
    Some(values)
}

/// The same value with nothing, with what a source has, and with annotations
/// and node selectors or without.
fn variants(value: &[u8]) -> Vec<Vec<u8>> {
    let kind = Record::parse(value).expect("an object").kind().to_owned();
    let (_, _, _, field) = KINDS.into_iter().find(|own| own.1 == kind).expect("a kind");
    let own = match field {
        "spec.replicas" => json!(5),
        "spec.suspend" => json!(false),
        _ => json!("of the source"),
    };
    let bare = [
        (path("metadata.annotations"), Edit::Remove),
        (path("spec.template.spec.nodeSelector"), Edit::Remove),
    ];
    // A CronJob's template is elsewhere.
    let bare = &bare[..if kind == "CronJob" { 1 } else { 2 }];
    let edits = [
        vec![(path(field), Edit::Remove)],
        vec![(path(field), Edit::Set(own))],
    ];
    let mut all = Vec::new();
    for edits in edits {
        let full = rewrite(value, &edits).expect("an object");
        let without = rewrite(value, bare).expect("an object");
        let without = rewrite(&without, &edits).expect("an object");
        all.extend([full.to_vec(), without.to_vec()]);
    }
    all
}

fn outgoing(judge: &Judge, key: &str, value: &[u8]) -> (Vec<u8>, Vec<(Policy, Path)>) {
    let mut scratch = OutgoingScratch::default();
    let outgoing = judge.outgoing(key.as_bytes(), value, Some(RuleId(0)), &mut scratch);
    let outgoing = outgoing.unwrap_or_else(|unfit| panic!("{key}: {}", unfit.reason));
    let bytes = match outgoing.value {
        Transferred::AsItIs => value.to_vec(),
        Transferred::Sealed { value, .. } => value.to_vec(),
    };
    let fields = outgoing.rewritings.into_iter();
    (bytes, fields.map(|own| (own.policy, own.path)).collect())
}

fn woken(
    keyrings: &Keyrings,
    mirror: &str,
    key: &str,
    value: &[u8],
) -> Option<(Vec<u8>, Vec<Woken>)> {
    let resource = key.split('/').nth(2).expect("a resource");
    let resource = schema::by_path(resource).expect("a resource");
    let mut buffers = TransferBuffers::default();
    let waking = wake(
        keyrings,
        mirror,
        resource,
        (key.as_bytes(), value),
        &mut buffers,
    );
    let waking = waking.unwrap_or_else(|unfit| panic!("{key}: {}", unfit.reason));
    waking.map(|own| (own.value, own.fields))
}

fn plain() -> Keyrings {
    Keyrings::alike(Keyring::identity())
}

fn field(value: &[u8], field: &str) -> Value {
    let record = Record::parse(value).expect("an object");
    let field = record.get(&path(field)).expect("readable");
    field.to_json().expect("readable")
}

/// An object without a field and the annotation, nor the maps that only they
/// are in.
fn without(value: &[u8], field: &Path) -> Value {
    let annotation = Path::annotation(ANNOTATION);
    let gone = [field, &annotation].map(|path| (path.clone(), Edit::Remove));
    let value = rewrite(value, &gone).expect("an object");
    let mut object = Record::parse(&value)
        .expect("an object")
        .to_json()
        .expect("JSON");
    let empty = |map: &Value| map.as_object().is_some_and(serde_json::Map::is_empty);
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|name, map| name != "annotations" || !empty(map));
    }
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        let spec = spec.as_object_mut().expect("a template");
        spec.retain(|name, map| name != "nodeSelector" || !empty(map));
    }
    object
}

/// Every kind, stored either way: exactly the field and the annotation differ,
/// and waking gives back the source's bytes.
#[test]
fn they_rest_and_are_woken_to_the_byte() {
    let Some(values) = values() else {
        return;
    };
    let (as_is, rest, suspended) = (with("as-is"), with("scaled-to-zero"), with("suspended"));
    let mut seen = std::collections::BTreeMap::new();
    for (key, value) in values
        .iter()
        .flat_map(|(key, value)| variants(value).into_iter().map(move |value| (key, value)))
    {
        let record = Record::parse(&value).expect("an object");
        let (kind, encoding) = (record.kind().to_owned(), record.encoding());
        let (_, _, _, own) = KINDS.into_iter().find(|own| own.1 == kind).expect("a kind");
        let resting = match own {
            "spec.replicas" => json!(0),
            "spec.suspend" => json!(true),
            _ => json!("true"),
        };
        assert_eq!(
            outgoing(&as_is, key, &value),
            (value.clone(), Vec::new()),
            "{key}"
        );
        let (there, fields) = outgoing(&rest, key, &value);
        let expected = [path(own), Path::annotation(ANNOTATION)];
        let expected = expected.map(|path| (Policy::Workloads, path));
        assert_eq!(fields, expected, "{key}");
        assert_eq!(field(&there, own), resting, "{key}");
        assert_eq!(
            without(&there, &path(own)),
            without(&value, &path(own)),
            "{key}"
        );
        let repeats = own == "spec.suspend";
        let suspended = outgoing(&suspended, key, &value);
        let unchanged = (value.clone(), Vec::new());
        assert_eq!(
            suspended,
            if repeats {
                (there.clone(), fields)
            } else {
                unchanged
            },
            "{key}"
        );

        let mut scratch = OutgoingScratch::default();
        let mut same = |there: &[u8]| {
            rest.is_there(key.as_bytes(), &value, there, Some(RuleId(0)), &mut scratch)
        };
        assert!(same(&there) && !same(&value), "{key}");

        let (back, fields) = woken(&plain(), "default", key, &there).expect("it rests");
        assert!(
            back == value,
            "{key} {encoding:?}\n{}\n{}",
            value.escape_ascii(),
            back.escape_ascii()
        );
        let told = Woken {
            field: own.to_owned(),
            value: field(&value, own),
            restored: true,
        };
        assert_eq!(fields, [told], "{key}");
        // Awake already.
        assert_eq!(woken(&plain(), "default", key, &back), None, "{key}");
        *seen.entry((kind, format!("{encoding:?}"))).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 14, "{seen:?}");
}

fn deployment(more: Value) -> Vec<u8> {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "red", "uid": "1-2-3"},
        "spec": {"replicas": 3},
    });
    for (name, value) in more.as_object().expect("an object") {
        object["spec"][name] = value.clone();
    }
    object.to_string().into_bytes()
}

const WEB: &str = "/registry/deployments/red/web";

/// What rests anyway is left alone, also a Job that will never run again.
#[test]
fn what_does_not_run_stays_as_it_is() {
    let judge = with("scaled-to-zero");
    let unchanged = |key: &str, value: Vec<u8>| {
        assert_eq!(
            outgoing(&judge, key, &value),
            (value.clone(), Vec::new()),
            "{key}"
        );
    };
    unchanged(WEB, deployment(json!({"replicas": 0})));
    let job = |condition: Value| {
        let object = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "once", "namespace": "red", "uid": "u"},
            "spec": {"parallelism": 1}, "status": {"conditions": [condition]},
        });
        object.to_string().into_bytes()
    };
    let key = "/registry/jobs/red/once";
    unchanged(key, job(json!({"type": "Complete", "status": "True"})));
    unchanged(key, job(json!({"type": "Failed", "status": "True"})));
    for lives in [
        json!({"type": "Failed", "status": "False"}),
        json!({"type": "Suspended", "status": "True"}),
    ] {
        let (there, _) = outgoing(&judge, key, &job(lives));
        assert_eq!(field(&there, "spec.suspend"), json!(true));
    }
    let pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "red"}});
    unchanged("/registry/pods/red/a", pod.to_string().into_bytes());
    // Somebody else's, that only has the name.
    let custom = json!({
        "apiVersion": "example.com/v1", "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "red"}, "spec": {"replicas": 3},
    });
    unchanged(
        "/registry/example.com/deployments/red/a",
        custom.to_string().into_bytes(),
    );
    // Of a very old apiserver.
    let old = json!({
        "apiVersion": "extensions/v1beta1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "red"}, "spec": {"replicas": 3},
    });
    let (there, _) = outgoing(&judge, WEB, &old.to_string().into_bytes());
    assert_eq!(field(&there, "spec.replicas"), json!(0));
}

/// What was changed at the standby meanwhile stays changed.
#[test]
fn changes_at_the_standby_are_kept() {
    let (there, _) = outgoing(&with("scaled-to-zero"), WEB, &deployment(json!({})));
    let edit = |edits: &[(&str, Value)]| {
        let edits = edits
            .iter()
            .map(|(field, value)| (path(field), Edit::Set(value.clone())));
        let edits: Vec<_> = edits.collect();
        rewrite(&there, &edits).expect("an object").to_vec()
    };
    let changed = edit(&[
        ("spec.paused", json!(true)),
        ("metadata.labels.own", json!("a")),
    ]);
    let (back, fields) = woken(&plain(), "default", WEB, &changed).expect("it rests");
    assert!(fields[0].restored);
    assert_eq!(field(&back, "spec"), json!({"replicas": 3, "paused": true}));
    assert_eq!(field(&back, "metadata.labels"), json!({"own": "a"}));
    let scaled = edit(&[
        ("spec.replicas", json!(1)),
        ("metadata.annotations.own", json!("a")),
    ]);
    let (back, fields) = woken(&plain(), "default", WEB, &scaled).expect("it rests");
    assert!(!fields[0].restored);
    assert_eq!(field(&back, "spec.replicas"), json!(1));
    assert_eq!(field(&back, "metadata.annotations"), json!({"own": "a"}));
}

/// An annotation counts only for the mirror that wrote it and the object that
/// it was written for, and no other field is changed by one that somebody has
/// made up.
#[test]
fn annotations_of_others() {
    let (there, _) = outgoing(&with("scaled-to-zero"), WEB, &deployment(json!({})));
    let annotation = Path::annotation(ANNOTATION);
    let text = field(&there, &annotation.to_string());
    let told: Value = serde_json::from_str(text.as_str().expect("a text")).expect("JSON");
    assert_eq!(
        told,
        json!({"mirror": "default", "uid": "1-2-3", "fields": {"spec.replicas": 3}})
    );
    assert_eq!(woken(&plain(), "other", WEB, &there), None);
    let set = |path: &Path, value: Value| {
        rewrite(&there, &[(path.clone(), Edit::Set(value))])
            .expect("an object")
            .to_vec()
    };
    // A controller copies it to what it makes.
    let copied = set(&path("metadata.uid"), json!("4-5-6"));
    assert_eq!(woken(&plain(), "default", WEB, &copied), None);
    for text in ["", "{}", "[", "7", r#"{"mirror":"default","uid":"1-2-3"}"#] {
        assert_eq!(
            woken(&plain(), "default", WEB, &set(&annotation, json!(text))),
            None,
            "{text}"
        );
    }
    let made_up = json!({
        "mirror": "default", "uid": "1-2-3",
        "fields": {"spec.paused": true, "metadata.name": "other", "spec.suspend": null},
    });
    let made_up = set(&annotation, json!(made_up.to_string()));
    let (back, fields) = woken(&plain(), "default", WEB, &made_up).expect("it is marked");
    assert_eq!(fields, []);
    assert_eq!(field(&back, "spec"), json!({"replicas": 0}));
    // Of the wrong type: told, and nothing is written.
    let text = json!({"mirror": "default", "uid": "1-2-3", "fields": {"spec.replicas": "many"}});
    let wrong = set(&annotation, json!(text.to_string()));
    let resource = schema::by_path("deployments").expect("a resource");
    let at = (WEB.as_bytes(), wrong.as_slice());
    let refused = wake(
        &plain(),
        "default",
        resource,
        at,
        &mut TransferBuffers::default(),
    );
    let reason = refused.expect_err("a text is no number").reason;
    assert!(
        reason.contains("`spec.replicas` cannot be rewritten"),
        "{reason}"
    );
}

/// Where the standby encrypts workloads, they are woken under its keys.
#[test]
fn encrypted_workloads() {
    let config = |secret: &str| {
        let text = format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n  - resources: [deployments.apps]\n    providers:\n      - aesgcm: {{keys: [{{name: a, secret: {}}}]}}\n      - identity: {{}}\n",
            STANDARD.encode(secret.as_bytes())
        );
        Keyring::parse("encryption.yaml", &text).expect("a configuration")
    };
    let there = config("0123456789abcdef");
    let judge = with("scaled-to-zero");
    judge.set_keyrings(Keyrings::new(Keyring::identity(), there.clone()));
    let source = deployment(json!({}));
    let (stored, _) = outgoing(&judge, WEB, &source);
    assert!(Record::parse(&stored).is_err(), "it is not encrypted");
    let keyrings = Keyrings::new(Keyring::identity(), there.clone());
    let (back, fields) = woken(&keyrings, "default", WEB, &stored).expect("it rests");
    assert!(fields[0].restored);
    let mut plain = Default::default();
    let opened = there.open("apps", "deployments", WEB.as_bytes(), &back, &mut plain);
    assert!(opened.expect("under its own keys").plain == source);
    let other = Keyrings::alike(config("fedcba9876543210"));
    let resource = schema::by_path("deployments").expect("a resource");
    let at = (WEB.as_bytes(), stored.as_slice());
    assert!(
        wake(
            &other,
            "default",
            resource,
            at,
            &mut TransferBuffers::default()
        )
        .is_err()
    );
}

/// Whoever changes the setting has everything compared anew.
#[test]
fn another_setting_is_another_way_to_write() {
    let digest = |rules: &str| judge(rules).encryption_digest();
    let rules = |file: &str, first: &str, second: &str| {
        format!(
            "policies: {{workloads: {file}}}\nfilters:\n  secondary:\n    - group: apps\n{first}    - group: batch\n{second}"
        )
    };
    let own = |workloads: &str| format!("      policy: {{workloads: {workloads}}}\n");
    let none = digest("filters:\n  secondary:\n    - group: apps\n    - group: batch\n");
    assert_eq!(digest(&rules("as-is", "", "")), none);
    let zero = digest(&rules("scaled-to-zero", "", ""));
    let suspended = digest(&rules("suspended", "", ""));
    assert!(zero != none && suspended != none && zero != suspended);
    let same = digest(&rules("as-is", &own("suspended"), &own("suspended")));
    assert_eq!(same, suspended);
    // Then it counts which rule selects what.
    let mixed = digest(&rules("suspended", &own("as-is"), ""));
    let other = digest(&rules("as-is", &own("suspended"), ""));
    assert!(mixed != other && mixed != suspended && other != none);
}
