//! `carry promote` from the command line as written to settings that can be
//! used.
//!
//! Promises the same words for the same flags as `verify` has, and that
//! everything wrong is reported at once. Deliberately asks for no flags of a
//! source that is not asked.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Output, PromoteArgs, SideArgs};
use super::credentials;
use super::problems::{Problems, path};
use super::rules_settings::RulesSettings;
use super::settings::{MASTER, SLAVE, name, side, timing};
use super::verify_settings::{VerifySettings, measures};
use crate::etcd::TransportSettings;

/// `carry promote`, validated.
#[derive(Clone, Debug)]
pub struct PromoteSettings {
    /// What both sides are compared under, and how values are encrypted.
    pub rules: RulesSettings,
    /// The etcd that is mirrored from; `None` where it is not asked.
    pub source: Option<TransportSettings>,
    /// The etcd that is promoted.
    pub destination: TransportSettings,
    /// `--name`.
    pub name: String,
    /// `--db-path`.
    pub db_path: PathBuf,
    /// `--force`.
    pub force: bool,
    /// `--revert`.
    pub revert: bool,
    /// `--examples`.
    pub examples: usize,
    /// `--settle`.
    pub settle: Duration,
    /// `--output`.
    pub output: Output,
    /// `--debug`.
    pub debug: bool,
    /// What should be looked at, but keeps nothing from running.
    pub warnings: Vec<String>,
}

impl PromoteSettings {
    /// Judges everything; the error holds all that is wrong.
    pub fn from_args(args: PromoteArgs) -> Result<PromoteSettings, Problems> {
        let mut problems = Problems::default();
        let rules = RulesSettings::from_args(&mut problems, args.rules);
        let timing = timing(&mut problems, &args.connect);
        let (master, slave): (SideArgs, SideArgs) = (args.master.into(), args.slave.into());
        let warnings = credentials::warnings([&master, &slave]);
        let source = match args.without_source || args.revert {
            true => Some(None),
            false => side(&mut problems, &MASTER, master, timing).map(Some),
        };
        let destination = side(&mut problems, &SLAVE, slave, timing);
        let name = problems.take(name(args.name));
        let db_path = problems.take(path("--db-path", args.db_path));
        let (examples, settle) = measures(&mut problems, &args.examples, &args.settle);
        let assemble = || {
            Some(PromoteSettings {
                rules: rules?,
                source: source?,
                destination: destination?,
                name: name?,
                db_path: db_path?,
                force: args.force,
                revert: args.revert,
                examples: examples?,
                settle: settle?,
                output: args.output,
                debug: args.log.debug,
                warnings,
            })
        };
        let settings = assemble();
        problems.none_or(settings)
    }

    /// How both sides are compared before, where the source is asked.
    pub(super) fn verify(&self) -> Option<VerifySettings> {
        Some(VerifySettings {
            rules: self.rules.clone(),
            source: self.source.clone()?,
            destination: self.destination.clone(),
            name: self.name.clone(),
            db_path: self.db_path.clone(),
            repair: false,
            examples: self.examples,
            lenient: true,
            settle: self.settle,
            output: self.output,
            debug: self.debug,
            warnings: Vec::new(),
        })
    }
}
