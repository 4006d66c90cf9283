//! `carry explain` from the command line as written to settings that can be
//! used.
//!
//! Promises that everything wrong is reported at once, and that flags which
//! mean nothing together are refused. What the environment says is left aside
//! instead where it does not fit: it is there for `carry run`.

use std::path::PathBuf;

use super::change::Change;
use super::labels::{self, Labels};
use super::wanted::{Keys, Wanted};
use crate::cli::args::{ExplainArgs, Only, Output, SideArgs};
use crate::cli::credentials;
use crate::cli::explain_report::Look;
use crate::cli::problems::{Problems, existing, path};
use crate::cli::rules_settings::RulesSettings;
use crate::cli::settings::{MASTER, SLAVE, name, side, timing};
use crate::cli::terminal;
use crate::etcd::{SourceRevision, TransportSettings};

/// Columns to lay explanations out in where there is no terminal.
const WITHOUT_TERMINAL: usize = 80;

/// `carry explain`, validated.
#[derive(Clone, Debug)]
pub struct ExplainSettings {
    /// What is explained.
    pub subject: Subject,
    /// What it is judged by.
    pub rules: RulesSettings,
    /// `--name`.
    pub name: String,
    /// What would be changed.
    pub changes: Vec<Change>,
    /// `--output`.
    pub output: Output,
    /// How an explanation is laid out: `--all`, and the columns that there are.
    pub look: Look,
    /// `--show-object`.
    pub show_object: bool,
    /// `--show-secrets`.
    pub show_secrets: bool,
    /// What should be looked at, but keeps nothing from running.
    pub warnings: Vec<String>,
}

/// What is explained.
#[derive(Clone, Debug)]
pub enum Subject {
    /// One key.
    Key {
        /// The whole etcd key.
        key: Vec<u8>,
        /// Who is asked.
        from: Origin,
        /// The etcd that is looked at too, if given.
        destination: Option<Box<TransportSettings>>,
        /// The ledger that is looked at too, if given.
        ledger: Option<LedgerSettings>,
    },
    /// A table of keys.
    Keys {
        /// Which.
        keys: Keys,
        /// Who is asked.
        from: Origin,
        /// `--only`.
        only: Option<Only>,
        /// Whether the environment or the configuration file names a
        /// destination, which is not asked.
        unasked: bool,
    },
    /// The objects of a file.
    File {
        /// The file; `None` for stdin.
        path: Option<PathBuf>,
        /// `--namespace-labels`.
        labels: Option<Labels>,
        /// `--table`.
        table: bool,
        /// `--only`.
        only: Option<Only>,
    },
}

/// Who is asked for keys.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Where.
    pub place: Place,
    /// `--at-revision`.
    pub at: Option<SourceRevision>,
}

/// Where keys are.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the source.
    Etcd(Box<TransportSettings>),
    /// In a snapshot file.
    Snapshot(PathBuf),
}

/// Which ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// `--db-path`.
    pub path: PathBuf,
    /// `--name`.
    pub name: String,
    /// Whether it was asked for on the command line: then it must be there.
    pub required: bool,
}

impl ExplainSettings {
    /// Judges everything; the error holds all that is wrong.
    pub fn from_args(mut args: ExplainArgs) -> Result<ExplainSettings, Problems> {
        let mut problems = Problems::default();
        refuse_what_does_not_fit(&mut problems, &args);
        let rules = RulesSettings::from_args(&mut problems, args.rules.clone());
        let name = problems.take(name(args.name.clone()));
        let changes = args.what_if.iter();
        let changes: Vec<_> = changes
            .map(|text| problems.take(Change::parse(text)))
            .collect();
        let mut warnings = Vec::new();
        let subject = match args.file.take() {
            Some(file) => file_subject(&mut problems, &args, file),
            None => key_subject(&mut problems, &args, &mut warnings),
        };
        let assemble = || {
            Some(ExplainSettings {
                subject: subject?,
                rules: rules?,
                name: name?,
                changes: changes.into_iter().collect::<Option<_>>()?,
                output: args.output,
                look: Look {
                    width: terminal::columns().unwrap_or(WITHOUT_TERMINAL),
                    all: args.all,
                },
                show_object: args.show_object,
                show_secrets: args.show_secrets,
                warnings,
            })
        };
        let settings = assemble();
        problems.none_or(settings)
    }
}

/// Refuses what stands on the command line and means nothing together.
fn refuse_what_does_not_fit(problems: &mut Problems, args: &ExplainArgs) {
    let file = args.file.is_some();
    let many = !file && args.key.as_deref().is_some_and(Wanted::is_many);
    let table = many || args.table && file;
    match file {
        true => beside_file(problems, args),
        false => beside_key(problems, args),
    }
    if args.snapshot.is_some()
        && let Some(flag) = args.typed("master-")
    {
        let why = "the snapshot stands in for the source";
        refuse(problems, &format!("--{flag}"), "`--snapshot`", why);
    }
    let others = [args.typed("slave-"), args.typed("db-path")];
    for flag in others.into_iter().flatten().map(|flag| format!("--{flag}")) {
        if many {
            let why = "it judges by the rules and the source alone; `carry run --dry-run` tells what would become of all keys at the destination, `carry verify` compares both sides";
            refuse(problems, &flag, "a table", why);
        } else if !args.what_if.is_empty() {
            let why = "what might be is nowhere yet";
            refuse(problems, &flag, "`--what-if`", why);
        }
    }
    let of_one = "it is about one object, and that is named by its whole key";
    for (given, flag) in [
        (!args.what_if.is_empty(), "--what-if"),
        (args.show_object, "--show-object"),
    ] {
        if table && given {
            refuse(problems, flag, "a table", of_one);
        }
    }
    if !table && args.only.is_some() {
        let why = "it chooses from a table: give a prefix, a glob, or `--file` with `--table`";
        refuse(problems, "--only", "a single explanation", why);
    }
}

fn beside_file(problems: &mut Problems, args: &ExplainArgs) {
    let flag = |flag: Option<&str>| flag.map(|flag| format!("--{flag}"));
    let given = |given: bool, flag: &str| given.then(|| flag.to_owned());
    let instead = "the file is what is explained: leave one of them out";
    let not_stored = "what a file has is not compared with what is stored";
    for (flag, why) in [
        (given(args.key.is_some(), "KEY"), instead),
        (given(args.snapshot.is_some(), "--snapshot"), instead),
        (flag(args.typed("master-")), instead),
        (
            given(args.at_revision.is_some(), "--at-revision"),
            "a file has no revisions",
        ),
        (flag(args.typed("slave-")), not_stored),
        (flag(args.typed("db-path")), not_stored),
    ] {
        if let Some(flag) = flag {
            refuse(problems, &flag, "`--file`", why);
        }
    }
}

fn beside_key(problems: &mut Problems, args: &ExplainArgs) {
    if args.namespace_labels.is_some() {
        let why = "Namespaces are read from where the key is; `--what-if namespace.labels.…` changes them";
        refuse(problems, "--namespace-labels", "a key", why);
    }
    if args.table {
        let why = "a prefix or a glob makes a table by itself";
        refuse(problems, "--table", "a key", why);
    }
}

fn refuse(problems: &mut Problems, flag: &str, beside: &str, why: &str) {
    problems.add(format!("`{flag}` does not go with {beside}: {why}"));
}

fn file_subject(problems: &mut Problems, args: &ExplainArgs, file: String) -> Option<Subject> {
    let path = match file.as_str() {
        "-" => Some(None),
        _ => problems.take(path("--file", file)).map(Some),
    };
    let labels = args.namespace_labels.as_deref().map(labels::parse);
    let labels = problems.take(labels.transpose());
    Some(Subject::File {
        path: path?,
        labels: labels?,
        table: args.table,
        only: args.only,
    })
}

fn key_subject(
    problems: &mut Problems,
    args: &ExplainArgs,
    warnings: &mut Vec<String>,
) -> Option<Subject> {
    let timing = timing(problems, &args.connect);
    let master: SideArgs = args.master.clone().into();
    let slave: SideArgs = args.slave.clone().into();
    let wanted = match args.key.as_deref() {
        None => {
            problems.add(
                "nothing to explain: give a whole etcd key, a prefix that ends with `/`, a glob, or a file of objects with `--file`",
            );
            None
        }
        Some(text) => problems.take(Wanted::parse(text)),
    };
    let at = args.at_revision.as_deref().map(revision);
    let at = problems.take(at.transpose());
    let place = match &args.snapshot {
        Some(file) => snapshot(problems, file.clone()),
        None => {
            warnings.extend(credentials::warnings([&master, &SideArgs::default()]));
            side(problems, &MASTER, master, timing)
                .map(Box::new)
                .map(Place::Etcd)
        }
    };
    let one = !matches!(wanted, Some(Wanted::Keys(_)));
    let unasked = !slave.endpoints.is_empty();
    let destination = match one && !slave.endpoints.is_empty() {
        false => Some(None),
        true => {
            warnings.extend(credentials::warnings([&SideArgs::default(), &slave]));
            side(problems, &SLAVE, slave, timing).map(Some)
        }
    };
    let ledger = match one.then(|| args.db_path.clone()).flatten() {
        None => Some(None),
        Some(directory) => ledger(problems, args, directory).map(Some),
    };
    let from = Origin {
        place: place?,
        at: at?,
    };
    let (destination, ledger) = (destination?.map(Box::new), ledger?);
    Some(match wanted? {
        Wanted::Key(key) => Subject::Key {
            key,
            from,
            destination,
            ledger,
        },
        Wanted::Keys(keys) => Subject::Keys {
            keys,
            from,
            only: args.only,
            unasked,
        },
    })
}

/// The snapshot file that `--snapshot` names.
pub fn snapshot(problems: &mut Problems, file: String) -> Option<Place> {
    let file = problems.take(path("--snapshot", file))?;
    problems.take(existing("--snapshot", &file))?;
    Some(Place::Snapshot(file))
}

fn ledger(
    problems: &mut Problems,
    args: &ExplainArgs,
    directory: String,
) -> Option<LedgerSettings> {
    let directory = problems.take(path("--db-path", directory));
    Some(LedgerSettings {
        path: directory?,
        name: args.name.clone(),
        required: args.typed("db-path").is_some(),
    })
}

/// Reads `--at-revision`.
pub fn revision(text: &str) -> Result<SourceRevision, String> {
    let number = text.parse::<i64>().ok().filter(|&revision| revision > 0);
    number.map(SourceRevision).ok_or_else(|| {
        format!("`--at-revision` `{text}` is not a revision: give a number from 1 up")
    })
}
