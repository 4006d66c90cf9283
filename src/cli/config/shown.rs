//! The configuration that carry runs with, as a file for `--config`.
//!
//! Promises that reading it back means the same, and that no secret is in it.
//! Deliberately has a line for every setting, also for those that are not set,
//! as comments.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction};

use super::Config;
use super::known::{is_secret, is_setting};

/// All settings of one command, each with where it is from.
pub fn shown(config: &Config) -> String {
    let mut text = String::from(
        "# What `carry run` runs with: a file for `--config`. Flags go before variables, these\n# before the file, and that before defaults.\n",
    );
    let mut heading = None;
    for arg in config.definition.get_arguments() {
        if !is_setting(arg) && !is_secret(arg) {
            continue;
        }
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            let _ = write!(text, "\n# {}\n", heading.unwrap_or("Others"));
        }
        line(&mut text, config, arg);
    }
    text
}

fn line(text: &mut String, config: &Config, arg: &Arg) {
    let name = arg.get_long().unwrap_or_default();
    let from = origin(config, arg);
    let raw = config.matches.get_raw(arg.get_id().as_str());
    let values: Vec<String> = raw
        .into_iter()
        .flatten()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let _ = match (values.as_slice(), is_secret(arg)) {
        ([], _) => writeln!(text, "#{name}:  # not set{}", otherwise(arg)),
        (_, true) => writeln!(text, "#{name}:  # {from}; a secret, not shown"),
        (values, false) if matches!(arg.get_action(), ArgAction::Append) => {
            let _ = writeln!(text, "{name}:  # {from}");
            values
                .iter()
                .try_for_each(|value| writeln!(text, "  - {}", scalar(value)))
        }
        (values, false) => writeln!(text, "{name}: {}  # {from}", scalar(&values.concat())),
    };
}

fn origin(config: &Config, arg: &Arg) -> String {
    if let (Some(file), Some(setting)) = (&config.file, config.in_file(arg)) {
        return format!("{}:{}", file.source.name, file.line(setting.span));
    }
    match (config.source(arg), arg.get_env()) {
        (Some(ValueSource::CommandLine), _) => "flag".to_owned(),
        (Some(ValueSource::EnvVariable), Some(variable)) => {
            format!("variable {}", variable.display())
        }
        _ => "default".to_owned(),
    }
}

/// What is taken where nothing is set, which the flag's help has in brackets.
fn otherwise(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let taken = help.split_once("[default").map(|(_, rest)| rest);
    let taken = taken
        .and_then(|rest| rest.split_once(']'))
        .map(|(rest, _)| rest);
    match taken.and_then(|rest| rest.split_once(": ")) {
        Some((when, taken)) => format!("; default{when}: {taken}"),
        None => String::new(),
    }
}

/// As YAML reads it back as the same text.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._:-+%@".contains(c);
    let begins = |c: char| c.is_ascii_alphanumeric() || "/.".contains(c);
    let is_plain = text.starts_with(begins)
        && text.chars().all(plain)
        && !text.ends_with(':')
        && !matches!(text, "null" | "Null" | "NULL");
    match is_plain {
        true => text.to_owned(),
        // JSON is YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}
