//! The fixed values that labels have.
//!
//! Promises that no label has a value that is not listed here, except a rule's
//! name and our version. Deliberately counts nothing.

/// What the mirror is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Connecting, reading rules and local state.
    #[default]
    Starting,
    /// The first full copy, or one again after lost history.
    Bootstrap,
    /// Following the source.
    Tail,
    /// Ending: what is under way is finished.
    Draining,
    /// Ended.
    Stopped,
}

impl Phase {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Bootstrap => "bootstrap",
            Phase::Tail => "tail",
            Phase::Draining => "draining",
            Phase::Stopped => "stopped",
        }
    }
}

impl Phase {
    pub(super) const ALL: [Phase; 5] = [
        Phase::Starting,
        Phase::Bootstrap,
        Phase::Tail,
        Phase::Draining,
        Phase::Stopped,
    ];
}

/// What was decided about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Written.
    Put,
    /// Removed.
    Delete,
    /// Left alone.
    Skip,
    /// It could not be judged.
    Hold,
}

impl EventKind {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            EventKind::Put => "put",
            EventKind::Delete => "delete",
            EventKind::Skip => "skip",
            EventKind::Hold => "hold",
        }
    }
}

/// How a transaction at the destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TxnOutcome {
    /// Applied.
    Applied,
    /// Refused since we no longer lead.
    Fenced,
    /// Refused for what it holds or how large it is.
    Refused,
    /// No answer: it may have been applied.
    Unknown,
    /// Not applied, and sent again.
    Retried,
}

impl TxnOutcome {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            TxnOutcome::Applied => "applied",
            TxnOutcome::Fenced => "fenced",
            TxnOutcome::Refused => "refused",
            TxnOutcome::Unknown => "unknown",
            TxnOutcome::Retried => "retried",
        }
    }
}

/// Which etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that is mirrored from.
    Source,
    /// The one that is mirrored into.
    Destination,
}

impl Side {
    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

/// Why everything is listed and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResyncKind {
    /// Nothing was mirrored before.
    FirstCopy,
    /// The first copy was not finished.
    Unfinished,
    /// The ledger is lost, or does not go with the destination.
    Ledger,
    /// The rules have changed.
    Rules,
    /// The destination's encryption configuration has changed.
    Encryption,
    /// `--resync`.
    Requested,
    /// The history to go on from is gone at the source.
    History,
}

impl ResyncKind {
    pub(super) const ALL: [ResyncKind; 7] = [
        ResyncKind::FirstCopy,
        ResyncKind::Unfinished,
        ResyncKind::Ledger,
        ResyncKind::Rules,
        ResyncKind::Encryption,
        ResyncKind::Requested,
        ResyncKind::History,
    ];

    /// As labels and JSON spell it.
    pub fn label(self) -> &'static str {
        match self {
            ResyncKind::FirstCopy => "first_copy",
            ResyncKind::Unfinished => "unfinished",
            ResyncKind::Ledger => "ledger",
            ResyncKind::Rules => "rules",
            ResyncKind::Encryption => "encryption",
            ResyncKind::Requested => "requested",
            ResyncKind::History => "history",
        }
    }
}
