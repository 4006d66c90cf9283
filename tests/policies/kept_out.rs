//! What policies keep out.

use std::collections::{BTreeMap, BTreeSet};

use carry::rules::decide::{Decision, SkipReason};
use carry::rules::policy::Policy;
use carry::rules::trace::{POLICIES, why};
use serde_json::json;

use super::{decide, judge};
use crate::shared;

const EVERYTHING: &str = "filters:\n  secondary:\n    - name: all\n      group: \"*\"\n";

fn kept_out(rules: &str, key: &str, value: &[u8]) -> Option<Policy> {
    match decide(&judge(rules), key, value) {
        Decision::Skip(SkipReason::KeptOut(policy)) => Some(policy),
        Decision::Put { .. } => None,
        other => panic!("{key}: {other:?}"),
    }
}

/// Every key of a real cluster under a rule that selects everything: which
/// policy keeps it out, and for which reason.
#[test]
fn of_a_whole_cluster() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stored in &corpus {
        let decision = decide(&judge, &stored.key, &stored.value);
        let traced = judge.trace(
            stored.key.as_bytes(),
            &stored.value,
            &Default::default(),
            false,
        );
        let mut traced = traced.expect("readable");
        judge.trace_policies(&mut traced);
        let policies = traced[0].condition.as_ref().and_then(|own| own.deciding());
        let policies = policies.filter(|own| own.name == POLICIES);
        let policy = policies.and_then(|own| own.deciding());
        let reason = policy.and_then(|own| own.deciding());
        let group = match &decision {
            Decision::Put { .. } => "mirrored".to_owned(),
            Decision::Skip(SkipReason::KeptOut(by)) => {
                // What is shown is what was decided.
                assert_eq!(policy.map(|own| own.name.as_str()), Some(by.name()));
                let reason = &reason.expect("a reason").name;
                format!("{by}, {reason}: {}", why(reason))
            }
            Decision::Skip(other) => format!("{other:?}"),
            other => panic!("{}: {other:?}", stored.key),
        };
        let is_kept = matches!(decision, Decision::Skip(SkipReason::KeptOut(_)));
        assert_eq!(is_kept, reason.is_some(), "{}", stored.key);
        told.entry(group).or_default().insert(stored.key.clone());
    }
    let told: Vec<String> = told
        .into_iter()
        .map(|(group, keys)| {
            let keys: Vec<String> = keys.into_iter().map(|key| format!("    {key}\n")).collect();
            format!("{group}\n{}", keys.concat())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// A rule that names such a kind selects it, but for what every cluster makes
/// for itself.
#[test]
fn kinds_that_are_named() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let under = |group: &str, kind: &str, policy: &str| {
        format!(
            "filters:\n  secondary:\n    - group: \"{group}\"\n      resources: [{{kind: {kind}}}]\n{policy}"
        )
    };
    let counts = |group: &str, kind: &str, policy: &str| {
        let judge = judge(&under(group, kind, policy));
        let own = corpus.iter().filter(|stored| stored.json["kind"] == kind);
        let decisions = own.map(|stored| decide(&judge, &stored.key, &stored.value));
        let (mut mirrored, mut kept) = (0, 0);
        for decision in decisions {
            match decision {
                Decision::Put { .. } => mirrored += 1,
                Decision::Skip(SkipReason::KeptOut(_)) => kept += 1,
                // Of another place in etcd.
                Decision::Skip(SkipReason::ClusterLocal) => {}
                other => panic!("{group}/{kind}: {other:?}"),
            }
        }
        (mirrored, kept)
    };
    let mirror = "      policy: {systemObjects: mirror}\n";
    assert_eq!(counts("coordination.k8s.io", "Lease", ""), (4, 0));
    assert_eq!(counts("", "Node", ""), (1, 0));
    assert_eq!(counts("networking.k8s.io", "IPAddress", ""), (13, 0));
    assert_eq!(counts("discovery.k8s.io", "EndpointSlice", ""), (8, 1));
    assert_eq!(counts("discovery.k8s.io", "EndpointSlice", mirror), (9, 0));
    let (roles, bootstrap) = counts("rbac.authorization.k8s.io", "ClusterRole", "");
    assert!(roles < bootstrap, "{roles} {bootstrap}");
    let all = (roles + bootstrap, 0);
    assert_eq!(
        counts("rbac.authorization.k8s.io", "ClusterRole", mirror),
        all
    );
    // What its owner brings with it.
    assert_eq!(counts("apps", "ReplicaSet", ""), (2, 0));
    // Claims are kept out whoever names them.
    let retain = "      policy: {persistentVolumes: retain}\n";
    assert_eq!(counts("", "PersistentVolumeClaim", ""), (0, 4));
    assert_eq!(counts("", "PersistentVolumeClaim", retain), (4, 0));
}

/// Same length, so that all else stays where it is in protobuf.
fn swapped(value: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut value = value.to_vec();
    let mut at = 0;
    let mut found = false;
    while at + from.len() <= value.len() {
        if &value[at..at + from.len()] == from.as_bytes() {
            value[at..at + to.len()].copy_from_slice(to.as_bytes());
            found = true;
        }
        at += 1;
    }
    assert!(found, "no {from}");
    value
}

const BY_HAND: [&str; 2] = [
    "/registry/services/endpoints/test1/manual",
    "/registry/services/endpoints/unique/manual",
];

/// Endpoints for a Service without selector come from people: nobody would make
/// them at the standby. Here as they are stored, in protobuf and in JSON.
#[test]
fn endpoints_made_by_hand() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let kept = Some(Policy::SystemObjects);
    let mut by_hand = [Vec::new(), Vec::new()];
    let stored = corpus.iter();
    let endpoints: Vec<_> = stored
        .filter(|own| own.key.starts_with("/registry/services/endpoints/"))
        .collect();
    for own in &endpoints {
        assert!(own.value.starts_with(b"k8s\0"), "{}", own.key);
        let json = own.json.to_string().into_bytes();
        for (by_hand, value) in by_hand.iter_mut().zip([&own.value, &json]) {
            if kept_out(EVERYTHING, &own.key, value).is_none() {
                by_hand.push(own.key.as_str());
            }
        }
    }
    assert_eq!(endpoints.len(), 11);
    assert_eq!(by_hand, [BY_HAND, BY_HAND]);
    let value_of = |key: &str| {
        let own = endpoints.iter().find(|own| own.key == key);
        own.expect("a value").value.clone()
    };
    // Another writer than people's tools.
    let other = swapped(&value_of(BY_HAND[0]), "kubectl", "Patroni");
    assert_eq!(kept_out(EVERYTHING, BY_HAND[0], &other), kept);
    // Each mark of the controller keeps it out, whoever has written it.
    let key = "/registry/services/endpoints/test1/web";
    let (label, time) = (
        ("kubernetes.io/managed-by", "kubernetes.io/somebodys1"),
        ("last-change-trigger-time", "some-change-trigger-time"),
    );
    let web = value_of(key);
    let renamed = |changes: &[(&str, &str)]| {
        let changes = changes.iter();
        changes.fold(web.clone(), |value, (from, to)| swapped(&value, from, to))
    };
    let k9s = ("kcm", "k9s");
    for (changes, expected) in [
        (&[label, time][..], kept),
        (&[k9s], kept),
        (&[k9s, label], kept),
        (&[k9s, time], kept),
        (&[k9s, label, time], None),
    ] {
        let value = renamed(changes);
        assert_eq!(kept_out(EVERYTHING, key, &value), expected, "{changes:?}");
    }
}

fn endpoints(managed_fields: &serde_json::Value) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": "db", "namespace": "red", "managedFields": managed_fields},
        "subsets": [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}],
    })
}

/// Who has written Endpoints, by what `managedFields` says.
#[test]
fn writers_of_endpoints() {
    let key = "/registry/services/endpoints/red/db";
    let kept = Some(Policy::SystemObjects);
    let of =
        |rules: &str, value: &serde_json::Value| kept_out(rules, key, value.to_string().as_bytes());
    let by = |managers: &[&str]| {
        let entry = |own: &&str| json!({"manager": own, "operation": "Update", "apiVersion": "v1"});
        endpoints(&managers.iter().map(entry).collect())
    };
    for people in [
        &["kubectl"][..],
        &["kubectl-client-side-apply"],
        &["kubectl-create", "kubectl-edit", "kubectl"],
        &["Helm"],
        &["helm"],
        &["argocd-controller"],
        &["argocd-application-controller", "kubectl-edit"],
        &["kustomize-controller"],
        &["helm-controller"],
        &["HashiCorp"],
        &["Terraform"],
        &["pulumi-kubernetes-5f0c2b1a"],
        &["Mozilla"],
    ] {
        assert_eq!(of(EVERYTHING, &by(people)), None, "{people:?}");
    }
    for others in [
        &["kube-controller-manager"][..],
        &["kubectl", "kube-controller-manager"],
        &["kube-controller-manager", "kubectl"],
        &["kube-scheduler"],
        &["Patroni"],
        &["before-first-apply", "kubectl"],
        &["kubectlish"],
        &["my-kubectl"],
        &["Go-http-client"],
        &[""],
        &[],
    ] {
        assert_eq!(of(EVERYTHING, &by(others)), kept, "{others:?}");
    }
    // Nothing is known of who wrote it.
    assert_eq!(of(EVERYTHING, &endpoints(&json!([{}]))), kept);
    let mut unknown = by(&["kubectl"]);
    let metadata = unknown["metadata"].as_object_mut().expect("an object");
    metadata.remove("managedFields");
    assert_eq!(of(EVERYTHING, &unknown), kept);
    // Marks of controllers and of leader elections.
    let marked = |place: &str, name: &str, value: &str| {
        let mut own = by(&["kubectl"]);
        own["metadata"][place] = json!({name: value});
        of(EVERYTHING, &own)
    };
    let label = "endpoints.kubernetes.io/managed-by";
    assert_eq!(marked("labels", label, "endpoint-controller"), kept);
    assert_eq!(marked("labels", label, "somebody"), None);
    let annotation = "endpoints.kubernetes.io/last-change-trigger-time";
    assert_eq!(marked("annotations", annotation, "2026-01-01"), kept);
    let annotation = "control-plane.alpha.kubernetes.io/leader";
    assert_eq!(marked("annotations", annotation, "{}"), kept);
    assert_eq!(marked("annotations", "example.com/leader", "{}"), None);
    // A rule that names the kind gets all.
    let named = "filters:\n  secondary:\n    - group: \"\"\n      resources: [{kind: Endpoints}]\n";
    assert_eq!(of(named, &by(&["kube-controller-manager"])), None);
    // Never those of the kube-apiservers.
    let mut kubernetes = by(&["kubectl"]);
    kubernetes["metadata"]["name"] = json!("kubernetes");
    kubernetes["metadata"]["namespace"] = json!("default");
    let own = "/registry/services/endpoints/default/kubernetes";
    for rules in [EVERYTHING, named] {
        let value = kubernetes.to_string();
        assert_eq!(kept_out(rules, own, value.as_bytes()), kept);
    }
    // The standby makes its own slices of what is copied.
    let slice = |by: &str| {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "db-x7k2p", "namespace": "red", "labels": {
                "endpointslice.kubernetes.io/managed-by": by,
            }},
        });
        let key = "/registry/endpointslices/red/db-x7k2p";
        kept_out(EVERYTHING, key, slice.to_string().as_bytes())
    };
    assert_eq!(slice("endpointslicemirroring-controller.k8s.io"), kept);
    assert_eq!(slice("somebody"), None);
}

fn pod(controller: bool) -> Vec<u8> {
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": controller});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "red", "ownerReferences": [owner]},
    });
    pod.to_string().into_bytes()
}

const POD: &str = "/registry/pods/red/web-1";

/// Only where some rule selects the owner's kind, and this one does not name
/// the object's.
#[test]
fn controlled_objects() {
    let with = |rest: &str| format!("filters:\n  secondary:\n    - group: \"\"\n{rest}");
    let of_apps = "    - group: apps\n";
    let kept = |rules: &str, value: &[u8]| kept_out(rules, POD, value);
    let controlled = Some(Policy::ControlledObjects);
    assert_eq!(kept(&with(of_apps), &pod(true)), controlled);
    assert_eq!(kept(&with(of_apps), &pod(false)), None);
    assert_eq!(kept(&with(""), &pod(true)), None);
    let other_kind = "    - group: apps\n      resources: [{kind: Deployment}]\n";
    assert_eq!(kept(&with(other_kind), &pod(true)), None);
    let same_kind =
        "    - group: apps\n      resources: [{kind: Deployment}, {kind: ReplicaSet}]\n";
    assert_eq!(kept(&with(same_kind), &pod(true)), controlled);
    for glob in ["*", "app*", "*s", "**"] {
        let of_glob = format!("    - group: \"{glob}\"\n");
        assert_eq!(kept(&with(&of_glob), &pod(true)), controlled, "{glob}");
    }
    let other_glob = "    - group: \"*.io\"\n";
    assert_eq!(kept(&with(other_glob), &pod(true)), None);
    let named = format!("      resources: [{{kind: Pod}}]\n{of_apps}");
    assert_eq!(kept(&with(&named), &pod(true)), None);
    let some_named = format!("      resources: [{{kind: Pod}}, {{kind: \"*\"}}]\n{of_apps}");
    assert_eq!(kept(&with(&some_named), &pod(true)), None);
    let mirrored = format!("      policy: {{controlledObjects: mirror}}\n{of_apps}");
    assert_eq!(kept(&with(&mirrored), &pod(true)), None);
}

/// A rule's own word counts for it, and the file's for all others.
#[test]
fn settings_of_the_file_and_of_rules() {
    let lease = br#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"red"}}"#;
    let key = "/registry/leases/red/l";
    let file = format!("policies: {{systemObjects: mirror}}\n{EVERYTHING}");
    assert_eq!(
        kept_out(EVERYTHING, key, lease),
        Some(Policy::SystemObjects)
    );
    assert_eq!(kept_out(&file, key, lease), None);
    let rule = format!("{file}      policy: {{systemObjects: skip}}\n");
    assert_eq!(kept_out(&rule, key, lease), Some(Policy::SystemObjects));
    // Another rule may select what a policy of the first takes away.
    let second = format!(
        "{EVERYTHING}    - name: leases\n      group: coordination.k8s.io\n      resources: [{{kind: Lease}}]\n"
    );
    assert_eq!(kept_out(&second, key, lease), None);
}

/// Tokens can be used where their ServiceAccount is carried along.
#[test]
fn service_account_tokens() {
    let token = br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"t","namespace":"red"},"type":"kubernetes.io/service-account-token"}"#;
    let key = "/registry/secrets/red/t";
    let secrets = "filters:\n  secondary:\n    - group: \"\"\n      resources: [{kind: Secret}]\n";
    let encrypted =
        carry::rules::decide::Decision::Skip(SkipReason::KeptOut(Policy::SystemObjects));
    let plain = |rules: &str| {
        let source = carry::diagnostic::SourceText::new("rules.yaml", rules);
        let rules = carry::rules::load(&source).rule_set.expect("rules");
        let plan = carry::rules::Plan::compile(&rules, "/registry")
            .0
            .expect("a plan");
        let judge = carry::rules::decide::Judge::new(plan, carry::k8s::Keyring::default());
        decide(&judge, key, token)
    };
    assert_eq!(plain(secrets), encrypted);
    let accounts =
        format!("{secrets}    - group: \"\"\n      resources: [{{kind: ServiceAccount}}]\n");
    assert!(matches!(plain(&accounts), Decision::Put { .. }));
}

/// However many kinds are selected, and what an owned key becomes that is kept
/// out: nobody deletes what the standby makes for itself.
#[test]
fn many_kinds_and_owned_keys() {
    let mut rules = String::from("filters:\n  secondary:\n    - group: \"\"\n");
    for group in 0..300 {
        rules += &format!("    - group: g{group}.example.com\n      resources: [");
        for kind in 0..4 {
            rules += &format!("{{kind: Kind{group}x{kind}}}, ");
        }
        rules += "]\n";
    }
    assert_eq!(kept_out(&rules, POD, &pod(true)), None);
    let with_owner = format!("{rules}    - group: apps\n      resources: [{{kind: ReplicaSet}}]\n");
    let controlled = Some(Policy::ControlledObjects);
    assert_eq!(kept_out(&with_owner, POD, &pod(true)), controlled);
    let judge = judge(&with_owner);
    let value = pod(true);
    let event = carry::rules::decide::Event {
        key: POD.as_bytes(),
        value: Some(&value),
        leased: false,
        owned: true,
    };
    let decision = judge.decide(&event, &Default::default(), &mut Default::default());
    assert_eq!(decision, Decision::Disown(Policy::ControlledObjects));
}

/// A StatefulSet may control its claims: whoever asks for volumes gets those.
#[test]
fn claims_with_a_controller() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "red", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u", "controller": true},
        ]},
    });
    let key = "/registry/persistentvolumeclaims/red/data";
    let rules = "filters:\n  secondary:\n    - group: \"\"\n      policy: {persistentVolumes: retain}\n    - group: apps\n";
    assert_eq!(kept_out(rules, key, claim.to_string().as_bytes()), None);
    assert_eq!(
        kept_out(rules, POD, &pod(true)),
        Some(Policy::ControlledObjects)
    );
}
