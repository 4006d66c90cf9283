//! Starts carry as a manifest or unit starts it, with the folders moved to where
//! the test may write and etcds that are not there.
//!
//! It must come as far as to say that it reaches none: then every flag is known,
//! every value is good and every file is where it is looked for.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{list, of_kind, only, text};
use crate::mirror::harness::{Authority, Ended, carry_with, temp_dir};

/// What stands for `/` in the test.
pub struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    /// With rules, certificates, passwords and encryption configurations where
    /// manifests and units have them.
    pub fn new() -> Root {
        let root = Root { folder: temp_dir() };
        let authority = Authority::new();
        let certificates = [
            ("ca.crt", authority.ca()),
            ("tls.crt", authority.client_cert()),
            ("tls.key", authority.client_key()),
        ];
        for side in ["source", "destination"] {
            for (name, from) in &certificates {
                let text = fs::read_to_string(from).expect("a certificate");
                root.write(&format!("etc/carry/{side}/{name}"), &text);
            }
            root.write(&format!("etc/carry/{side}-auth/password"), "secret\n");
        }
        let rules = super::read("kustomize/base/rules.yaml");
        let encryption = super::read("examples/secrets-encryption.yaml");
        for folder in ["etc/mirror", "etc/carry"] {
            root.write(&format!("{folder}/rules.yaml"), &rules);
            root.write(&format!("{folder}/secrets-encryption.yaml"), &encryption);
            root.write(&format!("{folder}/standby-encryption.yaml"), &encryption);
        }
        root
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Paths that begin as on a real machine, below this root; endpoints where
    /// nobody listens, and an admin port that is free.
    fn moved(&self, text: &str) -> String {
        let (name, value) = text.split_once('=').unwrap_or(("", text));
        let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if is(&["-endpoints", "_ENDPOINTS"]) {
            let scheme = value.split("://").next().unwrap_or_default();
            return format!("{name}={scheme}://127.0.0.1:1");
        }
        if is(&["bind-port", "_BIND_PORT"]) {
            assert_eq!(value, "10520");
            return format!("{name}=0");
        }
        if is(&["_BIND_ADDRESS"]) {
            assert!(value.parse::<std::net::IpAddr>().is_ok(), "{value}");
            return format!("{name}=127.0.0.1");
        }
        let root = self.folder.path().display();
        let begins = ["/etc/", "/var/"]
            .iter()
            .any(|begin| value.starts_with(begin));
        match (begins, name) {
            (true, "") => format!("{root}{value}"),
            (true, name) => format!("{name}={root}{value}"),
            _ => text.to_owned(),
        }
    }

    /// Runs carry so.
    pub fn run(&self, arguments: &[String], variables: &BTreeMap<String, String>) -> Ended {
        let arguments: Vec<String> = arguments.iter().map(|text| self.moved(text)).collect();
        let variables = variables.iter().map(|(name, value)| {
            let moved = self.moved(&format!("{name}={value}"));
            let value = moved.split_once('=').map(|(_, value)| value.to_owned());
            (name.clone(), value.unwrap_or_default())
        });
        let mut variables: Vec<_> = variables.collect();
        variables.push(("CARRY_DIAL_TIMEOUT".to_owned(), "1s".to_owned()));
        carry_with(&arguments, &variables)
    }

    /// Runs carry so, and it comes as far as to ask an etcd that is not there.
    pub fn assert_starts(
        &self,
        arguments: &[String],
        variables: &BTreeMap<String, String>,
        from: &str,
    ) {
        let ended = self.run(arguments, variables);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, 2, "{from}: {said}");
        let asked = said.contains("cannot reach etcd") && said.contains("://127.0.0.1:1`");
        assert!(asked, "{from}: {said}");
    }
}

/// The container's arguments.
pub fn arguments(container: &Value) -> Vec<String> {
    let all = list(container, "/args").iter();
    all.map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// The container's own variables, each of which carry knows.
pub fn variables(container: &Value, from: &str) -> BTreeMap<String, String> {
    let all = list(container, "/env").iter();
    let all: BTreeMap<String, String> = all
        .map(|one| {
            (
                text(one, "/name").to_owned(),
                text(one, "/value").to_owned(),
            )
        })
        .collect();
    assert_variables_are_known(all.keys(), from);
    all
}

/// The settings of an overlay: as they are, and filled in. Says its mode.
pub fn kustomized(objects: &[Value], from: &str) -> String {
    let container = &only(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0];
    let wanted = text(&container["envFrom"][0], "/configMapRef/name");
    let maps = of_kind(objects, "ConfigMap");
    let settings = maps
        .iter()
        .find(|map| text(map, "/metadata/name") == wanted);
    let settings = settings.expect("settings")["data"]
        .as_object()
        .expect("a map");
    let settings = settings.iter();
    let mut variables: BTreeMap<String, String> = settings
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect();
    assert_variables_are_known(variables.keys(), from);
    variables.extend(self::variables(container, from));
    let root = Root::new();
    let empty: BTreeMap<String, String> = variables.clone();
    let unfilled = ["CARRY_MASTER_ENDPOINTS", "CARRY_SLAVE_ENDPOINTS"];
    for name in unfilled {
        assert_eq!(empty[name], "", "{from}: {name}");
    }
    let root_arguments = arguments(container);
    let before: BTreeMap<String, String> = empty
        .into_iter()
        .filter(|(name, _)| !unfilled.contains(&name.as_str()))
        .collect();
    let ended = root.run(&root_arguments, &before);
    assert_eq!(ended.code, 2, "{from}");
    for flag in ["--master-endpoints", "--slave-endpoints"] {
        assert!(
            ended.stderr.contains(&format!("`{flag}` is missing")),
            "{from}: {}",
            ended.stderr
        );
    }
    for name in unfilled {
        variables.insert(name.to_owned(), "https://10.0.0.1:2379".to_owned());
    }
    // `/etc/mirror/rules.yaml` is the default, which cannot be moved.
    variables.insert(
        "CARRY_MIRROR_RULE".to_owned(),
        "/etc/mirror/rules.yaml".to_owned(),
    );
    variables.insert("CARRY_BIND_PORT".to_owned(), "10520".to_owned());
    root.assert_starts(&root_arguments, &variables, from);
    variables["CARRY_MODE"].clone()
}

/// Every variable is one of carry's.
pub fn assert_variables_are_known<'a>(names: impl Iterator<Item = &'a String>, from: &str) {
    use clap::CommandFactory as _;
    let command = carry::cli::args::Cli::command();
    let run = command.find_subcommand("run").expect("run");
    let known = run.get_arguments().filter_map(|arg| arg.get_env());
    let known: Vec<&str> = known.filter_map(|name| name.to_str()).collect();
    for name in names {
        assert!(
            known.contains(&name.as_str()),
            "{from}: carry knows no variable {name}"
        );
    }
}
