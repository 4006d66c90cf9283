//! `carry run --dry-run`: what a run would do, told on stdout.
//!
//! Promises the end that the run would come to, where that is one with an error,
//! and to read a ledger that a running carry has open. Deliberately makes
//! nothing, neither a directory nor a port.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::between::{connect_both, needs, options, parts};
use super::connecting;
use super::settings::RunSettings;
use super::space::SpaceWatch;
use super::stdout::say;
use super::{ledger, run_report};
use crate::admin::Status;
use crate::destination::Destination as _;
use crate::mirror::{DryRun, MirrorError, Options, Parts, World};
use crate::rules::decide::{Judge, KeyMap};
use crate::state::{MemoryStore, StateStore};

/// Runs it, by the ledger as it is now.
pub async fn run(
    settings: &RunSettings,
    judge: Judge,
    status: &Status,
    stop: &CancellationToken,
) -> Result<(), String> {
    let opened = ledger::open_still(&settings.db_path);
    match opened.map_err(|error| format!("`--db-path`: {error}"))? {
        None => {
            let store = MemoryStore::default();
            run_with(settings, judge, status, stop, (store, false)).await
        }
        Some((store, logs)) => {
            let ran = run_with(settings, judge, status, stop, (store, true)).await;
            drop(logs);
            ran
        }
    }
}

async fn run_with<St: StateStore>(
    settings: &RunSettings,
    judge: Judge,
    status: &Status,
    stop: &CancellationToken,
    (store, is_there): (St, bool),
) -> Result<(), String> {
    let connected = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        connected = connect_both(settings, status.metrics()) => connected?,
    };
    let judge = Arc::new(judge);
    let (source, plain) = (connected.0.clone(), connected.1.clone());
    let needs = needs(settings, (&source, &plain), &judge);
    let _space = SpaceWatch::start(connected.1.clone(), status.clone());
    let parts = parts(connected, &judge, store, status.metrics());
    let options = options(settings);
    let looked = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        looked = Box::pin(look(&parts, &options, judge.key_map())) => looked,
    };
    let ended = connecting::or_explain(looked, &needs).await?;
    if !is_there && has_mirrored(&parts, &options).await {
        say(&format!(
            "there is no ledger at `{}`, and a carry of this name has mirrored into the destination before: a run without its ledger knows nothing of what it wrote and these rules do not select; for what a run with it would do, give its `--db-path`\n",
            settings.db_path.display()
        ))?;
    }
    ended
}

/// Whether there is a checkpoint at the destination.
async fn has_mirrored<W: World>(parts: &Parts<W>, options: &Options) -> bool {
    let key = options.checkpoint_key();
    let checkpoint = parts.destination.get(key.as_bytes()).await;
    checkpoint.is_ok_and(|there| there.is_some())
}

/// Tells all of it; in the end, why a run would end with an error.
async fn look<W: World>(
    parts: &Parts<W>,
    options: &Options,
    map: &KeyMap,
) -> Result<Result<(), String>, MirrorError> {
    let mut heading = run_report::heading(map);
    let mut said = Ok(());
    let tell = |planned| {
        let line = heading.take().unwrap_or_default() + &run_report::planned(planned);
        // Once is enough.
        if said.is_ok() {
            said = say(&line);
        }
    };
    let looked = DryRun::look(parts, options, tell).await?;
    if let Err(why) = said.and_then(|()| say(&run_report::would(&looked))) {
        return Ok(Err(why));
    }
    match looked.first_stop {
        None => Ok(Ok(())),
        Some(key) => Err(MirrorError::Conflict {
            key: String::from_utf8_lossy(&key).into_owned(),
        }),
    }
}
