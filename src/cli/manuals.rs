//! `carry man`: manual pages, made of the definition of the commands.
//!
//! Promises a page for every command, `carry.1`, `carry-run.1` and so on, the
//! same whatever the environment holds. Deliberately writes nothing that the
//! definition does not say.

use std::path::Path;
use std::process::ExitCode;

use clap_mangen::Man;

use super::{command, refuse, said};

/// Runs the command: the page of carry itself on stdout, or all of them into a
/// directory.
pub fn run(directory: Option<&str>) -> ExitCode {
    match directory {
        None => match page() {
            Ok(page) => said(&String::from_utf8_lossy(&page)),
            Err(error) => refuse(format!("cannot print: {error}")),
        },
        Some("") => refuse("`--directory` is empty: give a path"),
        Some(directory) => match into(Path::new(directory)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(format!(
                "`--directory` `{directory}` cannot be written to: {error}"
            )),
        },
    }
}

/// It would have no page of its own.
fn definition() -> clap::Command {
    command::described().disable_help_subcommand(true)
}

fn page() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(definition()).render(&mut page)?;
    Ok(page)
}

fn into(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(definition(), directory)
}
