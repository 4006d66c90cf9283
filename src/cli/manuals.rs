//! `carry man`: manual pages, made of the definition of the commands.
//!
//! Promises a page for every command, `carry.1`, `carry-run.1` and so on, the
//! same whatever the environment holds. Deliberately writes nothing of a flag
//! that the definition does not say.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, Command as Definition};
use clap_mangen::Man;

use super::{command, refuse, said};

/// Runs the command: the page of carry itself on stdout, or all of them into a
/// directory.
pub fn run(directory: Option<&str>) -> ExitCode {
    match directory {
        None => match page() {
            Ok(page) => said(&page),
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

/// As pages have it: what `--help` shows beside a flag stands in its text, and
/// headings can be written in capitals.
fn definition() -> Definition {
    let definition = command::described()
        .about("Mirrors a chosen part of one etcd into another, continuously")
        // It would have no page of its own.
        .disable_help_subcommand(true);
    let mut definition =
        definition.mut_subcommands(|command| command.mut_args(|arg| headed(told(arg))));
    definition.build();
    definition
}

fn told(arg: Arg) -> Arg {
    let help = arg.get_long_help().or(arg.get_help());
    let mut help = help.map(ToString::to_string).unwrap_or_default();
    for other in command::other_flags(&arg) {
        let _ = write!(help, " [alias: --{other}]");
    }
    if let Some(variable) = arg.get_env() {
        let variable = variable.to_string_lossy();
        let mut others = command::OTHER_NAMES.iter();
        let other = others.find(|(name, _)| variable == *name);
        let other = other.map_or(String::new(), |(_, other)| format!(" or {other}"));
        let _ = write!(help, " [env: {variable}{other}]");
    }
    arg.help(help).long_help(None::<&'static str>)
}

/// No flag is written in capitals, as pages write headings.
fn headed(arg: Arg) -> Arg {
    let heading = arg.get_help_heading();
    let bare = heading.and_then(|heading| heading.split_once(" (--"));
    match bare.map(|(bare, _)| bare.to_owned()) {
        Some(bare) => arg.help_heading(bare),
        None => arg,
    }
}

/// The page of one command.
fn rendered(command: &Definition) -> std::io::Result<String> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    let man = man.source(concat!("carry ", env!("CARGO_PKG_VERSION")));
    man.manual("carry").render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    // Lines that are stretched to the margin have holes.
    let page = page.replacen(".SH NAME", ".ad l\n.SH NAME", 1);
    let (before, version) = match page.find(".SH VERSION") {
        Some(at) => page.split_at(at),
        None => (page.as_str(), ""),
    };
    let reads = command.get_arguments().any(|arg| arg.get_env().is_some());
    let environment = if reads { ENVIRONMENT } else { "" };
    Ok(format!("{before}{environment}{EXIT_STATUS}{version}"))
}

const ENVIRONMENT: &str = r".SH ENVIRONMENT
What stands beside the flags, as in [env: CARRY_NAME].
A flag goes before its variable, that before the file of \fB\-\-config\fR, and that before the default.
";

const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
done
.TP
\fB1\fR
it ran and found something, such as bad rules or differences
.TP
\fB2\fR
it could not run: a flag, a file, a connection, or \fBverify\fR and \fBpromote\fR were interrupted by a signal
"#;

fn page() -> std::io::Result<String> {
    rendered(&definition())
}

fn into(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let definition = definition();
    for command in std::iter::once(&definition).chain(definition.get_subcommands()) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        std::fs::write(directory.join(format!("{name}.1")), rendered(command)?)?;
    }
    Ok(())
}
