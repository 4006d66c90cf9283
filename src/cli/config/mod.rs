//! The command line with its configuration file: flags over variables over the
//! file over defaults.
//!
//! Promises that everything wrong with the file is told at once, and that what
//! is wrong with a setting of it is shown where it stands. The file is read
//! once, when carry starts. Deliberately hands its settings to clap as
//! defaults of their flags, so that precedence is clap's own.

mod file;
mod hidden;
mod known;
mod shown;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command as Definition};

use super::args::{Cli, Command};
use super::command;
use super::problems::{Problems, path};
use super::promote_settings::PromoteSettings;
use super::settings::RunSettings;
use super::verify_settings::VerifySettings;
use super::{COULD_NOT_RUN, logging, refuse};
use crate::diagnostic::render;
use crate::rules::codes;
use file::{ConfigFile, Setting};

/// A command line that was read.
pub struct Configured {
    /// What it says.
    pub cli: Cli,
    /// Where that is from.
    pub config: Config,
}

/// Where settings are from.
#[derive(Clone, Debug)]
pub struct Config {
    file: Option<ConfigFile>,
    /// The subcommand's flags, and what became of them.
    definition: Definition,
    matches: ArgMatches,
}

/// Why there is no command line.
pub enum Unread {
    /// Help, the version, or what is wrong: knows how to print itself.
    Told(clap::Error),
    /// The file cannot be read at all.
    File(String),
}

impl From<clap::Error> for Unread {
    fn from(error: clap::Error) -> Unread {
        Unread::Told(error)
    }
}

/// Reads a command line, the program's name first, with the file that it names.
pub fn read<A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
) -> Result<Configured, Unread> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let mut definition = command::definition();
    let mut matches = command::matches(definition.clone(), &args)?;
    let mut file = None;
    if let Some(named) = named(&matches) {
        let read = open(&named, &definition).map_err(Unread::File)?;
        definition = with_defaults(definition, &read);
        matches = command::matches(definition.clone(), &args)?;
        file = Some(read);
    }
    let cli = command::understood(&matches)?;
    let (definition, matches) = match matches.remove_subcommand() {
        Some((name, of_it)) => {
            let found = definition.find_subcommand(&name).cloned();
            (found.unwrap_or(definition), of_it)
        }
        None => (definition, matches),
    };
    let config = Config {
        file,
        definition,
        matches,
    };
    Ok(Configured { cli, config })
}

/// The file that a command line or the environment names.
fn named(matches: &ArgMatches) -> Option<String> {
    let (_, of_it) = matches.subcommand()?;
    let named = of_it.try_get_one::<String>("config").ok().flatten();
    named.cloned()
}

fn open(named: &str, definition: &Definition) -> Result<ConfigFile, String> {
    let path = path("--config", named.to_owned())?;
    let bytes = std::fs::read(&path).map_err(|error| {
        format!("`--config` `{named}` cannot be read: {error}; give the path of a readable file")
    })?;
    Ok(ConfigFile::read(named, bytes, definition))
}

/// Settings of the file become what flags are without flag and variable.
fn with_defaults(definition: Definition, file: &ConfigFile) -> Definition {
    definition.mut_subcommands(|command| {
        command.mut_args(|arg| {
            let of_file = arg.get_long().and_then(|name| file.setting(name));
            match of_file.filter(|_| known::is_setting(&arg)) {
                Some(setting) => arg.default_values([setting.value.clone()]),
                None => arg,
            }
        })
    })
}

impl Config {
    /// Refuses a file that has errors: all of them, and what is wrong with its
    /// other settings.
    pub fn check(&self, command: &Command) -> Result<(), ExitCode> {
        match &self.file {
            Some(file) if file.has_errors() => {
                let problems = problems(command).unwrap_or_default();
                let of_file = problems.0.into_iter();
                let of_file = of_file.filter(|problem| self.setting_of(problem).is_some());
                Err(self.refuse(Problems(of_file.collect())))
            }
            _ => Ok(()),
        }
    }

    /// Says why it cannot run: of settings of the file with their places.
    pub fn refuse(&self, problems: Problems) -> ExitCode {
        let mut found = self
            .file
            .as_ref()
            .map_or(Vec::new(), |file| file.found.clone());
        let mut others = Vec::new();
        for problem in problems.0 {
            match self.setting_of(&problem) {
                Some(setting) => {
                    let flag = format!("`--{}`", setting.name);
                    let text = problem.replacen(&flag, &format!("`{}`", setting.name), 1);
                    found.push(codes::UNKNOWN_WORD.at(setting.span, text));
                }
                None => others.push(self.with_variable(problem)),
            }
        }
        if let Some(file) = &self.file {
            found.sort_by_key(|found| found.place().start);
            let rendered = render(&file.source, &found, logging::style());
            if !rendered.is_empty() {
                logging::refused(&rendered);
            }
        }
        match others.is_empty() {
            true => ExitCode::from(COULD_NOT_RUN),
            false => refuse(Problems(others)),
        }
    }

    /// What results of flags, variables, file and defaults.
    pub fn shown(&self) -> String {
        shown::shown(self)
    }

    /// The setting of the file that a problem is about.
    fn setting_of(&self, problem: &str) -> Option<&Setting> {
        let arg = self.arg_of(problem)?;
        self.in_file(arg)
    }

    /// What the file says of a flag, if that is what counts.
    fn in_file(&self, arg: &Arg) -> Option<&Setting> {
        let setting = self.file.as_ref()?.setting(arg.get_long()?)?;
        (self.source(arg) == Some(ValueSource::DefaultValue)).then_some(setting)
    }

    fn source(&self, arg: &Arg) -> Option<ValueSource> {
        self.matches.value_source(arg.get_id().as_str())
    }

    /// The flag that a problem begins with.
    fn arg_of(&self, problem: &str) -> Option<&Arg> {
        let (_, rest) = problem.split_once("`--")?;
        let (name, _) = rest.split_once('`')?;
        let mut args = self.definition.get_arguments();
        args.find(|arg| arg.get_long() == Some(name))
    }

    /// Nobody sees variables: it says where the value is from.
    fn with_variable(&self, problem: String) -> String {
        let of_variable = self
            .arg_of(&problem)
            .filter(|arg| self.source(arg) == Some(ValueSource::EnvVariable));
        match of_variable.and_then(Arg::get_env) {
            Some(variable) => format!("{problem} (set by `{}`)", variable.display()),
            None => problem,
        }
    }
}

/// What is wrong with the settings of a command.
fn problems(command: &Command) -> Option<Problems> {
    match command {
        Command::Run(args) => RunSettings::from_args((**args).clone()).err(),
        Command::Verify(args) => VerifySettings::from_args((**args).clone()).err(),
        Command::Promote(args) => PromoteSettings::from_args((**args).clone()).err(),
        // What they read of it, they judge beside what else they are asked.
        Command::Explain(_) | Command::CheckRules(_) => None,
        Command::Completions { .. } | Command::Man { .. } | Command::Version { .. } => None,
    }
}
