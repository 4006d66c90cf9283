//! Where to begin: at the checkpoint, or with a full list.
//!
//! Promises that a ledger is believed only if it goes with the checkpoint at
//! the destination. Deliberately pure: it is told everything and does nothing.

use std::fmt;

use super::error::MirrorError;
use crate::etcd::SourceRevision;
use crate::metrics::ResyncKind;
use crate::source::SourceStatus;
use crate::state::{Checkpoint, Pair, Prefixes};

/// What the ledger has in the place of the digest of an encryption while
/// everything is compared: no encryption has it.
pub const NOT_COMPARED: &str = "";

/// The same while it is not known yet which keys are ours.
pub const NOT_REBUILT: &str = "?";

/// Why everything is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no checkpoint.
    FirstCopy,
    /// The ledger is new or of another pair of etcds.
    OtherLedger,
    /// The ledger does not go with the checkpoint.
    UnfitLedger,
    /// The checkpoint says that the first copy was not finished.
    UnfinishedCopy,
    /// The checkpoint is of other rules.
    OtherRules,
    /// A list of everything was not finished, perhaps under other rules.
    UnfinishedList,
    /// `--resync`, and the source is not what it was.
    OtherHistory,
    /// `--resync`.
    Requested,
    /// Somebody has asked a running carry for it.
    Asked,
    /// Another encryption than the one that was compared under.
    OtherEncryption,
    /// History is gone, or something else that came up on the way.
    History(String),
}

impl Reason {
    /// For metrics.
    pub fn kind(&self) -> ResyncKind {
        match self {
            Reason::FirstCopy => ResyncKind::FirstCopy,
            Reason::OtherLedger | Reason::UnfitLedger => ResyncKind::Ledger,
            Reason::UnfinishedCopy | Reason::UnfinishedList => ResyncKind::Unfinished,
            Reason::OtherRules => ResyncKind::Rules,
            Reason::OtherHistory | Reason::Requested | Reason::Asked => ResyncKind::Requested,
            Reason::OtherEncryption => ResyncKind::Encryption,
            Reason::History(_) => ResyncKind::History,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::FirstCopy => "first copy",
            Reason::OtherLedger => "the ledger is new or of another pair of etcds",
            Reason::UnfitLedger => "the ledger does not go with the checkpoint",
            Reason::UnfinishedCopy => "the first copy was not finished",
            Reason::OtherRules => "the rules have changed",
            Reason::UnfinishedList => "the last full list was not finished",
            Reason::OtherHistory => {
                "`--resync`, with another source or one that was restored from a backup"
            }
            Reason::Requested => "`--resync`",
            Reason::Asked => "asked for by `POST /resync`",
            Reason::OtherEncryption => "the destination's encryption configuration has changed",
            Reason::History(reason) => reason,
        })
    }
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Everything up to this revision is applied, and the ledger goes with it.
    Resume(SourceRevision),
    /// List everything and compare.
    Full(Full),
}

impl Start {
    /// Everything is listed although the checkpoint would do, for this reason.
    /// Who asks for it doubts what the destination has: that is compared too.
    pub fn despite(self, reason: Reason) -> Start {
        let asked = reason == Reason::Asked;
        let mut full = match self {
            Start::Full(full) => full,
            Start::Resume(_) => Full::keeping(reason),
        };
        if asked && full.ledger == Ledger::Keep {
            full.ledger = Ledger::Compare;
        }
        Start::Full(full)
    }

    /// Whether it relies on the revisions that the ledger has.
    pub fn believes_ledger(&self) -> bool {
        match self {
            Start::Resume(_) => true,
            Start::Full(full) => matches!(full.ledger, Ledger::Keep | Ledger::Compare),
        }
    }
}

/// A full list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Why, for people.
    pub reason: Reason,
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
    pub fn keeping(reason: Reason) -> Full {
        Full {
            reason,
            ledger: Ledger::Keep,
            retire: false,
            at: None,
        }
    }
}

/// What becomes of the ledger before a full list.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// As `Reset`, but an earlier carry has applied everything up to this
    /// checkpoint: what was selected then is ours.
    Reclaim(Checkpoint),
}

impl Ledger {
    /// Whether what it says is ours is believed to be.
    pub fn is_kept(&self) -> bool {
        !matches!(self, Ledger::Reset | Ledger::Reclaim(_))
    }

    /// Whether the destination is asked also where it says what is there.
    pub fn compares(&self) -> bool {
        matches!(self, Ledger::Compare | Ledger::Rebase)
    }
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
    /// Whether the ledger is whole and goes with the checkpoint.
    fn ledger_fits(&self, checkpoint: &Checkpoint) -> bool {
        self.encryption_of != Some(NOT_REBUILT) && self.local.contains(checkpoint)
    }

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
            reason: Reason::FirstCopy,
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
        return Ok(full(Reason::OtherLedger, lost(checkpoint), retire));
    }
    // Each checkpoint is noted before it is sent. One that was not is of
    // another carry of this name, or the destination was set back.
    if !known.ledger_fits(checkpoint) {
        return Ok(full(Reason::UnfitLedger, lost(checkpoint), retire));
    }
    let same_encryption = known.encryption_of == Some(known.encryption);
    let kept = match same_encryption && !known.resync {
        true => Ledger::Keep,
        false => Ledger::Compare,
    };
    let reason = if !checkpoint.bootstrapped {
        Reason::UnfinishedCopy
    } else if checkpoint.rules_digest != known.digest {
        Reason::OtherRules
    } else if known.resync {
        Reason::Requested
    } else if known.encryption_of == Some(NOT_COMPARED) {
        Reason::UnfinishedList
    } else if !same_encryption {
        Reason::OtherEncryption
    } else {
        return Ok(Start::Resume(at));
    };
    Ok(full(reason, kept, retire))
}

/// The source is another one, or was set back, and that is accepted.
pub fn rebase(known: &Known<'_>, checkpoint: &Checkpoint) -> Start {
    let reason = Reason::OtherHistory;
    let retire = checkpoint.rules_digest != known.digest && !known.prune;
    match known.ledger_is_ours(false) && known.ledger_fits(checkpoint) {
        true => full(reason, Ledger::Rebase, retire),
        false => full(reason, Ledger::Reset, retire),
    }
}

fn full(reason: Reason, ledger: Ledger, retire: bool) -> Start {
    Start::Full(Full {
        reason,
        ledger,
        retire,
        at: None,
    })
}

/// What was selected at the checkpoint is ours, if the rules are the same;
/// with other rules it is at least what they have in common.
fn lost(checkpoint: &Checkpoint) -> Ledger {
    match checkpoint.bootstrapped || checkpoint.revision > 0 {
        true => Ledger::Reclaim(checkpoint.clone()),
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
