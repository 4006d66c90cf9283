//! What carry remembers on its own disk: the ledger of keys it has written,
//! and a copy of the checkpoint.
//!
//! Promises that a batch is written whole or not at all, and survives SIGKILL.
//! Deliberately not the truth: the checkpoint at the destination is, and a lost
//! ledger is rebuilt.

mod counted;
mod memory;
mod rocks;
mod schema;

pub use counted::{Counted, OwnedCounts, OwnedKeys};
pub use memory::MemoryStore;
pub use rocks::RocksStore;

use crate::etcd::{DestRevision, SourceRevision};
use crate::rules::decide::KeyRange;
use crate::rules::identity::Identity;
use crate::rules::policy::Policy;

/// What the ledger holds of a key that carry has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The source revision of the value that the destination has.
    pub revision: SourceRevision,
    /// The name of the rule that selected it.
    pub rule: String,
    /// Whether no rule selects it any more since the rules have changed: it is
    /// kept at the destination as it is, and nothing follows it any longer.
    pub retired: bool,
    /// The source's etcd lease that the key was last written under, or is
    /// about to be; 0 for none.
    pub lease: i64,
    /// Of a key that is about to be written for the first time: which object
    /// that is. Whoever finds this does not know whether it was, and only what
    /// the destination has can tell; until then the key is not known as ours.
    pub intent: Option<Identity>,
    /// Whether the destination had something else under the key before: it is
    /// written over, and never deleted.
    pub borrowed: bool,
    /// Of a key that is about to be deleted: the newest revision of the
    /// destination that was known before. What is there and was made later is
    /// another's, and the delete has arrived.
    pub deleting: Option<DestRevision>,
}

impl LedgerEntry {
    /// Of a key that a rule selects.
    pub fn new(revision: SourceRevision, rule: impl Into<String>) -> LedgerEntry {
        LedgerEntry {
            revision,
            rule: rule.into(),
            retired: false,
            lease: 0,
            intent: None,
            borrowed: false,
            deleting: None,
        }
    }

    /// The same of a key that is attached to the source's `lease`; 0 for none.
    pub fn leased(self, lease: i64) -> LedgerEntry {
        LedgerEntry { lease, ..self }
    }
}

/// One change of the ledger; `None` forgets the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerChange {
    /// The whole key.
    pub key: Vec<u8>,
    /// What to remember of it.
    pub entry: Option<LedgerEntry>,
}

/// A key that is held, or left out for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// The whole key.
    pub key: Vec<u8>,
    /// Why, without any values; `None` where an older carry has noted it.
    pub reason: Option<String>,
    /// The policy that leaves it out, where it is not held.
    pub left_out: Option<Policy>,
}

/// How far the mirror is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The source's cluster id, in hexadecimal as etcdctl prints it.
    pub source_cluster_id: String,
    /// Everything of the source up to this revision has been applied.
    pub revision: i64,
    /// The digest of the rules that it was applied under.
    pub rules_digest: String,
    /// Whether the first full copy is done.
    pub bootstrapped: bool,
    /// Under which key prefixes; an older carry, which had one for both sides,
    /// did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Prefixes>,
    /// What whoever began the ledger that goes with it has named that: a carry
    /// that begins another one says so here before it writes anything, so that
    /// nobody believes an older one. An older carry did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// Whether the destination was promoted since, and that was taken back: what
    /// has changed there is not in any ledger.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverted: bool,
}

/// Under which prefixes the Kubernetes keys are, each with a slash at either
/// end.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prefixes {
    /// At the source.
    pub source: String,
    /// At the destination.
    pub destination: String,
}

/// Between which two etcds the ledger holds; a ledger of another pair is
/// useless.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// `--name`.
    pub name: String,
    /// The source's cluster id, in hexadecimal.
    pub source_cluster_id: String,
    /// The destination's cluster id, in hexadecimal.
    pub destination_cluster_id: String,
}

/// Why the local state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The directory could not be opened.
    #[error("cannot open `{path}`: {reason}")]
    Open {
        /// `--db-path`.
        path: String,
        /// What the system or RocksDB said.
        reason: String,
    },
    /// Another process has it open.
    #[error("`{path}` is in use by another process")]
    InUse {
        /// `--db-path`.
        path: String,
    },
    /// It was written by a newer carry.
    #[error("`{path}` has format {found}, this carry reads up to {known}")]
    Version {
        /// `--db-path`.
        path: String,
        /// What is on disk.
        found: u32,
        /// What this carry knows.
        known: u32,
    },
    /// Reading or writing failed later.
    #[error("local state failed: {0}")]
    Io(String),
}

/// Where the ledger is kept. Calls are short and may block on a local disk.
pub trait StateStore: Send + Sync + 'static {
    /// What is known of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, StateError>;

    /// Writes all of `changes` or none.
    fn apply(&self, changes: &[LedgerChange]) -> Result<(), StateError>;

    /// Lets everything written so far survive a crash of the machine.
    fn sync(&self) -> Result<(), StateError>;

    /// Up to `limit` entries of `range` in key order, beginning at
    /// `range.start`.
    fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, LedgerEntry)>, StateError>;

    /// Between which etcds this ledger holds; `None` while it is new.
    fn pair(&self) -> Result<Option<Pair>, StateError>;

    /// Sees what another process that has it open has written meanwhile.
    fn catch_up(&self) -> Result<(), StateError> {
        Ok(())
    }

    /// Forgets everything and begins anew for `pair`.
    fn reset(&self, pair: &Pair) -> Result<(), StateError>;

    /// From now on the ledger is of `pair`, and nothing is known of what the
    /// destination was compared under; all else is kept.
    fn set_pair(&self, pair: &Pair) -> Result<(), StateError>;

    /// What the destination may have as its checkpoint: the one that it is
    /// known to have, then all that were sent since without an answer.
    fn checkpoints(&self) -> Result<Vec<Checkpoint>, StateError>;

    /// Notes a checkpoint that is about to be sent. Of those without an answer
    /// only the last few are kept: with one that was forgotten, the ledger is
    /// rebuilt.
    fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError>;

    /// The digest of the destination's encryption configuration under which the
    /// destination was last compared as a whole; `None` while it is new.
    fn encryption(&self) -> Result<Option<String>, StateError>;

    /// Notes that everything was compared under this digest.
    fn set_encryption(&self, digest: &str) -> Result<(), StateError>;

    /// The keys that were held when carry last ran: neither written nor deleted
    /// until they can be judged, or left out for as long as the destination lacks
    /// something.
    fn held(&self) -> Result<Vec<HeldKey>, StateError>;

    /// Notes that a key is held, in place of what was noted of it before.
    fn hold(&self, held: &HeldKey) -> Result<(), StateError>;

    /// Notes that these keys were judged.
    fn release(&self, keys: &[Vec<u8>]) -> Result<(), StateError>;

    /// The keys that the rules selected when carry last ran, and of which the
    /// destination had something else.
    fn kept(&self) -> Result<Vec<Vec<u8>>, StateError>;

    /// Notes that the destination has something else under a key.
    fn keep(&self, key: &[u8]) -> Result<(), StateError>;

    /// Notes that these are to be judged again.
    fn unkeep(&self, keys: &[Vec<u8>]) -> Result<(), StateError>;

    /// Notes that the destination has this checkpoint and no other.
    fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StateError>;
}
