//! What policies change in values.

use carry::k8s::{Edit, Encoding, Record, Transferred, rewrite};
use carry::rules::RuleId;
use carry::rules::decide::{Decision, Judge};
use carry::rules::outgoing::OutgoingScratch;
use carry::rules::policy::Policy;
use serde_json::{Value, json};

use super::{decide, judge};
use crate::shared;

const EVERYTHING: &str = "policies: {systemObjects: mirror, controlledObjects: mirror, persistentVolumes: retain}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n";

/// What would be written, and which fields are said to be changed.
fn written(judge: &Judge, key: &str, value: &[u8]) -> (Vec<u8>, Vec<(Policy, String)>) {
    let mut scratch = OutgoingScratch::default();
    let outgoing = judge.outgoing(key.as_bytes(), value, Some(RuleId(0)), &mut scratch);
    let outgoing = outgoing.unwrap_or_else(|unfit| panic!("{key}: {}", unfit.reason));
    let bytes = match outgoing.value {
        Transferred::AsItIs => value.to_vec(),
        Transferred::Sealed { value, .. } => value.to_vec(),
    };
    let fields = outgoing.rewritings.iter();
    let fields = fields.map(|own| (own.policy, own.path.to_string()));
    (bytes, fields.collect())
}

fn json_of(judge: &Judge, key: &str, value: &[u8]) -> Value {
    judge.object(key.as_bytes(), value, true).expect("readable")
}

/// Takes the field at a path out of an object.
fn take_out(object: &mut Value, steps: &[&str]) {
    let Some((last, above)) = steps.split_last() else {
        return;
    };
    let mut at = object;
    for step in above {
        at = &mut at[*step];
    }
    if let Some(map) = at.as_object_mut() {
        map.remove(*last);
    }
}

/// Every value of a real cluster: what is written differs in exactly the fields
/// that are named.
#[test]
fn only_the_named_fields_change() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let mut changed = 0;
    for stored in &corpus {
        if !matches!(
            decide(&judge, &stored.key, &stored.value),
            Decision::Put { .. }
        ) {
            continue;
        }
        let (bytes, fields) = written(&judge, &stored.key, &stored.value);
        if fields.is_empty() {
            assert_eq!(bytes, stored.value, "{}", stored.key);
            continue;
        }
        changed += 1;
        let mut before = json_of(&judge, &stored.key, &stored.value);
        let mut after = json_of(&judge, &stored.key, &bytes);
        assert_ne!(before, after, "{}", stored.key);
        for (_, field) in &fields {
            let path: carry::k8s::Path = field.parse().expect("a path");
            let steps: Vec<&str> = path.steps().iter().filter_map(|step| step.name()).collect();
            take_out(&mut before, &steps);
            take_out(&mut after, &steps);
        }
        // The last annotation takes the map along.
        for object in [&mut before, &mut after] {
            if object["metadata"]["annotations"] == json!({}) {
                take_out(object, &["metadata", "annotations"]);
            }
        }
        assert_eq!(before, after, "{}", stored.key);
        let there = &bytes[..];
        let mut scratch = OutgoingScratch::default();
        let key = stored.key.as_bytes();
        let same = |there: &[u8], scratch: &mut OutgoingScratch| {
            judge.is_there(key, &stored.value, there, Some(RuleId(0)), scratch)
        };
        assert!(same(there, &mut scratch), "{}", stored.key);
        assert!(!same(&stored.value, &mut scratch), "{}", stored.key);
    }
    // Pods of Jobs, volumes, claims, the ServiceCIDR.
    assert!(changed >= 6, "{changed}");
}

/// What the source has begun to delete is written as if it had not: byte for
/// byte, in protobuf and JSON.
#[test]
fn deletion_is_the_sources_affair() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let marks = [
        ("metadata.deletionTimestamp", json!("2026-11-22T06:37:44Z")),
        ("metadata.deletionGracePeriodSeconds", json!(30)),
        ("metadata.finalizers", json!(["example.com/hold"])),
    ];
    let marks = marks.map(|(path, value)| (path.parse().expect("a path"), Edit::Set(value)));
    let (mut protobuf, mut json) = (0, 0);
    for stored in &corpus {
        let Ok(record) = Record::parse(&stored.value) else {
            // It is encrypted, and would be anew.
            continue;
        };
        let is_put = matches!(
            decide(&judge, &stored.key, &stored.value),
            Decision::Put { .. }
        );
        if !is_put || stored.json["metadata"]["finalizers"].is_array() {
            continue;
        }
        match record.encoding() {
            Encoding::Protobuf => protobuf += 1,
            _ => json += 1,
        }
        let marked = rewrite(&stored.value, &marks).expect("metadata");
        assert_ne!(**marked, *stored.value);
        let (bytes, fields) = written(&judge, &stored.key, &marked);
        let (plain, _) = written(&judge, &stored.key, &stored.value);
        assert_eq!(bytes, plain, "{}", stored.key);
        let of_deletion = fields
            .iter()
            .filter(|(policy, _)| *policy == Policy::Deletion);
        assert_eq!(of_deletion.count(), 3, "{}: {fields:?}", stored.key);
    }
    assert!(protobuf > 100 && json > 10, "{protobuf} {json}");
}

/// A Namespace that ends at the source would keep everything from being
/// created in it.
#[test]
fn namespaces_that_end() {
    let judge = judge(EVERYTHING);
    let of_phase = |phase: &str| {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "red", "deletionTimestamp": "2026-11-22T06:37:44Z"},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": phase},
        });
        let (bytes, fields) = written(
            &judge,
            "/registry/namespaces/red",
            object.to_string().as_bytes(),
        );
        let fields: Vec<String> = fields.into_iter().map(|(_, field)| field).collect();
        let written: Value = serde_json::from_slice(&bytes).expect("JSON");
        (written, fields)
    };
    let (ends, fields) = of_phase("Terminating");
    assert_eq!(fields, ["metadata.deletionTimestamp", "status.phase"]);
    assert_eq!(ends["status"]["phase"], "Active");
    // Without these it would go without what is in it.
    assert_eq!(ends["spec"]["finalizers"], json!(["kubernetes"]));
    let (lives, fields) = of_phase("Active");
    assert_eq!(fields, ["metadata.deletionTimestamp"]);
    assert_eq!(lives["status"]["phase"], "Active");
}

#[test]
fn volumes_are_bound_anew_and_never_deleted() {
    let judge = judge(EVERYTHING);
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "pv", "annotations": {
            "pv.kubernetes.io/bound-by-controller": "yes",
            "pv.kubernetes.io/provisioned-by": "csi.example.com",
        }, "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"namespace": "red", "name": "data", "uid": "u", "resourceVersion": "7"},
        },
        "status": {"phase": "Bound"},
    });
    let (bytes, _) = written(
        &judge,
        "/registry/persistentvolumes/pv",
        volume.to_string().as_bytes(),
    );
    let written_volume: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(
        written_volume,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": "pv", "annotations": {"pv.kubernetes.io/provisioned-by": "csi.example.com"}},
            "spec": {
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "red", "name": "data"},
            },
            "status": {"phase": "Bound"},
        })
    );
    // Its claim is gone: no other one may get what it holds.
    let mut released = volume.clone();
    released["status"]["phase"] = json!("Released");
    let (bytes, _) = written(
        &judge,
        "/registry/persistentvolumes/pv",
        released.to_string().as_bytes(),
    );
    let released: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(released["spec"]["claimRef"]["uid"], "u");
    assert_eq!(released["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "red", "annotations": {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }},
        "spec": {"volumeName": "pv"},
    });
    let (bytes, fields) = written(
        &judge,
        "/registry/persistentvolumeclaims/red/data",
        claim.to_string().as_bytes(),
    );
    let written_claim: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(fields.len(), 2, "{fields:?}");
    assert_eq!(written_claim["spec"], json!({"volumeName": "pv"}));
    let annotations = &written_claim["metadata"]["annotations"];
    assert!(
        annotations.is_null() || *annotations == json!({}),
        "{annotations}"
    );
}
