//! Why a mirror stopped, in words for the person who runs it.
//!
//! Promises that each says what to do where something can be done.
//! Deliberately holds only what ends the process: everything else is retried.

use crate::etcd::EtcdError;
use crate::source::WatchError;
use crate::state::{Prefixes, StateError};

/// Why a mirror stopped.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The source refused.
    #[error("source: {0}")]
    Source(EtcdError),
    /// The watch of the source ended for good.
    #[error("source: {0}")]
    Watch(WatchError),
    /// The destination refused.
    #[error("destination: {0}")]
    Destination(EtcdError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// Source and destination are one.
    #[error(
        "source and destination are the same etcd (cluster id {cluster_id:x}): check `--master-endpoints` and `--slave-endpoints`"
    )]
    SameCluster {
        /// Its cluster id.
        cluster_id: u64,
    },
    /// The source is the standby of this destination.
    #[error(
        "the source has `{key}`, which says that this destination is mirrored into it: are `--master-endpoints` and `--slave-endpoints` swapped? To mirror the other way round, give another `--name`"
    )]
    Swapped {
        /// The checkpoint's key.
        key: String,
    },
    /// Another carry of this name leads.
    #[error(
        "another carry named `{name}` leads at this destination ({holder}): stop it, or give this one another `--name`"
    )]
    LedByAnother {
        /// `--name`.
        name: String,
        /// What its leader key says.
        holder: String,
    },
    /// The checkpoint is of another source.
    #[error(
        "the checkpoint `{key}` at the destination is of source cluster {found}, but the source is cluster {expected}: check `--master-endpoints`; `--resync` takes this source from now on: everything is compared, what it does not have is deleted"
    )]
    OtherSource {
        /// The checkpoint's key.
        key: String,
        /// The cluster id in the checkpoint.
        found: String,
        /// The source's cluster id.
        expected: String,
    },
    /// The source has been set back.
    #[error(
        "the source is at revision {found}, behind the checkpoint `{key}` at {checkpoint}: it was restored from a backup; `--resync` takes it as it is now: everything is compared, what it does not have is deleted"
    )]
    SourceBehind {
        /// The checkpoint's key.
        key: String,
        /// The revision in the checkpoint.
        checkpoint: i64,
        /// The source's newest revision.
        found: i64,
    },
    /// A rule with `onConflict: stop` selects what the destination has.
    #[error(
        "`{key}`: the destination has another object under this key, and the rule that selects it says `onConflict: stop`: remove one of them, exclude the key from the rule, or let the rule `keep`, `adopt` or `overwrite` what is there"
    )]
    Conflict {
        /// The whole key, as the source has it.
        key: String,
    },
    /// `--rev` is gone.
    #[error(
        "`--rev` {rev}: the source has compacted that revision away; give a newer one, or leave it out to begin at the newest"
    )]
    RevCompacted {
        /// `--rev`.
        rev: i64,
    },
    /// `--rev` is still to come.
    #[error("`--rev` {rev}: the source is only at revision {newest}; give an older one")]
    RevAhead {
        /// `--rev`.
        rev: i64,
        /// The source's newest revision.
        newest: i64,
    },
    /// The keys were under other prefixes so far.
    #[error(
        "the checkpoint `{key}` at the destination is of a mirror from `{}` to `{}`, not from `{}` to `{}`: what it wrote would stay behind; set `--kube-prefix` and `--dest-kube-prefix` back, or use another `--name` and remove the keys under `{}` yourself",
        recorded.source, recorded.destination, now.source, now.destination, recorded.destination
    )]
    OtherPrefixes {
        /// The checkpoint's key.
        key: String,
        /// The prefixes in the checkpoint.
        recorded: Prefixes,
        /// The prefixes now.
        now: Prefixes,
    },
    /// The keys that are asked for are not those of the mirror.
    #[error(
        "the checkpoint `{key}` at the destination is of a mirror from `{}` to `{}`, not from `{}` to `{}`: give `--kube-prefix` and `--dest-kube-prefix` as that mirror has them, or its `--name` if it is another one",
        recorded.source, recorded.destination, now.source, now.destination
    )]
    MirrorOfOtherPrefixes {
        /// The checkpoint's key.
        key: String,
        /// The prefixes in the checkpoint.
        recorded: Box<Prefixes>,
        /// Those that were asked for.
        now: Box<Prefixes>,
    },
    /// The checkpoint is not one of ours.
    #[error(
        "the checkpoint `{key}` at the destination cannot be read ({reason}): remove that key to copy everything anew"
    )]
    BadCheckpoint {
        /// The checkpoint's key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The destination is no standby any more.
    #[error(
        "`{name}` was promoted at this destination ({mark}): nothing is mirrored into it any more; `carry promote --revert` takes that back, and `carry run --resync` then makes it a standby again, which overwrites what has changed there"
    )]
    Promoted {
        /// `--name`.
        name: String,
        /// When, and by whom.
        mark: String,
    },
    /// The destination is a standby again, with what was done to it meanwhile.
    #[error(
        "`{name}` was promoted at this destination, and that was taken back: `carry run --resync` makes it a standby again, which overwrites what has changed there"
    )]
    Reverted {
        /// `--name`.
        name: String,
    },
    /// Nothing to promote.
    #[error(
        "no carry named `{name}` has mirrored into this destination (there is no `{key}`): check `--name` and `--slave-endpoints`"
    )]
    NotMirrored {
        /// `--name`.
        name: String,
        /// The checkpoint's key.
        key: String,
    },
    /// Somebody has taken the promotion back meanwhile.
    #[error(
        "the promotion of `{name}` was taken back while objects were restored: nothing more is"
    )]
    TakenBack {
        /// `--name`.
        name: String,
    },
}
