//! The settings of a mirror, validated by whoever makes them.
//!
//! Promises defaults that are right for etcd's own. Deliberately knows nothing
//! of flags.

use std::time::Duration;

use super::leadership::{Candidate, Holder};
use super::writer::Widths;

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

/// The settings of a mirror.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--name`.
    pub name: String,
    /// Who we are.
    pub holder: Holder,
    /// `--kube-prefix` with a slash at either end.
    pub kube_prefix: String,
    /// `--standby`.
    pub standby: Standby,
    /// How much goes out at a time.
    pub widths: Widths,
    /// `--once`.
    pub once: bool,
    /// How long the leader key outlives us.
    pub lease_ttl: Duration,
    /// At most so often the checkpoint is written.
    pub checkpoint_every: Duration,
    /// At least so often the source is asked for progress.
    pub progress_every: Duration,
    /// How often `--standby auto` looks.
    pub look_every: Duration,
    /// How long a drain may take.
    pub drain_within: Duration,
}

impl Options {
    /// The defaults.
    pub fn new(name: impl Into<String>, holder: Holder) -> Options {
        Options {
            name: name.into(),
            holder,
            kube_prefix: "/registry/".to_owned(),
            standby: Standby::Auto,
            widths: Widths::default(),
            once: false,
            lease_ttl: Duration::from_secs(10),
            checkpoint_every: Duration::from_millis(500),
            progress_every: Duration::from_secs(30),
            look_every: Duration::from_secs(5),
            drain_within: Duration::from_millis(3500),
        }
    }

    /// Where the checkpoint is at the destination.
    pub fn checkpoint_key(&self) -> String {
        format!("/carry/{}/checkpoint", self.name)
    }

    /// What it campaigns with.
    pub fn candidate(&self) -> Candidate {
        let (name, holder) = (self.name.clone(), self.holder.clone());
        Candidate {
            name,
            holder,
            ttl: self.lease_ttl,
        }
    }
}
