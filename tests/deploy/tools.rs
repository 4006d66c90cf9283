//! Programs and data of others that judge what `deploy/` has: where they are,
//! and how they are run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How a program ended.
pub struct Ran {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

/// What a variable names, or what `tests/run.sh` has put into the user's cache;
/// `None` with one line that says what is not run.
fn find(what: &str, variable: &str, cached: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(PathBuf::from(named));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let folder = cache.or(home).map(|cache| cache.join("carry").join(cached));
    if let Some(found) = folder.filter(|found| found.exists()) {
        return Some(found);
    }
    println!("{what}: not run, there is no {cached} (tests/run.sh fetches it; or set {variable})");
    None
}

pub fn helm(what: &str) -> Option<PathBuf> {
    find(what, "CARRY_TEST_HELM", "kubectl-1.36.3/helm")
}

pub fn kubectl(what: &str) -> Option<PathBuf> {
    find(what, "CARRY_TEST_KUBECTL", "kubectl-1.36.3/kubectl")
}

pub fn promtool(what: &str) -> Option<PathBuf> {
    find(what, "CARRY_TEST_PROMTOOL", "promtool-2.53.3/promtool")
}

/// `tests/chaos.sh` alone has it fetched.
pub fn prometheus(what: &str) -> Option<PathBuf> {
    find(
        what,
        "CARRY_TEST_PROMETHEUS",
        "prometheus-2.53.3/prometheus",
    )
}

pub fn hadolint(what: &str) -> Option<PathBuf> {
    find(what, "CARRY_TEST_HADOLINT", "hadolint-2.15.1/hadolint")
}

/// The JSON schemas of Kubernetes' kinds.
pub fn kube_schemas(what: &str) -> Option<PathBuf> {
    let cached = "kubernetes-schemas-1.36/definitions.json";
    find(what, "CARRY_TEST_KUBE_SCHEMAS", cached)
}

/// systemd's own judge of units, where this is a machine with systemd.
pub fn systemd_analyze(what: &str) -> Option<PathBuf> {
    let program = PathBuf::from("systemd-analyze");
    let there = Command::new(&program).arg("--version").output().is_ok();
    if !there {
        println!("{what}: not run, there is no systemd-analyze");
    }
    there.then_some(program)
}

/// Runs a program to its end.
pub fn run(program: &Path, arguments: &[&str], folder: &Path) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    // No cluster of the user's is asked for anything.
    command.env("KUBECONFIG", "/dev/null");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        ok: output.status.success(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// The same, where it must go well; what it prints.
pub fn stdout(program: &Path, arguments: &[&str], folder: &Path) -> String {
    let ran = run(program, arguments, folder);
    assert!(
        ran.ok,
        "{} {arguments:?}: {}{}",
        program.display(),
        ran.stdout,
        ran.stderr
    );
    ran.stdout
}
