//! Beside real etcds, and beside a carry that runs.

use std::process::Command;

use regex::Regex;
use serde_json::json;

use super::{Folder, object, shown};
use crate::mirror::harness::{Carry, Etcd, any_version, carry, eventually, versions};

/// Revisions, ports and folders differ from run to run.
pub(super) fn steady(text: &str, folder: &Folder) -> String {
    let text = text.replace(shown(folder.dir.path()), "DIR");
    let text = Regex::new(r"127\.0\.0\.1:\d+")
        .expect("regex")
        .replace_all(&text, "HOST");
    let revision = Regex::new(r"(revision|oldest that is left is) \d+").expect("regex");
    revision.replace_all(&text, "$1 N").into_owned()
}

fn secret(name: &str, password: &str, label: &str) -> String {
    let metadata = json!({"name": name, "namespace": "shop", "labels": {"app": label},
        "annotations": {"note": format!("{password}-noted")}});
    object(
        "v1",
        "Secret",
        metadata,
        json!({"type": "Opaque", "data": {"password": password}}),
    )
}

async fn put_namespace(etcd: &Etcd, env: &str) -> i64 {
    let metadata = json!({"name": "shop", "labels": {"env": env}});
    let namespace = object("v1", "Namespace", metadata, json!({}));
    etcd.put("/registry/namespaces/shop", namespace).await
}

#[tokio::test]
async fn a_source_of_long_ago() {
    for version in versions("explain at a revision") {
        let (folder, source) = (Folder::new(), Etcd::plain(version));
        let key = "/registry/secrets/shop/token";
        let first = put_namespace(&source, "prod").await;
        let made = source.put(key, secret("token", "b2xk", "a")).await;
        put_namespace(&source, "dev").await;
        let last = source.put(key, secret("token", "bmV3", "b")).await;
        let url = source.url();
        let at = |revision: i64| {
            let revision = revision.to_string();
            let args = [key, "--master-endpoints", &url, "--at-revision", &revision];
            steady(&folder.told(&args), &folder).replace(&revision, "N")
        };
        let mut all = vec![at(made), at(last), at(first), at(last + 1)];
        let mut client = source.client().await;
        client.compact(last, None).await.expect("compact");
        all.push(at(made));
        insta::allow_duplicates! {
            insta::assert_snapshot!("live_at_revision", all.join("\n"));
        }
    }
}

/// More keys than a page has, from the server and from its snapshot.
#[tokio::test]
async fn a_table_is_that_of_the_snapshot() {
    let Some(version) = any_version("tables") else {
        return;
    };
    let (folder, source) = (Folder::new(), Etcd::plain(version));
    put_namespace(&source, "prod").await;
    for number in 0..1_100 {
        let name = format!("s-{number}");
        let value = secret(&name, "b2xk", "a");
        source
            .put(format!("/registry/secrets/shop/{name}"), value)
            .await;
    }
    source
        .put(
            "/registry/secrets/shop/skip-me",
            secret("skip-me", "b2xk", "a"),
        )
        .await;
    let saved = Command::new(
        crate::mirror::harness::Version::V3_4
            .etcdctl()
            .expect("etcdctl"),
    )
    .env("ETCDCTL_API", "3")
    .args(["--endpoints", &source.url(), "snapshot", "save"])
    .arg(folder.path("etcd.db"))
    .output()
    .expect("etcdctl");
    assert!(saved.status.success(), "{saved:?}");
    let json = ["--output", "json"];
    let url = source.url();
    let live = folder.run(&[&["/registry/", "--master-endpoints", &url][..], &json].concat());
    let kept = folder.run(&[&["/registry/", "--snapshot", "etcd.db"][..], &json].concat());
    let rows = |output: &std::process::Output| {
        let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (live, kept) = (rows(&live), rows(&kept));
    assert_eq!(live.len(), 1_103);
    // The revision of a list that nobody named is not told.
    assert_eq!(live[..1_102], kept[..1_102]);
    let counts = |rows: &[String]| {
        let last: serde_json::Value = serde_json::from_str(&rows[1_102]).expect("JSON");
        last["counts"].clone()
    };
    assert_eq!(counts(&live), counts(&kept));
    assert_eq!(counts(&live)["put"], 1_101);
}

const KEY: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {keys: [{name: there, secret: BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=}]}
";

/// Two etcds, a mirror from one to the other, and `explain` between them.
struct Between {
    folder: Folder,
    source: Etcd,
    destination: Etcd,
}

impl Between {
    async fn new(what: &str) -> Option<Between> {
        let version = any_version(what)?;
        let between = Between {
            folder: Folder::new(),
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
        };
        between.folder.write("there.yaml", KEY);
        put_namespace(&between.source, "prod").await;
        let token = secret("token", "aHVudGVyMjI=", "a");
        between
            .source
            .put("/registry/secrets/shop/token", token)
            .await;
        Some(between)
    }

    fn encryption(&self) -> String {
        let path = self.folder.path("there.yaml");
        format!("--dest-encryption-provider-config={}", path.display())
    }

    fn start(&self) -> Carry {
        let rules = self.folder.path("rules.yaml");
        let encryption = self.encryption();
        Carry::between(
            &self.source,
            &self.destination,
            &rules,
            &[encryption, "--max-lag=5s".to_owned()],
        )
    }

    fn explain(&self, key: &str, more: &[&str]) -> String {
        let (source, destination) = (self.source.url(), self.destination.url());
        let encryption = self.encryption();
        let mut args = vec![key, "--master-endpoints", &source];
        args.extend(["--slave-endpoints", &destination, &encryption]);
        args.extend(more);
        steady(&self.folder.told(&args), &self.folder)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_has() {
    let Some(between) = Between::new("explain and the destination").await else {
        return;
    };
    let key = "/registry/secrets/shop/token";
    let mut all = vec![between.explain(key, &[])];
    between.start().wait_ready();
    all.push(between.explain(key, &[]));
    between
        .source
        .put(key, secret("token", "bmV3ZXI=", "b"))
        .await;
    let differs = between.explain(key, &[]);
    all.push(differs.clone());
    all.push(between.explain(key, &["--show-secrets"]));
    let stored = between.destination.get(key).await.expect("there");
    assert!(stored.starts_with(b"k8s:enc:secretbox:"), "{stored:?}");
    // Without the destination's own keys nothing can be compared.
    between
        .destination
        .put(key, "k8s:enc:aescbc:v1:other:abc")
        .await;
    all.push(between.explain(key, &[]));
    insta::assert_snapshot!("live_destination", all.join("\n"));
    for theirs in ["aHVudGVyMjI", "bmV3ZXI", "hunter22", "newer"] {
        assert!(!differs.contains(theirs), "{differs}");
    }
    let json = between.explain(key, &["--output", "json"]);
    assert!(json.contains("\"incomparable\""), "{json}");

    // What no rule selects may be there all the same.
    let (other, config) = ("/registry/configmaps/shop/other", |color: &str| {
        let metadata = json!({"name": "other", "namespace": "shop"});
        object(
            "v1",
            "ConfigMap",
            metadata,
            json!({"data": {"color": color}}),
        )
    });
    between.source.put(other, config("green")).await;
    between.destination.put(other, config("blue")).await;
    insta::assert_snapshot!("live_destination_unselected", between.explain(other, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_knows() {
    let Some(between) = Between::new("explain and the ledger").await else {
        return;
    };
    let key = "/registry/secrets/shop/token";
    let mut running = between.start();
    running.wait_ready();
    let db = running.db_path();
    let ledger = |key: &str, more: &[&str]| {
        let args = [&["--db-path", shown(&db)], more].concat();
        let told = between.explain(key, &args);
        told.replace(shown(&db), "LEDGER")
    };
    let mut all = vec![ledger(key, &[])];
    // What was decided before it was written says nothing of what there is now.
    let long_ago = ledger(key, &["--at-revision", "1"]);
    for (told, wanted) in [
        ("not mirrored: the source had no such key at revision", true),
        ("carry has written it, for rule `prod-secrets`", true),
        ("no rule selects it any longer", false),
    ] {
        assert_eq!(long_ago.contains(told), wanted, "{told}: {long_ago}");
    }
    let foreign = "/registry/secrets/shop/skip-me";
    between
        .source
        .put(foreign, secret("skip-me", "b2xk", "a"))
        .await;
    between
        .destination
        .put(foreign, secret("skip-me", "b2xk", "a"))
        .await;
    all.push(ledger(foreign, &[]));
    all.push(ledger("/registry/secrets/shop/none", &[]));
    all.push(ledger(key, &["--name", "other"]));
    // Held: it can be read no more.
    between
        .source
        .put("/registry/secrets/shop/held", "not a Secret at all")
        .await;
    running.wait_for("the key to be held", |carry| {
        carry.metric("carry_held_keys") == Some(1.0)
    });
    all.push(ledger("/registry/secrets/shop/held", &[]));
    insta::assert_snapshot!("live_ledger", all.join("\n"));
    let json = ledger(key, &["--output", "json"]);
    assert!(json.contains("\"rule\": \"prod-secrets\""), "{json}");
    assert!(json.contains("\"drift\": null"), "{json}");

    // Somebody else has taken it away, and gives it back.
    let there = between.destination.get(key).await.expect("it was mirrored");
    between.destination.delete(key).await;
    insta::assert_snapshot!("live_ledger_drift", ledger(key, &[]));
    between.destination.put(key, there).await;

    // Its rule is gone: it stays, and is no longer followed.
    let rules = std::fs::read_to_string(between.folder.path("rules.yaml")).expect("rules");
    let narrower = rules.replace("- name: skip-me", "- name: skip-me\n        - name: token");
    between.folder.write("rules.yaml", &narrower);
    running.signal(rustix::process::Signal::HUP);
    running.wait_for("the key to be retired", |carry| {
        carry.metric("carry_retired_keys") == Some(1.0)
    });
    insta::assert_snapshot!("live_ledger_retired", ledger(key, &[]));

    // One that stops matching goes; until then the ledger has it.
    between.folder.write("rules.yaml", &rules);
    running.signal(rustix::process::Signal::HUP);
    running.wait_for("the key to be followed again", |carry| {
        carry.metric("carry_retired_keys") == Some(0.0)
    });
    running.wait_for("a checkpoint under these rules", |_| {
        !ledger(key, &[]).contains("everything is compared at the next start")
    });
    running.kill();
    put_namespace(&between.source, "dev").await;
    insta::assert_snapshot!("live_ledger_no_longer_selected", ledger(key, &[]));
    let empty = between.folder.path("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let told = between.explain(key, &["--db-path", shown(&empty)]);
    insta::assert_snapshot!("live_ledger_none", told);
    // Of a snapshot the cluster is not known; the name is.
    let other = Etcd::plain(between.source.version());
    let (url, db) = (other.url(), shown(&db));
    let told = between
        .folder
        .told(&[key, "--master-endpoints", &url, "--db-path", db]);
    assert!(
        told.contains("ledger: says nothing of this key: it is that of a mirror of another source"),
        "{told}"
    );
    eventually("nothing to be left behind", || async {
        let left = std::fs::read_dir(std::env::temp_dir()).expect("temp");
        let own = format!("carry-beside-{}-", std::process::id());
        !left
            .flatten()
            .any(|own_file| own_file.file_name().to_string_lossy().starts_with(&own))
    })
    .await;
}

/// Users of etcd need no more than to read the range that is asked for.
#[tokio::test]
async fn nobody_there() {
    let folder = Folder::new();
    let port = crate::mirror::harness::free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = [
        "/registry/",
        "--master-endpoints",
        &url,
        "--dial-timeout",
        "300ms",
    ];
    let told = folder.told(&args);
    assert!(told.contains("error: source: cannot reach etcd"), "{told}");
    assert!(told.ends_with("exit code 2\n"), "{told}");
    let ended = carry(&["explain", "--help"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.stdout.contains("--what-if <PATH=VALUE>"),
        "{}",
        ended.stdout
    );
}
