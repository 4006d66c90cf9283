//! `carry check-rules` where others call it: the hook and the workflow in
//! `deploy/`, with the very command lines that stand there.

use std::path::Path;
use std::process::Output;

use serde_yaml::Value;

use crate::mirror::harness;

const HOOK: &str = include_str!("../../deploy/pre-commit-hook.yaml");
const WORKFLOW: &str = include_str!("../../deploy/examples/check-rules.workflow.yaml");
const RULES: &str = include_str!("../../deploy/examples/rules.yaml");

/// What a shell in `folder` makes of `line`, with carry in the PATH.
fn shell(folder: &Path, line: &str) -> Output {
    let own = harness::carry_binary().parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [own.to_path_buf()]
            .into_iter()
            .chain(std::env::split_paths(&path)),
    );
    let mut command = harness::clean("sh");
    let command = command.args(["-c", line]).current_dir(folder);
    command
        .env("PATH", path.expect("a PATH"))
        .output()
        .expect("sh runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A folder with rules as a repository has them.
fn repository(rules: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = harness::temp_dir();
    for (name, rules) in rules {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, rules).expect("a file");
    }
    folder
}

/// What the hook runs for these files, which pre-commit appends.
fn hook_line(files: &str) -> String {
    let hooks: Value = serde_yaml::from_str(HOOK).expect("YAML");
    let hook = &hooks[0]["hooks"][0];
    assert_eq!(hooks[0]["repo"], "local");
    assert_eq!(hook["language"], "system");
    let entry = hook["entry"].as_str().expect("an entry");
    let args = hook["args"].as_sequence().expect("args").iter();
    let args: Vec<&str> = args.map(|arg| arg.as_str().expect("text")).collect();
    format!("{entry} {} {files}", args.join(" "))
}

#[test]
fn the_hook_passes_good_rules_and_stops_bad_ones() {
    let good = repository(&[("rules/good.yaml", RULES)]);
    let passed = shell(good.path(), &hook_line("rules/good.yaml"));
    assert!(passed.status.success(), "{}", text(&passed.stdout));

    let warned = RULES.replace("kind: ConfigMap", "kind: ConfigMaps");
    let both = repository(&[("rules/good.yaml", RULES), ("rules/bad.yaml", &warned)]);
    let stopped = shell(both.path(), &hook_line("rules/good.yaml rules/bad.yaml"));
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    let shown = text(&stopped.stdout);
    assert!(
        shown.contains("rules/bad.yaml:") && shown.contains("W012"),
        "{shown}"
    );
}

#[test]
fn the_hook_is_for_rules_files() {
    let hooks: Value = serde_yaml::from_str(HOOK).expect("YAML");
    let files = hooks[0]["hooks"][0]["files"].as_str().expect("a pattern");
    let files = regex::Regex::new(files).expect("a pattern");
    for path in ["rules/a.yaml", "rules/team/b.yml"] {
        assert!(files.is_match(path), "{path}");
    }
    for path in [
        "charts/rules/a.yaml",
        "rules/README.md",
        "rules/a.yaml.orig",
    ] {
        assert!(!files.is_match(path), "{path}");
    }
}

/// The lines that the workflow runs; those of the alternative in its comment
/// too.
fn workflow_lines() -> Vec<String> {
    let workflow: Value = serde_yaml::from_str(WORKFLOW).expect("YAML");
    let steps = workflow["jobs"]["check-rules"]["steps"].as_sequence();
    let run = steps.expect("steps").iter();
    let run = run.filter_map(|step| step["run"].as_str());
    let own = run.flat_map(str::lines).map(str::to_owned);
    let comments = WORKFLOW.lines().filter_map(|line| {
        let comment = line.trim_start().strip_prefix('#')?;
        let (_, line) = comment.split_once("run: ")?;
        Some(line.to_owned())
    });
    let all = own.chain(comments);
    all.filter(|line| line.starts_with("carry ")).collect()
}

#[test]
fn the_workflow_checks_and_annotates() {
    let [github, sarif] = workflow_lines().try_into().expect("two lines");
    let warned = RULES.replace("kind: ConfigMap", "kind: ConfigMaps");
    let good = repository(&[("rules/a.yaml", RULES), ("rules/team/b.yaml", RULES)]);
    let bad = repository(&[("rules/a.yaml", RULES), ("rules/team/b.yaml", &warned)]);

    let passed = shell(good.path(), &github);
    let shown = text(&passed.stdout);
    assert!(passed.status.success(), "{shown}");
    assert!(
        !shown.contains("::error") && !shown.contains("::warning"),
        "{shown}"
    );
    let stopped = shell(bad.path(), &github);
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    let shown = text(&stopped.stdout);
    let errors: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    let [error] = errors.as_slice() else {
        panic!("{shown}");
    };
    assert!(
        error.starts_with("::error file=rules/team/b.yaml,line=") && error.contains("title=W012::"),
        "{shown}"
    );

    for (folder, status, count) in [(&good, 0, 0), (&bad, 1, 1)] {
        let made = shell(folder.path(), &sarif);
        assert_eq!(made.status.code(), Some(status), "{made:?}");
        let log = std::fs::read(folder.path().join("carry.sarif")).expect("a log");
        let log: serde_json::Value = serde_json::from_slice(&log).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        let errors = results.iter().filter(|result| result["level"] == "error");
        assert_eq!(errors.count(), count, "{log:#}");
    }
}

/// Flags for connections, which the reference of `run` explains.
fn is_of_connections(flag: &str) -> bool {
    let connecting = ["--dial-timeout", "--keepalive-", "--master-"];
    flag != "--master-endpoints" && connecting.iter().any(|begin| flag.starts_with(begin))
}

/// Every flag of the command is in the reference, and no other.
#[test]
fn the_readme_names_every_flag() {
    let readme = include_str!("../../README.md");
    let start = readme
        .find("\n### `carry check-rules`\n")
        .expect("a section");
    let section = readme[start + 1..].split("\n### ").next().expect("text");
    let command = carry::cli::command::definition();
    let check = command.find_subcommand("check-rules").expect("a command");
    let mut flags: Vec<String> = check
        .get_arguments()
        .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
        .collect();
    flags.sort();
    for flag in &flags {
        assert!(readme.contains(&format!("`{flag}")), "{flag}");
    }
    flags.retain(|flag| !is_of_connections(flag));
    let rows = section.lines().filter(|line| line.starts_with("| `--"));
    let words = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`'));
    let mut written: Vec<String> = words
        .filter_map(|word| word.split_whitespace().next())
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect();
    written.sort();
    written.dedup();
    assert_eq!(written, flags);
}
