//! `carry check-rules` and `carry explain` as users run them: what they print,
//! their exit codes, and that Secret data stays where it is.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::mirror::harness::{self, Etcd};
use crate::shared;

fn carry(args: &[&str]) -> Output {
    let mut command = harness::clean(harness::carry_binary());
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("carry runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

#[test]
fn every_stage_can_be_shown() {
    for stage in ["hir", "bytecode", "plan"] {
        let shown = carry(&["check-rules", "--dump", stage, "deploy/examples/rules.yaml"]);
        assert_eq!(code(&shown), 0, "{}", text(&shown.stderr));
        insta::assert_snapshot!(format!("dump_{stage}"), text(&shown.stdout));
    }
}

#[test]
fn exit_codes_tell_bad_rules_from_no_rules() {
    let folder = harness::temp_dir();
    let bad = write(folder.path(), "bad.yaml", "filters:\n  secondry: []\n");
    let bad = bad.to_str().expect("UTF-8");
    let good = "deploy/examples/rules.yaml";
    assert_eq!(code(&carry(&["check-rules", good])), 0);
    let both = carry(&["check-rules", bad, good]);
    assert_eq!(code(&both), 1);
    let both = text(&both.stdout).replace(bad, "bad.yaml");
    insta::assert_snapshot!("check_two_files", both);
    let missing = carry(&["check-rules", "no-such-file.yaml", good]);
    assert_eq!(code(&missing), 2);
    assert!(
        text(&missing.stderr).contains("`no-such-file.yaml`"),
        "{missing:?}"
    );
}

#[test]
fn findings_as_json() {
    let folder = harness::temp_dir();
    let bad = write(folder.path(), "bad.yaml", "filters:\n  secondry: []\n");
    let checked = carry(&[
        "check-rules",
        "--output",
        "json",
        bad.to_str().expect("UTF-8"),
    ]);
    assert_eq!(code(&checked), 1);
    let files: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(files[0]["ok"], false);
    let errors: Vec<_> = files[0]["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["level"] == "error")
        .collect();
    assert_eq!(errors.len(), 1, "{files:#}");
    assert_eq!(
        (&errors[0]["line"], &errors[0]["column"]),
        (&2.into(), &3.into())
    );
}

/// A source with some of the corpus, and what `explain` is called with.
struct Explained {
    source: Etcd,
    destination: Etcd,
}

impl Explained {
    async fn new() -> Option<Explained> {
        let version = harness::any_version("commands")?;
        let corpus = shared::corpus("commands")?;
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let wanted = [
            "/secrets/",
            "/namespaces/",
            "/masterleases/",
            "/configmaps/unit-test/",
        ];
        let wanted = |key: &str| wanted.iter().any(|part| key.contains(part));
        for stored in corpus.iter().filter(|stored| wanted(&stored.key)) {
            source
                .put(stored.key.as_str(), stored.value.as_slice())
                .await;
        }
        for etcd in [&source, &destination] {
            etcd.put("/registry/secrets/unique/garbage", "not a Secret at all")
                .await;
        }
        Some(Explained {
            source,
            destination,
        })
    }

    fn run(&self, key: &str, more: &[&str]) -> Output {
        let (source, destination) = (self.source.url(), self.destination.url());
        let mut args = vec![
            "explain",
            key,
            "--mirror-rule",
            "deploy/examples/rules.yaml",
        ];
        args.extend([
            "--encryption-provider-config",
            "deploy/examples/secrets-encryption.yaml",
        ]);
        args.extend([
            "--master-endpoints",
            &source,
            "--slave-endpoints",
            &destination,
        ]);
        args.extend(more);
        carry(&args)
    }
}

#[tokio::test]
async fn explanations() {
    let Some(explained) = Explained::new().await else {
        return;
    };
    for (name, key, exit) in [
        ("selected", "/registry/secrets/unique/influxdb", 0),
        ("excluded", "/registry/secrets/unique/exclude-me-secret", 0),
        ("other_namespace", "/registry/secrets/unit-test/mysql", 0),
        ("undecodable", "/registry/secrets/unique/garbage", 0),
        ("cluster_local", "/registry/masterleases/192.0.2.2", 0),
        ("no_candidate", "/registry/pods/unique/none", 1),
        ("absent", "/registry/secrets/unique/none", 1),
        ("outside", "/elsewhere", 1),
    ] {
        let shown = explained.run(key, &[]);
        assert_eq!(code(&shown), exit, "{key}: {}", text(&shown.stderr));
        insta::assert_snapshot!(format!("explain_{name}"), text(&shown.stdout));
    }
    let key = "/registry/secrets/unique/influxdb";
    let (near, all) = (explained.run(key, &[]), explained.run(key, &["--all"]));
    let (near, all) = (text(&near.stdout), text(&all.stdout));
    for rule in [
        "sequential[0]: ",
        "sequential[1]: ",
        "unit-test-configmaps: ",
    ] {
        assert!(all.contains(rule) && !near.contains(rule), "{near}\n{all}");
    }
}

#[tokio::test]
async fn an_explanation_as_json() {
    let Some(explained) = Explained::new().await else {
        return;
    };
    let shown = explained.run("/registry/secrets/unique/influxdb", &["--output", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(report["decision"], "put");
    assert_eq!(report["object"]["kind"], "Secret");
    assert_eq!(report["destination"]["exists"], false);
    assert_eq!(report["rules"].as_array().map(Vec::len), Some(4));
}

/// A Secret is shown without its data, unless that is asked for.
#[tokio::test]
async fn a_whole_object() {
    let Some(explained) = Explained::new().await else {
        return;
    };
    let key = "/registry/secrets/unique/influxdb";
    let shown = explained.run(key, &["--show-object"]);
    let (_, object) = text(&shown.stdout)
        .split_once("---\n")
        .map(|(before, object)| (before.to_owned(), object.to_owned()))
        .expect("an object");
    insta::assert_snapshot!("explain_object", object);
    let args = ["--show-object", "--show-secrets", "--output", "json"];
    let shown = explained.run(key, &args);
    let report: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let corpus = shared::corpus("commands").expect("read before");
    let stored = corpus.iter().find(|stored| stored.key == key);
    assert_eq!(report["value"], stored.expect("in the corpus").json);
}

/// The keys and values of Secrets' data, decoded and not, as no output may
/// hold them.
fn secret_texts() -> Vec<String> {
    use base64::Engine as _;
    let corpus = shared::corpus("commands").expect("read before");
    let secrets = corpus
        .iter()
        .filter(|stored| stored.key.contains("/secrets/"));
    let data = secrets.filter_map(|stored| stored.json["data"].as_object());
    let values = data
        .flat_map(|data| data.values())
        .filter_map(|value| value.as_str());
    let mut texts: Vec<String> = Vec::new();
    for value in values {
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(value)
            .expect("base64");
        texts.push(value.to_owned());
        texts.extend(String::from_utf8(decoded));
    }
    // `root` and `test` are words of paths and labels too.
    texts.retain(|text| text.len() >= 8);
    texts
}

#[tokio::test]
async fn secret_data_is_never_shown() {
    let Some(explained) = Explained::new().await else {
        return;
    };
    let folder = harness::temp_dir();
    // Rules that compare what a Secret holds: the values compared are theirs.
    let rules = "filters:\n  secondary:\n  - group: \"\"\n    resources:\n    - {version: v1, kind: Secret}\n    fieldSelectors:\n    - matchExpressions:\n      - {key: 'metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]', operator: Exists}\n";
    let rules = write(folder.path(), "rules.yaml", rules);
    let rules = ["--mirror-rule", rules.to_str().expect("UTF-8")];
    let texts = secret_texts();
    assert!(texts.len() > 3, "the corpus has Secrets");
    for key in [
        "/registry/secrets/unique/influxdb",
        "/registry/secrets/test1/cred",
        "/registry/secrets/unit-test/mysql",
    ] {
        for more in [
            &[][..],
            &rules[..],
            &["--show-object"][..],
            &["--show-object", "--output", "json"][..],
        ] {
            let mut args = more.to_vec();
            if more == rules {
                args = rules.to_vec();
            }
            let shown = explained_with(&explained, key, &args);
            let all = text(&shown.stdout) + &text(&shown.stderr);
            assert_eq!(code(&shown), 0, "{all}");
            assert!(
                texts.iter().all(|secret| !all.contains(secret)),
                "{key}: {all}"
            );
        }
    }
}

/// With `--mirror-rule` among `more`, that takes the place of the example's.
fn explained_with(explained: &Explained, key: &str, more: &[&str]) -> Output {
    if more.first() != Some(&"--mirror-rule") {
        return explained.run(key, more);
    }
    let source = explained.source.url();
    let mut args = vec!["explain", key, "--master-endpoints", &source];
    args.extend([
        "--encryption-provider-config",
        "deploy/examples/secrets-encryption.yaml",
    ]);
    args.extend(more);
    carry(&args)
}

#[test]
fn what_cannot_run_says_so() {
    let folder = harness::temp_dir();
    let bad = write(folder.path(), "bad.yaml", "filters:\n  secondry: []\n");
    let bad = bad.to_str().expect("UTF-8");
    let port = harness::free_port();
    let nobody = format!("http://127.0.0.1:{port}");
    let good = "deploy/examples/rules.yaml";
    let explain = |rules: &str, more: &[&str]| {
        let mut args = vec!["explain", "/registry/secrets/a/b", "--mirror-rule", rules];
        args.extend(["--master-endpoints", &nobody]);
        args.extend(more);
        carry(&args)
    };
    let bad_rules = explain(bad, &[]);
    assert_eq!(code(&bad_rules), 1);
    assert!(
        text(&bad_rules.stderr).contains("did you mean `secondary`"),
        "{bad_rules:?}"
    );
    let unreachable = explain(good, &["--dial-timeout", "300ms"]);
    assert_eq!(code(&unreachable), 2);
    let message = text(&unreachable.stderr);
    assert!(
        message.contains("source") && message.contains(&port.to_string()),
        "{message}"
    );
    let no_keys = explain(good, &["--encryption-provider-config", "no-such-file.yaml"]);
    assert_eq!(code(&no_keys), 2);
    assert!(
        text(&no_keys.stderr).contains("`no-such-file.yaml`"),
        "{no_keys:?}"
    );
    let other_file = explain(good, &["--encryption-provider-config", good]);
    assert_eq!(code(&other_file), 2);
    let message = text(&other_file.stderr);
    let beginning = format!(
        "error: `--encryption-provider-config` has to name an EncryptionConfiguration that can be used: {good}:"
    );
    assert!(message.starts_with(&beginning), "{message}");
    let other_file = explain(good, &["--dest-encryption-provider-config", good]);
    let message = text(&other_file.stderr);
    assert!(
        message.starts_with("error: `--dest-encryption-provider-config` has to name"),
        "{message}"
    );
    let sides = ["--slave-endpoints", "http://127.0.0.1:1"];
    for command in ["explain", "verify", "run", "promote"] {
        let mut args = vec![command, "--mirror-rule", "none.yaml"];
        args.extend(["--master-endpoints", &nobody]);
        match command {
            "explain" => args.push("/registry/secrets/a/b"),
            _ => args.extend(sides),
        }
        let no_rules = carry(&args);
        assert_eq!(code(&no_rules), 2);
        let message = text(&no_rules.stderr);
        // A promotion asks the destination first.
        let expected = match command {
            "promote" => "error: destination: cannot reach etcd",
            _ => "error: cannot read the rules file `none.yaml`: No such file",
        };
        assert!(message.starts_with(expected), "{command}: {message}");
    }
    // What was found is shown as it is everywhere, in each line.
    let args = ["--master-endpoints", &nobody, sides[0], sides[1]];
    for command in ["verify", "run"] {
        let refused = carry(&[&[command, "--mirror-rule", bad][..], &args].concat());
        let message = text(&refused.stderr);
        let last = format!("\nerror: the rules file `{bad}` has errors\n");
        assert!(message.starts_with("error[E0"), "{command}: {message}");
        assert!(message.ends_with(&last), "{command}: {message}");
        assert_eq!(
            message.matches("error: ").count(),
            1,
            "{command}: {message}"
        );
    }
}
