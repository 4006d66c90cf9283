//! The configuration file: every setting, who goes before whom, what is said
//! of a bad one, and the configuration that is printed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use carry::cli::command::definition;
use clap::{Arg, ArgAction, ValueHint};

use super::harness::{carry_binary, clean, temp_dir};

/// Runs carry in `folder`, with these variables.
fn carry(folder: &Path, args: &[&str], envs: &[(&str, &str)]) -> Output {
    let mut command = clean(carry_binary());
    let command = command.current_dir(folder).args(args);
    command.envs(envs.iter().copied()).output().expect("carry")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Every flag of a command is a setting of the file, by its variable, or is one
/// of these.
#[test]
fn every_flag_is_a_setting_or_about_one_call() {
    let definition = definition();
    for (name, of_one_call) in [
        ("run", &["print-config"][..]),
        ("verify", &["output", "repair"]),
        ("promote", &["force", "output", "revert", "without-source"]),
        (
            "explain",
            &[
                "all",
                "at-revision",
                "file",
                "namespace-labels",
                "only",
                "output",
                "show-object",
                "show-secrets",
                "snapshot",
                "table",
                "what-if",
            ],
        ),
        (
            "check-rules",
            &[
                "allow",
                "at-revision",
                "color",
                "deny",
                "diff",
                "dump",
                "explain",
                "fix",
                "note",
                "output",
                "snapshot",
                "warn",
                "witness",
            ],
        ),
    ] {
        let command = definition.find_subcommand(name).expect(name);
        let mut without: Vec<&str> = command
            .get_arguments()
            .filter(|arg| arg.get_env().is_none())
            .filter_map(Arg::get_long)
            .collect();
        without.sort_unstable();
        assert_eq!(without, of_one_call, "{name}");
        let named = |arg: &&Arg| arg.get_long() == Some("config");
        assert!(command.get_arguments().any(|arg| named(&arg)), "{name}");
        for arg in command.get_arguments() {
            let is_list = matches!(arg.get_action(), ArgAction::Append);
            let delimited = arg.get_value_delimiter() == Some(',');
            assert!(!is_list || arg.get_env().is_none() || delimited, "{arg}");
        }
    }
}

/// A value that is not the default, where the settings allow one.
fn other(arg: &Arg, file: &str) -> String {
    let name = arg.get_long().expect("a name");
    let example = |file: &str| format!("{}/deploy/examples/{file}", env!("CARGO_MANIFEST_DIR"));
    if name == "mirror-rule" {
        return example("rules.yaml");
    }
    if name.ends_with("encryption-provider-config") {
        return example("secrets-encryption.yaml");
    }
    if name == "rev" {
        return "0".to_owned(); // excluded by `resync`
    }
    if name.ends_with("user") {
        return "somebody".to_owned();
    }
    let values = arg.get_possible_values();
    let words: Vec<&str> = values.iter().map(|word| word.get_name()).collect();
    if !words.is_empty() {
        let word = if words.contains(&"true") {
            "true"
        } else {
            words[1]
        };
        return word.to_owned();
    }
    let shown = arg.get_value_names().and_then(|names| names.first());
    match shown.map(|name| name.as_str()) {
        Some("FILE" | "DIR") => file.to_owned(),
        Some("DURATION") => "71s".to_owned(),
        Some("N") => "65".to_owned(),
        Some("BYTES") => "3Gi".to_owned(),
        Some("PORT") => "1234".to_owned(),
        Some("IP") => "127.0.0.9".to_owned(),
        Some("URL") => "http://one:1,http://two:2".to_owned(),
        Some("PREFIX") => "/other".to_owned(),
        Some("MODE") => "active-standby".to_owned(),
        Some("NAME") | None => "other".to_owned(),
        Some(name) => panic!("`{name}` needs an example here"),
    }
}

/// Rules that can be used.
const RULES: &str = "filters: {secondary: [{name: a, keys: [/a]}]}\n";

/// What carry could not run with is no configuration.
#[test]
fn a_configuration_without_usable_rules_is_not_printed() {
    let folder = temp_dir();
    let both = "master-endpoints: [a:1]\nslave-endpoints: [b:1]\n";
    let file = format!("{both}mirror-rule: none.yaml\nmax-lag: 2ms\n");
    std::fs::write(folder.path().join("carry.yaml"), file).expect("a file");
    let args = ["run", "--config=carry.yaml", "--print-config"];
    let missing = carry(folder.path(), &args, &[]);
    let said = text(&missing.stderr);
    assert_eq!(missing.status.code(), Some(2), "{said}");
    assert_eq!(text(&missing.stdout), "");
    for part in [
        "`mirror-rule` `none.yaml` cannot be read: No such file",
        " --> carry.yaml:3:14",
        "`max-lag` `2ms` is too short",
    ] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }

    let rules = "filters: {secondary: [{name: a, kyes: [/a]}]}\n";
    std::fs::write(folder.path().join("rules.yaml"), rules).expect("rules");
    let args = [
        "run",
        "--print-config",
        "--master-endpoints=a:1",
        "--slave-endpoints=b:1",
        "--mirror-rule=rules.yaml",
    ];
    let bad = carry(folder.path(), &args, &[]);
    let said = text(&bad.stderr);
    assert_eq!(bad.status.code(), Some(2), "{said}");
    assert_eq!(text(&bad.stdout), "");
    assert!(
        said.starts_with("error[E010]: unknown field `kyes`"),
        "{said}"
    );
    assert!(
        said.ends_with("\nerror: the rules file `rules.yaml` has errors\n"),
        "{said}"
    );

    std::fs::write(folder.path().join("rules.yaml"), RULES).expect("rules");
    let good = carry(folder.path(), &args, &[]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    assert_eq!(text(&good.stderr), "");
}

/// `carry run` and what reads by itself, which has no log.
#[test]
fn mistyped_variables_are_told_of() {
    let folder = temp_dir();
    std::fs::write(folder.path().join("rules.yaml"), RULES).expect("rules");
    let line = "there is no variable `CARRY_MAX_LAGG`: did you mean `CARRY_MAX_LAG`?";
    let envs = [
        ("CARRY_MAX_LAGG", "3"),
        ("CARRY_BIND_PORT_10520_TCP_PORT", "10520"),
    ];
    let run = [
        "run",
        "--print-config",
        "--master-endpoints=a:1",
        "--slave-endpoints=b:1",
        "--mirror-rule=rules.yaml",
    ];
    for (args, beginning) in [
        (&run[..], ""),
        (&["check-rules", "rules.yaml"], "warning: "),
        (&["completions", "bash"], "nothing"),
    ] {
        let ran = carry(folder.path(), args, &envs);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{said}");
        let told = said.lines().filter(|told| told.contains("CARRY_"));
        let told: Vec<&str> = told.collect();
        match beginning {
            "nothing" => assert_eq!(said, ""),
            _ => {
                assert_eq!(told.len(), 1, "{said}");
                assert!(told[0].ends_with(line), "{said}");
                assert!(told[0].starts_with(beginning), "{said}");
                assert!(
                    beginning == "warning: " || told[0].contains(" WARN "),
                    "{said}"
                );
            }
        }
    }
}

fn settings() -> Vec<Arg> {
    let definition = definition();
    let run = definition.find_subcommand("run").expect("run");
    let of_file = |arg: &&Arg| {
        arg.get_env().is_some() && !arg.is_hide_env_values_set() && arg.get_long() != Some("config")
    };
    run.get_arguments().filter(of_file).cloned().collect()
}

#[test]
fn the_file_sets_every_flag_of_run_and_what_is_printed_is_such_a_file() {
    let folder = temp_dir();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cr3t-of-16-bytes").expect("a file");
    let mut file = String::new();
    let mut expected = Vec::new();
    for (line, arg) in settings().iter().enumerate() {
        let name = arg.get_long().expect("a name");
        let value = other(arg, secret.to_str().expect("UTF-8"));
        let _ = writeln!(file, "{name}: {value}");
        let from = format!("  # carry.yaml:{}", line + 1);
        match matches!(arg.get_action(), ArgAction::Append) {
            true => {
                expected.push(format!("{name}:{from}"));
                expected.extend(value.split(',').map(|item| format!("  - {item}")));
            }
            false => expected.push(format!("{name}: {value}{from}")),
        }
    }
    std::fs::write(folder.path().join("carry.yaml"), &file).expect("a file");
    let args = ["run", "--config=carry.yaml", "--print-config"];
    let printed = carry(folder.path(), &args, &[]);
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    let shown = text(&printed.stdout);
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(lines, expected);

    std::fs::write(folder.path().join("printed.yaml"), &shown).expect("a file");
    let args = ["run", "--config=printed.yaml", "--print-config"];
    let again = carry(folder.path(), &args, &[]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let values = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.split("  # ").next().unwrap_or_default());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values(&text(&again.stdout)), values(&shown));
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let folder = temp_dir();
    let file = "name: from-file\nkube-prefix: /file\nmax-lag: 40s\nonce: yes\nmaster-endpoints: [\"http://file:1\"]\nsource-user: x\n# a comment\nstandby: cold\ndest-endpoints:\n  - http://one:1\n  - http://two:2\nmirror-rule: rules.yaml\n";
    std::fs::write(folder.path().join("carry.yaml"), file).expect("a file");
    std::fs::write(folder.path().join("rules.yaml"), RULES).expect("rules");
    let args = ["run", "--name=from-flag", "--once=false", "--print-config"];
    let envs = [
        ("CARRY_CONFIG", "carry.yaml"),
        ("CARRY_NAME", "from-variable"),
        ("CARRY_KUBE_PREFIX", "/variable"),
        ("CARRY_MASTER_PASSWORD", "hunter2"),
        ("CARRY_DEST_ENDPOINTS", "http://variable:1"),
    ];
    let printed = carry(folder.path(), &args, &envs);
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    let shown = text(&printed.stdout);
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn everything_wrong_with_a_file_is_said_at_once() {
    let folder = temp_dir();
    let file = "\
master-endpoint: http://a:1
slaveEndpoints: http://b:1
CARRY_MAX_LAG: 3s
--name: x
nothing-like-it: 1
master-password: hunter2
repair: true
print-config: true
config: other.yaml
standby: warm
once: maybe
max-txn-ops: 0
dial-timeout: 2
keepalive-time:
keepalive-timeout: [1s, 2s]
kube-prefix: {a: b}
source-cacert: no-such-file
master-cacert: no-such-file
dest-endpoints: [{a: b}]
";
    std::fs::write(folder.path().join("carry.yaml"), file).expect("a file");
    let refused = carry(folder.path(), &["run", "--config", "carry.yaml"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(text(&refused.stdout), "");
    insta::assert_snapshot!("bad_config", text(&refused.stderr));
}

/// Whatever is wrong with a file, and however it was written into it.
#[test]
fn no_secret_of_a_file_is_shown() {
    let folder = temp_dir();
    for file in [
        "master-password: hunter2\n",
        "master-pasword: hunter2\n",
        "CARRY_MASTER_PASSWORD: hunter2\nname: [\n",
        "master-password=hunter2: x\n",
        "name: a\nmaster-password hunter2\n",
        "name: [\nmaster-password: hunter2\n",
        "master-password: |\n  hunter2\n: a\n",
        "master-password: \"hunter2\n",
        "{name: , admin-token: hunter2}\n",
        "master-user: me:hunter2\n",
        "master-endpoints: https://me:hunter2@a:1/x\n",
        "slave-endpoints: [b:1, \"me:hunter2@a:1\"]\n",
    ] {
        std::fs::write(folder.path().join("carry.yaml"), file).expect("a file");
        for format in ["human", "json"] {
            let envs = [("CARRY_LOG_FORMAT", format)];
            let args = ["run", "--config=carry.yaml", "--print-config"];
            let refused = carry(folder.path(), &args, &envs);
            let said = text(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{file}: {said}");
            assert!(said.contains("carry.yaml:"), "{file}: {said}");
            assert!(!said.contains("hunter2"), "{file}: {said}");
            assert_eq!(text(&refused.stdout), "");
        }
    }
}

/// What is refused may hold a password where none belongs.
#[test]
fn a_configuration_that_is_refused_is_not_printed() {
    let folder = temp_dir();
    for bad in [
        &["--master-user=me:hunter2", "--master-endpoints=a:1"][..],
        &["--master-endpoints=https://me:hunter2@a:1/x"],
        &["--master-endpoints=ftp://me:hunter2@a:1"],
        &["--master-endpoints=https://me:hunter2,@a:1"],
    ] {
        let args = [&["run", "--print-config", "--slave-endpoints=b:1"], bad].concat();
        let refused = carry(folder.path(), &args, &[]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert_eq!(text(&refused.stdout), "");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// Shells complete paths where they are asked for.
#[test]
fn files_and_directories_are_completed() {
    let definition = definition();
    let mut files = 0;
    for arg in definition
        .get_subcommands()
        .flat_map(|command| command.get_arguments())
    {
        let name = arg.get_value_names().and_then(|names| names.first());
        let hint = match name.map(|name| name.as_str()) {
            Some("FILE") => ValueHint::FilePath,
            Some("DIR") => ValueHint::DirPath,
            _ => continue,
        };
        assert_eq!(arg.get_value_hint(), hint, "{arg}");
        files += 1;
    }
    assert!(files > 30, "{files}");
}

/// What only the settings can judge is shown in the file too, beside what is
/// wrong elsewhere.
#[test]
fn values_of_a_file_are_judged_like_those_of_flags() {
    let folder = temp_dir();
    let file = "master-endpoints: [a:1]\nmax-lag: 2ms\nspool-limit: 4G\n";
    std::fs::write(folder.path().join("carry.yaml"), file).expect("a file");
    let args = ["run", "--config=carry.yaml", "--bind-port=x"];
    let envs = [("CARRY_MAX_TXN_OPS", "many")];
    let refused = carry(folder.path(), &args, &envs);
    assert_eq!(refused.status.code(), Some(2));
    insta::assert_snapshot!("bad_values", text(&refused.stderr));
}

#[test]
fn files_that_hold_no_settings() {
    let folder = temp_dir();
    let refused = |content: Option<&[u8]>| {
        let path = folder.path().join("carry.yaml");
        match content {
            Some(content) => std::fs::write(&path, content).expect("a file"),
            None => std::fs::remove_file(&path).expect("no file"),
        }
        let args = ["check-rules", "--explain", "E001", "--config=carry.yaml"];
        let ended = carry(folder.path(), &args, &[]);
        (ended.status.code() == Some(2)).then(|| text(&ended.stderr))
    };
    for good in ["", "# nothing yet\n", "---\n", "name: x\n"] {
        assert_eq!(refused(Some(good.as_bytes())), None, "{good}");
    }
    for (bad, said) in [
        (
            &b"- name\n"[..],
            "a configuration file is a mapping, not a list",
        ),
        (b"name\n", "a configuration file is a mapping, not text"),
        (b"name: [\n", "the file is not YAML"),
        (
            b"a: &b c\n",
            "anchors are not supported in configuration files",
        ),
        (b"name: x\n---\nname: y\n", "keep one of them"),
        (b"\xff\xfe", "the file is not UTF-8"),
    ] {
        let told = refused(Some(bad)).expect("refused");
        assert!(
            told.contains(said) && told.contains("carry.yaml:"),
            "{told}"
        );
    }
    let told = refused(None).expect("refused");
    assert!(
        told.contains("`--config` `carry.yaml` cannot be read"),
        "{told}"
    );
}

/// `carry explain` takes what it shares with `carry run`, and leaves alone what
/// is for others.
#[test]
fn one_file_is_for_all_commands() {
    let folder = temp_dir();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    let rules =
        "filters:\n  secondary:\n    - group: \"\"\n      resources:\n        - kind: ConfigMap\n";
    write("mine.yaml", rules).expect("a file");
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n";
    write("object.yaml", object).expect("a file");
    let file = "mirror-rule: mine.yaml\nspool-limit: 1Gi\nsettle: 3s\nlog-format: json\nmaster-endpoints: http://nobody:1\n";
    write("carry.yaml", file).expect("a file");
    let args = ["explain", "--file=object.yaml", "--config=carry.yaml"];
    let explained = carry(folder.path(), &args, &[]);
    assert_eq!(
        explained.status.code(),
        Some(0),
        "{}",
        text(&explained.stderr)
    );
    let shown = text(&explained.stdout);
    assert!(shown.contains("mine.yaml:"), "{shown}");
}
