//! Tables: of a prefix, of a glob, of a file; wide, narrow, on no terminal.

use super::{Folder, from_snapshot, object, with_snapshot};
use crate::mirror::bolt::Database;
use serde_json::{Value, json};

#[test]
fn tables_have_any_width() {
    let folder = with_snapshot();
    let args = from_snapshot("/", &[]);
    insta::assert_snapshot!("table_at_80", folder.told_at(80, &args));
    insta::assert_snapshot!("table_at_120", folder.told_at(120, &args));
    insta::assert_snapshot!("table_on_no_terminal", folder.told(&args));
    for width in [80, 100, 120] {
        for line in folder.told_at(width, &args).lines().skip(1) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn parts_of_a_cluster() {
    let folder = with_snapshot();
    for (name, keys, more) in [
        ("prefix", "/registry/secrets/", &[][..]),
        ("glob", "/registry/*/shop/*e*", &[]),
        ("glob_of_folders", "/registry/*/lab/", &[]),
        ("glob_of_one_character", "/registry/secrets/la?/token", &[]),
        ("nothing", "/registry/services/", &[]),
        ("nothing_without_its_slash", "registry/secrets/", &[]),
        ("only_mirrored", "/registry/", &["--only", "mirrored"]),
        ("only_held", "/registry/", &["--only", "held"]),
        (
            "only_what_there_is_none_of",
            "/settings/",
            &["--only", "held"],
        ),
        (
            "at_revision",
            "/registry/secrets/",
            &["--at-revision", "17"],
        ),
        ("json", "/registry/*/shop/", &["--output", "json"]),
        (
            "json_of_nothing",
            "/registry/services/",
            &["--output", "json"],
        ),
    ] {
        let told = folder.told_at(120, &from_snapshot(keys, more));
        insta::assert_snapshot!(format!("table_{name}"), told);
    }
}

/// Names as nobody should choose them.
#[test]
fn columns_hold_whatever_the_characters() {
    let rules = "filters:\n  secondary:\n  - name: 秘密と設定のための長い名前の規則\n    keys: ['/設定/**']\n    when: value.enabled == true\n  - {name: naïve, keys: ['/e/**']}\n  - {name: a-name-that-is-far-too-long-for-a-column, keys: ['/long/**']}\n";
    let folder = Folder::with(rules);
    let mut database = Database::default();
    database.put("/設定/メール", "enabled: true");
    database.put("/設定/ファックス", "enabled: false");
    database.put("/設定/壊れた", "enabled: [");
    database.put("/e/e\u{301}te\u{301}", "a");
    database.put("/e/👩‍👩‍👧‍👦", "a");
    database.put("/e/\u{1b}[31mred\r\n\u{7}", "a");
    database.put(b"/e/\xff\xfe".as_slice(), "a");
    database.put("/long/key", "a");
    let long = format!("/long/{}", "key/".repeat(30));
    database.put(long.as_str(), "a");
    database.put("/none", "a");
    database.save(&folder.path("etcd.db"));
    let args = from_snapshot("/", &[]);
    insta::assert_snapshot!("table_wide_characters_at_80", folder.told_at(80, &args));
    insta::assert_snapshot!("table_wide_characters_at_120", folder.told_at(120, &args));
    for told in [folder.told_at(80, &args), folder.told(&args)] {
        assert!(told.contains(&long), "keys are never cut: {told}");
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!told.contains(control), "{told:?}");
    }
}

/// A table does not hang on a reader that has gone, and is no panic for it.
#[test]
fn nobody_need_read_to_the_end() {
    use std::io::{BufRead as _, BufReader};
    let folder = Folder::new();
    let mut database = Database::default();
    for number in 0..3_000 {
        database.put(format!("/registry/pods/shop/pod-{number:05}"), "x");
    }
    database.save(&folder.path("etcd.db"));
    let mut command = folder.command(&from_snapshot("/", &[]));
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("carry runs");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    lines.next().expect("a line").expect("UTF-8");
    drop(lines);
    let ended = child.wait_with_output().expect("carry ends");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

/// What a table says of a key is what a single explanation says.
#[test]
fn rows_agree_with_explanations() {
    let folder = with_snapshot();
    let output = folder.run(&from_snapshot("/", &["--output", "json"]));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let counts = lines.pop().expect("counts");
    assert_eq!(counts["counts"]["keys"], lines.len());
    assert_eq!(lines.len(), 15);
    for word in ["put", "skip", "hold"] {
        let counted = lines.iter().filter(|own| own["decision"] == word).count();
        assert_eq!(counts["counts"][word], counted, "{word}");
        assert!(counted > 0, "{word}");
    }
    for row in lines {
        let key = row["key"].as_str().expect("a key");
        let single = folder.json(&from_snapshot(key, &[]));
        assert_eq!(row["decision"], single["decision"], "{key}");
        assert_eq!(row["rule"], single["rule"], "{key}");
    }
}

#[test]
fn of_a_file() {
    let folder = Folder::new();
    let config = |name: &str| {
        let metadata = json!({"name": name, "namespace": "shop"});
        object("v1", "ConfigMap", metadata, json!({}))
    };
    let text = [config("settings"), config("other")].join("\n");
    for (name, more) in [("file", &[][..]), ("file_only", &["--only", "skipped"])] {
        let args = [&["-f", "-", "--table"], more].concat();
        insta::assert_snapshot!(format!("table_{name}"), folder.told_of(&text, &args));
    }
}

/// What is called mirrored may be held for what a destination has: a table says
/// that it asks none, the more where one is named for `carry run`.
#[test]
fn no_destination_is_asked() {
    let folder = with_snapshot();
    folder.write("carry.yaml", "slave-endpoints: [\"http://127.0.0.1:1\"]\n");
    let env = ("CARRY_SLAVE_ENDPOINTS", "http://127.0.0.1:1");
    let config = ("CARRY_CONFIG", "carry.yaml");
    let told = |args: &[&str], envs: &[(&str, &str)]| {
        let mut command = folder.command(args);
        command.envs(envs.iter().copied());
        let output = command.output().expect("carry runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let last = |text: &str| text.lines().last().map(str::to_owned).unwrap_or_default();
    let args = from_snapshot("/registry/secrets/", &[]);
    assert_eq!(
        last(&told(&args, &[])),
        "judged by the rules and the snapshot alone, not by what a destination has or lacks: `carry run --dry-run` asks it"
    );
    for named in [env, config] {
        assert_eq!(
            last(&told(&args, &[named])),
            "judged by the rules and the snapshot alone, not by what a destination has or lacks: the one of the environment or the configuration file was not asked; `carry run --dry-run` asks it"
        );
    }
    let json = from_snapshot("/registry/secrets/", &["--output", "json"]);
    assert_eq!(told(&json, &[env]), told(&json, &[]));
}
