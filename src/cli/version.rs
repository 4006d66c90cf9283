//! `carry version`: which carry this is, and what it works with.
//!
//! Promises that what is said of a build is so: what was not told when it was
//! built is left out. Deliberately looks at nothing but itself.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::Output;
use super::said;

/// The commit that it was built from, where the build was told: a build that
/// looked for it itself would have to be repeated with each commit.
const COMMIT: Option<&str> = option_env!("CARRY_GIT_COMMIT");
/// The compiler, likewise.
const RUSTC: Option<&str> = option_env!("CARRY_RUSTC");

/// What the ledger is kept by.
pub const ROCKSDB: &str = "11.8.1";
/// The etcds that it is tested with.
const ETCD: [&str; 2] = ["3.4", "3.5"];
/// The apiservers whose values it reads.
const KUBERNETES: &str = "1.16 to 1.36";

/// Runs the command.
pub fn run(output: Output) -> ExitCode {
    said(&match output {
        Output::Human => human(),
        Output::Json => format!("{:#}\n", object()),
    })
}

fn human() -> String {
    let mut lines = vec![format!("carry {}", env!("CARGO_PKG_VERSION"))];
    let mut line = |name: &str, value: &str| lines.push(format!("{name:<12}{value}"));
    if let Some(commit) = COMMIT {
        line("commit", commit);
    }
    if let Some(rustc) = RUSTC {
        line("built by", rustc);
    }
    line("target", &target());
    line("profile", profile());
    line("RocksDB", ROCKSDB);
    line("etcd", &ETCD.join(", "));
    line("Kubernetes", KUBERNETES);
    lines.join("\n") + "\n"
}

fn object() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": COMMIT,
        "rustc": RUSTC,
        "minimumRustc": env!("CARGO_PKG_RUST_VERSION"),
        "target": target(),
        "profile": profile(),
        "rocksdb": ROCKSDB,
        "etcd": ETCD,
        "kubernetes": KUBERNETES,
    })
}

fn target() -> String {
    let environment = match () {
        () if cfg!(target_env = "gnu") => "-gnu",
        () if cfg!(target_env = "musl") => "-musl",
        () => "",
    };
    format!(
        "{}-{}{environment}",
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

fn profile() -> &'static str {
    match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    }
}
