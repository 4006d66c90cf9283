//! What `carry_policy_actions_total` counts: every policy under every setting,
//! between two real etcds.

use std::collections::BTreeMap;

use carry::diagnostic::{SourceText, Style, render};
use carry::k8s::services::ServiceName;
use carry::rules::load;
use carry::rules::policy::Policy;
use serde_json::{Value, json};

use super::harness::{Carry, Etcd, any_version, eventually, temp_dir};
use super::orders::{TOKEN, order};
use crate::services::made::{service, service_bytes, service_cidr, service_key};

type Stored = (Vec<u8>, Vec<u8>);

/// What comes of one setting.
#[derive(Default)]
struct Case {
    /// `None` for a policy without a setting.
    setting: Option<&'static str>,
    source: Vec<Stored>,
    destination: Vec<Stored>,
    /// How often the policy acts.
    acts: usize,
    /// How often it keeps something out by the rules alone, which it does again
    /// when everything is judged again.
    again: usize,
    held: usize,
    kept: usize,
    /// Whether carry ends, with an error.
    ends: bool,
}

fn object(path: &str, api_version: &str, kind: &str, uid: &str, mut more: Value) -> Stored {
    let (folder, name) = path.rsplit_once('/').expect("a name");
    more["apiVersion"] = api_version.into();
    more["kind"] = kind.into();
    more["metadata"]["name"] = name.into();
    more["metadata"]["uid"] = uid.into();
    if folder.ends_with("/shop") {
        more["metadata"]["namespace"] = "shop".into();
    }
    let key = format!("/registry/{path}").into_bytes();
    (key, more.to_string().into_bytes())
}

fn config_map(name: &str, uid: &str, metadata: Value) -> Stored {
    let path = format!("configmaps/shop/{name}");
    let more = json!({"metadata": metadata, "data": {"a": "b"}});
    object(&path, "v1", "ConfigMap", uid, more)
}

fn namespace(uid: &str) -> Stored {
    object("namespaces/shop", "v1", "Namespace", uid, json!({}))
}

fn deployment() -> Stored {
    let spec = json!({"replicas": 3, "selector": {}, "template": {}});
    let path = "deployments/shop/web";
    object(path, "apps/v1", "Deployment", "web", json!({"spec": spec}))
}

/// The cases of a policy: one for each word of its setting.
fn cases(policy: Policy) -> Vec<Case> {
    let of = |setting: &'static str, source: &[Stored]| Case {
        setting: Some(setting),
        source: source.to_vec(),
        ..Case::default()
    };
    let alone = |source: Stored| Case {
        source: vec![source],
        acts: 1,
        ..Case::default()
    };
    match policy {
        Policy::SystemObjects => {
            let lease = object(
                "leases/shop/a",
                "coordination.k8s.io/v1",
                "Lease",
                "lease",
                json!({"spec": {}}),
            );
            let annotations = json!({"kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": "gone"});
            let more = json!({"metadata": {"annotations": annotations}, "type": "kubernetes.io/service-account-token", "data": {}});
            let token = object("secrets/shop/token", "v1", "Secret", "token", more);
            let source = [lease, token];
            let skip = Case {
                acts: 2,
                again: 1,
                ..of("skip", &source)
            };
            vec![skip, of("mirror", &source)]
        }
        Policy::ControlledObjects => {
            let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "web", "controller": true});
            let more = json!({"metadata": {"ownerReferences": [owner]}, "spec": {"selector": {}, "template": {}}});
            let set = object(
                "replicasets/shop/web-1",
                "apps/v1",
                "ReplicaSet",
                "set",
                more,
            );
            let source = [deployment(), set];
            let case = |setting| Case {
                destination: vec![deployment()],
                ..of(setting, &source)
            };
            vec![
                Case {
                    acts: 1,
                    again: 1,
                    ..case("skip")
                },
                case("mirror"),
            ]
        }
        Policy::PersistentVolumes => {
            let spec =
                json!({"persistentVolumeReclaimPolicy": "Delete", "capacity": {"storage": "1Gi"}});
            let volume = object(
                "persistentvolumes/one",
                "v1",
                "PersistentVolume",
                "one",
                json!({"spec": spec}),
            );
            let case = |setting| Case {
                acts: 1,
                ..of(setting, std::slice::from_ref(&volume))
            };
            vec![
                Case {
                    again: 1,
                    ..case("skip")
                },
                case("retain"),
            ]
        }
        Policy::Deletion => vec![alone(config_map(
            "ending",
            "ending",
            json!({"finalizers": ["example.com/wait"]}),
        ))],
        Policy::Owners => {
            let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone", "uid": "gone"});
            let orphan = config_map("orphan", "orphan", json!({"ownerReferences": [owner]}));
            let case = |setting| Case {
                acts: 1,
                ..of(setting, std::slice::from_ref(&orphan))
            };
            vec![
                Case {
                    held: 1,
                    ..case("hold")
                },
                case("strip"),
                case("skip"),
            ]
        }
        Policy::OnConflict => {
            let all = |uid: &str| {
                [
                    namespace(uid),
                    config_map("own", uid, json!({})),
                    config_map("copy", "same", json!({})),
                ]
            };
            let case = |setting| Case {
                destination: all("of-the-standby").to_vec(),
                acts: 2,
                ..of(setting, &all("of-the-source"))
            };
            let keep = Case {
                kept: 2,
                ..case("keep")
            };
            // It counts that, too; nobody can ask it any more.
            let stop = Case {
                ends: true,
                ..case("stop")
            };
            vec![keep, case("adopt"), case("overwrite"), stop]
        }
        Policy::Definitions => {
            let spec = json!({"group": "example.com", "names": {"plural": "sites", "kind": "Site"}, "scope": "Namespaced",
                "versions": [{"name": "v1", "served": true, "storage": true}]});
            let status = json!({"conditions": [{"type": "Established", "status": "True"}], "acceptedNames": {"plural": "sites", "kind": "Site"}, "storedVersions": ["v1"]});
            let path = "apiextensions.k8s.io/customresourcedefinitions/sites.example.com";
            let more = json!({"spec": spec, "status": status});
            let definition = object(
                path,
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "crd",
                more,
            );
            let site = object(
                "example.com/sites/shop/undefined",
                "example.com/v1",
                "Site",
                "site",
                json!({}),
            );
            let held = Case {
                held: 1,
                ..alone(site)
            };
            vec![alone(definition), held]
        }
        Policy::Workloads => {
            let spec = json!({"schedule": "* * * * *", "suspend": false, "jobTemplate": {}});
            let job = object(
                "cronjobs/shop/often",
                "batch/v1",
                "CronJob",
                "often",
                json!({"spec": spec}),
            );
            let source = [deployment(), job];
            vec![
                of("as-is", &source),
                Case {
                    acts: 2,
                    ..of("scaled-to-zero", &source)
                },
                Case {
                    acts: 1,
                    ..of("suspended", &source)
                },
            ]
        }
        Policy::Services => {
            let one = |name: &str, address: &str| {
                let key = service_key(&ServiceName::new("shop", name));
                (key.into_bytes(), service_bytes(&service(name, &[address])))
            };
            let source = [one("outside", "10.96.0.5"), one("six", "fd00::5")];
            let case = |setting| Case {
                destination: vec![(
                    "/registry/servicecidrs/kubernetes".into(),
                    service_cidr(&["10.0.0.0/24"]),
                )],
                ..of(setting, &source)
            };
            vec![
                // Another address for one, none for the other.
                Case {
                    acts: 2,
                    held: 1,
                    ..case("reallocate")
                },
                case("keep"),
                Case {
                    acts: 2,
                    again: 2,
                    ..case("skip")
                },
                Case {
                    acts: 2,
                    again: 2,
                    ..case("headless-only")
                },
            ]
        }
    }
}

/// Namespaces are in the lists of two stages.
fn rules(policy: Policy, setting: Option<&str>) -> String {
    let setting = setting.map(|word| format!("policies: {{{policy}: {word}}}\n"));
    format!(
        "{}filters:\n  sequential:\n    - name: namespaces\n      group: \"\"\n      resources: [{{kind: Namespace}}]\n  secondary:\n    - name: all\n      group: \"*\"\n",
        setting.unwrap_or_default()
    )
}

/// The words that rules files know for a setting.
fn words(policy: Policy) -> Vec<String> {
    let source = SourceText::new("rules.yaml", rules(policy, Some("nonsense")));
    let shown = render(&source, &load(&source).diagnostics, Style::default());
    let listed = shown.split_once("write one of ").expect("words").1;
    let listed = listed.split_once(": ").expect("words").0;
    listed
        .split(", ")
        .map(|word| word.trim_matches('`').to_owned())
        .collect()
}

/// No word of a setting is without a case: of a new policy nothing compiles.
#[test]
fn every_word_of_every_policy_has_a_case() {
    for policy in Policy::ALL {
        let all = cases(policy);
        let named: Vec<&str> = all.iter().filter_map(|case| case.setting).collect();
        match named.is_empty() {
            true => assert!(!all.is_empty(), "{policy}"),
            false => {
                let (mut named, mut known) = (named, words(policy));
                named.sort_unstable();
                known.sort_unstable();
                assert_eq!(named, known, "{policy}");
            }
        }
    }
}

fn counted(carry: &Carry) -> BTreeMap<&'static str, usize> {
    let metrics = carry
        .http("/metrics")
        .map(|(_, text)| text)
        .unwrap_or_default();
    let of = |policy: Policy| {
        let sample = format!("carry_policy_actions_total{{policy=\"{policy}\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&sample));
        value
            .and_then(|value| value.parse().ok())
            .map(|count| (policy.name(), count))
    };
    Policy::ALL.into_iter().filter_map(of).collect()
}

/// What is written from now on is written after all that was before.
async fn passed(source: &Etcd, destination: &Etcd, name: &str) {
    let (key, value) = config_map(name, name, json!({}));
    source.put(key.clone(), value).await;
    eventually("a mark", || async {
        destination.get(key.clone()).await.is_some()
    })
    .await;
}

/// Each decision in which a policy acts is counted once, and nothing else; also
/// where everything is judged again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_is_counted_once() {
    let Some(version) = any_version("actions of policies") else {
        return;
    };
    for policy in Policy::ALL {
        for case in cases(policy) {
            let what = format!("{policy}: {:?}", case.setting);
            let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
            source.load(case.source).await;
            destination.load(case.destination).await;
            let folder = temp_dir();
            let path = |name: &str, text: &str| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).expect("a file");
                path
            };
            let file = path("rules.yaml", &rules(policy, case.setting));
            let token = path("token", TOKEN);
            let token = format!("--admin-token-file={}", token.display());
            let mut carry = Carry::between(&source, &destination, &file, &[token]);
            if case.ends {
                assert_ne!(carry.exit_code(), 0, "{what}");
                continue;
            }
            carry.wait_ready();
            let expected = |acts: usize| -> BTreeMap<&str, usize> {
                let of = |own: Policy| (own.name(), if own == policy { acts } else { 0 });
                Policy::ALL.into_iter().map(of).collect()
            };
            let (before, after) = (expected(case.acts), expected(case.acts + case.again));
            let is_so = |carry: &Carry| {
                counted(carry) == before
                    && carry.metric("carry_held_keys ") == Some(case.held as f64)
                    && carry.metric("carry_kept_keys ") == Some(case.kept as f64)
            };
            carry.wait_for(&what, is_so);

            passed(&source, &destination, "first").await;
            let port = carry.port();
            carry.wait_for("a resync to begin", |_| {
                order(port, "POST", "/resync", Some(TOKEN)).0 == 202
            });
            let resyncs = "carry_resyncs_total{reason=\"requested\"}";
            carry.wait_for("the resync", |carry| carry.metric(resyncs) == Some(1.0));
            for name in ["second", "third"] {
                passed(&source, &destination, name).await;
            }
            carry.wait_ready();
            carry.wait_for(&what, |carry| {
                carry.metric("carry_held_keys ") == Some(case.held as f64)
            });
            assert_eq!(counted(&carry), after, "{what}\n{}", carry.stderr());
        }
    }
}
