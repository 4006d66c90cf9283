//! From the files on disk to what judges keys: the rules file and the
//! encryption configuration.
//!
//! Promises that every error is ready to be shown, with the findings of a bad
//! file as they are everywhere. Deliberately reads no file twice.

use std::path::Path;
use std::process::ExitCode;

use super::encryption::{Encryption, EncryptionFiles};
use super::settings::RulesSettings;
use super::{FOUND, logging, refuse};
use crate::diagnostic::{Level, SourceText, Style, render};
use crate::rules::decide::Judge;
use crate::rules::{Check, Checked};

/// A rules file and everything that was found in it.
pub struct CheckedFile {
    /// The text.
    pub source: SourceText,
    /// What it means, and what was found.
    pub checked: Checked,
}

impl CheckedFile {
    /// The findings as people read them; empty without any.
    pub fn rendered(&self, style: Style) -> String {
        render(&self.source, &self.checked.diagnostics, style)
    }

    /// The first error in one line, with its place, and how many more there are.
    fn first_error(&self) -> String {
        let found = self.checked.diagnostics.iter();
        let mut errors = found.filter(|own| own.level == Level::Error);
        let first = errors.next();
        let name = &self.source.name;
        let first = first.map_or_else(
            || format!("`{name}` cannot be used"),
            |own| {
                let (line, column) = self.source.line_column(own.place().start);
                let message = own.message.replace(['\r', '\n'], " ");
                format!("{name}:{line}:{column}: {message}")
            },
        );
        match errors.count() {
            0 => first,
            1 => format!("{first} (and 1 more error)"),
            more => format!("{first} (and {more} more errors)"),
        }
    }
}

/// Reads and compiles one rules file.
///
/// # Errors
///
/// When the file cannot be read at all.
pub fn check(path: &Path, check: &Check) -> Result<CheckedFile, String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| unreadable("rules file", path, &error))?;
    Ok(check_bytes(&name, bytes, check))
}

/// Compiles what a rules file holds.
pub fn check_bytes(name: &str, bytes: Vec<u8>, check: &Check) -> CheckedFile {
    let (source, loaded) = crate::rules::load_bytes(name, bytes);
    let checked = crate::rules::check(loaded, check);
    CheckedFile { source, checked }
}

/// For who judges by the file: what is wrong, and what is probably not meant.
fn check_to_use(
    settings: &RulesSettings,
    bytes: std::io::Result<Vec<u8>>,
) -> Result<CheckedFile, String> {
    let path = &settings.file;
    let bytes = bytes.map_err(|error| unreadable("rules file", path, &error))?;
    let name = path.display().to_string();
    let mut file = check_bytes(&name, bytes, &Check::to_use(&settings.kube_prefix));
    file.checked
        .diagnostics
        .retain(|found| found.level > Level::Note);
    Ok(file)
}

/// What judges keys, and the warnings to print beside it.
pub struct Loaded {
    /// Decides.
    pub judge: Judge,
    /// Where its keys to read and write values are from.
    pub encryption: Encryption,
    /// The rules file, for places in it.
    pub source: SourceText,
    /// Rendered warnings and notes; empty without any.
    pub remarks: String,
}

/// Why there is no judge.
pub struct NotLoaded {
    /// What was found in the rules file, rendered; empty where it was not read.
    rendered: String,
    /// What that comes to.
    message: String,
    /// Whether a rules file was read and is bad (exit code 1), rather than
    /// that nothing could be read (exit code 2).
    pub bad_rules: bool,
}

impl NotLoaded {
    /// Shows what was found; what is left to say is that nothing can be done.
    pub fn shown(self) -> String {
        if !self.rendered.is_empty() {
            logging::refused(&self.rendered);
        }
        self.message
    }

    /// Says all of it; the exit code tells bad rules from none.
    pub fn refuse(self) -> ExitCode {
        let bad_rules = self.bad_rules;
        let refused = refuse(self.shown());
        match bad_rules {
            true => ExitCode::from(FOUND),
            false => refused,
        }
    }
}

/// Loads what `settings` name, for the mirror of this name.
///
/// # Errors
///
/// When a file cannot be read, or has errors.
pub fn load(settings: &RulesSettings, mirror: &str) -> Result<Loaded, NotLoaded> {
    let could_not = |message| NotLoaded {
        rendered: String::new(),
        message,
        bad_rules: false,
    };
    let files = EncryptionFiles {
        source: settings.encryption.clone(),
        destination: settings.dest_encryption.clone(),
    };
    let (encryption, keyrings) = Encryption::load(files).map_err(could_not)?;
    let mut file = check_to_use(settings, read(settings)).map_err(could_not)?;
    let rendered = file.rendered(logging::style());
    match file.checked.plan.take() {
        Some(plan) => Ok(Loaded {
            judge: Judge::between(plan, keyrings, &settings.dest_kube_prefix).of_mirror(mirror),
            encryption,
            source: file.source,
            remarks: rendered,
        }),
        None => Err(NotLoaded {
            rendered,
            message: format!("the rules file `{}` has errors", settings.file.display()),
            bad_rules: true,
        }),
    }
}

/// The rules file as it is now.
///
/// # Errors
///
/// When it cannot be read.
pub fn read(settings: &RulesSettings) -> std::io::Result<Vec<u8>> {
    std::fs::read(&settings.file)
}

/// Another judge by the rules file as it was [`read`]: the place of keys and
/// the encryption are those of `judge`. With its warnings and notes, rendered.
///
/// # Errors
///
/// When the file cannot be read, or has errors.
pub fn load_again(
    settings: &RulesSettings,
    bytes: std::io::Result<Vec<u8>>,
    judge: &Judge,
) -> Result<(Judge, String), Unusable> {
    let mut file = check_to_use(settings, bytes).map_err(|message| Unusable {
        plain: message.clone(),
        first: message.clone(),
        rendered: message,
    })?;
    let rendered = file.rendered(logging::style());
    match file.checked.plan.take() {
        Some(plan) => Ok((judge.with_plan(plan), rendered)),
        None => Err(Unusable {
            first: file.first_error(),
            plain: file.rendered(Style {
                color: false,
                width: None,
            }),
            rendered,
        }),
    }
}

/// What is wrong with a rules file.
pub struct Unusable {
    /// For the log.
    pub rendered: String,
    /// For who may not have a terminal.
    pub plain: String,
    /// The first error alone, in a line.
    pub first: String,
}

fn unreadable(what: &str, path: &Path, error: &std::io::Error) -> String {
    let path = path.display();
    format!("cannot read the {what} `{path}`: {error}; give the path of a readable file")
}
