//! Whether anything moves: keys looked at, revisions seen and applied, writes.
//!
//! Promises that nothing stands still while there is nothing to do.
//! Deliberately knows no rates: one key is enough.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::status::{Status, StatusReport};

/// What was counted at the last look, and since when it is so.
#[derive(Default)]
pub(super) struct Moves {
    marks: Marks,
    since: Option<Instant>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    /// Who has just taken the lead begins anew.
    leader: bool,
    seen: i64,
    applied: i64,
    operations: u64,
    looked: u64,
}

impl Moves {
    /// How long nothing has moved although there is something to do.
    pub fn quiet_for(
        &mut self,
        report: &StatusReport,
        operations: u64,
        looked: u64,
        now: Instant,
    ) -> Duration {
        let marks = Marks {
            leader: report.leader,
            seen: report.source_revision,
            applied: report.applied_revision,
            operations,
            looked,
        };
        let idle = report.ready || report.led_by.is_some();
        if idle || marks != self.marks {
            self.since = None;
        }
        self.marks = marks;
        now.saturating_duration_since(*self.since.get_or_insert(now))
    }
}

impl Status {
    /// So many more keys were looked at, in a list.
    pub fn looked_at(&self, keys: u64) {
        self.looked.fetch_add(keys, Ordering::Relaxed);
    }

    pub(super) fn looked(&self) -> u64 {
        self.looked.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, Phase};

    #[test]
    fn whatever_moves_begins_the_time_anew() {
        let (status, begin) = (Status::new("test", Metrics::default()), Instant::now());
        let (mut moves, mut second) = (Moves::default(), 0);
        let mut after_100 = |operations| {
            second += 100;
            let now = begin + Duration::from_secs(second);
            moves
                .quiet_for(&status.report(), operations, status.looked(), now)
                .as_secs()
        };
        assert_eq!(after_100(0), 0);
        assert_eq!(after_100(0), 100);
        assert_eq!(after_100(0), 200);
        assert_eq!(after_100(1), 0);
        assert_eq!(after_100(1), 100);
        status.looked_at(1);
        assert_eq!(after_100(1), 0);
        assert_eq!(after_100(1), 100);
        status.saw_source(7);
        assert_eq!(after_100(1), 0);
        status.applied(6);
        assert_eq!(after_100(1), 0);
        assert_eq!(after_100(1), 100);
        status.metrics().leader(true);
        assert_eq!(after_100(1), 0);
        // Who follows or stands by has nothing to do.
        status.set_phase(Phase::Tail);
        status.set_ready();
        assert_eq!((after_100(1), after_100(1)), (0, 0));
        status.set_not_ready("the watch broke");
        assert_eq!(after_100(1), 100);
        status.standing_by("process 7 on there");
        assert_eq!((after_100(1), after_100(1)), (0, 0));
    }
}
