//! Somebody else writes to the destination of a real `carry run`, between two
//! real etcds.

use std::path::{Path, PathBuf};

use carry::destination::etcd::EtcdDestination;
use carry::destination::{Destination as _, Touched};
use carry::etcd::{DestRevision, Endpoint, TransportSettings, connect};
use carry::metrics::Metrics;
use carry::rules::decide::KeyRange;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::harness::{BOUND, Carry, Etcd, any_version, eventually, temp_dir, versions};

fn deployment(name: &str, replicas: u32, status: u32) -> (Vec<u8>, Vec<u8>) {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"replicas": status},
    });
    let key = format!("/registry/deployments/a/{name}");
    (key.into_bytes(), object.to_string().into_bytes())
}

fn secret(name: &str, data: &str) -> (Vec<u8>, Vec<u8>) {
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "a"},
        "type": "Opaque", "data": {"password": data},
    });
    let key = format!("/registry/secrets/a/{name}");
    (key.into_bytes(), object.to_string().into_bytes())
}

fn rules(drift: &str) -> String {
    format!(
        "policies: {{drift: {drift}}}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n    - name: settings\n      keys: [/settings/**]\n"
    )
}

fn write_rules(folder: &Path, drift: &str) -> PathBuf {
    let path = folder.join("rules.yaml");
    std::fs::write(&path, rules(drift)).expect("rules");
    path
}

/// What `/status` says drifts: each key with how.
fn drifting(carry: &Carry) -> Vec<(String, String)> {
    let Some((_, body)) = carry.http("/status") else {
        return Vec::new();
    };
    let status: Value = serde_json::from_str(&body).expect("JSON");
    let list = status["drifting"].as_array().expect("a list");
    assert_eq!(status["driftingKeys"], list.len());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    list.iter()
        .map(|own| (text(&own["key"]), text(&own["reason"])))
        .collect()
}

fn wait_for_drift(carry: &mut Carry, keys: &[&str]) {
    carry.wait_for(&format!("{keys:?} to drift"), |carry| {
        let now = drifting(carry);
        now.iter()
            .map(|(key, _)| key.as_str())
            .eq(keys.iter().copied())
    });
}

fn count(carry: &Carry, action: &str) -> f64 {
    let sample = format!("carry_drift_total{{action=\"{action}\"}}");
    carry.metric(&sample).expect("a metric")
}

/// Under another prefix at the destination, where that is asked for.
fn there((key, value): (Vec<u8>, Vec<u8>), prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let key = String::from_utf8(key).expect("text");
    (key.replace("/registry/", prefix).into_bytes(), value)
}

async fn others_change_it(source: &Etcd, destination: &Etcd, prefix: &str) {
    let own = vec![
        deployment("web", 2, 0),
        deployment("quiet", 2, 0),
        secret("login", "aGVyZQ=="),
        (b"/settings/mail".to_vec(), b"on".to_vec()),
    ];
    source.load(own.clone()).await;
    let folder = temp_dir();
    let file = write_rules(folder.path(), "keep");
    let dest_prefix = format!("--dest-kube-prefix={}", prefix.trim_end_matches('/'));
    let mut carry = Carry::between(source, destination, &file, &[dest_prefix]);
    carry.wait_ready();
    let put = async |item: (Vec<u8>, Vec<u8>)| {
        let (key, value) = there(item, prefix);
        destination.put(key, value).await;
    };
    // Its controllers write down how it is; nobody minds.
    put(deployment("quiet", 2, 2)).await;
    put(deployment("own", 1, 1)).await;
    put(deployment("web", 5, 5)).await;
    put(secret("login", "dGhlcmU=")).await;
    destination.delete("/settings/mail").await;
    wait_for_drift(
        &mut carry,
        &[
            "/registry/deployments/a/web",
            "/registry/secrets/a/login",
            "/settings/mail",
        ],
    );
    let kept = "it is left so until the source changes (policy `drift`)";
    let how: Vec<String> = drifting(&carry).into_iter().map(|(_, how)| how).collect();
    assert_eq!(
        how,
        [
            format!("`spec.replicas` is not as at the source; {kept}"),
            format!("`data.password` is not as at the source; {kept}"),
            format!("it is gone; {kept}"),
        ]
    );
    assert_eq!((count(&carry, "kept"), count(&carry, "mended")), (3.0, 0.0));
    assert_eq!(carry.metric("carry_drifting_keys"), Some(3.0));
    let line = "`/registry/deployments/a/web` was changed at the destination: `spec.replicas` is not as at the source";
    carry.wait_for("the log to say so", |carry| carry.stderr().contains(line));
    let said = carry.stderr();
    assert!(!said.contains("dGhlcmU"), "{said}");
    let (web, value) = there(deployment("web", 5, 5), prefix);
    assert_eq!(destination.get(web.clone()).await, Some(value));
    assert_eq!(destination.get("/settings/mail").await, None);

    // From now on it is mended, what was changed before included.
    write_rules(folder.path(), "mend");
    wait_for_drift(&mut carry, &[]);
    carry.wait_for("all to be mended", |carry| count(carry, "mended") == 3.0);
    let mut expected: Vec<_> = own.into_iter().map(|item| there(item, prefix)).collect();
    for (key, value) in
        [deployment("quiet", 2, 2), deployment("own", 1, 1)].map(|own| there(own, prefix))
    {
        expected.retain(|(own, _)| *own != key);
        expected.push((key, value));
    }
    expected.sort();
    let all = async || {
        let mut all = destination.list(prefix).await;
        all.extend(destination.list("/settings/").await);
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort();
        all
    };
    eventually("the destination to be as before", || async {
        all().await == expected
    })
    .await;
    destination.delete(web.clone()).await;
    put(secret("login", "bW9yZQ==")).await;
    eventually("it to be mended", || async { all().await == expected }).await;
    assert_eq!(carry.stop(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_change_is_seen_and_mended() {
    for version in versions("drift") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        others_change_it(&source, &destination, "/registry/").await;
    }
    if let Some(version) = any_version("drift under another prefix") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        others_change_it(&source, &destination, "/standby/eu/").await;
    }
}

/// While thousands of keys are written by carry itself, nothing but what
/// somebody else has written is called so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_writes_are_no_drift() {
    let Some(version) = any_version("drift under load") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let folder = temp_dir();
    let file = write_rules(folder.path(), "mend");
    for standby in ["live", "cold"] {
        let standby = format!("--standby={standby}");
        let mut carry = Carry::between(&source, &destination, &file, &[standby]);
        carry.wait_ready();
        for round in 1..=4 {
            let names = (0..1500).map(|n| n.to_string());
            source.load(names.map(|n| deployment(&n, round, 0))).await;
        }
        let revision = source.revision().await as f64;
        carry.wait_for("all to be applied", |carry| {
            carry.metric("carry_applied_revision") >= Some(revision)
        });
        let (key, value) = deployment("7", 9, 0);
        destination.put(key.clone(), value).await;
        // Heard of after all of its own.
        carry.wait_for("one to be mended", |carry| count(carry, "mended") >= 1.0);
        let expected = source.get(key.clone()).await;
        eventually("it to be as before", || async {
            destination.get(key.clone()).await == expected
        })
        .await;
        assert_eq!((count(&carry, "mended"), count(&carry, "kept")), (1.0, 0.0));
        assert_eq!(carry.stop(), 0);
    }
}

/// carry sleeps while somebody changes a key and the destination forgets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_is_gone_is_made_up_for() {
    for version in versions("drift after a compaction") {
        let (source, mut destination) = (Etcd::plain(version), Etcd::plain(version));
        source
            .load([deployment("web", 2, 0), deployment("quiet", 2, 0)])
            .await;
        let folder = temp_dir();
        let file = write_rules(folder.path(), "keep");
        let mut carry = Carry::between(&source, &destination, &file, &[""; 0]);
        carry.wait_ready();
        carry.wait_for("the destination to be watched", |_| {
            destination.metric("etcd_debugging_mvcc_watcher_total") > 0.0
        });
        carry.signal(Signal::STOP);
        let (key, value) = deployment("web", 5, 0);
        destination.put(key, value).await;
        let (key, value) = deployment("own", 5, 0);
        let last = destination.put(key, value).await;
        destination.compact(last).await;
        destination.restart();
        carry.signal(Signal::CONT);
        wait_for_drift(&mut carry, &["/registry/deployments/a/web"]);
        assert_eq!(carry.stop(), 0);
    }
}

/// The destination's own watch: everything is told of, at least once, across
/// breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watch_goes_on_after_a_break() {
    for version in versions("the destination's watch") {
        let mut etcd = Etcd::plain(version);
        let endpoint = Endpoint::parse(&etcd.url(), false).expect("an endpoint");
        let connection = connect(&TransportSettings::new(vec![endpoint])).await;
        let metrics = Metrics::default();
        let destination = EtcdDestination::new(connection.expect("a connection"));
        let destination = destination.counted(metrics.clone());
        let ranges = ["/r/a/", "/r/c/"].map(KeyRange::prefix);
        let first = etcd.put("/r/a/0", "1").await;
        let mut watch = destination
            .watch(&ranges, DestRevision(first))
            .await
            .expect("a watch");
        let mut told: Vec<Touched> = Vec::new();
        let mut hear = async |all: &[(String, i64)]| {
            let has = |told: &[Touched], (key, revision): &(String, i64)| {
                let touched = Touched {
                    key: key.as_bytes().to_vec(),
                    revision: DestRevision(*revision),
                };
                told.contains(&touched)
            };
            while !all.iter().all(|one| has(&told, one)) {
                let next = tokio::time::timeout(BOUND, watch.next()).await;
                told.extend(next.expect("in time").expect("it goes on"));
            }
            told.len()
        };
        etcd.put("/r/b/0", "not wanted").await;
        let second = etcd.put("/r/c/0", "1").await;
        let two = [("/r/a/0".to_owned(), first), ("/r/c/0".to_owned(), second)];
        assert_eq!(hear(&two).await, 2);
        etcd.restart();
        let large = vec![b'x'; 1 << 20];
        let mut all = Vec::new();
        for n in 0..6 {
            let key = format!("/r/a/{n}");
            let revision = etcd.put(key.clone(), large.clone()).await;
            all.push((key, revision));
        }
        etcd.delete("/r/c/0").await;
        let last = etcd.revision().await;
        all.push(("/r/c/0".to_owned(), last));
        // What was told before may be told again.
        let told = hear(&all).await;
        assert!((9..=11).contains(&told), "{told}");
        let never = "carry_reconnects_total{side=\"destination\"} 0\n";
        assert!(!metrics.encode().contains(never), "the break is counted");
        etcd.compact(last).await;
        let mut past = match destination.watch(&ranges, DestRevision(first)).await {
            Ok(watch) => watch,
            Err(error) => {
                assert!(
                    matches!(error, carry::etcd::EtcdError::Compacted { .. }),
                    "{error}"
                );
                continue;
            }
        };
        let error = past.next().await.expect_err("it is gone");
        assert!(
            matches!(error, carry::etcd::EtcdError::Compacted { .. }),
            "{error}"
        );
    }
}
