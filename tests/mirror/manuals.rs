//! Manual pages, completions and `carry version`.

use carry::cli::command::described;
use serde_json::Value;

use super::harness::{carry, temp_dir};

#[test]
fn every_command_has_a_page_with_all_of_its_flags() {
    let folder = temp_dir();
    let into = folder.path().join("man/man1");
    let written = carry(&["man", "--directory", into.to_str().expect("UTF-8")]);
    assert_eq!(
        (written.code, written.stdout.as_str()),
        (0, ""),
        "{written:?}"
    );
    let page = |name: &str| {
        std::fs::read_to_string(into.join(format!("{name}.1"))).unwrap_or_else(|_| panic!("{name}"))
    };
    assert_eq!(page("carry"), carry(&["man"]).stdout);
    let definition = described();
    let mut commands = 0;
    for command in definition.get_subcommands() {
        let name = command.get_name();
        let page = page(&format!("carry-{name}"));
        assert!(
            page.contains(".SH NAME") && page.contains(".SH OPTIONS"),
            "{name}"
        );
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            let flag = format!("\\-\\-{}", flag.replace('-', "\\-"));
            assert!(page.contains(&flag), "{name}: {flag}");
        }
        let mut reads = false;
        for arg in command.get_arguments() {
            if let Some(variable) = arg.get_env() {
                let variable = format!("[env: {}", variable.to_string_lossy());
                assert!(page.contains(&variable), "{name}: {variable}");
                reads = true;
            }
        }
        assert_eq!(page.contains(".SH ENVIRONMENT\n"), reads, "{name}");
        assert!(page.contains(".SH \"EXIT STATUS\"\n"), "{name}");
        assert_eq!(page.contains(".SH \"THE SOURCE\"\n"), reads, "{name}");
        // No flag is written in capitals, and nothing stretches the lines.
        let headings = page.lines().filter(|line| line.starts_with(".SH"));
        headings.for_each(|line| assert!(!line.contains("\\-"), "{name}: {line}"));
        assert!(page.contains(".ad l\n.SH NAME\n"), "{name}");
        commands += 1;
    }
    assert!(commands >= 8);
    let run = page("carry-run");
    let both = "[alias: \\-\\-dest\\-cacert] [env: CARRY_SLAVE_CACERT or CARRY_DEST_CACERT]";
    assert!(run.contains(both), "{run}");
    let files = std::fs::read_dir(&into).expect("pages").count();
    assert_eq!(files, commands + 1);
    let nowhere = carry(&["man", "--directory", "/proc/nowhere"]);
    assert_eq!(nowhere.code, 2);
    assert!(
        nowhere.stderr.contains("`--directory` `/proc/nowhere`"),
        "{nowhere:?}"
    );
}

#[test]
fn every_command_is_completed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completed = carry(&["completions", shell]);
        assert_eq!(completed.code, 0, "{completed:?}");
        for command in described().get_subcommands() {
            assert!(completed.stdout.contains(command.get_name()), "{shell}");
        }
        assert!(completed.stdout.contains("print-config"), "{shell}");
    }
}

/// As a shell asks: what is offered for the last of these words.
fn offered(script: &std::path::Path, words: &[&str]) -> Vec<String> {
    let asked = format!(
        "source {}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _carry carry \"${{@: -1}}\" \"${{@: -2:1}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let mut command = super::harness::clean("bash");
    command.args(["--norc", "-c", &asked, "bash"]).args(words);
    let output = command.output().expect("bash runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let mut words: Vec<String> = said.lines().map(str::to_owned).collect();
    words.sort_unstable();
    words
}

#[test]
fn bash_offers_the_words_of_flags_and_their_other_names() {
    let folder = temp_dir();
    let script = folder.path().join("carry.bash");
    std::fs::write(&script, carry(&["completions", "bash"]).stdout).expect("a script");
    let modes = offered(&script, &["carry", "run", "--mode", ""]);
    assert_eq!(modes, ["active-standby", "standalone"]);
    let formats = offered(&script, &["carry", "run", "--log-format", "j"]);
    assert_eq!(formats, ["json"]);
    for (side, other) in [("--master", "--source"), ("--slave", "--dest")] {
        let by_first = offered(&script, &["carry", "verify", &format!("{side}-")]);
        let by_other = offered(&script, &["carry", "verify", &format!("{other}-")]);
        let renamed = by_first.iter().map(|flag| flag.replacen(side, other, 1));
        let renamed: Vec<String> = renamed.collect();
        let of_side: Vec<&String> = by_other
            .iter()
            .filter(|flag| renamed.contains(flag))
            .collect();
        assert_eq!(of_side.len(), 9, "{by_other:?}");
        assert_eq!(renamed.len(), 9, "{by_first:?}");
    }
    // What is only offered is not shown: `--help` stays short.
    assert!(!carry(&["run", "--help"]).stdout.contains("--source-cacert"));
}

#[test]
fn the_version_says_what_it_works_with() {
    let told = carry(&["version", "--output=json"]);
    assert_eq!(told.code, 0, "{told:?}");
    let object: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
    let lock = include_str!("../../Cargo.lock");
    let rocksdb = object["rocksdb"].as_str().expect("text");
    let locked = "name = \"librocksdb-sys\"\nversion = \"";
    let (_, rest) = lock.split_once(locked).expect("RocksDB");
    let version = rest.split('"').next().expect("a version");
    assert!(
        version.ends_with(&format!("+{rocksdb}")),
        "{version}: {rocksdb}"
    );
    for field in [
        "commit",
        "rustc",
        "minimumRustc",
        "target",
        "profile",
        "etcd",
        "kubernetes",
    ] {
        assert!(object.get(field).is_some(), "{field}");
    }
    let human = carry(&["version"]);
    assert!(human.stdout.starts_with("carry 0."), "{human:?}");
    assert!(human.stdout.contains(rocksdb), "{human:?}");
    assert_eq!(carry(&["--version"]).stdout.lines().count(), 1);
}
