//! `carry explain` as users run it: what it reads from, what it prints, what it
//! refuses. Where no server is needed, snapshot files and manifests stand in.

mod file;
mod landing;
mod live;
mod policies;
mod refused;
mod stored;
mod table;
mod what_if;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mirror::bolt::Database;
use crate::mirror::harness;

/// Rules of every sort.
const RULES: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{version: v1, kind: Namespace}]
  secondary:
    - name: web
      group: apps
      resources: [{group: apps, version: v1, kind: Deployment}]
      labelSelectors:
        - matchLabels: {app: web}
      when: has(object.spec.replicas) && object.spec.replicas > 1
    - name: prod-secrets
      group: ""
      resources: [{version: v1, kind: Secret}]
      namespaceSelectors:
        - matchLabels: {env: prod}
      excludes:
        - name: skip-me
    - name: shop-settings
      group: ""
      resources: [{version: v1, kind: ConfigMap}]
      namespace: shop
      fieldSelectors:
        - matchExpressions: [{key: metadata.name, operator: In, values: [settings]}]
    - name: policies
      group: example.com
      when: object.spec.size > 3
    - name: plain
      keys: ["/settings/**"]
      when: value.enabled == true
"#;

/// A folder with rules, in which `carry explain` is run.
pub struct Folder {
    dir: TempDir,
}

impl Folder {
    fn new() -> Folder {
        Folder::with(RULES)
    }

    fn with(rules: &str) -> Folder {
        let folder = Folder {
            dir: harness::temp_dir(),
        };
        folder.write("rules.yaml", rules);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = harness::clean(harness::carry_binary());
        command.env_remove("COLUMNS").current_dir(self.dir.path());
        command.args(["explain", "--mirror-rule", "rules.yaml"]);
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("carry runs")
    }

    /// The command line with all that it prints, and how it ends.
    fn told(&self, args: &[&str]) -> String {
        told(args, &self.run(args))
    }

    /// The same on a terminal of this width.
    fn told_at(&self, columns: usize, args: &[&str]) -> String {
        let mut command = self.command(args);
        let output = command.env("COLUMNS", columns.to_string()).output();
        told(args, &output.expect("carry runs"))
    }

    /// The same of `carry check-rules`.
    fn checked_at(&self, columns: usize, args: &[&str]) -> String {
        let mut command = harness::clean(harness::carry_binary());
        command.current_dir(self.dir.path());
        command.env("COLUMNS", columns.to_string());
        command.args(["check-rules", "rules.yaml"]).args(args);
        let output = command.output().expect("carry runs");
        told_by("check-rules rules.yaml", args, &output)
    }

    /// The same with this on stdin.
    fn told_of(&self, stdin: &str, args: &[&str]) -> String {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("carry runs");
        let mut into = child.stdin.take().expect("stdin");
        into.write_all(stdin.as_bytes()).expect("stdin");
        drop(into);
        told(args, &child.wait_with_output().expect("carry ends"))
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--output", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

fn told(args: &[&str], output: &Output) -> String {
    told_by("explain", args, output)
}

fn told_by(command: &str, args: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let args: Vec<String> = args
        .iter()
        .map(|arg| match arg.contains([' ', '*', '\'', '"']) {
            true => format!("{arg:?}"),
            false => (*arg).to_owned(),
        })
        .collect();
    let code = output.status.code().expect("an exit code");
    format!(
        "$ carry {command} {}\n{}{}exit code {code}\n",
        args.join(" "),
        text(&output.stderr),
        without_traces(&text(&output.stdout))
    )
}

/// How each rule's conditions are shown is looked at elsewhere.
fn without_traces(stdout: &str) -> String {
    let (mut out, mut trace) = (String::new(), false);
    for line in stdout.lines() {
        if line.starts_with("rules, in the order") {
            trace = true;
            out.push_str("[the rules]\n");
        }
        trace &= !line.is_empty();
        if !trace {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// A stored object, in JSON.
fn object(api_version: &str, kind: &str, metadata: Value, rest: Value) -> String {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    let members = object.as_object_mut().expect("an object");
    members.extend(rest.as_object().expect("an object").clone());
    object.to_string()
}

/// What a small cluster has; its last revision.
fn cluster() -> Database {
    let mut database = Database::default();
    let namespace = |name: &str, env: &str| {
        let labels = json!({"env": env, "kubernetes.io/metadata.name": name});
        object(
            "v1",
            "Namespace",
            json!({"name": name, "labels": labels}),
            json!({}),
        )
    };
    database.put("/registry/namespaces/shop", namespace("shop", "dev"));
    database.put("/registry/namespaces/lab", namespace("lab", "test"));
    let deployment = |name: &str, app: &str, replicas: i64| {
        let metadata = json!({"name": name, "namespace": "shop", "labels": {"app": app}});
        object(
            "apps/v1",
            "Deployment",
            metadata,
            json!({"spec": {"replicas": replicas}}),
        )
    };
    database.put(
        "/registry/deployments/shop/web",
        deployment("web", "web", 1),
    );
    database.put("/registry/deployments/shop/db", deployment("db", "db", 3));
    let secret = |name: &str, namespace: &str| {
        let metadata = json!({"name": name, "namespace": namespace});
        let data = json!({"type": "Opaque", "data": {"password": "aHVudGVyMjI="}});
        object("v1", "Secret", metadata, data)
    };
    database.put("/registry/secrets/shop/token", secret("token", "shop"));
    database.put("/registry/secrets/shop/skip-me", secret("skip-me", "shop"));
    database.put("/registry/secrets/lab/token", secret("token", "lab"));
    let config = |name: &str| {
        let metadata = json!({"name": name, "namespace": "shop"});
        object(
            "v1",
            "ConfigMap",
            metadata,
            json!({"data": {"color": "green"}}),
        )
    };
    database.put("/registry/configmaps/shop/settings", config("settings"));
    database.put("/registry/configmaps/shop/other", config("other"));
    let policy = |name: &str, size: Value| {
        let metadata = json!({"name": name, "namespace": "shop"});
        object("example.com/v1", "Policy", metadata, json!({"spec": size}))
    };
    database.put(
        "/registry/example.com/policies/shop/large",
        policy("large", json!({"size": 4})),
    );
    database.put(
        "/registry/example.com/policies/shop/unsized",
        policy("unsized", json!({"size": "four"})),
    );
    database.put("/settings/mail", "enabled: true");
    database.put("/settings/fax", "enabled: false");
    database.put("/registry/pods/shop/web-0", "not a Pod at all");
    database.put_leased("/registry/masterleases/192.0.2.1", "a lease", 0x7070);
    let gone = database.put("/registry/secrets/shop/gone", secret("gone", "shop"));
    assert_eq!(gone, 17);
    database.delete("/registry/secrets/shop/gone");
    database.put("/registry/namespaces/shop", namespace("shop", "prod"));
    database.put(
        "/registry/deployments/shop/web",
        deployment("web", "web", 2),
    );
    database
}

/// A folder with rules and a snapshot of the small cluster.
fn with_snapshot() -> Folder {
    let folder = Folder::new();
    cluster().save(&folder.path("etcd.db"));
    folder
}

fn from_snapshot<'a>(key: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[key, "--snapshot", "etcd.db"], more].concat()
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
