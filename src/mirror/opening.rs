//! Before a session: who both sides are, where to begin, and the watch that is
//! open before anything is listed.
//!
//! Promises that a watch begins right where the start says. Deliberately
//! writes nothing.

use super::error::MirrorError;
use super::history;
use super::judging::{Judging, watched};
use super::options::Options;
use super::reader::Origin;
use super::retry::{Remedy, persist, watch_remedy};
use super::session::End;
use super::start::{self, Known, Reason, Start};
use super::world::{Parts, World};
use crate::destination::Destination;
use crate::etcd::{DestRevision, EtcdError, SourceRevision};
use crate::source::{Source, SourceStatus, WatchError};
use crate::state::{Checkpoint, Pair, Prefixes, StateStore};

/// Which etcds these are.
pub struct Identity {
    pub pair: Pair,
    pub source: SourceStatus,
    /// The newest revision of the destination.
    pub destination: DestRevision,
}

/// What a session begins with.
pub struct Opened<S: Source> {
    pub identity: Identity,
    pub start: Start,
    pub watch: S::Watch,
    pub origin: Origin<S>,
}

/// Asks both sides how they are, decides where to begin, and opens the watch
/// right there: before anything is listed.
pub async fn open<W: World>(
    parts: &Parts<W>,
    options: &Options,
    resync: Option<Reason>,
    compare: bool,
) -> Result<Opened<W::Source>, End> {
    let mut identity = identify(parts, options).await?;
    let mut start = where_to_begin(parts, options, &mut identity, compare).await?;
    if let Some(reason) = resync {
        start = start.despite(reason);
    }
    let newest = identity.source.revision;
    let (from, rev) = match &start {
        Start::Resume(at) => (*at, None),
        Start::Full(full) => (full.at.unwrap_or(newest), full.at),
    };
    if let Some(rev) = rev {
        check_rev(parts, rev, newest).await?;
    }
    let origin = Origin {
        source: parts.source.clone(),
        ranges: watched(&*parts.judge),
        known: from,
        last_put: None,
    };
    let watch = origin.open().await.map_err(not_opened)?;
    Ok(Opened {
        identity,
        start,
        watch,
        origin,
    })
}

/// Whether the source has a revision, and still has it.
pub async fn check_rev<W: World>(
    parts: &Parts<W>,
    rev: SourceRevision,
    newest: SourceRevision,
) -> Result<(), MirrorError> {
    let SourceRevision(number) = rev;
    if rev > newest {
        let newest = newest.0;
        return Err(MirrorError::RevAhead {
            rev: number,
            newest,
        });
    }
    let ranges = watched(&*parts.judge);
    let Some(range) = ranges.first() else {
        return Ok(());
    };
    let look = || parts.source.list(range, rev, 1);
    match persist("looking for the revision of `--rev`", look).await {
        Ok(_) => Ok(()),
        Err(EtcdError::Compacted { .. }) => Err(MirrorError::RevCompacted { rev: number }),
        Err(error) => Err(MirrorError::Source(error)),
    }
}

/// Why no watch could be opened.
fn not_opened(error: WatchError) -> End {
    match (watch_remedy(&error), error) {
        (Remedy::Resync, error) => End::Resync(error.to_string()),
        (_, WatchError::Etcd(error)) => MirrorError::Source(error).into(),
        (_, error) => MirrorError::Watch(error).into(),
    }
}

/// Asks both sides who they are.
pub async fn identify<W: World>(
    parts: &Parts<W>,
    options: &Options,
) -> Result<Identity, MirrorError> {
    let source = persist("asking the source for its revision", || {
        parts.source.status()
    })
    .await;
    let source = source.map_err(MirrorError::Source)?;
    let ask = || parts.destination.status();
    let destination = persist("asking the destination for its revision", ask).await;
    let destination = destination.map_err(MirrorError::Destination)?;
    if source.cluster_id == destination.cluster_id {
        return Err(MirrorError::SameCluster {
            cluster_id: source.cluster_id,
        });
    }
    let pair = Pair {
        name: options.name.clone(),
        source_cluster_id: format!("{:x}", source.cluster_id),
        destination_cluster_id: format!("{:x}", destination.cluster_id),
    };
    Ok(Identity {
        pair,
        source,
        destination: destination.revision,
    })
}

/// Refuses a source that is the standby of this destination under the same
/// name: its objects rest, and would be put to rest at the destination, too.
pub async fn refuse_swapped<W: World>(
    parts: &Parts<W>,
    options: &Options,
    pair: &Pair,
) -> Result<(), MirrorError> {
    let key = options.checkpoint_key();
    let read = || parts.source.get(key.as_bytes());
    let there = match persist("looking for a checkpoint at the source", read).await {
        Ok(there) => there,
        // Who mirrors need not be allowed to read it.
        Err(EtcdError::PermissionDenied(_)) => None,
        Err(error) => return Err(MirrorError::Source(error)),
    };
    let checkpoint = there.and_then(|item| serde_json::from_slice::<Checkpoint>(&item.value).ok());
    match checkpoint.is_some_and(|own| own.source_cluster_id == pair.destination_cluster_id) {
        true => Err(MirrorError::Swapped { key }),
        false => Ok(()),
    }
}

/// Refuses to look at other keys than a mirror of that name has at the
/// destination, where there is one: they would tell nothing of it.
pub async fn refuse_other_prefixes<W: World>(
    parts: &Parts<W>,
    options: &Options,
) -> Result<(), MirrorError> {
    let key = options.checkpoint_key();
    let read = || parts.destination.get(key.as_bytes());
    match persist("reading the checkpoint", read).await {
        Ok(stored) => match prefixes_of(stored.as_deref()) {
            Some(recorded) => same_prefixes(options, recorded, options.prefixes()),
            None => Ok(()),
        },
        // Who compares need not be allowed to read it.
        Err(EtcdError::PermissionDenied(_)) => Ok(()),
        Err(error) => Err(MirrorError::Destination(error)),
    }
}

/// The prefixes that a stored checkpoint speaks of, where it does.
pub fn prefixes_of(checkpoint: Option<&[u8]>) -> Option<Prefixes> {
    let checkpoint = serde_json::from_slice::<Checkpoint>(checkpoint?).ok()?;
    checkpoint.prefixes
}

/// Whether these are the prefixes of the checkpoint.
pub fn same_prefixes(
    options: &Options,
    recorded: Prefixes,
    now: Prefixes,
) -> Result<(), MirrorError> {
    match recorded == now {
        true => Ok(()),
        false => Err(MirrorError::MirrorOfOtherPrefixes {
            key: options.checkpoint_key(),
            recorded: Box::new(recorded),
            now: Box::new(now),
        }),
    }
}

pub async fn where_to_begin<W: World>(
    parts: &Parts<W>,
    options: &Options,
    identity: &mut Identity,
    compare: bool,
) -> Result<Start, MirrorError> {
    let key = options.checkpoint_key();
    let read = || parts.destination.get(key.as_bytes());
    let stored = persist("reading the checkpoint", read)
        .await
        .map_err(MirrorError::Destination)?;
    let checkpoint = stored.map(|bytes| serde_json::from_slice::<Checkpoint>(&bytes));
    let mut checkpoint = checkpoint
        .transpose()
        .map_err(|error| MirrorError::BadCheckpoint {
            key: key.clone(),
            reason: error.to_string(),
        })?;
    let reverted = checkpoint.as_mut();
    if reverted.is_some_and(|own| std::mem::take(&mut own.reverted)) && !options.resync {
        let name = options.name.clone();
        return Err(MirrorError::Reverted { name });
    }
    // Another carry may have led since the source was asked.
    let behind = |known: &Checkpoint| known.revision > identity.source.revision.0;
    if checkpoint.as_ref().is_some_and(behind) {
        *identity = identify(parts, options).await?;
    }
    let (local, ledger_of) = (parts.store.checkpoints()?, parts.store.pair()?);
    let encryption_of = parts.store.encryption()?;
    let known = Known {
        key: &key,
        checkpoint: checkpoint.as_ref(),
        local: &local,
        ledger_of: ledger_of.as_ref(),
        pair: &identity.pair,
        source: identity.source,
        digest: parts.judge.digest(),
        encryption_of: encryption_of.as_deref(),
        encryption: &parts.judge.encryption_digest(),
        prefixes: &options.prefixes(),
        resync: compare,
        rev: options.rev,
        prune: options.prune,
    };
    let start = start::decide(&known)?;
    let Some(checkpoint) = known.checkpoint.filter(|_| start.believes_ledger()) else {
        return Ok(start);
    };
    match history::lost(parts, SourceRevision(checkpoint.revision)).await? {
        None => Ok(start),
        Some(_) if compare => Ok(start::rebase(&known, checkpoint)),
        Some(lost) => Err(MirrorError::Source(lost)),
    }
}
