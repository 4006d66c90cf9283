//! `carry promote`: a failover, and its taking back.
//!
//! Promises exit code 0 where all that rested is awake, 1 where both sides
//! differ (nothing is done then) or something could not be woken, 2 where it
//! could not be found out. Safe to run again after it was cut off anywhere.
//! Deliberately asks no questions: what is dangerous needs a flag.

use std::process::ExitCode;

use super::args::{Output, PromoteArgs};
use super::config::Config;
use super::connecting::{self, Lacking, Which};
use super::encryption::EncryptionFiles;
use super::ending::end;
use super::interrupted::unless_interrupted;
use super::promote_report::{Promoted, object};
use super::promote_settings::PromoteSettings;
use super::rules_file;
use super::stdout::say;
use super::verify::{Context, options};
use super::{FOUND, logging, refuse};
use crate::destination::etcd::EtcdDestination;
use crate::destination::promotion::Marked;
use crate::mirror::{Mark, MirrorError, Promotion, Standing};
use crate::rules::decide::KeyRange;

/// Runs the command.
pub fn run(args: PromoteArgs, config: &Config) -> ExitCode {
    let settings = match PromoteSettings::from_args(args) {
        Ok(settings) => settings,
        Err(problems) => return config.refuse(problems),
    };
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 << 20)
        .build();
    let ran = runtime.map_err(|error| Refused::could_not(format!("cannot start: {error}")));
    let ran = ran.and_then(|runtime| {
        let ran = runtime.block_on(unless_interrupted(promote(&settings)));
        end(runtime);
        ran
    });
    match ran {
        Ok(code) => code,
        Err(Refused { message, bad_rules }) => {
            let refused = refuse(message);
            match bad_rules {
                true => ExitCode::from(FOUND),
                false => refused,
            }
        }
    }
}

/// Why nothing was done, or not all of it.
struct Refused {
    message: String,
    bad_rules: bool,
}

impl Refused {
    fn could_not(message: String) -> Refused {
        Refused {
            message,
            bad_rules: false,
        }
    }
}

impl From<String> for Refused {
    fn from(message: String) -> Refused {
        Refused::could_not(message)
    }
}

async fn promote(settings: &PromoteSettings) -> Result<ExitCode, Refused> {
    let files = EncryptionFiles {
        source: settings.rules.encryption.clone(),
        destination: settings.rules.dest_encryption.clone(),
    };
    let keyrings = files.load()?;
    let mut transport = settings.destination.clone();
    transport.asks_for = connecting::destination_key(&settings.name);
    let connection = connecting::open(Which::Destination, &transport).await?;
    let destination = EtcdDestination::new(connection);
    let promotion = Promotion {
        destination: &destination,
        options: &options(&settings.name, &settings.db_path, &settings.rules),
        keyrings: &keyrings,
    };
    let failed = |error| explained(settings, error);
    if settings.revert {
        let reverted = promotion.revert().await.map_err(failed)?;
        say(&reverted_line(settings, reverted.is_some()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let standing = promotion.standing().await.map_err(failed)?;
    let mut told = Promoted::nothing_yet(&settings.name);
    let marked = match standing.marked {
        Some(marked) => {
            let (name, mark) = (&settings.name, Mark::describe(&marked.mark));
            tracing::info!("`{name}` was promoted before ({mark}): finishing that");
            told.earlier = true;
            marked
        }
        None => {
            if !look(settings, &standing, &mut told).await? {
                return Ok(ExitCode::from(FOUND));
            }
            let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
            let marked = promotion.mark(time.to_string(), standing.checkpoint).await;
            marked.map_err(failed)?
        }
    };
    take_over(settings, &promotion, &marked, told).await
}

/// Nobody mirrors any more: all that rests is woken.
async fn take_over(
    settings: &PromoteSettings,
    promotion: &Promotion<'_>,
    marked: &Marked,
    mut told: Promoted,
) -> Result<ExitCode, Refused> {
    tracing::info!("no carry named `{}` can write any more", settings.name);
    promotion.depose(marked).await;
    (told.promoted, told.mark) = (true, serde_json::from_slice(&marked.mark).ok());
    let mut said = Ok(());
    let restored = promotion.restore(marked, |restored| {
        // Nobody's reading is no reason to wake no more.
        if settings.output == Output::Human && said.is_ok() {
            said = say(&format!("{}\n", object(&restored)));
        }
        told.restored.push(restored);
    });
    let restored = restored.await;
    restored.map_err(|error| explained(settings, error))?;
    said?;
    say(&match settings.output {
        Output::Human => told.summary(),
        Output::Json => format!("{}\n", told.json()),
    })?;
    Ok(match told.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(FOUND),
    })
}

/// Waits for the mirror, and compares both sides; without the source only
/// whether there ever was a whole copy. Whether to go on; what is against it is
/// told.
async fn look(
    settings: &PromoteSettings,
    standing: &Standing,
    told: &mut Promoted,
) -> Result<bool, Refused> {
    let Some(verify) = settings.verify() else {
        return whole_copy(settings, standing).map(|()| true);
    };
    let loaded = rules_file::load(&settings.rules, &settings.name);
    let loaded = loaded.map_err(|failed| Refused {
        bad_rules: failed.bad_rules,
        message: failed.shown(),
    })?;
    logging::remark(&loaded.remarks);
    let context = Context::open(verify, loaded.judge).await;
    let context = context.map_err(|error| without_source(error, standing))?;
    told.drained = Some(context.drain().await?);
    let verified = context.compare().await?;
    let goes_on = verified.equal || settings.force;
    told.verified = Some(verified);
    match settings.output {
        Output::Human => {
            say(&told.before())?;
            if !goes_on {
                say(&format!("{NOT_PROMOTED}\n"))?;
            }
        }
        Output::Json if !goes_on => say(&format!("{}\n", told.json()))?,
        Output::Json => {}
    }
    Ok(goes_on)
}

const NOT_PROMOTED: &str = "not promoted, and nothing was changed: let `carry run` go on until both sides are equal, or `carry verify --repair` mend them, or give `--force` to promote the destination as it is";

fn whole_copy(settings: &PromoteSettings, standing: &Standing) -> Result<(), Refused> {
    match standing.checkpoint {
        Some(revision) => tracing::warn!(
            "without the source: all up to its revision {revision} was applied, what came later may be lost"
        ),
        None if settings.force => {
            tracing::warn!("without the source, and its first copy was never finished");
        }
        None => {
            let name = &settings.name;
            return Err(Refused::could_not(format!(
                "the first copy of `{name}` was never finished: the destination has a part of what it should have; `--force` promotes it all the same"
            )));
        }
    }
    Ok(())
}

/// The destination answered just now: it is the source that does not.
fn without_source(error: String, standing: &Standing) -> Refused {
    let applied = match standing.checkpoint {
        Some(revision) => format!("all up to the source's revision {revision} was applied"),
        None => "its first copy was never finished".to_owned(),
    };
    Refused::could_not(format!(
        "{error}; nothing was changed. Where the source is gone for good, `--without-source` promotes what the destination has: {applied}"
    ))
}

fn explained(settings: &PromoteSettings, error: MirrorError) -> Refused {
    Refused::could_not(match &error {
        MirrorError::Destination(cause) => {
            let own = KeyRange::prefix(format!("/carry/{}/", settings.name));
            let kube_prefix = &settings.rules.dest_kube_prefix;
            let lacking = Lacking {
                access: "readwrite",
                ranges: &[own, KeyRange::prefix(format!("{kube_prefix}/"))],
                kube_prefix,
            };
            connecting::refused(Which::Destination, &settings.destination, cause, &lacking)
        }
        _ => error.to_string(),
    })
}

fn reverted_line(settings: &PromoteSettings, was_promoted: bool) -> String {
    let name = &settings.name;
    match (settings.output, was_promoted) {
        (Output::Json, _) => {
            let told =
                serde_json::json!({ "name": name, "promoted": false, "reverted": was_promoted });
            format!("{told:#}\n")
        }
        (Output::Human, true) => format!(
            "`{name}` is not promoted any more, and no object was changed: `carry run --resync` makes the destination a standby again, compares everything, and overwrites what has changed there\n"
        ),
        (Output::Human, false) => {
            format!("`{name}` is not promoted: there is nothing to take back\n")
        }
    }
}
