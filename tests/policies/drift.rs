//! What others change in mirrored objects: what counts as a change, and what a
//! cluster's own components keep in every object.

use carry::k8s::{Edit, Encoding, Record, Transferred, rewrite};
use carry::rules::RuleId;
use carry::rules::decide::{Decision, Judge};
use carry::rules::drift::{Drift, drifted};
use carry::rules::outgoing::OutgoingScratch;
use carry::rules::policy::OnDrift;
use serde_json::{Value, json};

use super::{decide, judge};
use crate::shared;

const ALL: &str = "filters:\n  secondary:\n    - name: all\n      group: \"*\"\n      policy: {persistentVolumes: retain}\n";

fn told(drift: Option<Drift>) -> String {
    drift.map_or_else(|| "-".to_owned(), |drift| drift.to_string())
}

fn between(wanted: &Value, there: &Value) -> String {
    let bytes = |value: &Value| value.to_string().into_bytes();
    told(drifted(&bytes(wanted), &bytes(there)))
}

/// `there` is `wanted` with these fields.
fn with(wanted: &Value, fields: &[(&str, Value)]) -> String {
    let mut there = wanted.clone();
    for (pointer, value) in fields {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        there.pointer_mut(parent).expect("a parent")[name] = value.clone();
    }
    between(wanted, &there)
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "a", "uid": "u", "generation": 1,
            "creationTimestamp": "2026-01-31T12:00:00Z"},
        "spec": {"replicas": 2, "template": {"metadata": {"creationTimestamp": null},
            "spec": {"containers": [{"name": "c", "image": "i:1"}]}}},
        "status": {},
    })
}

#[test]
fn what_controllers_write_is_no_drift() {
    let wanted = deployment();
    let own = [
        (
            "/status",
            json!({"replicas": 2, "conditions": [{"type": "Available"}]}),
        ),
        (
            "/metadata/managedFields",
            json!([{"manager": "kube-controller-manager"}]),
        ),
        ("/metadata/generation", json!(7)),
        ("/metadata/finalizers", json!(["foregroundDeletion"])),
        (
            "/metadata/annotations",
            json!({"deployment.kubernetes.io/revision": "3"}),
        ),
        ("/metadata/labels", json!({})),
        ("/spec/paused", json!(null)),
    ];
    assert_eq!(with(&wanted, &own), "-");
    for one in own {
        assert_eq!(with(&wanted, &[one]), "-");
    }
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c"}, "spec": {"resources": {}}});
    assert_eq!(with(&claim, &[("/spec/volumeName", json!("pv"))]), "-");
    let bound = with(
        &claim,
        &[
            ("/spec/volumeName", json!("pv")),
            ("/spec/volumeMode", json!("Block")),
        ],
    );
    assert_eq!(bound, "`spec.volumeMode` is not as at the source");
    let mut claim = claim;
    claim["spec"]["volumeName"] = json!("pv");
    let other = with(&claim, &[("/spec/volumeName", json!("other"))]);
    assert_eq!(other, "`spec.volumeName` is not as at the source");
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "c"},
        "spec": {"claimRef": {"name": "c", "namespace": "a"}}});
    let bound = [
        ("/spec/claimRef/uid", json!("u")),
        ("/spec/claimRef/resourceVersion", json!("9")),
    ];
    assert_eq!(with(&volume, &bound), "-");
    let other = with(&volume, &[("/spec/claimRef/name", json!("d"))]);
    assert_eq!(other, "`spec.claimRef` is not as at the source");
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "c"}, "aggregationRule": {"clusterRoleSelectors": []}, "rules": null});
    assert_eq!(with(&role, &[("/rules", json!([{"verbs": ["get"]}]))]), "-");
    let mut role = role;
    role["aggregationRule"] = Value::Null;
    let changed = with(&role, &[("/rules", json!([{"verbs": ["get"]}]))]);
    assert_eq!(changed, "`rules` is not as at the source");
}

#[test]
fn what_people_change_is() {
    let wanted = deployment();
    for (change, expected) in [
        (("/spec/replicas", json!(5)), "`spec.replicas`"),
        (("/metadata/labels", json!({"a": "b"})), "`metadata.labels`"),
        (
            (
                "/metadata/annotations",
                json!({"deployment.kubernetes.io/revision": "3", "mine": "1"}),
            ),
            "`metadata.annotations`",
        ),
        (("/metadata/uid", json!("other")), "`metadata.uid`"),
        (
            ("/metadata/deletionTimestamp", json!("2026-11-22T06:37:44Z")),
            "`metadata.deletionTimestamp`",
        ),
        (
            ("/spec/template/spec/containers", json!([])),
            "`spec.template`",
        ),
        (("/data", json!({"a": 1})), "`data`"),
        (("/kind", json!("StatefulSet")), "`kind`"),
    ] {
        let told = with(&wanted, &[change]);
        assert_eq!(told, format!("{expected} is not as at the source"));
    }
    let many = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (format!("/spec/{name}"), json!(1)));
    let many: Vec<(&str, Value)> = many
        .iter()
        .map(|(at, value)| (at.as_str(), value.clone()))
        .collect();
    assert_eq!(
        with(&wanted, &many[..2]),
        "`spec.a` and `spec.b` are not as at the source"
    );
    assert_eq!(
        with(&wanted, &many),
        "`spec.a`, `spec.b`, `spec.c`, `spec.d`, `spec.e` and 2 more fields are not as at the source"
    );
}

/// Written by an apiserver of another version.
#[test]
fn another_stored_version_is_compared_by_its_metadata() {
    let wanted = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}});
    let other = [
        ("/apiVersion", json!("autoscaling/v2")),
        ("/spec", json!({"maxReplicas": 3, "metrics": []})),
    ];
    assert_eq!(with(&wanted, &other), "-");
    let labelled = [other.as_slice(), &[("/metadata/labels", json!({"a": "b"}))]].concat();
    assert_eq!(
        with(&wanted, &labelled),
        "`metadata.labels` is not as at the source"
    );
}

/// One change is one however often the standby's controllers write besides; what
/// is changed once more is another.
#[test]
fn changes_are_told_apart() {
    let source = deployment();
    let of = |replicas: u32, observed: u32| {
        let mut there = source.clone();
        there["spec"]["replicas"] = replicas.into();
        there["status"] = json!({"observedGeneration": observed});
        let [source, there] = [&source, &there].map(|own| own.to_string().into_bytes());
        drifted(&source, &there)
    };
    assert!(of(9, 1).is_some());
    assert_eq!(of(9, 1), of(9, 2));
    assert_ne!(of(9, 1), of(8, 1));
}

#[test]
fn nothing_of_a_secret_is_told() {
    let wanted = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "type": "Opaque", "data": {"tls.key": "aGVyZQ==", "other": "YQ=="}});
    let there = with(&wanted, &[("/data/tls.key", json!("dGhlcmU="))]);
    assert_eq!(there, "`data[\"tls.key\"]` is not as at the source");
    let token = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "type": "kubernetes.io/service-account-token", "data": {"token": "YQ=="}});
    assert_eq!(with(&token, &[("/data/token", json!("Yg=="))]), "-");
}

#[test]
fn what_cannot_be_read_is_told_and_what_cannot_be_compared_is_not() {
    let wanted = deployment().to_string().into_bytes();
    for there in [
        b"garbage".as_slice(),
        b"",
        b"{\"kind\":",
        b"k8s:enc:aescbc:v1:k:x",
    ] {
        assert_eq!(drifted(&wanted, there), Some(Drift::Unreadable));
    }
    // Protobuf of a kind that nobody knows: apiVersion `x/v1`, kind `X`.
    let unknown = |raw: &[u8]| {
        let meta = b"\x0a\x09\x0a\x04x/v1\x12\x01X";
        let raw = [&[0x12, raw.len() as u8], raw].concat();
        [b"k8s\0".as_slice(), meta, &raw, b"\x1a\x00\x22\x00"].concat()
    };
    let [one, other] = [unknown(b"\x0a\x00"), unknown(b"\x0a\x00\x12\x00")];
    assert!(Record::parse(&one).is_ok() && Record::parse(&other).is_ok());
    assert_eq!(drifted(&one, &other), None);
}

fn outgoing(judge: &Judge, key: &str, value: &[u8]) -> Vec<u8> {
    let mut scratch = OutgoingScratch::default();
    let outgoing = judge.outgoing(key.as_bytes(), value, Some(RuleId(0)), &mut scratch);
    match outgoing.expect("fit").value {
        Transferred::AsItIs => value.to_vec(),
        Transferred::Sealed { value, .. } => value.to_vec(),
    }
}

/// Over what a real kube-apiserver stored, encrypted values included.
#[test]
fn every_kind_is_compared_as_it_is_stored() {
    let Some(corpus) = shared::corpus("drift") else {
        return;
    };
    let judge = judge(ALL);
    let mut scratch = OutgoingScratch::default();
    let mut drift = |key: &str, value: &[u8], there: &[u8]| {
        told(judge.drift(key.as_bytes(), value, there, RuleId(0), &mut scratch))
    };
    let set = |text: &str, value: Value| (text.parse().expect("a path"), Edit::Set(value));
    let (mut compared, mut encrypted) = ([0, 0], 0);
    for stored in &corpus {
        let (key, value) = (stored.key.as_str(), stored.value.as_slice());
        if !matches!(decide(&judge, key, value), Decision::Put { .. }) {
            continue;
        }
        let written = outgoing(&judge, key, value);
        assert_eq!(drift(key, value, &written), "-", "{key}");
        let Ok(record) = Record::parse(&written) else {
            // Nobody but an apiserver with the key could change it.
            encrypted += 1;
            assert_eq!(
                drift(key, value, b"k8s:enc:aescbc:v1:none:x"),
                "its value cannot be read"
            );
            continue;
        };
        if record.encoding() == Encoding::Cbor {
            continue;
        }
        let note = |n: &str| {
            set(
                "metadata.annotations['deployment.kubernetes.io/revision']",
                json!(n),
            )
        };
        let finalizers = set("metadata.finalizers", json!(["example.com/wait"]));
        let notes = rewrite(&written, &[note("77"), finalizers]).expect("an object");
        assert_eq!(drift(key, value, &notes), "-", "{key}");
        let label = rewrite(
            &written,
            &[set("metadata.labels.drifts", json!("yes")), note("78")],
        );
        let told = drift(key, value, &label.expect("an object"));
        assert_eq!(told, "`metadata.labels` is not as at the source", "{key}");
        compared[usize::from(record.encoding() == Encoding::Protobuf)] += 1;
    }
    assert!(
        compared[0] >= 5 && compared[1] > 50 && encrypted > 0,
        "{compared:?} {encrypted}"
    );
}

#[test]
fn the_rule_says_what_becomes_of_it() {
    let judge = judge(
        "policies: {drift: mend}\nfilters:\n  secondary:\n    - group: apps\n    - group: batch\n      policy: {drift: keep}\n    - keys: [/settings/**]\n",
    );
    let all = [0, 1, 2].map(|rule| judge.on_drift(RuleId(rule)));
    assert_eq!(all, [OnDrift::Mend, OnDrift::Keep, OnDrift::Mend]);
    let listing = judge.plan().listing();
    let mended = "mended where others change it\n  secondary[0], secondary[2]\n";
    assert!(listing.ends_with(mended), "{listing}");
    let mut scratch = OutgoingScratch::default();
    let mut drift =
        |there: &[u8]| judge.drift(b"/settings/a", b"1", there, RuleId(2), &mut scratch);
    assert_eq!(drift(b"1"), None);
    assert_eq!(drift(b"2"), Some(Drift::Value));
    let by_default = super::judge(ALL);
    assert_eq!(by_default.on_drift(RuleId(0)), OnDrift::Keep);
    assert!(!by_default.plan().listing().contains("mended"));
}
