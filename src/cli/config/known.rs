//! Which settings a configuration file can have: what the flags of the
//! commands say.
//!
//! Promises that every flag with a variable is one, and that values are judged
//! by the flag's own parser. Deliberately has no list of its own, so that none
//! can be forgotten.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command as Definition};

/// A flag that the file may set.
pub struct Known<'a>(&'a Arg);

/// What a name in the file is.
pub enum Meaning<'a> {
    /// A setting.
    Setting(Known<'a>),
    /// A secret, which is kept elsewhere: the flag that names its file.
    Secret(String),
    /// A flag that is about one call, and belongs on the command line.
    OfOneCall,
}

impl<'a> Known<'a> {
    /// The name that its flag has.
    pub fn name(&self) -> &'a str {
        self.0.get_long().unwrap_or_default()
    }

    /// Whether it takes several values.
    pub fn is_list(&self) -> bool {
        matches!(self.0.get_action(), ArgAction::Append)
    }

    /// Words that it takes, where they are few.
    pub fn words(&self) -> Vec<String> {
        let words = self.0.get_possible_values().into_iter();
        let shown = words.filter(|word| !word.is_hide_set());
        shown.map(|word| word.get_name().to_owned()).collect()
    }

    /// What separates values that are written as one.
    pub fn delimiter(&self) -> char {
        self.0.get_value_delimiter().unwrap_or(',')
    }

    /// Has the flag's own parser judge a value.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and which word was probably meant.
    pub fn judge(&self, value: &str) -> Result<(), (String, Option<String>)> {
        let alone = Definition::new("carry")
            .no_binary_name(true)
            .disable_help_flag(true)
            .arg(self.0.clone().env(None::<&'static str>));
        let tried = alone.try_get_matches_from([format!("--{}={value}", self.name())]);
        let Err(error) = tried else {
            return Ok(());
        };
        let meant = match error.get(ContextKind::SuggestedValue) {
            Some(ContextValue::String(word)) => Some(word.clone()),
            _ => None,
        };
        let words = self.words();
        let why = match words.is_empty() || error.kind() == ErrorKind::UnknownArgument {
            true => format!("`{}` does not take `{value}`", self.name()),
            false => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                let words = match words.split_last() {
                    Some((last, rest)) if !rest.is_empty() => {
                        format!("{} or {last}", rest.join(", "))
                    }
                    _ => words.concat(),
                };
                format!("`{}` takes {words}, not `{value}`", self.name())
            }
        };
        Err((why, meant))
    }
}

/// The commands that settings are for.
fn commands(definition: &Definition) -> impl Iterator<Item = &Definition> {
    let configured = |command: &&Definition| {
        command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(CONFIG))
    };
    definition.get_subcommands().filter(configured)
}

/// The flag that names the file, which no file can.
const CONFIG: &str = "config";

/// Whether a file may set it: what has a variable is a setting, all else is
/// about one call.
pub fn is_setting(arg: &Arg) -> bool {
    arg.get_env().is_some() && arg.get_long() != Some(CONFIG) && !is_secret(arg)
}

/// Whether its value is never shown.
pub fn is_secret(arg: &Arg) -> bool {
    arg.is_hide_env_values_set()
}

/// What `name` is to any of the commands.
pub fn meaning<'a>(definition: &'a Definition, name: &str) -> Option<Meaning<'a>> {
    let named = |arg: &&Arg| {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        arg.get_long() == Some(name) || aliases.contains(&name)
    };
    let args = || commands(definition).flat_map(Definition::get_arguments);
    if let Some(arg) = args().filter(named).find(|arg| is_setting(arg)) {
        return Some(Meaning::Setting(Known(arg)));
    }
    let arg = args().find(named)?;
    Some(match is_secret(arg) {
        true => Meaning::Secret(format!("{name}-file")),
        false => Meaning::OfOneCall,
    })
}

/// Every name that a setting has.
pub fn names(definition: &Definition) -> Vec<&str> {
    let args = commands(definition).flat_map(Definition::get_arguments);
    let mut names: Vec<&str> = args
        .filter(|arg| is_setting(arg))
        .filter_map(Arg::get_long)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
