//! The command line: parse, dispatch, exit code.
//!
//! Promises the exit codes: 0 done, 1 it ran and found something, 2 it could
//! not run. The only place that prints; deliberately decides nothing else.

pub mod args;
mod bars;
mod between;
pub mod bytes;
pub mod check_rules;
pub mod command;
pub mod config;
mod connecting;
mod credentials;
mod dry_run;
pub mod duration;
pub mod encryption;
mod ending;
pub mod explain;
pub mod explain_report;
mod interrupted;
mod ledger;
mod logging;
mod manuals;
mod problems;
mod progress;
mod promote;
mod promote_report;
pub mod promote_settings;
mod rules_file;
mod rules_settings;
mod rules_watch;
mod run;
mod run_report;
pub mod settings;
mod side_args;
mod space;
mod stdout;
mod style;
mod terminal;
mod typed;
mod variables;
mod verify;
mod verify_report;
pub mod verify_settings;
mod version;
mod words;

use std::process::ExitCode;

use args::Command;
use config::Unread;

/// It ran and found something.
pub const FOUND: u8 = 1;
/// It could not run.
pub const COULD_NOT_RUN: u8 = 2;

/// The whole program.
pub fn main() -> ExitCode {
    let config::Configured { cli, config } = match config::read(std::env::args_os()) {
        Ok(configured) => configured,
        // Help and version come this way too; each knows where it is printed.
        Err(Unread::Told(told)) => return ExitCode::from(print(&told)),
        Err(Unread::File(why)) => return refuse(why),
    };
    if let Some(log) = cli.command.log() {
        logging::start(log);
    }
    variables::warn(&cli.command);
    if let Err(refused) = config.check(&cli.command) {
        return refused;
    }
    match cli.command {
        Command::Run(args) => run::run(*args, &config),
        Command::CheckRules(args) => check_rules::run(*args),
        Command::Explain(args) => explain::run(*args, &config),
        Command::Verify(args) => verify::run(*args, &config),
        Command::Promote(args) => promote::run(*args, &config),
        Command::Completions { shell } => {
            let mut command = command::completed();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "carry", &mut script);
            said(&String::from_utf8_lossy(&script))
        }
        Command::Man { directory } => manuals::run(directory.as_deref()),
        Command::Version { output } => version::run(output),
    }
}

fn print(told: &clap::Error) -> u8 {
    // Nothing can be done where even printing fails.
    let _ = told.print();
    u8::try_from(told.exit_code()).unwrap_or(COULD_NOT_RUN)
}

/// Prints what was asked for.
fn said(text: &str) -> ExitCode {
    match stdout::say(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => refuse(why),
    }
}

/// Says why it cannot run.
fn refuse(why: impl std::fmt::Display) -> ExitCode {
    logging::error(&why.to_string());
    ExitCode::from(COULD_NOT_RUN)
}
