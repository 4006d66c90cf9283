//! `carry verify` from the command line as written to settings that can be
//! used.
//!
//! Promises the same words for the same flags as `run` has, and that everything
//! wrong is reported at once. Deliberately opens no ledger.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Output, SideArgs, VerifyArgs};
use super::credentials;
use super::duration;
use super::problems::{Problems, path};
use super::rules_settings::RulesSettings;
use super::settings::{MASTER, SLAVE, name, side, timing};
use crate::etcd::TransportSettings;

/// `carry verify`, validated.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// What is compared under.
    pub rules: RulesSettings,
    /// The etcd that is mirrored from.
    pub source: TransportSettings,
    /// The etcd that is mirrored into.
    pub destination: TransportSettings,
    /// `--name`.
    pub name: String,
    /// `--db-path`.
    pub db_path: PathBuf,
    /// `--repair`.
    pub repair: bool,
    /// `--examples`.
    pub examples: usize,
    /// Whether what a standby's own controllers write is no difference.
    pub lenient: bool,
    /// `--settle`.
    pub settle: Duration,
    /// `--output`.
    pub output: Output,
    /// `--debug`.
    pub debug: bool,
    /// What should be looked at, but keeps nothing from running.
    pub warnings: Vec<String>,
}

impl VerifySettings {
    /// Judges everything; the error holds all that is wrong.
    pub fn from_args(args: VerifyArgs) -> Result<VerifySettings, Problems> {
        let mut problems = Problems::default();
        let rules = RulesSettings::from_args(&mut problems, args.rules);
        let timing = timing(&mut problems, &args.connect);
        let (master, slave): (SideArgs, SideArgs) = (args.master.into(), args.slave.into());
        let warnings = credentials::warnings([&master, &slave]);
        let source = side(&mut problems, &MASTER, master, timing);
        let destination = side(&mut problems, &SLAVE, slave, timing);
        let name = problems.take(name(args.name));
        let db_path = problems.take(path("--db-path", args.db_path));
        let (examples, settle) = measures(&mut problems, &args.examples, &args.settle);
        let assemble = || {
            Some(VerifySettings {
                rules: rules?,
                source: source?,
                destination: destination?,
                name: name?,
                db_path: db_path?,
                repair: args.repair,
                examples: examples?,
                lenient: false,
                settle: settle?,
                output: args.output,
                debug: args.log.debug,
                warnings,
            })
        };
        let settings = assemble();
        problems.none_or(settings)
    }
}

/// `--examples` and `--settle`.
pub(super) fn measures(
    problems: &mut Problems,
    examples: &str,
    settle: &str,
) -> (Option<usize>, Option<Duration>) {
    let number = examples.parse();
    let number = number.map_err(|_| format!("`--examples` `{examples}` is not a number from 0 up"));
    let number = problems.take(number);
    let settle = duration::parse(settle);
    let settle = problems.take(settle.map_err(|problem| format!("`--settle`: {problem}")));
    (number, settle)
}
