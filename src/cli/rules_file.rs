//! From the files on disk to what judges keys: the rules file and the
//! encryption configuration.
//!
//! Promises that every error is ready to be printed. Deliberately prints
//! nothing itself.

use std::io::IsTerminal as _;
use std::path::Path;

use super::encryption::{Encryption, EncryptionFiles};
use super::settings::RulesSettings;
use crate::diagnostic::{Diagnostic, Level, SourceText, Style, render};
use crate::rules::Plan;
use crate::rules::decide::Judge;

/// A rules file and everything that was found in it.
pub struct Checked {
    /// The text.
    pub source: SourceText,
    /// The plan, unless there are errors.
    pub plan: Option<Plan>,
    /// Everything found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// How many findings have this level.
    pub fn count(&self, level: Level) -> usize {
        let of_level = self.diagnostics.iter().filter(|own| own.level == level);
        of_level.count()
    }

    /// The findings as people read them; empty without any.
    pub fn rendered(&self, style: Style) -> String {
        render(&self.source, &self.diagnostics, style)
    }
}

/// Reads and compiles one rules file.
///
/// # Errors
///
/// When the file cannot be read at all.
pub fn check(path: &Path, kube_prefix: &str) -> Result<Checked, String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| unreadable("rules file", path, &error))?;
    let (source, loaded) = crate::rules::load_bytes(&name, bytes);
    let mut diagnostics = loaded.diagnostics;
    let mut plan = None;
    if let Some(rule_set) = &loaded.rule_set {
        let (compiled, found) = Plan::compile(rule_set, kube_prefix);
        plan = compiled;
        diagnostics.extend(found);
        diagnostics.sort_by_key(|own| own.labels.first().map(|label| label.span.start));
    }
    Ok(Checked {
        source,
        plan,
        diagnostics,
    })
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
    /// What to print.
    pub message: String,
    /// Whether a rules file was read and is bad (exit code 1), rather than
    /// that nothing could be read (exit code 2).
    pub bad_rules: bool,
}

/// Loads what `settings` name.
///
/// # Errors
///
/// When a file cannot be read, or has errors.
pub fn load(settings: &RulesSettings) -> Result<Loaded, NotLoaded> {
    let could_not = |message| NotLoaded {
        message,
        bad_rules: false,
    };
    let files = EncryptionFiles {
        source: settings.encryption.clone(),
        destination: settings.dest_encryption.clone(),
    };
    let (encryption, keyrings) = Encryption::load(files).map_err(could_not)?;
    let mut checked = check(&settings.file, &settings.kube_prefix).map_err(could_not)?;
    let rendered = checked.rendered(stderr_style());
    match checked.plan.take() {
        Some(plan) => Ok(Loaded {
            judge: Judge::between(plan, keyrings, &settings.dest_kube_prefix),
            encryption,
            source: checked.source,
            remarks: rendered,
        }),
        None => Err(NotLoaded {
            message: format!(
                "{}\nthe rules file `{}` has errors",
                rendered,
                settings.file.display()
            ),
            bad_rules: true,
        }),
    }
}

/// Another judge by the rules file as it is now: the place of keys and the
/// encryption are those of `judge`. With its warnings and notes, rendered.
///
/// # Errors
///
/// When the file cannot be read, or has errors: as they are rendered.
pub fn load_again(settings: &RulesSettings, judge: &Judge) -> Result<(Judge, String), String> {
    let mut checked = check(&settings.file, &settings.kube_prefix)?;
    let rendered = checked.rendered(stderr_style());
    match checked.plan.take() {
        Some(plan) => Ok((judge.with_plan(plan), rendered)),
        None => Err(rendered),
    }
}

fn unreadable(what: &str, path: &Path, error: &std::io::Error) -> String {
    let path = path.display();
    format!("cannot read the {what} `{path}`: {error}; give the path of a readable file")
}

/// For what goes to stderr: colours only on a terminal.
pub fn stderr_style() -> Style {
    Style {
        color: std::io::stderr().is_terminal(),
        width: None,
    }
}

/// For what goes to stdout.
pub fn stdout_style() -> Style {
    Style {
        color: std::io::stdout().is_terminal(),
        width: None,
    }
}
