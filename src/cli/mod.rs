//! The command line: parse, dispatch, exit code.
//!
//! Promises the exit codes: 0 done, 1 it ran and found something, 2 it could
//! not run. The only place that prints; deliberately decides nothing else.

pub mod args;
pub mod bytes;
pub mod check_rules;
mod connecting;
mod credentials;
pub mod duration;
pub mod encryption;
pub mod explain;
pub mod explain_report;
mod ledger;
mod problems;
mod promote;
mod promote_report;
pub mod promote_settings;
mod rules_file;
mod rules_settings;
mod rules_watch;
mod run;
pub mod settings;
mod side_args;
mod space;
mod style;
mod terminal;
mod typed;
mod verify;
mod verify_report;
pub mod verify_settings;

use std::process::ExitCode;

use args::Command;

/// It ran and found something.
pub const FOUND: u8 = 1;
/// It could not run.
pub const COULD_NOT_RUN: u8 = 2;

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        // Help and version come this way too; each knows where it is printed.
        Err(told) => return ExitCode::from(print(&told)),
    };
    match cli.command {
        Command::Run(args) => run::run(*args),
        Command::CheckRules(args) => check_rules::run(&args),
        Command::Explain(args) => explain::run(*args),
        Command::Verify(args) => verify::run(*args),
        Command::Promote(args) => promote::run(*args),
        Command::Completions { shell } => {
            let mut command = <args::Cli as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "carry", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

fn print(told: &clap::Error) -> u8 {
    // Nothing can be done where even printing fails.
    let _ = told.print();
    u8::try_from(told.exit_code()).unwrap_or(COULD_NOT_RUN)
}

/// Says why it cannot run.
fn refuse(why: impl std::fmt::Display) -> ExitCode {
    for line in why.to_string().lines() {
        eprintln!("error: {line}");
    }
    ExitCode::from(COULD_NOT_RUN)
}
