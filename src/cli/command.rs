//! The command line as clap knows it, and how one is read.
//!
//! Promises that help, completions, manuals and the configuration file are all
//! made of one definition. Deliberately judges no values.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{
    ArgAction, ArgMatches, Command as Definition, CommandFactory as _, FromArgMatches as _,
    ValueHint,
};

use super::args::{Cli, Command};
use super::typed::Typed;

/// The whole command line, to be read: with the variables that are set.
pub fn definition() -> Definition {
    described().mut_subcommands(with_other_names)
}

/// The same, to be told of: whatever the environment holds.
pub fn described() -> Definition {
    Cli::command().mut_subcommands(|command| with_hints(with_switches(command)))
}

/// The same for shells, which offer what they are shown: the other names of
/// flags too.
pub fn completed() -> Definition {
    described().mut_subcommands(|command| {
        command.mut_args(|arg| {
            let others = other_flags(&arg);
            arg.alias(None::<&'static str>).visible_aliases(others)
        })
    })
}

/// What a flag is called too.
pub(super) fn other_flags(arg: &clap::Arg) -> Vec<String> {
    let others = arg.get_all_aliases().unwrap_or_default().into_iter();
    others.map(str::to_owned).collect()
}

/// Reads a command line, the program's name first. The error knows how to
/// print itself and its exit code, and is also how help and version are told.
pub fn parse<A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    understood(&matches(definition(), &args)?)
}

/// What of `definition` was given.
pub(super) fn matches(
    mut definition: Definition,
    args: &[OsString],
) -> Result<ArgMatches, clap::Error> {
    if let Some(first) = args.get(1).and_then(|arg| arg.to_str())
        && wants_run(first)
    {
        let text = format!("`{first}` needs a subcommand before it: write `carry run {first} …`");
        return Err(definition.error(clap::error::ErrorKind::MissingSubcommand, text));
    }
    let matches = definition.try_get_matches_from(args);
    matches.map_err(|error| with_tip(error, args))
}

/// `promote` has no dry run, since another command is that.
fn with_tip(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let unknown = error.get(ContextKind::InvalidArg);
    let asked = matches!(unknown, Some(ContextValue::String(own)) if own == "--dry-run");
    if asked && args.get(1).is_some_and(|own| own == "promote") {
        let tip = "`carry verify` with the same flags compares both sides and changes nothing, as `carry promote` does first";
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

/// What that means.
pub(super) fn understood(matches: &ArgMatches) -> Result<Cli, clap::Error> {
    let mut cli = Cli::from_arg_matches(matches)?;
    if let Some((_, matches)) = matches.subcommand() {
        match &mut cli.command {
            Command::Explain(args) => args.typed = Typed::of(matches),
            Command::CheckRules(args) => args.typed = Typed::of(matches),
            Command::Run(_)
            | Command::Verify(_)
            | Command::Promote(_)
            | Command::Completions { .. }
            | Command::Man { .. }
            | Command::Version { .. } => {}
        }
    }
    Ok(cli)
}

/// etcd-carry had no subcommands: it is `carry run` that takes its flags.
fn wants_run(first: &str) -> bool {
    let name = first.split('=').next().unwrap_or(first);
    name.starts_with("--") && !matches!(name, "--" | "--help" | "--version")
}

/// What a variable or a file can switch on, a flag can switch off:
/// `--once=false`.
fn with_switches(command: Definition) -> Definition {
    command.mut_args(|arg| match (arg.get_action(), arg.get_env().is_some()) {
        (ArgAction::SetTrue, true) => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .value_parser(BoolishValueParser::new())
            .value_name("BOOL"),
        _ => arg,
    })
}

/// Shells complete what the name of a value says.
fn with_hints(command: Definition) -> Definition {
    command.mut_args(|arg| {
        let names = arg.get_value_names().unwrap_or_default();
        let hint = match names.first().map(|name| name.as_str()) {
            Some("FILE") => ValueHint::FilePath,
            Some("DIR") => ValueHint::DirPath,
            _ => return arg,
        };
        arg.value_hint(hint)
    })
}

macro_rules! other_names {
    ($($suffix:literal)*) => {
        &[$(
            (concat!("CARRY_MASTER_", $suffix), concat!("CARRY_SOURCE_", $suffix)),
            (concat!("CARRY_SLAVE_", $suffix), concat!("CARRY_DEST_", $suffix)),
        )*]
    };
}

/// Variables, and their names after the flags of etcd-carry 0.2.
pub(super) const OTHER_NAMES: &[(&str, &str)] = other_names!(
    "ENDPOINTS" "CACERT" "CERT" "KEY" "INSECURE_SKIP_TLS_VERIFY" "INSECURE_TRANSPORT"
    "USER" "PASSWORD" "PASSWORD_FILE"
);

/// The environment knows the names of etcd-carry 0.2 too, where those of 0.1
/// are not set.
fn with_other_names(command: Definition) -> Definition {
    let set = |name: &str| std::env::var_os(name).is_some();
    command.mut_args(|arg| {
        let other = OTHER_NAMES.iter().find(|(name, other)| {
            arg.get_env().is_some_and(|env| env == *name) && !set(name) && set(other)
        });
        match other {
            Some((_, other)) => arg.env(*other),
            None => arg,
        }
    })
}
