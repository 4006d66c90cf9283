//! `check-rules` beside real data: a snapshot file, or the source.
//!
//! Promises to read only, and only where the command line itself says so: what
//! the environment names is there for `carry run`. Deliberately keeps one page
//! of keys in memory, whatever their number.

use std::path::Path;

use clap::ValueEnum as _;

use super::args::{CheckRulesArgs, Color};
use super::told::Told;
use crate::cli::credentials;
use crate::cli::encryption::{Encryption, EncryptionFiles};
use crate::cli::explain::settings::{Origin, Place, revision, snapshot};
use crate::cli::explain::store::Store;
use crate::cli::problems::{Problems, existing, path};
use crate::cli::rules_file::{self, CheckedFile};
use crate::cli::settings::{MASTER, side, timing};
use crate::cli::side_args::SideArgs;
use crate::cli::style;
use crate::diagnostic::Level;
use crate::rules::decide::{Judge, Keyrings};
use crate::rules::levels::Levels;
use crate::rules::namespaces::Namespaces;
use crate::rules::survey::{self, Comparison, Stored, Survey};
use crate::rules::{Check, Plan};

/// What data is looked at, and how.
pub struct Data {
    from: Origin,
    encryption: EncryptionFiles,
    warnings: Vec<String>,
    against: Option<Against>,
}

/// The file of `--diff`.
struct Against {
    name: String,
    plan: Plan,
}

/// What is asked for; `None` where no data is to be looked at.
///
/// # Errors
///
/// Everything that is wrong with the flags, or with the file of `--diff`.
pub fn asked_for(args: &CheckRulesArgs, check: &Check) -> Result<Option<Data>, Problems> {
    let mut problems = Problems::default();
    let master = args.typed.first("master-");
    if args.snapshot.is_none() && master.is_none() {
        refuse_without_data(&mut problems, args);
        return problems.none_or(Some(None));
    }
    if let (Some(flag), true) = (master, args.snapshot.is_some()) {
        problems.add(format!(
            "`--{flag}` does not go with `--snapshot`: the snapshot stands in for the source"
        ));
    }
    let stage = args.dump.and_then(|stage| stage.to_possible_value());
    if let (Some(flag), Some(stage)) = (master, stage) {
        let stage = stage.get_name();
        problems.add(format!(
            "`--{flag}` does not go with `--dump {stage}`: a stage of the compiled rules knows no data"
        ));
    }
    let mut warnings = Vec::new();
    let at = args.at_revision.as_deref().map(revision);
    let at = problems.take(at.transpose());
    let place = match &args.snapshot {
        Some(file) => snapshot(&mut problems, file.clone()),
        None => {
            let timing = timing(&mut problems, &args.connect);
            let master: SideArgs = args.master.clone().into();
            warnings.extend(credentials::warnings([&master, &SideArgs::default()]));
            side(&mut problems, &MASTER, master, timing)
                .map(Box::new)
                .map(Place::Etcd)
        }
    };
    let encryption = args.encryption_provider_config.clone().map(|file| {
        let flag = "--encryption-provider-config";
        let file = path(flag, file)?;
        existing(flag, &file).map(|()| file)
    });
    let encryption = problems.take(encryption.transpose());
    let against = args
        .diff
        .as_deref()
        .map(|file| against(file, check, args.color));
    let against = problems.take(against.transpose());
    let assemble = || {
        let encryption = encryption?;
        Some(Some(Data {
            from: Origin {
                place: place?,
                at: at?,
            },
            encryption: EncryptionFiles {
                source: encryption.clone(),
                destination: encryption,
            },
            warnings,
            against: against?,
        }))
    };
    let data = assemble();
    problems.none_or(data)
}

/// Flags that say something of data, where none was given.
fn refuse_without_data(problems: &mut Problems, args: &CheckRulesArgs) {
    let mut refuse = |flag: &str, what: &str| {
        problems.add(format!(
            "`{flag}` {what}: give the data, with `--snapshot FILE` or `--master-endpoints URL`"
        ));
    };
    if args.diff.is_some() {
        refuse("--diff", "compares what two files select");
    }
    if args.at_revision.is_some() {
        refuse("--at-revision", "says which state of the data is meant");
    }
}

/// The file that is compared with. Only what keeps it from being used is of
/// interest.
fn against(file: &str, check: &Check, color: Color) -> Result<Against, String> {
    let file = path("--diff", file.to_owned())?;
    let mut file = rules_file::check(Path::new(&file), &Check::to_use(&check.prefix))?;
    let name = file.source.name.clone();
    match file.checked.plan.take() {
        Some(plan) => Ok(Against { name, plan }),
        None => {
            let found = &mut file.checked.diagnostics;
            found.retain(|found| found.level == Level::Error);
            eprintln!("{}", file.rendered(style::stderr(color)));
            Err(format!(
                "`--diff` `{name}` has errors: there is nothing to compare with"
            ))
        }
    }
}

impl Data {
    /// Looks at the data for each file that has no errors: what is found goes
    /// among the file's findings.
    ///
    /// # Errors
    ///
    /// Why the data cannot be read; what was found before is kept.
    pub fn look(
        mut self,
        files: &mut [CheckedFile],
        levels: &Levels,
    ) -> (Vec<Option<Told>>, Result<(), String>) {
        let mut told = Vec::new();
        told.resize_with(files.len(), || None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let looked = match runtime {
            Ok(runtime) => runtime.block_on(Box::pin(self.look_at_all(files, levels, &mut told))),
            Err(error) => Err(format!("cannot start: {error}")),
        };
        (told, looked)
    }

    async fn look_at_all(
        &mut self,
        files: &mut [CheckedFile],
        levels: &Levels,
        told: &mut [Option<Told>],
    ) -> Result<(), String> {
        let mut plans = files.iter().filter_map(|file| file.checked.plan.as_ref());
        let Some(first) = plans.next() else {
            return Ok(());
        };
        let key = first.ranges().first().map(|range| range.start.clone());
        let (encryption, keyrings) = Encryption::load(self.encryption.clone())?;
        for warning in self.warnings.iter().chain(&encryption.warnings()) {
            eprintln!("warning: {warning}");
        }
        let store = Store::open(&self.from, first, &key.unwrap_or(vec![0])).await?;
        for (file, told) in files.iter_mut().zip(told) {
            let Some(plan) = file.checked.plan.take() else {
                continue;
            };
            let judge = judge(plan, &keyrings);
            let before = self
                .against
                .take()
                .map(|own| (own.name, judge.with_plan(own.plan)));
            let looked = look_at(&store, &judge, before.as_ref()).await;
            file.checked.plan = Some(judge.into_plan());
            self.against = before.map(|(name, judge)| Against {
                name,
                plan: judge.into_plan(),
            });
            let looked = looked?;
            if let Some(rules) = &file.checked.rule_set {
                let found = looked.survey.findings(rules);
                file.checked.add(found, levels);
            }
            *told = Some(looked);
        }
        Ok(())
    }
}

fn judge(plan: Plan, keyrings: &Keyrings) -> Judge {
    let prefix = plan.prefix().to_owned();
    Judge::between(plan, keyrings.clone(), &prefix)
}

/// Everything of the store that one of the files can select.
async fn look_at(
    store: &Store,
    judge: &Judge,
    before: Option<&(String, Judge)>,
) -> Result<Told, String> {
    let mut at = store.revision().await?;
    let old = before.map(|(_, judge)| judge);
    let now = store.all_namespaces_at(judge, at).await?;
    let then = match old {
        Some(old) => store.all_namespaces_at(old, at).await?,
        None => Namespaces::default(),
    };
    let mut survey = Survey::new(judge);
    let mut comparison = old.map(|old| Comparison::new(judge, old));
    let judges: Vec<&Judge> = std::iter::once(judge).chain(old).collect();
    for range in survey::ranges(&judges) {
        let mut pages = store.list_at(&range, at);
        while let Some(items) = pages.next().await? {
            for item in &items {
                let stored = Stored {
                    key: &item.key,
                    value: &item.value,
                    leased: item.lease != 0,
                };
                survey.add(&stored, &now);
                if let Some(comparison) = &mut comparison {
                    comparison.add(&stored, &now, &then);
                }
            }
        }
        // The source has compacted its history meanwhile.
        at = pages.moved().unwrap_or(at);
    }
    let changes = comparison.map(Comparison::finish);
    Ok(Told {
        whence: store.whence(),
        at,
        survey: survey.finish(),
        changes: before
            .zip(changes)
            .map(|((name, _), changes)| (name.clone(), changes)),
    })
}
