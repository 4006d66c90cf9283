//! Owners, definitions and what waits for them, between two real etcds.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::harness::{Carry, Etcd, any_version, eventually, temp_dir, versions};

type Stored = (Vec<u8>, Vec<u8>);

fn config_map(name: &str, owner: Option<(&str, &str)>) -> Stored {
    let key = format!("/registry/configmaps/shop/{name}").into_bytes();
    let owners = owner.map(|(name, uid)| {
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": uid}])
    });
    let mut object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("map-{name}")},
        "data": {"a": "b"},
    });
    if let Some(owners) = owners {
        object["metadata"]["ownerReferences"] = owners;
    }
    (key, object.to_string().into_bytes())
}

fn deployment(name: &str, uid: &str) -> Stored {
    let key = format!("/registry/deployments/shop/{name}").into_bytes();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "uid": uid},
        "spec": {"selector": {}, "template": {}},
    });
    (key, object.to_string().into_bytes())
}

fn rules(folder: &Path, owners: &str) -> PathBuf {
    let path = folder.join("rules.yaml");
    let text = format!(
        "policies: {{owners: {owners}}}\nfilters:\n  secondary:\n    - name: maps\n      group: \"\"\n      resources: [{{kind: ConfigMap}}]\n    - name: apps\n      group: apps\n      resources: [{{kind: Deployment}}]\n"
    );
    std::fs::write(&path, text).expect("rules");
    path
}

async fn owners_of(etcd: &Etcd, name: &str) -> Option<Value> {
    let stored = etcd.get(config_map(name, None).0).await?;
    let object: Value = serde_json::from_slice(&stored).expect("JSON");
    Some(object["metadata"]["ownerReferences"].clone())
}

/// What `owners: skip` leaves out is never called held: not in the first copy, nor
/// later, nor after a restart, nor where the two sides are compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_is_called_so_everywhere() {
    let Some(version) = any_version("what is left out") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let folder = temp_dir();
    let file = rules(folder.path(), "skip");
    let orphan = |name: &str| config_map(name, Some(("gone", "uid-gone")));
    source
        .load([config_map("alone", None), orphan("orphan")])
        .await;
    let mut carry = Carry::between(&source, &destination, &file, &["--once"]);
    assert_eq!(carry.exit_code(), 0, "{}", carry.stderr());
    let unsaid = |carry: &Carry| {
        let said = carry.stderr();
        assert!(!said.contains("is held"), "{said}");
        assert!(said.contains("; 0 keys held"), "{said}");
    };
    unsaid(&carry);
    let said = carry.stdout();
    let lines = [
        "1 key written, 0 deleted in 1 transaction",
        ", 0 held\n",
        "\n1 key left out by the policy `owners`\n",
    ];
    for line in lines {
        assert!(said.contains(line), "{line}: {said}");
    }
    let verify = |carry: &Carry, more: &[&str]| {
        let mut args = vec![
            "verify".to_owned(),
            format!("--master-endpoints={}", source.url()),
            format!("--slave-endpoints={}", destination.url()),
            format!("--mirror-rule={}", file.display()),
            format!("--db-path={}", carry.db_path().display()),
        ];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        let ended = super::harness::carry(&args);
        assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
        ended.stdout
    };
    // Nobody runs.
    let said = verify(&carry, &[]);
    let key = "/registry/configmaps/shop/orphan";
    let why = "its owner, Deployment `gone`, is not at the destination";
    for line in [
        format!("left out {key} (rule `maps`): {why}"),
        "rule `maps`: 1 selected, 1 equal, 1 left out".to_owned(),
        "1 key left out by the policy `owners`".to_owned(),
    ] {
        assert!(said.lines().any(|own| own == line), "{line}\n{said}");
    }
    assert!(!said.contains("held"), "{said}");
    let found: Value = serde_json::from_str(&verify(&carry, &["--output=json"])).expect("JSON");
    assert_eq!(found["leftOutBy"], json!({"owners": 1}));
    assert_eq!(found["counts"]["leftOut"], 1);
    assert_eq!(found["counts"]["held"], 0);
    assert_eq!(found["examples"]["leftOut"][0]["key"], key);

    let explained = super::harness::carry(&[
        "explain".to_owned(),
        format!("--master-endpoints={}", source.url()),
        format!("--slave-endpoints={}", destination.url()),
        format!("--mirror-rule={}", file.display()),
        format!("--db-path={}", carry.db_path().display()),
        key.to_owned(),
    ]);
    let line = format!("the policy `owners` left it out when carry last judged it: {why}");
    assert!(explained.stdout.contains(&line), "{}", explained.stdout);

    let mut carry = carry.again_with(&[
        format!("--master-endpoints={}", source.url()),
        format!("--slave-endpoints={}", destination.url()),
        format!("--mirror-rule={}", file.display()),
    ]);
    carry.wait_ready();
    source.load([orphan("another")]).await;
    let actions = "carry_policy_actions_total{policy=\"owners\"}";
    carry.wait_for("both to be left out", |carry| {
        carry.metric(actions) == Some(2.0)
    });
    assert_eq!(carry.metric("carry_held_keys"), Some(0.0));
    unsaid(&carry);
    let said = verify(&carry, &[]);
    assert!(
        said.contains("2 keys left out by the policy `owners`"),
        "{said}"
    );
}

/// ConfigMaps come before Deployments by their keys: nothing is taken away of
/// them, nor left out, that only comes a moment later; also of a run that ends
/// when it has caught up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_that_come_later_are_waited_for() {
    for version in versions("owners") {
        for once in [true, false] {
            for owners in ["hold", "strip", "skip"] {
                let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
                let folder = temp_dir();
                let file = rules(folder.path(), owners);
                let many = (0..150)
                    .map(|number| config_map(&format!("owned-{number}"), Some(("web", "uid-web"))));
                source.load(many).await;
                source
                    .load([
                        config_map("alone", None),
                        config_map("orphan", Some(("gone", "uid-gone"))),
                        deployment("web", "uid-web"),
                    ])
                    .await;
                let more: &[&str] = if once { &["--once"] } else { &[] };
                let mut carry = Carry::between(&source, &destination, &file, more);
                match once {
                    true => assert_eq!(carry.exit_code(), 0, "{}", carry.stderr()),
                    false => carry.wait_ready(),
                }
                let whole = json!([
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "uid-web"}
                ]);
                for name in ["owned-0", "owned-77", "owned-149"] {
                    eventually("an owned one to be there", || async {
                        owners_of(&destination, name).await.as_ref() == Some(&whole)
                    })
                    .await;
                }
                assert_eq!(owners_of(&destination, "alone").await, Some(Value::Null));
                let orphan = owners_of(&destination, "orphan");
                match owners {
                    "strip" => {
                        eventually("the orphan to be there", || async {
                            owners_of(&destination, "orphan").await == Some(Value::Null)
                        })
                        .await;
                    }
                    _ => assert_eq!(orphan.await, None),
                }
                if !once && owners != "hold" {
                    // Whatever comes first of what the source writes at once.
                    let late = [
                        config_map("a-late", Some(("late", "uid-late"))),
                        deployment("late", "uid-late"),
                        config_map("z-late", Some(("late", "uid-late"))),
                    ];
                    let late_owner = json!([
                        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "late", "uid": "uid-late"}
                    ]);
                    source.load(late).await;
                    for name in ["a-late", "z-late"] {
                        eventually("a late one to be there, whole", || async {
                            owners_of(&destination, name).await.as_ref() == Some(&late_owner)
                        })
                        .await;
                    }
                }
                if owners == "skip" && !once {
                    // Nobody is told of what is left out, and it is not forgotten.
                    assert_eq!(carry.metric("carry_held_keys"), Some(0.0));
                    let actions = "carry_policy_actions_total{policy=\"owners\"}";
                    assert_eq!(carry.metric(actions), Some(1.0));
                    let mut carry = carry.again();
                    carry.wait_ready();
                    source.load([deployment("gone", "uid-gone")]).await;
                    eventually("what was left out to be there", || async {
                        owners_of(&destination, "orphan").await.is_some()
                    })
                    .await;
                } else if owners == "hold" && !once {
                    assert_eq!(carry.metric("carry_held_keys"), Some(1.0));
                    source.load([deployment("gone", "uid-gone")]).await;
                    carry.wait_for("nothing to be held", |carry| {
                        carry.metric("carry_held_keys") == Some(0.0)
                    });
                    let there = owners_of(&destination, "orphan").await;
                    assert!(there.is_some_and(|owners| owners.is_array()));
                }
            }
        }
    }
}
