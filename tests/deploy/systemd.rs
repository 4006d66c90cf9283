//! The unit for systemd: known to systemd, hardened, and of flags and variables
//! that carry has.

use std::collections::BTreeMap;

use super::{read, starts, tools};
use crate::mirror::harness::{carry_binary, temp_dir};

const UNIT: &str = "systemd/carry.service";

/// The values of a field of the unit, in order.
fn field(name: &str) -> Vec<String> {
    let unit = read(UNIT);
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(field, _)| *field == name)
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// `NAME=value`, those that are commented out too.
fn variables(with_comments: bool) -> BTreeMap<String, String> {
    let text = read("systemd/carry.env");
    let lines = text.lines().filter_map(|line| {
        let line = if with_comments {
            line.strip_prefix('#').unwrap_or(line)
        } else {
            line
        };
        let (name, value) = line.split_once('=')?;
        name.starts_with("CARRY_")
            .then(|| (name.to_owned(), value.to_owned()))
    });
    lines.collect()
}

#[test]
fn its_settings_are_what_carry_takes() {
    let all = variables(true);
    starts::assert_variables_are_known(all.keys(), "carry.env");
    let exec = field("ExecStart");
    let mut words = exec[0].split(' ').map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some("/usr/local/bin/carry"));
    let arguments: Vec<String> = words.collect();
    let root = starts::Root::new();
    for (with_comments, mode) in [(false, "standalone"), (true, "active-standby")] {
        let mut settings = variables(with_comments);
        for name in ["CARRY_MASTER_ENDPOINTS", "CARRY_SLAVE_ENDPOINTS"] {
            assert_eq!(settings[name], "", "{name} has to be said");
            settings.insert(name.to_owned(), "https://10.0.0.1:2379".to_owned());
        }
        settings.insert("CARRY_MODE".to_owned(), mode.to_owned());
        root.assert_starts(&arguments, &settings, "carry.service");
    }
    assert_eq!(variables(false)["CARRY_BIND_ADDRESS"], "127.0.0.1");
}

#[test]
fn nothing_in_it_is_insecure() {
    for text in [read(UNIT), read("systemd/carry.env")] {
        for word in ["insecure", "INSECURE", "http://", "_PASSWORD="] {
            assert!(!text.contains(word), "{word}");
        }
    }
    assert_eq!(field("User"), ["carry"]);
    assert!(read("systemd/carry.sysusers.conf").contains("\nu carry "));
}

#[test]
fn systemd_knows_every_field_and_finds_it_hardened() {
    let Some(analyze) = tools::systemd_analyze("the unit for systemd") else {
        return;
    };
    let folder = temp_dir();
    let unit = folder.path().join("carry.service");
    // The programs that it names must be there.
    let here = carry_binary().display().to_string();
    let text = read(UNIT).replace("/usr/local/bin/carry", &here);
    std::fs::write(&unit, &text).expect("a unit");
    let name = unit.to_str().expect("UTF-8");
    let verified = tools::run(&analyze, &["verify", name], folder.path());
    assert!(
        verified.ok && !verified.stderr.contains("carry.service"),
        "{}",
        verified.stderr
    );
    let offline = [
        "security",
        "--offline=yes",
        "--threshold=15",
        "--no-pager",
        name,
    ];
    let judged = tools::run(&analyze, &offline, folder.path());
    // Before 250 it judges loaded units only.
    if !judged.stderr.contains("unrecognized option") {
        assert!(judged.ok, "{}{}", judged.stdout, judged.stderr);
    }
    // It does find what is wrong.
    std::fs::write(&unit, text.replace("ProtectSystem=", "ProtectSistem=")).expect("a unit");
    let verified = tools::run(&analyze, &["verify", name], folder.path());
    assert!(
        verified.stderr.contains("ProtectSistem"),
        "{}",
        verified.stderr
    );
}
