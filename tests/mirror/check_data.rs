//! `carry check-rules` beside data: snapshot files and real etcds.

use std::path::PathBuf;
use std::process::{Command, Output};

use regex::Regex;
use serde_json::{Value, json};

use crate::mirror::bolt::Database;
use crate::mirror::harness::{Etcd, any_version, carry_binary, clean, temp_dir};
use crate::shared;

const RULES: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{version: v1, kind: Namespace}]
  secondary:
    - name: production-secrets
      group: ""
      resources: [{version: v1, kind: Secret}]
      namespaceSelectors:
        - matchLabels: {env: prod}
      excludes:
        - name: skip-me
        - name: skip-nobody
    - name: everything-of-the-core-group-in-shop
      group: ""
      namespaces: [shop]
    - name: sites
      group: example.com
      resources: [{group: example.com, version: v1beta1, kind: Site}]
    - name: large-sites
      group: example.com
      when: object.spec.size > 3
    - name: plain
      keys: ["/settings/**"]
"#;

const OLD: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{version: v1, kind: Namespace}]
  secondary:
    - name: secrets
      group: ""
      resources: [{version: v1, kind: Secret}]
    - name: large-sites
      group: example.com
"#;

/// What is of no interest here.
const QUIET: &[&str] = &[
    "--allow=N001,W031,W032,W045",
    "--allow=W043,W050,W051,W052,N002",
];

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Folder {
        let folder = Folder { folder: temp_dir() };
        folder.write("rules.yaml", RULES);
        folder.write("old.yaml", OLD);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = clean(carry_binary());
        command
            .env_remove("COLUMNS")
            .current_dir(self.folder.path());
        command.arg("check-rules").args(args).args(quiet(args));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("carry runs")
    }

    fn told_at(&self, columns: usize, args: &[&str]) -> String {
        let mut command = self.command(args);
        let output = command.env("COLUMNS", columns.to_string()).output();
        told(args, &output.expect("carry runs"))
    }

    fn told(&self, args: &[&str]) -> String {
        told(args, &self.run(args))
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--output=json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// Flags that go with no code are refused.
fn quiet(args: &[&str]) -> &'static [&'static str] {
    match args.contains(&"--explain") {
        true => &[],
        false => QUIET,
    }
}

fn told(args: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    format!(
        "$ carry check-rules {}\n{}{}exit code {code}\n",
        args.join(" "),
        text(&output.stderr),
        text(&output.stdout)
    )
}

fn object(api_version: &str, kind: &str, metadata: Value, spec: Value) -> String {
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec,
        "data": {"password": "aHVudGVyMjI="}})
    .to_string()
}

/// Keys and values, in the order in which they are written.
fn cluster() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, env) in [("shop", "prod"), ("lab", "test")] {
        let metadata = json!({"name": name, "labels": {"env": env}});
        let value = object("v1", "Namespace", metadata, json!({}));
        all.push((format!("/registry/namespaces/{name}"), value));
        for number in 0..1_200 {
            let metadata = json!({"name": format!("s-{number}"), "namespace": name});
            let value = object("v1", "Secret", metadata, json!({}));
            all.push((format!("/registry/secrets/{name}/s-{number:04}"), value));
        }
        let metadata = json!({"name": "skip-me", "namespace": name});
        let value = object("v1", "Secret", metadata, json!({}));
        all.push((format!("/registry/secrets/{name}/skip-me"), value));
        let metadata = json!({"name": "config", "namespace": name});
        let value = object("v1", "ConfigMap", metadata, json!({}));
        all.push((format!("/registry/configmaps/{name}/config"), value));
    }
    for (name, size) in [("a", json!(2)), ("b", json!(4)), ("c", json!("large"))] {
        let metadata = json!({"name": name, "namespace": "shop"});
        let value = object("example.com/v1", "Site", metadata, json!({"size": size}));
        all.push((format!("/registry/example.com/sites/shop/{name}"), value));
    }
    all.push(("/registry/secrets/lab/broken".to_owned(), "none".to_owned()));
    all.push((
        "/registry/secrets/shop/broken".to_owned(),
        "none".to_owned(),
    ));
    all.push(("/settings/mail".to_owned(), "on".to_owned()));
    all
}

fn with_snapshot() -> Folder {
    let folder = Folder::new();
    let mut database = Database::default();
    for (key, value) in cluster() {
        database.put(key, value);
    }
    database.save(&folder.path("etcd.db"));
    folder
}

#[test]
fn people_read_it() {
    let folder = with_snapshot();
    let args = ["rules.yaml", "--snapshot", "etcd.db", "--diff", "old.yaml"];
    let narrow = folder.told_at(80, &args);
    insta::assert_snapshot!("check_data_80", narrow);
    let data = narrow.split("the snapshot at").nth(1).expect("data");
    for line in data.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    insta::assert_snapshot!("check_data_120", folder.told_at(120, &args));
    for secret in ["aHVudGVyMjI", "hunter22"] {
        assert!(!narrow.contains(secret), "{narrow}");
    }
    let same = ["old.yaml", "--snapshot", "etcd.db", "--diff", "old.yaml"];
    insta::assert_snapshot!("check_data_same", folder.told_at(80, &same));
}

#[test]
fn programs_read_it() {
    let folder = with_snapshot();
    let args = [
        "rules.yaml",
        "old.yaml",
        "--snapshot",
        "etcd.db",
        "--diff",
        "old.yaml",
    ];
    let all = folder.json(&args);
    let mut first = all[0].clone();
    first
        .as_object_mut()
        .expect("an object")
        .remove("diagnostics");
    insta::assert_snapshot!("check_data_json", format!("{first:#}"));
    assert_eq!(all[1]["diff"]["gained"]["keys"], 0);
    assert_eq!(all[1]["data"]["rules"].as_array().expect("rules").len(), 3);
    // The others are told of the findings alone.
    for output in ["short", "github", "sarif"] {
        let output = format!("--output={output}");
        let output = folder.run(&[&args[..], &[&output]].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("N004") && !text.contains("s-0001"), "{text}");
    }
}

#[test]
fn findings_of_data_have_levels() {
    let folder = with_snapshot();
    let data = ["rules.yaml", "--snapshot", "etcd.db", "--output=short"];
    let denied = folder.run(&[&data[..], &["--deny=N004"]].concat());
    assert_eq!(denied.status.code(), Some(1), "{denied:?}");
    let without = folder.run(&["rules.yaml", "--output=short", "--deny=N004"]);
    assert_eq!(without.status.code(), Some(0), "{without:?}");
    let long_ago = folder.told(&[&data[..], &["--at-revision=1"]].concat());
    assert!(
        long_ago.contains("`production-secrets` selects nothing"),
        "{long_ago}"
    );
}

/// Of what cannot be read no rule is said to select nothing, and a file that
/// was forgotten is not said to be a wrong one.
#[test]
fn encrypted_values_without_a_configuration() {
    let folder = Folder::new();
    let mut database = Database::default();
    database.put(
        "/registry/secrets/shop/token",
        "k8s:enc:aescbc:v1:key1:0123456789abcdef0123456789abcdef",
    );
    database.save(&folder.path("etcd.db"));
    let rules = r#"filters:
  secondary:
    - {name: secrets, group: "", resources: [{kind: Secret}]}
    - {name: in-lab, group: "", resources: [{kind: Secret}], namespace: lab}
    - {name: maps, group: "", resources: [{kind: ConfigMap}]}
"#;
    folder.write("rules.yaml", rules);
    let data = ["rules.yaml", "--snapshot", "etcd.db", "--allow=W023,W024"];
    let without = folder.told_at(120, &data);
    insta::assert_snapshot!("check_data_encrypted", without);
    let key = "a2V5LWtleS1rZXkta2V5LWtleS1rZXkta2V5LWtleS0=";
    let other = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc: {{keys: [{{name: key2, secret: {key}}}]}}\n"
    );
    folder.write("other.yaml", &other);
    let with_another = ["--encryption-provider-config", "other.yaml"];
    let wrong = folder.told(&[&data[..], &with_another].concat());
    assert!(
        wrong.contains("the encryption configuration has no such key for its resource"),
        "{wrong}"
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = with_snapshot();
    folder.write("wrong.yaml", "filters: {secondary: [{grup: a}]}\n");
    folder.write("no.db", "no snapshot");
    let snapshot = ["rules.yaml", "--snapshot", "etcd.db"];
    let mut all = Vec::new();
    for args in [
        &["rules.yaml", "--diff", "old.yaml"][..],
        &["rules.yaml", "--at-revision", "3"],
        &[&snapshot[..], &["--master-endpoints", "http://127.0.0.1:1"]].concat(),
        &[&snapshot[..], &["--at-revision", "zero"]].concat(),
        &[&snapshot[..], &["--diff", "none.yaml"]].concat(),
        &[&snapshot[..], &["--diff", "wrong.yaml"]].concat(),
        &[
            &snapshot[..],
            &["--encryption-provider-config", "none.yaml"],
        ]
        .concat(),
        &["rules.yaml", "--snapshot", "none.db"],
        &[
            "rules.yaml",
            "--dump",
            "plan",
            "--master-endpoints",
            "http://127.0.0.1:1",
        ],
        &[
            "--explain",
            "N003",
            "--master-endpoints",
            "http://127.0.0.1:1",
        ],
        &["rules.yaml", "--master-cacert", "none.crt"],
        // After what is found without data.
        &["old.yaml", "--snapshot", "no.db", "--output=short"],
        &[
            "old.yaml",
            "--snapshot",
            "etcd.db",
            "--at-revision",
            "99999",
        ],
        &[
            "old.yaml",
            "--master-endpoints",
            "http://127.0.0.1:1",
            "--dial-timeout=1s",
        ],
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?} {output:?}");
        all.push(told(args, &output));
    }
    insta::assert_snapshot!("check_data_refused", all.join("\n"));
    // A file with errors has no data, and does not keep the others from it.
    let both = folder.told(&["wrong.yaml", "old.yaml", "--snapshot", "etcd.db"]);
    assert!(
        both.contains("exit code 1") && both.contains("2,407 written"),
        "{both}"
    );
}

#[test]
fn the_environment_alone_reads_nothing() {
    let folder = Folder::new();
    let mut command = folder.command(&["old.yaml"]);
    command.env("CARRY_MASTER_ENDPOINTS", "http://127.0.0.1:1");
    let output = command.output().expect("carry runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// A live source says what its snapshot file would.
#[tokio::test]
async fn a_source_is_like_its_snapshot() {
    let Some(version) = any_version("check-rules and a source") else {
        return;
    };
    let (folder, source) = (with_snapshot(), Etcd::plain(version));
    for (key, value) in cluster() {
        source.put(key, value).await;
    }
    let url = source.url();
    let rest = ["--diff", "old.yaml"];
    let live = folder.json(&[&["rules.yaml", "--master-endpoints", &url][..], &rest].concat());
    let kept = folder.json(&[&["rules.yaml", "--snapshot", "etcd.db"][..], &rest].concat());
    let without = |mut file: Value| {
        let data = file[0]["data"].as_object_mut().expect("data");
        assert!(data.remove("revision").is_some());
        let from = data.remove("from");
        (file, from)
    };
    let ((live, from), (kept, _)) = (without(live), without(kept));
    assert_eq!(from, Some(json!("source")));
    assert_eq!(live, kept);
    let human = folder.told_at(100, &["old.yaml", "--master-endpoints", &url]);
    let revision = Regex::new(r"revision \d+").expect("regex");
    let human = revision
        .replace_all(&human, "revision N")
        .replace(&url, "URL");
    insta::assert_snapshot!("check_data_live", human);
}

/// What the README shows.
#[test]
fn the_readme_is_true() {
    let folder = Folder::new();
    let mut database = Database::default();
    for (key, value) in cluster() {
        database.put(key, value);
    }
    for key in [
        "/registry/secrets/lab/broken",
        "/registry/secrets/shop/broken",
    ] {
        database.delete(key);
    }
    let token = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "default-token", "namespace": "shop"},
        "type": "kubernetes.io/service-account-token"});
    database.put("/registry/secrets/shop/default-token", token.to_string());
    database.save(&folder.path("etcd.db"));
    let plain = "    - name: plain\n      keys: [\"/settings/**\"]\n";
    let start = RULES.find("        - name: skip-nobody").expect("a rule");
    folder.write("rules.yaml", &format!("{}{plain}", &RULES[..start]));
    let old = OLD.replace("name: secrets", "name: production-secrets");
    let start = old.find("    - name: large-sites").expect("a rule");
    folder.write("old.yaml", &old[..start]);
    let args = ["rules.yaml", "--snapshot", "etcd.db", "--diff", "old.yaml"];
    let told = folder.told(&args);
    let readme = include_str!("../../README.md");
    let (_, shown) = readme
        .split_once("```\n$ carry check-rules rules.yaml --snapshot")
        .expect("an example");
    let (shown, _) = shown.split_once("\n```").expect("its end");
    let told = told.replace("\n\nexit code 0\n", "");
    assert_eq!(
        told,
        format!("$ carry check-rules rules.yaml --snapshot{shown}")
    );
}

/// The examples over what a kube-apiserver has stored.
#[test]
fn examples_over_a_real_snapshot() {
    let Some(shared) = shared::folder("check-rules and a snapshot") else {
        return;
    };
    let path = shared.join("kube/snapshot/etcd-3.6.snapshot.db");
    let path = path.to_str().expect("UTF-8");
    let examples = format!("{}/rules/*.yaml", env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new();
    let all = folder.json(&[&examples, "--snapshot", path]);
    let files = all.as_array().expect("files");
    assert!(files.len() >= 8, "{}", files.len());
    let (mut written, mut kept_out) = (0, 0);
    for file in files {
        assert_eq!(file["errors"], 0, "{file:#}");
        let keys = |pointer: &str| file["data"].pointer(pointer).and_then(Value::as_u64);
        let keys = |pointer: &str| keys(pointer).expect("a number");
        let held = file["data"]["held"].as_array().expect("held").iter();
        let held: u64 = held.filter_map(|own| own["keys"].as_u64()).sum();
        assert_eq!(
            keys("/read/keys"),
            keys("/written/keys") + keys("/kept_out/keys") + keys("/unselected/keys") + held
        );
        let policies = file["data"].pointer("/kept_out/policies");
        let policies = policies.and_then(Value::as_object).expect("policies");
        let by_policy = policies.values().filter_map(|own| own["keys"].as_u64());
        assert_eq!(by_policy.sum::<u64>(), keys("/kept_out/keys"));
        written += keys("/written/keys");
        kept_out += keys("/kept_out/keys");
    }
    assert!(written > 0 && kept_out > 0, "{written} {kept_out}");
}
