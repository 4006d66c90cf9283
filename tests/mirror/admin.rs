//! The admin routes over a real port, and the metrics behind them.

use carry::admin::{Status, bind, serve};
use carry::metrics::{EventKind, Metrics, Phase, Side, TxnOutcome};

use super::harness::http_get;

/// A served status; ends with the runtime.
async fn served() -> (Status, u16) {
    let status = Status::new("test", Metrics::default());
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
        (503, r#"{"ready":false}"#.to_owned())
    );
    status.set_phase(Phase::Tail);
    status.set_ready();
    assert_eq!(get(port, "/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(
        get(port, "/ready").await,
        (200, r#"{"ready":true}"#.to_owned())
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
    status.applied(8);
    status.progressed();
    for n in 0..1500 {
        status.hold(format!("/k/{n:04}").as_bytes(), "undecodable");
        status.hold(format!("/k/{n:04}").as_bytes(), "undecodable still");
    }
    let (code, body) = get(port, "/status").await;
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(code, 200);
    assert_eq!(json["name"], "test");
    assert_eq!(json["phase"], "starting");
    assert_eq!(json["ready"], false);
    assert_eq!(json["reason"], "starting");
    assert_eq!(json["sourceRevision"], 9);
    assert_eq!(json["appliedRevision"], 8);
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
