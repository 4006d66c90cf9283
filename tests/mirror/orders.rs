//! Orders over the admin port of a real `carry run`: only with the token, and
//! what becomes of them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::harness::{Carry, Etcd, any_version, eventually, temp_dir};

pub(super) const TOKEN: &str = "correct-horse-battery-staple";

fn rules(keys: &str) -> String {
    format!("filters:\n  secondary:\n    - name: settings\n      keys: [{keys}]\n")
}

/// Head and JSON of an answer.
pub(super) fn order(
    port: u16,
    method: &str,
    path: &str,
    token: Option<&str>,
) -> (u16, String, Value) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{token}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let code = head.split_whitespace().nth(1).expect("a code");
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    assert!(json.is_null() || body.ends_with("}\n"), "{body}");
    (code.parse().expect("a number"), head.to_lowercase(), json)
}

struct Mirror {
    source: Etcd,
    destination: Etcd,
    folder: tempfile::TempDir,
}

impl Mirror {
    async fn new() -> Option<Mirror> {
        let version = any_version("orders")?;
        let folder = temp_dir();
        std::fs::write(folder.path().join("rules.yaml"), rules("/settings/**")).expect("rules");
        std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).expect("a token");
        let mirror = Mirror {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            folder,
        };
        mirror.source.put("/settings/a", "on").await;
        mirror.source.put("/other/b", "on").await;
        Some(mirror)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, more: &[&str]) -> Carry {
        let rules = self.path("rules.yaml");
        Carry::between(&self.source, &self.destination, Path::new(&rules), more)
    }

    fn with_token(&self) -> Carry {
        let token = format!("--admin-token-file={}", self.path("token").display());
        let mut carry = self.run(&[&token]);
        carry.wait_ready();
        carry
    }
}

/// As the README says: no argument has the token.
fn by_curl(token: &Path, port: u16) {
    let readme = include_str!("../../README.md");
    let order = readme.lines().find(|line| line.starts_with("order() {"));
    let order = order.expect("how to order in README.md");
    let order = order.replace("/etc/mirror/admin-token", &token.display().to_string());
    let order = order.replace("localhost:10520", &format!("127.0.0.1:{port}"));
    let mut shell = std::process::Command::new("sh");
    let ran = shell.arg("-c").arg(format!("{order}\norder reload"));
    let ran = ran.output().expect("a shell");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains(r#""outcome":"unchanged""#), "{said} {ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_file_nothing_can_be_ordered() {
    let Some(mirror) = Mirror::new().await else {
        return;
    };
    let mut carry = mirror.run(&[]);
    carry.wait_ready();
    for path in ["/reload", "/resync"] {
        let (code, _, answer) = order(carry.port(), "POST", path, Some(TOKEN));
        let message = answer["message"].as_str().expect("a message");
        assert_eq!(code, 404);
        assert!(message.contains("--admin-token-file"), "{message}");
    }
    assert_eq!(carry.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_are_read_again_for_whoever_has_the_token() {
    let Some(mirror) = Mirror::new().await else {
        return;
    };
    let mut carry = mirror.with_token();
    let port = carry.port();
    for (path, token) in [
        ("/reload", None),
        ("/resync", None),
        ("/reload", Some("correct-horse-battery-stapl")),
        ("/resync", Some("wrong-horse-battery-staple!")),
    ] {
        let (code, head, answer) = order(port, "POST", path, token);
        assert_eq!(
            (code, &answer["outcome"]),
            (401, &"refused".into()),
            "{path}"
        );
        assert!(head.contains("www-authenticate: bearer"), "{head}");
    }
    assert_eq!(order(port, "GET", "/reload", Some(TOKEN)).0, 405);
    let (code, _, answer) = order(port, "POST", "/reload", Some(TOKEN));
    assert_eq!((code, &answer["outcome"]), (200, &"unchanged".into()));

    by_curl(&mirror.path("token"), port);

    let file = mirror.path("rules.yaml");
    std::fs::write(&file, rules("/settings/**, /other/**")).expect("rules");
    let (code, _, answer) = order(port, "POST", "/reload", Some(TOKEN));
    // The file is looked at anyway: that may have been sooner.
    assert_eq!(code, 200, "{answer}");
    eventually("the new rules to be in use", || async {
        mirror.destination.get("/other/b").await == Some(b"on".to_vec())
    })
    .await;

    std::fs::write(&file, "filters: {secondary: [{nam: x}]}").expect("rules");
    let (code, _, answer) = order(port, "POST", "/reload", Some(TOKEN));
    let message = answer["message"].as_str().expect("a message");
    assert_eq!(code, 422);
    assert!(
        message.contains("E010") && message.contains("`nam`"),
        "{message}"
    );
    assert!(!message.contains('\u{1b}'), "{message}");
    // Whoever may not order is told of the first error.
    let (_, status) = carry.http("/status").expect("an answer");
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let refused = status["rulesRefused"].as_str().expect("why");
    let place = format!("{}:1:24: unknown field `nam`", file.display());
    assert!(refused.starts_with(&place), "{refused}");
    assert!(!refused.contains('\n'), "{refused}");

    // Another token from now on.
    std::fs::write(mirror.path("token"), "a-token-of-another-day").expect("a token");
    assert_eq!(order(port, "POST", "/reload", Some(TOKEN)).0, 401);
    let again = order(port, "POST", "/reload", Some("a-token-of-another-day"));
    assert_eq!(again.0, 422);
    std::fs::write(mirror.path("token"), "short").expect("a token");
    assert_eq!(order(port, "POST", "/reload", Some("short")).0, 503);
    let said = carry.stderr();
    assert!(
        !said.contains("horse") && !said.contains("another-day"),
        "{said}"
    );
    assert!(said.contains("shorter than 16 bytes"), "{said}");
    assert!(said.contains("its token is wrong"), "{said}");
    assert_eq!(carry.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_mends_what_others_have_changed() {
    let Some(mirror) = Mirror::new().await else {
        return;
    };
    let mut carry = mirror.with_token();
    let (source, destination) = (&mirror.source, &mirror.destination);
    source.put("/settings/c", "on").await;
    eventually("a change to be applied", || async {
        destination.get("/settings/c").await.is_some()
    })
    .await;
    // Kept as it is, as the policy says.
    destination.put("/settings/a", "changed").await;
    destination.delete("/settings/c").await;
    carry.wait_for("both to drift", |carry| {
        carry.metric("carry_drifting_keys") == Some(2.0)
    });
    for times in 1..=2 {
        let (code, _, answer) = order(carry.port(), "POST", "/resync", Some(TOKEN));
        assert_eq!(
            (code, &answer["outcome"]),
            (202, &"accepted".into()),
            "{answer}"
        );
        let counted = r#"carry_resyncs_total{reason="requested"}"#;
        carry.wait_for("a resync", |carry| {
            carry.metric(counted) == Some(f64::from(times))
        });
        carry.wait_for("the source to be followed again", |carry| {
            let status = carry.http("/status").map(|(_, body)| body);
            let status: Value =
                serde_json::from_str(&status.unwrap_or_default()).unwrap_or_default();
            status["phase"] == "tail" && status["ready"] == true
        });
        assert_eq!(destination.get("/settings/a").await, Some(b"on".to_vec()));
        assert_eq!(destination.get("/settings/c").await, Some(b"on".to_vec()));
    }
    let (_, status) = carry.http("/status").expect("an answer");
    assert!(status.contains("asked for by `POST /resync`"), "{status}");
    source.put("/settings/d", "on").await;
    eventually("the source to be followed", || async {
        destination.get("/settings/d").await.is_some()
    })
    .await;
    assert_eq!(carry.stop(), 0);
    // What was asked for once is not done again.
    let mut carry = carry.again();
    carry.wait_ready();
    assert_eq!(
        carry.metric(r#"carry_resyncs_total{reason="requested"}"#),
        Some(0.0)
    );
    assert_eq!(carry.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_by_says_whom_to_ask() {
    let Some(mirror) = Mirror::new().await else {
        return;
    };
    let token = format!("--admin-token-file={}", mirror.path("token").display());
    let args = [token.as_str(), "--mode=active-standby"];
    let mut leader = mirror.run(&args);
    leader.wait_ready();
    let mut standby = mirror.run(&args);
    standby.wait_for("the standby to wait", |standby| {
        let status = standby.http("/status");
        status.is_some_and(|(_, body)| body.contains("ledBy"))
    });
    let (code, _, answer) = order(standby.port(), "POST", "/resync", Some(TOKEN));
    let message = answer["message"].as_str().expect("a message");
    let who = format!("process {} on ", leader.process().id());
    assert_eq!(code, 409);
    assert!(message.contains(&who), "{message}");
    assert_eq!(standby.stop(), 0);
    assert_eq!(leader.stop(), 0);
}
