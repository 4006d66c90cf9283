//! The settings of a mirror, validated by whoever makes them.
//!
//! Promises defaults that are right for etcd's own. Deliberately knows nothing
//! of flags.

use std::time::Duration;

use super::leadership::{Candidate, Holder};
use super::spool::Limits;
use crate::etcd::SourceRevision;
use crate::state::Prefixes;

/// `--standby`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standby {
    /// A kube-apiserver serves from the destination.
    Live,
    /// None does.
    Cold,
    /// Look, and keep looking.
    #[default]
    Auto,
}

/// `--mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Ends when another carry of this name leads.
    #[default]
    Standalone,
    /// Waits until the one that leads is gone, and goes on where it was.
    ActiveStandby,
}

/// How much goes out at a time.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// `--max-txn-ops`: keys in one transaction, cold.
    pub txn_ops: usize,
    /// Bytes in one transaction, cold.
    pub txn_bytes: usize,
    /// Transactions under way, live.
    pub live: usize,
    /// Full transactions under way, cold; of others as many as live.
    pub cold: usize,
}

impl Default for Widths {
    fn default() -> Widths {
        Widths {
            txn_ops: 128,
            txn_bytes: 1 << 20,
            live: 256,
            cold: 32,
        }
    }
}

/// The settings of a mirror.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--name`.
    pub name: String,
    /// Who we are.
    pub holder: Holder,
    /// `--kube-prefix` with a slash at either end.
    pub kube_prefix: String,
    /// `--dest-kube-prefix` with a slash at either end.
    pub dest_kube_prefix: String,
    /// `--standby`.
    pub standby: Standby,
    /// How much goes out at a time.
    pub widths: Widths,
    /// `--once`.
    pub once: bool,
    /// `--mode`.
    pub mode: Mode,
    /// `--rev`: the source revision that a first copy is of; `None` for the
    /// newest.
    pub rev: Option<SourceRevision>,
    /// `--resync`: at the first start everything is compared with the
    /// destination, whatever the ledger says and wherever the source is.
    pub resync: bool,
    /// `--prune`: keys that changed rules no longer select are deleted rather
    /// than kept.
    pub prune: bool,
    /// How long the leader key outlives us.
    pub lease_ttl: Duration,
    /// At most so often the checkpoint is written.
    pub checkpoint_every: Duration,
    /// How much of what the watch delivers may wait to be written, and where.
    pub spool: Limits,
    /// At least so often the source is asked for progress.
    pub progress_every: Duration,
    /// How often `--standby auto` looks.
    pub look_every: Duration,
    /// How long a drain may take.
    pub drain_within: Duration,
    /// How often it is looked whether the encryption configurations have
    /// changed.
    pub reload_every: Duration,
    /// How often it is looked at what others have changed at the destination.
    pub drift_every: Duration,
    /// How long keys wait that are held since a KMS plugin did not answer,
    /// before they are judged again; each next time twice as long, up to a
    /// minute.
    pub retry_held_after: Duration,
}

impl Options {
    /// The defaults.
    pub fn new(name: impl Into<String>, holder: Holder) -> Options {
        Options {
            name: name.into(),
            holder,
            kube_prefix: "/registry/".to_owned(),
            dest_kube_prefix: "/registry/".to_owned(),
            standby: Standby::Auto,
            widths: Widths::default(),
            once: false,
            mode: Mode::Standalone,
            rev: None,
            resync: false,
            prune: false,
            lease_ttl: Duration::from_secs(10),
            checkpoint_every: Duration::from_millis(500),
            spool: Limits::default(),
            progress_every: Duration::from_secs(30),
            look_every: Duration::from_secs(5),
            drain_within: Duration::from_millis(3500),
            reload_every: Duration::from_secs(10),
            drift_every: Duration::from_secs(1),
            retry_held_after: Duration::from_secs(2),
        }
    }

    /// Where the checkpoint is at the destination.
    pub fn checkpoint_key(&self) -> String {
        format!("/carry/{}/checkpoint", self.name)
    }

    /// Under which prefixes the keys are.
    pub fn prefixes(&self) -> Prefixes {
        Prefixes {
            source: self.kube_prefix.clone(),
            destination: self.dest_kube_prefix.clone(),
        }
    }

    /// What it campaigns with.
    pub fn candidate(&self) -> Candidate {
        let (name, holder) = (self.name.clone(), self.holder.clone());
        Candidate {
            name,
            holder,
            ttl: self.lease_ttl,
            waits: self.mode == Mode::ActiveStandby,
        }
    }
}
