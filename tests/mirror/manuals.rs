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
        commands += 1;
    }
    assert!(commands >= 8);
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
