//! `carry explain` over a snapshot file of 100,000 keys: how long until all of
//! them are in the table.
//!
//! Measured: the whole program, from its start to its end, with its output
//! thrown away. The file is made here: ConfigMaps and Secrets of 1.6 KB in
//! protobuf, in 100 Namespaces, of which one in ten was written twice; a fifth
//! of the keys is selected, by labels of the object or its Namespace, and two
//! fifths have no rule. Three tables: all keys, those that are mirrored (for
//! the others no reason is looked for), and as JSON.
//!
//! * Beside it the same keys one by one as they might be judged without a plan:
//!   each object decoded as a whole, each rule walked as a tree
//!   (`Judge::object`, `Judge::trace`), in one process that has read the file.
//! * Reading the file alone, beside `etcdctl snapshot status`, which reads it
//!   as a whole too, and computes a checksum (only where etcdctl is found, as
//!   by the tests). Both check the file; carry computes its SHA-256.
//!
//! Each figure is the median of several runs; the file is in the system's
//! cache. Not measured: encryption, a real etcd.
//!
//! `cargo bench --bench explain`, with CARRY_BENCH_KEYS (100000).

#[path = "../tests/mirror/bolt.rs"]
mod bolt;
#[path = "../tests/mirror/harness.rs"]
mod harness;
#[path = "made/mod.rs"]
mod made;
#[path = "report/mod.rs"]
mod report;

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use bolt::Database;
use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::Plan;
use carry::rules::decide::Judge;
use carry::rules::namespaces::Namespaces;
use carry::source::backup::{Backup, OnDisk};
use made::NAMESPACES;
use report::{Better, Report, Row, timed};

const RULES: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{version: v1, kind: Namespace}]
  secondary:
    - name: web
      group: ""
      resources: [{version: v1, kind: ConfigMap}]
      labelSelectors:
        - matchLabels: {app: web}
      when: "object.metadata.?labels.?tier.orValue('') != 'test'"
    - name: secrets-of-prod
      group: ""
      resources: [{version: v1, kind: Secret}]
      namespaceSelectors:
        - matchLabels: {env: prod}
      excludes:
        - name: skip-me
"#;

fn main() {
    if !report::asked_for() {
        println!("explain: run by `cargo bench` only");
        return;
    }
    let keys = std::env::var("CARRY_BENCH_KEYS").ok();
    let keys = keys.map_or(100_000, |keys| keys.parse().expect("CARRY_BENCH_KEYS"));
    let folder = tempfile::tempdir().expect("a folder");
    let (file, rules) = (
        folder.path().join("etcd.db"),
        folder.path().join("rules.yaml"),
    );
    database(keys).save(&file);
    std::fs::write(&rules, RULES).expect("rules");
    let size = std::fs::metadata(&file).expect("the file").len();
    println!("{keys} keys, {} MB", size >> 20);

    let mut report = Report::new("explain");
    let one_by_one = timed(|| one_by_one(&file));
    for (name, more) in [
        ("all keys", &[][..]),
        ("mirrored keys", &["--only", "mirrored"]),
        ("all keys as JSON", &["--output", "json"]),
    ] {
        let took = timed(|| explain(&file, &rules, more));
        let row = Row::new(name, "ms", Better::Less, took);
        report.add(row.peer("whole objects, trees", one_by_one));
    }
    let took = timed(|| {
        let medium = OnDisk::open(&file).expect("the file");
        black_box(Backup::open(medium, None).expect("a snapshot"));
    });
    let row = Row::new("reading the file", "ms", Better::Less, took);
    let etcdctl = harness::Version::V3_4.etcdctl();
    let peer = etcdctl.map(|etcdctl| timed(|| status(&etcdctl, &file)));
    report.add(row.peer_if_able("etcdctl snapshot status", peer));
    report.finish();
}

fn explain(file: &Path, rules: &Path, more: &[&str]) {
    let mut command = Command::new(harness::carry_binary());
    command
        .args(["explain", "/registry/", "--snapshot"])
        .arg(file);
    command.arg("--mirror-rule").arg(rules).args(more);
    let ended = command.stdout(Stdio::null()).status().expect("carry");
    assert!(ended.success(), "{ended}");
}

fn status(etcdctl: &Path, file: &Path) {
    let mut command = Command::new(etcdctl);
    command
        .env("ETCDCTL_API", "3")
        .args(["snapshot", "status"])
        .arg(file);
    let ended = command.output().expect("etcdctl");
    assert!(ended.status.success(), "{ended:?}");
}

fn one_by_one(file: &Path) {
    let loaded = carry::rules::load(&SourceText::new("rules.yaml", RULES));
    let rules = loaded.rule_set.expect("rules");
    let plan = Plan::compile(&rules, "/registry").0.expect("a plan");
    let judge = Judge::new(plan, Keyring::default());
    let backup = Backup::open(OnDisk::open(file).expect("the file"), None).expect("a snapshot");
    let mut namespaces = Namespaces::default();
    for entry in backup.entries() {
        if let Some(name) = judge.namespace_of_key(&entry.key) {
            let value = backup.value(entry).expect("a value");
            namespaces.set(name, judge.namespace_view(&entry.key, &value));
        }
    }
    for entry in backup.entries() {
        let value = backup.value(entry).expect("a value");
        black_box(judge.object(&entry.key, &value, true).expect("an object"));
        black_box(
            judge
                .trace(&entry.key, &value, &namespaces, false)
                .expect("a trace"),
        );
    }
}

fn database(keys: usize) -> Database {
    let mut database = Database::default();
    for number in 0..NAMESPACES {
        let (key, value) = made::namespace(number);
        database.put(key, value);
    }
    for number in NAMESPACES..keys {
        let (key, value) = object(number);
        if number.is_multiple_of(10) {
            database.put(key.as_str(), &value);
        }
        database.put(key, value);
    }
    database
}

/// Of five: a Secret, two ConfigMaps, and two that no rule is for.
fn object(number: usize) -> (String, Vec<u8>) {
    let (team, name) = made::place(number);
    let app = if number.is_multiple_of(3) {
        "web"
    } else {
        "db"
    };
    let (plural, value) = match number / NAMESPACES % 5 {
        0 => ("secrets", made::secret(number, app)),
        1 | 2 => ("configmaps", made::config_map(number, app)),
        _ => ("podtemplates", made::config_map(number, app)),
    };
    (format!("/registry/{plural}/{team}/{name}"), value)
}
