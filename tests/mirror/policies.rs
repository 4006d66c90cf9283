//! Policies in `carry run` between two real etcds, over what a real
//! kube-apiserver stored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use carry::diagnostic::SourceText;
use carry::k8s::{Edit, Keyring, rewrite};
use carry::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use carry::rules::namespaces::Namespaces;
use carry::rules::policy::Policy;
use carry::rules::{Plan, load};
use serde_json::json;

use super::harness::{Carry, Etcd, eventually, temp_dir, versions};
use crate::policies::landing::World;
use crate::shared;

/// Nobody could say which addresses are free where all that is there is
/// garbage.
const RULES: &str =
    "policies: {services: keep}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n";

type Keys = BTreeMap<Vec<u8>, Vec<u8>>;

fn judge(config: &str) -> Judge {
    let rules = load(&SourceText::new("rules.yaml", RULES)).rule_set;
    let (plan, _) = Plan::compile(&rules.expect("rules"), "/registry");
    let keyring = Keyring::parse("encryption.yaml", config).expect("a configuration");
    Judge::new(plan.expect("a plan"), keyring)
}

/// What the standby has of its own under a key.
fn own(key: &[u8]) -> Vec<u8> {
    [b"own ", key].concat()
}

/// What the destination must hold for a source with `items`, what is kept out,
/// of which the destination has its own, and what waits for what never comes.
fn expected(judge: &Judge, items: &Keys) -> (Keys, BTreeMap<Vec<u8>, Policy>, usize) {
    let (mut written, mut kept) = (BTreeMap::new(), BTreeMap::new());
    let mut scratch = Scratch::default();
    let (mut world, mut open) = (World::default(), Vec::new());
    for (key, value) in items {
        let event = Event {
            key,
            value: Some(value),
            leased: false,
            owned: false,
        };
        match judge.decide(&event, &Namespaces::default(), &mut scratch) {
            Decision::Put { .. } => {
                let key = String::from_utf8(key.clone()).expect("a key");
                open.push((key, value));
            }
            Decision::Skip(SkipReason::KeptOut(policy)) => {
                let text = String::from_utf8(key.clone()).expect("a key");
                world.put(&text, &own(key));
                kept.insert(key.clone(), policy);
            }
            other => assert!(matches!(other, Decision::Skip(_)), "{other:?}"),
        }
    }
    // Whoever waits for another comes after it.
    loop {
        let before = open.len();
        open.retain(|(key, value)| match world.land(judge, key, value) {
            Ok(landed) => {
                world.put(key, &landed.bytes);
                written.insert(key.clone().into_bytes(), landed.bytes);
                false
            }
            Err(_) => true,
        });
        if open.len() == before {
            return (written, kept, open.len());
        }
    }
}

/// A rule for everything: the standby's own objects stay as they are to the
/// byte, and nothing of the source's deletions arrives before they are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standbys_own_objects_stay() {
    let (Some(corpus), Some(config)) = (
        shared::corpus("policies"),
        shared::corpus_encryption("policies"),
    ) else {
        return;
    };
    let judge = judge(&config);
    let folder = temp_dir();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let (rules, encryption) = (
        write("rules.yaml", RULES),
        write("encryption.yaml", &config),
    );
    let items: Keys = corpus
        .into_iter()
        .map(|stored| (stored.key.into_bytes(), stored.value))
        .collect();
    let (mut written, kept, waiting) = expected(&judge, &items);
    assert!(kept.len() > 100 && written.len() > 50);
    let own: Keys = kept.keys().map(|key| (key.clone(), own(key))).collect();
    for version in versions("policies") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        source.load(items.clone()).await;
        destination.load(own.clone()).await;
        let provider = format!("--encryption-provider-config={}", encryption.display());
        let mut carry = Carry::between(&source, &destination, &rules, &[provider]);
        carry.wait_ready();
        carry.wait_for("all that can be written", |carry| {
            carry.metric("carry_held_keys") == Some(waiting as f64)
        });
        let all = |written: &Keys| {
            let mut all = own.clone();
            all.extend(written.clone());
            all
        };
        assert!(destination.list("/registry").await == all(&written));
        let of = |carry: &Carry, policy: Policy| {
            let sample = format!("carry_policy_actions_total{{policy=\"{policy}\"}}");
            carry.metric(&sample).expect("a metric") as usize
        };
        let keep_out = [
            Policy::SystemObjects,
            Policy::ControlledObjects,
            Policy::PersistentVolumes,
        ];
        for policy in keep_out {
            let count = kept.values().filter(|own| **own == policy).count();
            assert_eq!(of(&carry, policy), count, "{policy}");
        }
        let deleted = of(&carry, Policy::Deletion);

        // It ends at the source, and then is gone.
        let key = b"/registry/deployments/test1/web".to_vec();
        let marks = [
            ("metadata.deletionTimestamp", json!("2026-11-22T06:37:44Z")),
            ("metadata.finalizers", json!(["foregroundDeletion"])),
            ("spec.replicas", json!(7)),
        ];
        let marks = marks.map(|(path, value)| (path.parse().expect("a path"), Edit::Set(value)));
        let ending = rewrite(&items[&key], &marks)
            .expect("a Deployment")
            .to_vec();
        let living = rewrite(&items[&key], &marks[2..]).expect("a Deployment");
        source.put(key.clone(), ending).await;
        written.insert(key.clone(), living.to_vec());
        eventually("the change without the deletion", || async {
            destination.list("/registry").await == all(&written)
        })
        .await;
        let sample = "carry_policy_actions_total{policy=\"deletion\"}";
        let counted = Some((deleted + 1) as f64);
        carry.wait_for("it to be counted", |carry| carry.metric(sample) == counted);
        source.delete(key.clone()).await;
        let before = written.remove(&key);
        eventually("the delete", || async {
            destination.list("/registry").await == all(&written)
        })
        .await;
        written.extend(before.map(|_| (key.clone(), expected(&judge, &items).0[&key].clone())));

        // What was written is what is compared later: nothing is written again.
        source.put(key.clone(), items[&key].clone()).await;
        eventually("it to be back", || async {
            destination.list("/registry").await == all(&written)
        })
        .await;
        let revision = destination.mod_revision(key.clone()).await;
        let mut again = carry.again_without_ledger();
        again.wait_ready();
        assert!(destination.list("/registry").await == all(&written));
        assert_eq!(destination.mod_revision(key).await, revision);
    }
}

/// What was mirrored before a policy came to keep it out is nobody's to delete:
/// the standby has made it its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_policies_come_to_keep_out_stays() {
    let role = |name: &str, text: &str| {
        let key = format!("/registry/clusterroles/{name}").into_bytes();
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
                "annotations": {"text": text}},
        });
        (key, object.to_string().into_bytes())
    };
    let rules = |policy: &str| {
        format!(
            "filters:\n  secondary:\n    - group: rbac.authorization.k8s.io\n      policy: {{systemObjects: {policy}}}\n"
        )
    };
    for version in versions("policies that change") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        source.load([role("admin", "a"), role("edit", "a")]).await;
        let folder = temp_dir();
        let file = folder.path().join("rules.yaml");
        std::fs::write(&file, rules("mirror")).expect("rules");
        let mut carry = Carry::between(&source, &destination, &file, &["--prune"]);
        carry.wait_ready();
        let mirrored = destination.list("/registry").await;
        assert_eq!(mirrored.len(), 2);
        std::fs::write(&file, rules("skip")).expect("rules");
        let mut carry = carry.again();
        carry.wait_ready();
        assert!(destination.list("/registry").await == mirrored);
        assert_eq!(carry.metric("carry_retired_keys"), Some(0.0));
        // Nothing follows it, whatever becomes of it at the source.
        let (key, changed) = role("admin", "b");
        source.put(key.clone(), changed).await;
        source.delete(role("edit", "a").0).await;
        let seen = source.revision().await as f64;
        carry.wait_for("the changes to be seen", |carry| {
            carry.metric("carry_applied_revision") >= Some(seen)
        });
        assert!(destination.list("/registry").await == mirrored);
    }
}
