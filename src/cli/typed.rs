//! Which flags stand on the command line itself, and not in the environment
//! alone.
//!
//! The environment is there for `carry run`: what reads by itself must not
//! begin to because of it. Deliberately knows names alone, no values.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// The names of flags that were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(Vec<String>);

impl Typed {
    /// The flags of one subcommand.
    pub fn of(matches: &ArgMatches) -> Typed {
        let on_command_line =
            |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        // Groups have the names of their types.
        let flags = matches.ids().filter(on_command_line);
        Typed(flags.map(|id| id.as_str().replace('_', "-")).collect())
    }

    /// The first one whose name begins so.
    pub fn first(&self, beginning: &str) -> Option<&str> {
        let mut typed = self.0.iter().map(String::as_str);
        typed.find(|flag| flag.starts_with(beginning))
    }
}
