//! Why a Service cannot be written to a cluster. It is held then.
//! Deliberately holds nothing of the Service but names.

use super::super::rewrite::RewriteError;
use super::cidr::Family;
use super::reading::Unreadable;

/// Why there is no plan for a Service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplanned {
    /// The source's Service.
    #[error("the source's Service cannot be read: {0}")]
    Source(Unreadable),
    /// The destination's Service.
    #[error("the destination's Service cannot be read: {0}")]
    Destination(Unreadable),
    /// A bitmap of the destination.
    #[error("the destination's `{key}` cannot be read: {why}")]
    Range {
        /// Its key.
        key: String,
        /// Why.
        why: Unreadable,
    },
    /// The destination has stored no range.
    #[error("the destination has stored no range of addresses for Services yet")]
    NoRange,
    /// The destination has no range of a family that the Service needs.
    #[error("the Service needs an {0} address, and the destination has no range of them")]
    NoFamily(Family),
    /// No address is left.
    #[error("the destination has no free {0} address left in a range that gives any")]
    NoAddress(Family),
    /// The destination has stored no range of node ports.
    #[error("the destination has stored no range of node ports yet")]
    NoPortRange,
    /// No node port is left.
    #[error("the destination has no free node port left")]
    NoPort,
    /// A value cannot be spliced.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}
