//! Where to begin: at the checkpoint, or with a full list.
//!
//! Promises that a ledger is believed only if it goes with the checkpoint at
//! the destination. Deliberately pure: it is told everything and does nothing.

use super::error::MirrorError;
use crate::etcd::SourceRevision;
use crate::metrics::ResyncKind;
use crate::source::SourceStatus;
use crate::state::{Checkpoint, Pair, Prefixes};

// Why everything is listed; anything else is history that is gone.
const FIRST_COPY: &str = "first copy";
const OTHER_LEDGER: &str = "the ledger is new or of another pair of etcds";
const UNFIT_LEDGER: &str = "the ledger does not go with the checkpoint";
const UNFINISHED: &str = "the first copy was not finished";
const OTHER_RULES: &str = "the rules have changed";
const OTHER_HISTORY: &str =
    "`--resync`, with another source or one that was restored from a backup";
const REQUESTED: &str = "`--resync`";
const OTHER_ENCRYPTION: &str = "the destination's encryption configuration has changed";

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
    /// Whether owned keys that the rules no longer select are retired: the
    /// rules have changed, and nobody asked for them to be deleted.
    pub retire: bool,
    /// `--rev`: the source revision that is copied; `None` for the newest.
    pub at: Option<SourceRevision>,
}

impl Full {
    /// A list under a ledger that is right.
    pub fn keeping(reason: String) -> Full {
        Full {
            reason,
            ledger: Ledger::Keep,
            retire: false,
            at: None,
        }
    }

    /// Why, for metrics.
    pub fn kind(&self) -> ResyncKind {
        match self.reason.as_str() {
            FIRST_COPY => ResyncKind::FirstCopy,
            OTHER_LEDGER | UNFIT_LEDGER => ResyncKind::Ledger,
            UNFINISHED => ResyncKind::Unfinished,
            OTHER_RULES => ResyncKind::Rules,
            OTHER_HISTORY | REQUESTED => ResyncKind::Requested,
            OTHER_ENCRYPTION => ResyncKind::Encryption,
            _ => ResyncKind::History,
        }
    }
}

/// What becomes of the ledger before a full list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// It is right.
    Keep,
    /// It is right, but the destination may be unable to read what it has:
    /// every value is compared.
    Compare,
    /// What it says is ours is ours, but its revisions are of another source,
    /// or of a history that the source has lost: every value is compared.
    Rebase,
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
    /// `--resync`: everything is compared, whatever was said of the source.
    pub resync: bool,
    /// `--rev`: what a first copy is of.
    pub rev: Option<SourceRevision>,
    /// `--prune`: what changed rules no longer select is deleted.
    pub prune: bool,
}

impl Known<'_> {
    /// Whether the ledger is of the destination, and of the source if that
    /// counts.
    fn ledger_is_ours(&self, source_counts: bool) -> bool {
        self.ledger_of.is_some_and(|of| {
            (&of.name, &of.destination_cluster_id)
                == (&self.pair.name, &self.pair.destination_cluster_id)
                && (!source_counts || of.source_cluster_id == self.pair.source_cluster_id)
        })
    }
}

/// Decides where to begin, or why not at all.
pub fn decide(known: &Known<'_>) -> Result<Start, MirrorError> {
    let Some(checkpoint) = known.checkpoint else {
        return Ok(Start::Full(Full {
            reason: FIRST_COPY.to_owned(),
            ledger: Ledger::Reset,
            retire: false,
            at: known.rev,
        }));
    };
    refuse_other_prefixes(known, checkpoint)?;
    if let Some(refused) = other_source(known, checkpoint) {
        return match known.resync {
            true => Ok(rebase(known, checkpoint)),
            false => Err(refused),
        };
    }
    let at = SourceRevision(checkpoint.revision);
    let retire = checkpoint.rules_digest != known.digest && !known.prune;
    if !known.ledger_is_ours(true) {
        return Ok(full(OTHER_LEDGER, lost(checkpoint), retire));
    }
    // Each checkpoint is noted before it is sent. One that was not is of
    // another carry of this name, or the destination was set back.
    if !known.local.contains(checkpoint) {
        return Ok(full(UNFIT_LEDGER, lost(checkpoint), retire));
    }
    let same_encryption = known.encryption_of == Some(known.encryption);
    let kept = match same_encryption && !known.resync {
        true => Ledger::Keep,
        false => Ledger::Compare,
    };
    // Keys were written also under rules whose checkpoint was sent, and may
    // never have arrived.
    let mut sent = known.local.iter().chain([checkpoint]);
    let other_rules = sent.any(|one| one.rules_digest != known.digest);
    let reason = if !checkpoint.bootstrapped {
        UNFINISHED
    } else if other_rules {
        OTHER_RULES
    } else if known.resync {
        REQUESTED
    } else if !same_encryption {
        OTHER_ENCRYPTION
    } else {
        return Ok(Start::Resume(at));
    };
    Ok(full(reason, kept, retire))
}

/// The source is another one, or was set back, and that is accepted.
fn rebase(known: &Known<'_>, checkpoint: &Checkpoint) -> Start {
    let reason = OTHER_HISTORY;
    let retire = checkpoint.rules_digest != known.digest && !known.prune;
    match known.ledger_is_ours(false) && known.local.contains(checkpoint) {
        true => full(reason, Ledger::Rebase, retire),
        false => full(reason, Ledger::Reset, retire),
    }
}

fn full(reason: &str, ledger: Ledger, retire: bool) -> Start {
    Start::Full(Full {
        reason: reason.to_owned(),
        ledger,
        retire,
        at: None,
    })
}

/// What was selected at the checkpoint is ours, if the rules are the same;
/// with other rules it is at least what they have in common.
fn lost(checkpoint: &Checkpoint) -> Ledger {
    match checkpoint.bootstrapped || checkpoint.revision > 0 {
        true => Ledger::Reclaim(SourceRevision(checkpoint.revision)),
        // Of an older carry, which did not say what it had begun to copy.
        false => Ledger::Reset,
    }
}

fn other_source(known: &Known<'_>, checkpoint: &Checkpoint) -> Option<MirrorError> {
    let key = known.key.to_owned();
    if checkpoint.source_cluster_id != known.pair.source_cluster_id {
        return Some(MirrorError::OtherSource {
            key,
            found: checkpoint.source_cluster_id.clone(),
            expected: known.pair.source_cluster_id.clone(),
        });
    }
    (checkpoint.revision > known.source.revision.0).then_some(MirrorError::SourceBehind {
        key,
        checkpoint: checkpoint.revision,
        found: known.source.revision.0,
    })
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
