//! The admin routes over a real port, and the metrics behind them.

use std::time::Duration;

use carry::admin::{Limits, Status, bind, serve};
use carry::metrics::{DriftAction, EventKind, Metrics, Phase, ResyncKind, Side, TxnOutcome};
use carry::rules::decide::KeyRange;
use carry::state::{Counted, LedgerChange, LedgerEntry, MemoryStore, Pair, StateStore as _};
use rustix::process::Signal;

use super::harness::{Carry, Etcd, any_version, eventually, http_get, temp_dir};

/// A served status; ends with the runtime.
async fn served() -> (Status, u16) {
    served_within(Limits::default()).await
}

async fn served_within(limits: Limits) -> (Status, u16) {
    let status = Status::with_limits("test", Metrics::default(), limits);
    let listener = bind("127.0.0.1:0".parse().expect("address"))
        .await
        .expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(serve(listener, status.clone(), std::future::pending()));
    (status, port)
}

async fn get(port: u16, path: &'static str) -> (u16, String) {
    let asked = tokio::task::spawn_blocking(move || http_get(port, path));
    asked.await.expect("task").expect("answer")
}

#[tokio::test]
async fn readiness_says_why_not() {
    let (status, port) = served().await;
    for path in ["/livez", "/healthz"] {
        assert_eq!(get(port, path).await, (200, "ok\n".to_owned()));
    }
    assert_eq!(
        get(port, "/readyz").await,
        (503, "not ready: starting\n".to_owned())
    );
    assert_eq!(
        get(port, "/ready").await,
        (503, "{\"ready\":false}\n".to_owned())
    );
    status.set_phase(Phase::Bootstrap);
    status.set_phase(Phase::Tail);
    assert_eq!(
        get(port, "/readyz").await,
        (503, "not ready: catching up\n".to_owned())
    );
    status.set_ready();
    assert_eq!(get(port, "/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(
        get(port, "/ready").await,
        (200, "{\"ready\":true}\n".to_owned())
    );
    status.set_phase(Phase::Draining);
    let (code, body) = get(port, "/readyz").await;
    assert!(code == 503 && body.contains("draining"), "{body}");
    assert_eq!(get(port, "/nothing").await.0, 404);
}

#[tokio::test]
async fn status_names_held_keys_and_counts_the_rest() {
    let (status, port) = served().await;
    status.set_rules_digest("0123456789abcdef");
    status.saw_source(9);
    status.saw_source(7);
    status.progressed();
    status.applied(9);
    for n in 0..1500 {
        status.hold(format!("/k/{n:04}").as_bytes(), "undecodable");
        status.hold(format!("/k/{n:04}").as_bytes(), "undecodable still");
    }
    let (code, body) = get(port, "/status").await;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(code, 200);
    assert!(body.ends_with("}\n"), "{body}");
    assert_eq!(json["name"], "test");
    assert_eq!(json["phase"], "starting");
    assert_eq!(json["ready"], false);
    assert_eq!(json["reason"], "starting");
    assert_eq!(json["sourceRevision"], 9);
    assert_eq!(json["appliedRevision"], 9);
    assert_eq!(json["lagRevisions"], 0);
    assert_eq!(json["rulesDigest"], "0123456789abcdef");
    assert_eq!(json["secondsSinceProgress"], 0);
    assert_eq!(json["heldKeys"], 1500);
    assert_eq!(json["held"].as_array().expect("held").len(), 1000);
    assert_eq!(json["held"][0]["key"], "/k/0000");
    assert_eq!(json["held"][0]["reason"], "undecodable still");
    for n in 0..1499 {
        status.release(format!("/k/{n:04}").as_bytes());
    }
    assert_eq!(status.report().held_keys, 1);
    status.release_all();
    assert_eq!(status.report().held_keys, 0);
    status.drift(b"/d", Some("it is gone"));
    status.drift(b"/c", Some("its value is another one"));
    status.drift(b"/d", Some("it is gone again"));
    let (_, body) = get(port, "/status").await;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(json["driftingKeys"], 2);
    let expected = serde_json::json!([
        {"key": "/c", "reason": "its value is another one"},
        {"key": "/d", "reason": "it is gone again"},
    ]);
    assert_eq!(json["drifting"], expected);
    status.drift(b"/c", None);
    status.drift(b"/d", None);
    assert_eq!(status.report().drifting_keys, 0);
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let (status, port) = served().await;
    let metrics = status.metrics();
    metrics.event(EventKind::Put);
    metrics.event(EventKind::Hold);
    metrics.transaction(TxnOutcome::Applied);
    metrics.written(3, 1234);
    metrics.leader(true);
    metrics.checkpoint_revision(6);
    metrics.reconnected(Side::Source);
    status.set_phase(Phase::Tail);
    status.saw_source(9);
    status.applied(8);
    status.hold(b"/k", "undecodable");
    metrics.drift(DriftAction::Mended);
    metrics.drifting_keys(2);
    let (code, body) = get(port, "/metrics").await;
    assert_eq!(code, 200);
    for line in [
        r#"carry_events_total{decision="put"} 1"#,
        r#"carry_events_total{decision="skip"} 0"#,
        r#"carry_events_total{decision="hold"} 1"#,
        r#"carry_transactions_total{outcome="applied"} 1"#,
        "carry_operations_written_total 3",
        "carry_written_bytes_total 1234",
        "carry_leader 1",
        "carry_held_keys 1",
        r#"carry_drift_total{action="kept"} 0"#,
        r#"carry_drift_total{action="mended"} 1"#,
        "carry_drifting_keys 2",
        "carry_source_revision 9",
        "carry_applied_revision 8",
        "carry_checkpoint_revision 6",
        r#"carry_phase{phase="tail"} 1"#,
        r#"carry_phase{phase="starting"} 0"#,
        r#"carry_reconnects_total{side="source"} 1"#,
        r#"carry_reconnects_total{side="destination"} 0"#,
        "# EOF",
    ] {
        assert!(
            body.lines().any(|have| have == line),
            "`{line}` is not in:\n{body}"
        );
    }
    assert!(!body.contains("/k"), "{body}");
}

#[tokio::test]
async fn a_taken_port_is_explained() {
    let (_, port) = served().await;
    let error = bind(([127, 0, 0, 1], port).into())
        .await
        .expect_err("taken")
        .to_string();
    assert!(
        error.contains(&format!("127.0.0.1:{port}")) && error.contains("--bind-port"),
        "{error}"
    );
    let error = bind("192.0.2.1:0".parse().expect("address"))
        .await
        .expect_err("not ours");
    assert!(error.to_string().contains("--bind-address"), "{error}");
}

#[tokio::test]
async fn readiness_ends_where_progress_is_not_proven_any_more() {
    let limits = Limits {
        max_lag: Duration::from_millis(300),
        alive_within: Duration::from_secs(60),
    };
    let (status, port) = served_within(limits).await;
    status.set_phase(Phase::Tail);
    status.saw_source(5);
    status.applied(5);
    status.set_ready();
    assert_eq!(get(port, "/readyz").await.0, 200);
    eventually("the source to count as silent", || async {
        let (code, body) = get(port, "/readyz").await;
        code == 503 && body.contains("`--max-lag`") && body.contains("the source is silent")
    })
    .await;
    assert!(get(port, "/metrics").await.1.contains("carry_ready 0"));
    status.progressed();
    assert_eq!(get(port, "/readyz").await.0, 200);
    // What is proven and not applied counts for nothing.
    status.saw_source(9);
    eventually("the destination to count as behind", || async {
        status.progressed();
        let (code, body) = get(port, "/readyz").await;
        code == 503 && body.contains("4 revisions are not applied yet")
    })
    .await;
    assert_eq!(status.report().lag_revisions, 4);
    status.progressed();
    status.applied(9);
    status.progressed();
    assert_eq!(get(port, "/readyz").await.0, 200);
}

#[tokio::test]
async fn a_standby_that_looks_is_ready() {
    let limits = Limits {
        max_lag: Duration::from_millis(300),
        alive_within: Duration::from_secs(60),
    };
    let (status, port) = served_within(limits).await;
    status.standing_by("process 7 on there");
    assert_eq!(get(port, "/readyz").await.0, 200);
    let report = status.report();
    assert_eq!(report.led_by.as_deref(), Some("process 7 on there"));
    assert!(!report.leader);
    eventually("a standby that sees nothing not to be ready", || async {
        let (code, body) = get(port, "/readyz").await;
        code == 503 && body.contains("process 7 on there")
    })
    .await;
    status.standing_by("process 7 on there");
    assert_eq!(get(port, "/readyz").await.0, 200);
    status.set_phase(Phase::Bootstrap);
    assert_eq!(get(port, "/readyz").await.0, 503);
    assert_eq!(status.report().led_by, None);
}

#[tokio::test]
async fn a_standby_knows_nothing_of_when_it_led() {
    let (status, port) = served().await;
    status.set_phase(Phase::Tail);
    status.metrics().leader(true);
    status.saw_source(9);
    status.applied(7);
    status.set_ready();
    status.hold(b"/k/held", "undecodable");
    status.keep(b"/k/kept");
    status.drift(b"/k/drifting", Some("it is gone"));
    status.metrics().leader(false);
    status.set_not_ready("the leadership was lost");
    assert_eq!(status.report().lag_revisions, 2);
    status.standing_by("process 7 on there");
    let body = get(port, "/status").await.1;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    for name in ["heldKeys", "keptKeys", "driftingKeys", "lagRevisions"] {
        assert_eq!(json[name], 0, "{name}");
    }
    assert_eq!(json["ledBy"], "process 7 on there");
    let metrics = get(port, "/metrics").await.1;
    for line in ["carry_held_keys 0", "carry_lag_revisions 0"] {
        assert!(metrics.lines().any(|have| have == line), "{metrics}");
    }
    // Once it leads, it stands by no more, although it is not ready yet.
    status.set_not_ready("it has just taken the lead");
    let (code, body) = get(port, "/readyz").await;
    assert_eq!(code, 503);
    assert!(body.contains("it has just taken the lead"), "{body}");
    assert!(!get(port, "/status").await.1.contains("ledBy"));
}

#[tokio::test]
async fn status_says_why_the_rules_file_is_not_in_use() {
    let (status, port) = served().await;
    assert!(!get(port, "/status").await.1.contains("rulesRefused"));
    let why = "`rules.yaml` cannot be used".to_owned();
    status.sides().rules_refused(Some(why.clone()));
    let body = get(port, "/status").await.1;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(json["rulesRefused"], why.as_str());
    status.sides().rules_refused(None);
    assert!(!get(port, "/status").await.1.contains("rulesRefused"));
}

#[tokio::test]
async fn a_loop_that_stands_still_is_not_alive() {
    let limits = Limits {
        max_lag: Duration::from_secs(30),
        alive_within: Duration::from_millis(300),
    };
    let (status, port) = served_within(limits).await;
    for path in ["/livez", "/healthz"] {
        status.alive();
        assert_eq!(get(port, path).await.0, 200);
        eventually("a loop that stands still to be told", || async {
            let (code, body) = get(port, path).await;
            code == 503 && body.contains("not alive: the mirror has made no step")
        })
        .await;
    }
}

#[tokio::test]
async fn resyncs_are_counted_and_the_last_are_told() {
    let (status, port) = served().await;
    for n in 0..25 {
        let kind = if n < 24 {
            ResyncKind::History
        } else {
            ResyncKind::Rules
        };
        status.resync(kind, &format!("reason {n}"), n);
    }
    let body = get(port, "/status").await.1;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let resyncs = json["resyncs"].as_array().expect("resyncs");
    assert_eq!(resyncs.len(), 20);
    assert_eq!(resyncs[0]["reason"], "reason 5");
    assert_eq!(resyncs[19]["kind"], "rules");
    assert_eq!(resyncs[19]["revision"], 24);
    assert!(resyncs[19]["unixSeconds"].as_u64() > Some(1_600_000_000));
    let metrics = get(port, "/metrics").await.1;
    assert!(
        metrics.contains(r#"carry_resyncs_total{reason="history"} 24"#),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"carry_resyncs_total{reason="first_copy"} 0"#),
        "{metrics}"
    );
}

fn change(key: &str, entry: Option<LedgerEntry>) -> LedgerChange {
    let key = key.into();
    LedgerChange { key, entry }
}

fn by(rule: &str) -> Option<LedgerEntry> {
    Some(LedgerEntry::new(carry::etcd::SourceRevision(1), rule))
}

#[test]
fn owned_keys_are_counted_exactly() {
    let (store, metrics) = (MemoryStore::default(), Metrics::default());
    let many: Vec<_> = (0..2500)
        .map(|n| change(&format!("/k/{n:04}"), by("many")))
        .collect();
    store.apply(&many).expect("apply");
    let counted = Counted::new(store.clone(), metrics.clone()).expect("count");
    let owned = counted.owned();
    assert_eq!(owned.counts().rules["many"], 2500);
    let retired = by("many").map(|entry| LedgerEntry {
        retired: true,
        ..entry
    });
    let changes = [
        change("/k/0000", None),
        change("/k/0001", by("other")),
        change("/k/0002", by("many")),
        change("/k/0003", retired),
        change("/new", by("other")),
        change("/new", None),
        change("/new", by("many")),
        change("/none", None),
    ];
    counted.apply(&changes).expect("apply");
    let counts = owned.counts();
    assert_eq!((counts.rules["many"], counts.rules["other"]), (2498, 1));
    assert_eq!(counts.retired, 1);
    // After a restart it is the same.
    let again = Counted::new(store, metrics.clone()).expect("count");
    assert_eq!(again.owned().counts(), counts);
    let text = metrics.encode();
    assert!(
        text.contains(r#"carry_rule_keys{rule="many"} 2498"#),
        "{text}"
    );
    assert!(text.contains("carry_retired_keys 1"), "{text}");
    let range = KeyRange {
        start: b"/new".to_vec(),
        end: b"/new0".to_vec(),
    };
    assert_eq!(counted.scan(&range, 9).expect("scan").len(), 1);
    let pair = Pair {
        name: "test".to_owned(),
        source_cluster_id: "a".to_owned(),
        destination_cluster_id: "b".to_owned(),
    };
    counted.reset(&pair).expect("reset");
    assert_eq!(owned.counts().rules["many"], 0);
    assert!(
        metrics
            .encode()
            .contains(r#"carry_rule_keys{rule="many"} 0"#)
    );
}

#[test]
fn every_metric_has_a_name_that_stays() {
    let metrics = Metrics::default();
    metrics.rule_keys("rule", 1);
    metrics.rules_reloaded(true);
    metrics.spool_bytes(1, 2);
    metrics.destination_space(3, true);
    let text = metrics.encode();
    let told = text
        .lines()
        .filter(|line| line.starts_with("# HELP") || line.starts_with("# TYPE"));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

const RULES: &str = r#"
filters:
  secondary:
    - name: settings
      keys: ["/settings/**"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_stands_still_ends_readiness_and_not_life() {
    let Some(version) = any_version("probes") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, RULES).expect("rules");
    source.put("/settings/a", "on").await;
    let mut running = Carry::between(&source, &destination, &rules, &["--max-lag=3s"]);
    running.wait_ready();
    assert_eq!(
        running.metric(r#"carry_rule_keys{rule="settings"}"#),
        Some(1.0)
    );
    assert_eq!(
        running.metric(r#"carry_resyncs_total{reason="first_copy"}"#),
        Some(1.0)
    );
    assert!(running.metric("carry_destination_db_size_bytes") > Some(0.0));
    // Without any change it stays ready for longer than `--max-lag`.
    let begun = std::time::Instant::now();
    running.wait_for("two times `--max-lag`", |carry| {
        assert_eq!(
            carry.http("/readyz").expect("an answer"),
            (200, "ok\n".to_owned())
        );
        begun.elapsed() > Duration::from_secs(6)
    });
    source.process().signal(Signal::STOP);
    running.wait_for("/readyz to say that the source is silent", |carry| {
        assert_eq!(carry.http("/livez").map(|(code, _)| code), Some(200));
        let (code, body) = carry.http("/readyz").expect("an answer");
        code == 503 && body.contains("the source is silent")
    });
    assert!(running.metric("carry_progress_age_seconds") > Some(3.0));
    source.process().signal(Signal::CONT);
    running.wait_ready();
    assert_eq!(running.stop(), 0);
}
