//! Variables of the environment that nobody reads, since they are mistyped.
//!
//! Promises to name what was probably meant, and to take for a mistake nothing
//! that Kubernetes sets in Pods for Services. Deliberately says nothing of
//! names that are near to none, which may be somebody else's, and of values.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Command as Definition;

use super::args::Command;
use super::command;
use crate::rules::yaml::nearest;

/// Tells of those that are set now, to a command that reads variables.
pub fn warn(command: &Command) {
    let logs = command.log().is_some();
    if !logs && !matches!(command, Command::Explain(_) | Command::CheckRules(_)) {
        return;
    }
    for line in mistaken(std::env::vars_os()) {
        match logs {
            true => tracing::warn!("{line}"),
            false => eprintln!("warning: {line}"),
        }
    }
}

/// A line for each that is nearly the name of one.
pub fn mistaken(set: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
    let set: Vec<(String, OsString)> = set
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    let known = known(&command::described());
    let names: BTreeSet<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines: Vec<String> = set
        .iter()
        .filter(|(name, value)| {
            let url = value.to_string_lossy().contains("://");
            !known.contains(name) && !is_own(name) && !is_of_service(name, url, &names)
        })
        .filter_map(|(name, _)| {
            let bare = name.strip_prefix(PREFIX)?;
            let known = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
            let meant = nearest(bare, known)?;
            Some(format!(
                "there is no variable `{name}`: did you mean `{PREFIX}{meant}`?"
            ))
        })
        .collect();
    lines.sort_unstable();
    lines
}

const PREFIX: &str = "CARRY_";

/// Every variable of every flag, by both names where it has two.
fn known(definition: &Definition) -> BTreeSet<String> {
    let args = definition
        .get_subcommands()
        .flat_map(Definition::get_arguments);
    let names = args.filter_map(clap::Arg::get_env);
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let others = command::OTHER_NAMES.iter();
    names
        .chain(others.map(|(_, other)| (*other).to_owned()))
        .collect()
}

/// Whether tests, benches or builds of carry read it.
fn is_own(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "CARRY_TEST_",
        "CARRY_CHAOS_",
        "CARRY_BENCH_",
        "CARRY_SIMULATION_",
        "CARRY_UPDATE_",
        "CARRY_SHARED",
        "CARRY_GIT_COMMIT",
        "CARRY_RUSTC",
        "CARRY_CI_CACHE",
    ];
    BEGINNINGS.iter().any(|own| name.starts_with(own))
}

/// Whether it is one of those that Kubernetes sets for a Service whose name
/// begins with `carry`: `…_SERVICE_HOST`, `…_SERVICE_PORT`,
/// `…_SERVICE_PORT_METRICS`, `…_PORT`, `…_PORT_10520_TCP_ADDR`.
fn is_of_service(name: &str, url: bool, set: &BTreeSet<&str>) -> bool {
    if name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") {
        return true;
    }
    let of_port = name.match_indices("_PORT_").any(|(at, found)| {
        let rest = name.get(at + found.len()..).unwrap_or_default();
        let rest = rest.split_once('_');
        rest.is_some_and(|(port, protocol)| {
            let number = port.bytes().all(|byte| byte.is_ascii_digit());
            let known = ["TCP", "UDP", "SCTP"];
            number && known.iter().any(|known| protocol.starts_with(known))
        })
    });
    let host = |service: &str| set.contains(format!("{service}_SERVICE_HOST").as_str());
    of_port
        || name
            .strip_suffix("_PORT")
            .is_some_and(|own| url || host(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(set: &[(&str, &str)]) -> Vec<String> {
        mistaken(set.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn what_is_nearly_a_name_is_told_with_that() {
        for (mistyped, meant) in [
            ("CARRY_MAX_LAGG", "CARRY_MAX_LAG"),
            ("CARRY_MASTER_ENDPOINT", "CARRY_MASTER_ENDPOINTS"),
            ("CARRY_SOURCE_PASWORD", "CARRY_SOURCE_PASSWORD"),
            ("CARRY_DEST_CA_CERT", "CARRY_DEST_CACERT"),
            ("CARRY_BIND_PROT", "CARRY_BIND_PORT"),
            ("CARRY_BNID_PORT", "CARRY_BIND_PORT"),
        ] {
            let line = format!("there is no variable `{mistyped}`: did you mean `{meant}`?");
            assert_eq!(told(&[(mistyped, "1234")]), [line]);
        }
    }

    #[test]
    fn what_others_set_is_left_alone() {
        for name in known(&command::described()) {
            assert!(told(&[(name.as_str(), "x")]).is_empty(), "{name}");
        }
        for name in [
            "CARRY_TEST_NAME",
            "CARRY_SHARED",
            "CARRY_BENCH_RULES",
            "CARRY_SOMETHING_ELSE_ALTOGETHER",
            "CARRIED_MAX_LAG",
            "MAX_LAGG",
            "CARRY_",
            "CARRY",
        ] {
            assert!(told(&[(name, "x")]).is_empty(), "{name}");
        }
    }

    /// Services may be called `carry`, `carry-headless`, and worse: `carry-bin`.
    #[test]
    fn what_services_are_set_by_is_left_alone() {
        for service in ["CARRY", "CARRY_HEADLESS", "CARRY_BIN", "CARRY_MAX_LAGG"] {
            let of = |end: &str| format!("{service}{end}");
            let names = [
                of("_SERVICE_HOST"),
                of("_SERVICE_PORT"),
                of("_SERVICE_PORT_METRICS"),
                of("_PORT"),
                of("_PORT_10520_TCP"),
                of("_PORT_10520_TCP_PROTO"),
                of("_PORT_10520_TCP_PORT"),
                of("_PORT_10520_TCP_ADDR"),
            ];
            let set: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
            assert!(told(&set).is_empty(), "{:?}", told(&set));
            let alone = told(&[(of("_PORT").as_str(), "tcp://10.0.0.1:10520")]);
            assert!(alone.is_empty(), "{alone:?}");
        }
    }
}
