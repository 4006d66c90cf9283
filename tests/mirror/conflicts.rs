//! What the destination has and carry has not written: `onConflict`, between
//! two real etcds.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::harness::{Carry, Etcd, carry, eventually, temp_dir, versions};

type Stored = (Vec<u8>, Vec<u8>);

fn config_map(name: &str, uid: &str, text: &str) -> Stored {
    let key = format!("/registry/configmaps/shop/{name}").into_bytes();
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": uid}, "data": {"text": text},
    });
    (key, object.to_string().into_bytes())
}

fn rules(folder: &std::path::Path, policy: &str) -> PathBuf {
    let path = folder.join("rules.yaml");
    let text = format!(
        "policies: {{onConflict: {policy}}}\nfilters:\n  secondary:\n    - name: maps\n      resources: [{{kind: ConfigMap}}]\n    - name: others\n      keys: [\"/other/*\"]\n"
    );
    std::fs::write(&path, text).expect("rules");
    path
}

fn kept(carry: &Carry) -> Vec<String> {
    let Some((_, status)) = carry.http("/status") else {
        return vec!["no answer yet".to_owned()];
    };
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let kept = status["kept"].as_array().expect("names");
    assert_eq!(status["keptKeys"], kept.len());
    kept.iter()
        .map(|key| key.as_str().expect("a name").to_owned())
        .collect()
}

async fn caught_up(source: &Etcd, carry: &mut Carry) {
    let seen = source.revision().await as f64;
    carry.wait_for("what was written to be applied", |carry| {
        carry.metric("carry_applied_revision") >= Some(seen)
    });
}

/// By default the standby's own stays, whatever the source does, is told of,
/// and gives way when it is gone; a copy of the source's object is taken over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_destination_has_is_kept() {
    for version in versions("conflicts") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let folder = temp_dir();
        let file = rules(folder.path(), "keep");
        let own = config_map("own", "of-the-standby", "own");
        let copy = config_map("copy", "same", "older");
        destination
            .load([
                own.clone(),
                copy.clone(),
                (b"/other/a".to_vec(), b"own".to_vec()),
                (b"/other/same".to_vec(), b"same".to_vec()),
            ])
            .await;
        source
            .load([
                config_map("own", "of-the-source", "1"),
                config_map("copy", "same", "newer"),
                config_map("new", "new", "1"),
                (b"/other/a".to_vec(), b"of the source".to_vec()),
                (b"/other/same".to_vec(), b"same".to_vec()),
            ])
            .await;
        let before = destination.mod_revision(own.0.clone()).await;
        let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
        carry.wait_ready();
        let (new, newer) = (
            config_map("new", "new", "1"),
            config_map("copy", "same", "newer"),
        );
        assert_eq!(destination.get(new.0.clone()).await, Some(new.1));
        assert_eq!(destination.get(newer.0.clone()).await, Some(newer.1));
        let own_key = String::from_utf8_lossy(&own.0).into_owned();
        assert_eq!(kept(&carry), ["/other/a", own_key.as_str()]);
        assert_eq!(carry.metric("carry_kept_keys"), Some(2.0));

        // Also one that appears while it runs, and after a restart.
        let late = config_map("late", "of-the-standby", "own");
        destination.load([late.clone()]).await;
        source
            .load([config_map("late", "of-the-source", "1")])
            .await;
        source.load([config_map("own", "of-the-source", "2")]).await;
        let late_key = String::from_utf8_lossy(&late.0).into_owned();
        let all = ["/other/a", late_key.as_str(), own_key.as_str()];
        carry.wait_for("the late one to be told of", |carry| kept(carry) == all);
        let mut carry = carry.again();
        carry.wait_ready();
        assert_eq!(kept(&carry), all, "{}", carry.stderr());
        let mut carry = carry.again_without_ledger();
        carry.wait_for("the same to be told of", |carry| kept(carry) == all);

        // The source's are deleted: the standby's stay, the copies go.
        for key in [&own.0, &copy.0, &late.0, &b"/other/a".to_vec()] {
            source.delete(key.clone()).await;
        }
        caught_up(&source, &mut carry).await;
        eventually("the copy to be deleted", || async {
            destination.get(copy.0.clone()).await.is_none()
        })
        .await;
        carry.wait_for("nothing to be told of", |carry| kept(carry).is_empty());
        assert_eq!(destination.get(own.0.clone()).await, Some(own.1.clone()));
        assert_eq!(destination.mod_revision(own.0.clone()).await, before);
        assert_eq!(destination.get(late.0.clone()).await, Some(late.1.clone()));
        assert_eq!(
            destination.get("/other/a").await.as_deref(),
            Some(b"own".as_slice())
        );
        assert_eq!(destination.count("/registry/").await, 3);
    }
}

/// Where the standby's own is gone, the source's arrives: while carry runs, and
/// where it did not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_free_again_is_mirrored() {
    for version in versions("conflicts that go") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let folder = temp_dir();
        let file = rules(folder.path(), "keep");
        let names = ["a", "b", "c"];
        let own = names.map(|name| config_map(name, "of-the-standby", "own"));
        let theirs = names.map(|name| config_map(name, "of-the-source", "1"));
        destination.load(own.clone()).await;
        source.load(theirs.clone()).await;
        let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
        carry.wait_ready();
        assert_eq!(kept(&carry).len(), 3);
        let arrived = async |at: usize| {
            eventually("the source's to arrive", || async {
                destination.get(theirs[at].0.clone()).await.as_ref() == Some(&theirs[at].1)
            })
            .await;
        };
        // Other changes of it change nothing.
        destination.load([own[0].clone(), own[1].clone()]).await;
        destination.delete(own[0].0.clone()).await;
        arrived(0).await;
        carry.wait_for("two to be told of", |carry| kept(carry).len() == 2);
        carry.process().kill();
        destination.delete(own[1].0.clone()).await;
        let mut carry = carry.again();
        arrived(1).await;
        carry.wait_for("one to be told of", |carry| kept(carry).len() == 1);
        assert_eq!(
            destination.get(own[2].0.clone()).await.as_ref(),
            Some(&own[2].1)
        );
        // It is carry's own from then on.
        source.delete(theirs[0].0.clone()).await;
        eventually("it to be deleted", || async {
            destination.get(own[0].0.clone()).await.is_none()
        })
        .await;
    }
}

/// `adopt` takes over, `overwrite` borrows, `stop` ends, each at the first list
/// and while the source is followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_destination_has_can_be_taken() {
    for version in versions("conflicts that are taken") {
        for (policy, stays) in [("adopt", false), ("overwrite", true)] {
            let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
            let folder = temp_dir();
            let file = rules(folder.path(), policy);
            let early = config_map("early", "of-the-source", "1");
            let late = config_map("late", "of-the-source", "1");
            let more = config_map("more", "of-the-source", "1");
            destination
                .load(["early", "late", "more"].map(|name| config_map(name, "own", "own")))
                .await;
            source.load([early.clone(), more.clone()]).await;
            let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
            carry.wait_ready();
            source.load([late.clone()]).await;
            for (key, value) in [&early, &late, &more] {
                eventually("it to be written over", || async {
                    destination.get(key.clone()).await.as_ref() == Some(value)
                })
                .await;
            }
            assert!(kept(&carry).is_empty());
            let changed = config_map("early", "of-the-source", "2");
            source.load([changed.clone()]).await;
            eventually("it to be followed", || async {
                destination.get(changed.0.clone()).await.as_ref() == Some(&changed.1)
            })
            .await;

            source.delete(early.0.clone()).await;
            let mut carry = carry.again();
            carry.wait_ready();
            source.delete(late.0.clone()).await;
            caught_up(&source, &mut carry).await;
            // One that was deleted while nobody listed: it is compared.
            assert_eq!(carry.stop(), 0);
            source.delete(more.0.clone()).await;
            let mut carry = carry.again_with(&[
                format!("--source-endpoints={}", source.url()),
                format!("--dest-endpoints={}", destination.url()),
                format!("--mirror-rule={}", file.display()),
                "--resync".to_owned(),
            ]);
            carry.wait_ready();
            caught_up(&source, &mut carry).await;
            let there = |key: &Vec<u8>| destination.get(key.clone());
            for key in [&early.0, &late.0, &more.0] {
                assert_eq!(there(key).await.is_some(), stays, "{policy}");
            }
        }
        for early in [true, false] {
            let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
            let folder = temp_dir();
            let file = rules(folder.path(), "stop");
            let own = config_map("one", "own", "own");
            destination.load([own.clone()]).await;
            let theirs = config_map("one", "of-the-source", "1");
            if early {
                source.load([theirs.clone()]).await;
            }
            let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
            if !early {
                carry.wait_ready();
                source.load([theirs]).await;
            }
            assert_eq!(carry.exit_code(), 2);
            let said = carry.stderr();
            assert!(
                said.contains("/registry/configmaps/shop/one") && said.contains("onConflict: stop"),
                "{said}"
            );
            assert_eq!(destination.get(own.0.clone()).await, Some(own.1));
        }
    }
}

/// What another carry has written is no stranger's, though `overwrite` says that
/// those are never deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_deleted_under_overwrite() {
    for version in versions("copies under overwrite") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let folder = temp_dir();
        let file = rules(folder.path(), "overwrite");
        let same = config_map("same", "same", "1");
        let older = config_map("older", "older", "2");
        let late = config_map("late", "late", "2");
        destination
            .load([same.clone(), config_map("older", "older", "1")])
            .await;
        source.load([same.clone(), older.clone()]).await;
        let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
        carry.wait_ready();
        destination.load([config_map("late", "late", "1")]).await;
        source.load([late.clone()]).await;
        caught_up(&source, &mut carry).await;
        let mut carry = carry.again_without_ledger();
        carry.wait_ready();
        for (key, value) in [&same, &older, &late] {
            assert_eq!(destination.get(key.clone()).await.as_ref(), Some(value));
            source.delete(key.clone()).await;
            eventually("it to be deleted", || async {
                destination.get(key.clone()).await.is_none()
            })
            .await;
        }
    }
}

/// What a dry run says is what happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_of_conflicts() {
    for version in versions("a dry run over conflicts") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let folder = temp_dir();
        let file = rules(folder.path(), "keep");
        destination.load([config_map("own", "own", "own")]).await;
        source
            .load([config_map("own", "x", "1"), config_map("new", "y", "1")])
            .await;
        let ended = carry(&[
            "run".to_owned(),
            "--dry-run".to_owned(),
            format!("--mirror-rule={}", file.display()),
            format!("--source-endpoints={}", source.url()),
            format!("--dest-endpoints={}", destination.url()),
            format!("--db-path={}", folder.path().join("db").display()),
        ]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let out = ended.stdout;
        assert!(
            out.contains("keep /registry/configmaps/shop/own (the destination has another object"),
            "{out}"
        );
        assert!(
            out.contains("1 would be written")
                && out.contains("of 1 the destination has something else"),
            "{out}"
        );
    }
}

/// What every cluster makes for itself stays, whatever `onConflict` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn namespaces_and_service_accounts_of_every_cluster_stay() {
    let object = |kind: &str, namespace: Option<&str>, name: &str, uid: &str| -> Stored {
        let plural = format!("{}s", kind.to_lowercase());
        let mut object = json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": {"name": name, "uid": uid},
        });
        let place = namespace.map_or(String::new(), |own| format!("{own}/"));
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let key = format!("/registry/{plural}/{place}{name}");
        (key.into_bytes(), object.to_string().into_bytes())
    };
    let of_all = |uid: &str| {
        [
            object("Namespace", None, "default", uid),
            object("Namespace", None, "kube-system", uid),
            object("ServiceAccount", Some("shop"), "default", uid),
        ]
    };
    let Some(version) = versions("what every cluster has").pop() else {
        return;
    };
    for policy in ["adopt", "overwrite", "stop"] {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let folder = temp_dir();
        let file = folder.path().join("rules.yaml");
        let text = format!(
            "policies: {{onConflict: {policy}}}\nfilters:\n  secondary:\n    - resources: [{{kind: Namespace}}, {{kind: ServiceAccount}}]\n"
        );
        std::fs::write(&file, text).expect("rules");
        destination.load(of_all("of-the-standby")).await;
        source.load(of_all("of-the-source")).await;
        let own = object("Namespace", None, "shop", "of-the-source");
        source.load([own.clone()]).await;
        let before = destination.list("/registry").await;
        let mut carry = Carry::between(&source, &destination, &file, &["--once"]);
        assert_eq!(carry.exit_code(), 0, "{policy}: {}", carry.stderr());
        let said = carry.stdout();
        let kept = "\n3 keys kept: the destination has something else there";
        assert!(said.contains(kept), "{policy}: {said}");
        let mut after = destination.list("/registry").await;
        assert_eq!(after.remove(&own.0), Some(own.1));
        assert!(after == before, "{policy}");
    }
}
