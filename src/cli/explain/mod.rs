//! `carry explain`: what a key is, what the rules say of it and why, and what
//! the destination and the ledger have; or the same of a file's objects; or of
//! many keys in short.
//!
//! Promises that the decision shown is the one that `run` takes: both call
//! `rules::decide`. Deliberately reads only: keys of the source or of a
//! snapshot, their Namespaces, the key at the destination, the ledger.

mod at_destination;
mod change;
mod counts;
mod file;
mod imagined;
mod in_ledger;
mod judged;
mod labels;
mod landing;
pub(super) mod layout;
mod located;
mod manifest;
mod row;
pub mod settings;
mod single;
pub(super) mod store;
mod table;
mod told;
mod wanted;
mod what_if;

use std::process::ExitCode;

use super::args::{ExplainArgs, Output};
use super::config::Config;
use super::rules_file::{self, Loaded};
use super::stdout::say;
use super::{FOUND, refuse};
use file::Objects;
use settings::{ExplainSettings, Place, Subject};
use single::Asked;
use table::By;
use told::Told;

/// Runs the command.
pub fn run(args: ExplainArgs, config: &Config) -> ExitCode {
    let settings = match ExplainSettings::from_args(args) {
        Ok(settings) => settings,
        Err(problems) => return config.refuse(problems),
    };
    let loaded = match rules_file::load(&settings.rules, &settings.name) {
        Ok(loaded) => loaded,
        Err(failed) => return failed.refuse(),
    };
    eprint!("{}", loaded.remarks);
    for warning in settings
        .warnings
        .iter()
        .chain(&loaded.encryption.warnings())
    {
        eprintln!("warning: {warning}");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format!("cannot start: {error}")),
    };
    match runtime.block_on(Box::pin(explain(&settings, &loaded))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FOUND),
        Err(why) => refuse(why),
    }
}

/// Whether there was anything to explain.
async fn explain(settings: &ExplainSettings, loaded: &Loaded) -> Result<bool, String> {
    let (judge, rules) = (&loaded.judge, &loaded.source);
    match &settings.subject {
        Subject::Key {
            key,
            from,
            destination,
            ledger,
        } => {
            let asked = Asked {
                key,
                from,
                destination: destination.as_deref(),
                ledger: ledger.as_ref(),
            };
            tell(
                settings,
                single::explain(judge, rules, settings, &asked).await?,
            )
        }
        Subject::Keys {
            keys,
            from,
            only,
            unasked,
        } => {
            let by = match from.place {
                Place::Etcd(_) => By::Source { unasked: *unasked },
                Place::Snapshot(_) => By::Snapshot { unasked: *unasked },
            };
            let table = table::on_stdout(settings.output, *only, by);
            table.keys(judge, keys, from).await
        }
        Subject::File {
            path,
            labels,
            table,
            only,
        } => {
            let manifests = manifest::load(path.as_deref())?;
            imagined::reads_plain(judge);
            let objects = Objects::new(judge, manifests, labels.as_ref())?;
            match table {
                true => {
                    let table = table::on_stdout(settings.output, *only, By::File);
                    table.objects(judge, &objects)
                }
                false => tell(settings, objects.explain(judge, rules, settings)?),
            }
        }
    }
}

fn tell(settings: &ExplainSettings, told: Told) -> Result<bool, String> {
    match settings.output {
        Output::Human => say(&told.human)?,
        Output::Json => say(&format!("{:#}\n", told.json))?,
    }
    Ok(told.found)
}
