//! How long things may take.
//!
//! Promises bounds that fit most mirrors. Deliberately says nothing of what
//! comes of passing them: the probes do.

use std::time::Duration;

/// How long things may take before a probe fails.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `--max-lag`: since the source last proved that nothing is missing and
    /// all of it was applied.
    pub max_lag: Duration,
    /// Since the mirror's loop was last heard of.
    pub alive_within: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_lag: Duration::from_secs(30),
            alive_within: Duration::from_secs(60),
        }
    }
}
