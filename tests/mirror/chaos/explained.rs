//! Which alerts the faults of each scenario explain.
//!
//! `may` is what can come of the faults, `must` what has to, where they last for
//! so many seconds without a break. Deliberately by hand: what carry does is
//! what is looked at.

use std::time::Duration;

/// The quota of the destination of `space`, which the alerts take for every one.
pub const QUOTA: &str = "16777216";

/// What the alerts know of it.
pub const NEAR_QUOTA: &str = "CarryDestinationNearQuota";
const FILLS_UP: &str = "CarryDestinationFillsUp";

/// One scenario.
pub struct Explained {
    scenario: &'static str,
    may: &'static [&'static str],
    /// Each with how many seconds a round of faults has to last.
    must: &'static [(&'static str, u64)],
}

/// A leader that dies is followed by nobody until its lease of ten seconds has
/// ended, which are minutes here. Where the source is compacted while carry is away, all
/// is compared. What a full or an unreachable destination does not take lags,
/// and is tried again and again.
pub const SCENARIOS: &[Explained] = &[
    Explained {
        scenario: "kills",
        may: &[
            "CarryLeadershipFlaps",
            "CarryNobodyLeads",
            "CarryReconnects",
            "CarryResyncStorm",
        ],
        must: &[("CarryRestarts", 30)],
    },
    Explained {
        scenario: "leaders",
        may: &[
            "CarryLags",
            "CarryLeaderNotReady",
            "CarryNobodyLeads",
            "CarryReconnects",
            "CarryResyncStorm",
            "CarryTransactionsFail",
            "CarryTransactionsSlow",
        ],
        must: &[],
    },
    Explained {
        scenario: "ledger",
        may: &[
            "CarryLeadershipFlaps",
            "CarryNobodyLeads",
            "CarryResyncStorm",
        ],
        must: &[("CarryRestarts", 30)],
    },
    Explained {
        scenario: "network",
        may: &[
            "CarryDestinationGone",
            "CarryLags",
            "CarryLeaderNotReady",
            "CarryNobodyLeads",
            "CarryNotReady",
            "CarryReconnects",
            "CarryResyncStorm",
            "CarryTransactionsFail",
            "CarryTransactionsSlow",
        ],
        must: &[],
    },
    Explained {
        scenario: "restored",
        // It ends where the source was restored, until somebody says that it is meant.
        may: &[
            "CarryDown",
            "CarryLeadershipFlaps",
            "CarryReplicaDown",
            "CarryRestarts",
        ],
        must: &[],
    },
    Explained {
        scenario: "space",
        may: &[
            "CarryLags",
            "CarryLeaderNotReady",
            "CarryNobodyLeads",
            "CarryTransactionsFail",
            FILLS_UP,
        ],
        // carry asks for the size once in half a minute.
        must: &[
            ("CarryDestinationFull", 40),
            ("CarryNotReady", 70),
            (NEAR_QUOTA, 90),
        ],
    },
    Explained {
        scenario: "standby",
        // Whoever takes over has not written what is there, and compares all of it.
        may: &["CarryLeadershipFlaps", "CarryResyncStorm"],
        must: &[("CarryNobodyLeads", 30)],
    },
    Explained {
        scenario: "tokens",
        may: &["CarryReconnects", "CarryTransactionsFail"],
        must: &[],
    },
];

impl Explained {
    /// Of this scenario, which is in the table.
    pub fn of(scenario: &str) -> &'static Explained {
        let found = SCENARIOS.iter().find(|own| own.scenario == scenario);
        found.unwrap_or_else(|| panic!("no alert is explained for `{scenario}`"))
    }

    /// Whether its faults explain that this one fires.
    pub fn may(&self, alert: &str) -> bool {
        self.stays(alert) || self.names().any(|own| own == alert)
    }

    /// Whether it may go on when all is quiet: elsewhere than in `space` the
    /// quota is etcd's own, and a database may well be larger than that one.
    pub fn stays(&self, alert: &str) -> bool {
        [NEAR_QUOTA, FILLS_UP].contains(&alert) && self.scenario != "space"
    }

    /// What has to fire after faults that lasted so long.
    pub fn musts(&self, round: Duration) -> impl Iterator<Item = &'static str> {
        let long = move |(_, seconds): &&(&str, u64)| Duration::from_secs(*seconds) <= round;
        self.must.iter().filter(long).map(|(alert, _)| *alert)
    }

    /// Every alert that it names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let must = self.must.iter().map(|(alert, _)| *alert);
        self.may.iter().copied().chain(must)
    }
}
