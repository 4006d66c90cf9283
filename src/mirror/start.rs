//! Where to begin: at the checkpoint, or with a full list.
//!
//! Promises that a ledger is believed only if it goes with the checkpoint at
//! the destination. Deliberately pure: it is told everything and does nothing.

use super::error::MirrorError;
use crate::etcd::SourceRevision;
use crate::source::SourceStatus;
use crate::state::{Checkpoint, Pair, Prefixes};

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Everything up to this revision is applied, and the ledger goes with it.
    Resume(SourceRevision),
    /// List everything and compare.
    Full(Full),
}

/// A full list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Why, for people.
    pub reason: String,
    /// What becomes of the ledger.
    pub ledger: Ledger,
}

/// What becomes of the ledger before a full list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// It is right.
    Keep,
    /// It is right, but the destination may be unable to read what it has:
    /// every value is compared.
    Compare,
    /// It is new, or does not go with the destination.
    Reset,
    /// As `Reset`, but an earlier carry has applied everything up to here: what
    /// was selected then is ours.
    Reclaim(SourceRevision),
}

/// What is known at the start.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// The checkpoint's key at the destination, for messages.
    pub key: &'a str,
    /// The checkpoint at the destination.
    pub checkpoint: Option<&'a Checkpoint>,
    /// What it may be, going by what we have sent.
    pub local: &'a [Checkpoint],
    /// What the ledger is of.
    pub ledger_of: Option<&'a Pair>,
    /// What it should be of.
    pub pair: &'a Pair,
    /// The source now.
    pub source: SourceStatus,
    /// The rules now.
    pub digest: &'a str,
    /// The digest of the destination's encryption configuration under which it
    /// was last compared as a whole.
    pub encryption_of: Option<&'a str>,
    /// That digest now.
    pub encryption: &'a str,
    /// Under which prefixes the keys are now.
    pub prefixes: &'a Prefixes,
}

/// Decides where to begin, or why not at all.
pub fn decide(known: &Known<'_>) -> Result<Start, MirrorError> {
    let Some(checkpoint) = known.checkpoint else {
        return Ok(full("first copy", Ledger::Reset));
    };
    refuse_other_source(known, checkpoint)?;
    refuse_other_prefixes(known, checkpoint)?;
    let at = SourceRevision(checkpoint.revision);
    if known.ledger_of != Some(known.pair) {
        return Ok(full(
            "the ledger is new or of another pair of etcds",
            lost(checkpoint),
        ));
    }
    // Each checkpoint is noted before it is sent. One that was not is of
    // another carry of this name, or the destination was set back.
    if !known.local.contains(checkpoint) {
        return Ok(full(
            "the ledger does not go with the checkpoint",
            lost(checkpoint),
        ));
    }
    let kept = match known.encryption_of == Some(known.encryption) {
        true => Ledger::Keep,
        false => Ledger::Compare,
    };
    if !checkpoint.bootstrapped {
        return Ok(full("the first copy was not finished", kept));
    }
    if checkpoint.rules_digest != known.digest {
        return Ok(full("the rules have changed", kept));
    }
    if kept == Ledger::Compare {
        return Ok(full(
            "the destination's encryption configuration has changed",
            kept,
        ));
    }
    Ok(Start::Resume(at))
}

fn full(reason: &str, ledger: Ledger) -> Start {
    Start::Full(Full {
        reason: reason.to_owned(),
        ledger,
    })
}

/// What was selected at the checkpoint is ours, if the rules are the same;
/// with other rules it is at least what they have in common.
fn lost(checkpoint: &Checkpoint) -> Ledger {
    if checkpoint.bootstrapped {
        Ledger::Reclaim(SourceRevision(checkpoint.revision))
    } else {
        Ledger::Reset
    }
}

fn refuse_other_source(known: &Known<'_>, checkpoint: &Checkpoint) -> Result<(), MirrorError> {
    let key = known.key.to_owned();
    if checkpoint.source_cluster_id != known.pair.source_cluster_id {
        return Err(MirrorError::OtherSource {
            key,
            found: checkpoint.source_cluster_id.clone(),
            expected: known.pair.source_cluster_id.clone(),
        });
    }
    if checkpoint.revision > known.source.revision.0 {
        return Err(MirrorError::SourceBehind {
            key,
            checkpoint: checkpoint.revision,
            found: known.source.revision.0,
        });
    }
    Ok(())
}

/// What was written under other keys would stay behind. Without a record, both
/// sides had the source's prefix.
fn refuse_other_prefixes(known: &Known<'_>, checkpoint: &Checkpoint) -> Result<(), MirrorError> {
    let unrecorded = Prefixes {
        source: known.prefixes.source.clone(),
        destination: known.prefixes.source.clone(),
    };
    let recorded = checkpoint.prefixes.as_ref().unwrap_or(&unrecorded);
    match recorded == known.prefixes {
        true => Ok(()),
        false => Err(MirrorError::OtherPrefixes {
            key: known.key.to_owned(),
            recorded: recorded.clone(),
            now: known.prefixes.clone(),
        }),
    }
}
