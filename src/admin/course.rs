//! How it went: samples of the last hour, and since when things are as they
//! are.
//!
//! Promises bounded memory, and that a peak between two samples is in the
//! later one. Deliberately knows nothing of the time before this process.

use std::collections::VecDeque;
use std::time::Instant;

use serde::Serialize;

use super::moves::Moves;
use super::status::StatusReport;
use super::verdict::{Level, Since};
use crate::metrics::Totals;

/// Seconds between two samples.
pub(super) const EVERY: u64 = 5;

/// An hour.
const KEPT: usize = 720;

/// Rates are over so many seconds.
const OVER: f64 = 5.0;

/// So it was at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// In seconds since 1970.
    pub at: u64,
    /// The longest time since everything was known to be applied, in seconds.
    pub age: Option<f64>,
    /// The most revisions that were seen and not applied.
    pub lag: i64,
    /// Puts and deletes applied, each second.
    pub operations: f64,
    /// Bytes applied, each second.
    pub bytes: f64,
}

/// Applied each second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Puts and deletes.
    pub operations: f64,
    /// Bytes of keys and values.
    pub bytes: f64,
}

/// What is looked at once a second.
pub(super) struct Look<'a> {
    pub now: u64,
    pub at: Instant,
    pub report: &'a StatusReport,
    pub age: Option<f64>,
    pub totals: Totals,
}

/// How it went so far.
#[derive(Default)]
pub(super) struct Course {
    since: Since,
    phase: &'static str,
    ready: bool,
    level: Option<Level>,
    leader: Option<String>,
    samples: VecDeque<Sample>,
    peak: Sample,
    /// The last looks: when, and what was counted.
    counted: VecDeque<(Instant, Totals)>,
    rates: Rates,
    pub moves: Moves,
}

impl Course {
    pub fn starting(now: u64) -> Course {
        Course {
            since: Since {
                started: now,
                phase: now,
                ready: now,
                verdict: now,
                leader: None,
            },
            ..Course::default()
        }
    }

    /// Takes in a look.
    pub fn look(&mut self, look: &Look<'_>) {
        self.count(look.at, look.totals);
        self.sample(look);
    }

    /// Notes since when it is as it is.
    pub fn note(&mut self, report: &StatusReport, now: u64) {
        if self.phase != report.phase {
            self.phase = report.phase;
            self.since.phase = now;
        }
        if self.ready != report.ready {
            self.ready = report.ready;
            self.since.ready = now;
        }
        let leader = match report.leader {
            true => Some(String::new()),
            false => report.led_by.clone(),
        };
        if self.leader != leader {
            self.since.leader = leader.is_some().then_some(now);
            self.leader = leader;
        }
    }

    /// How well it is now; says since when it is so.
    pub fn judged(&mut self, level: Level, now: u64) -> Since {
        if self.level != Some(level) {
            self.level = Some(level);
            self.since.verdict = now;
        }
        self.since
    }

    /// Applied each second lately.
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Since when it is as it is.
    pub fn since(&self) -> Since {
        self.since
    }

    /// The newest sample.
    pub fn newest(&self) -> Option<Sample> {
        self.samples.back().copied()
    }

    /// All samples, each column by itself.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns {
            every: EVERY,
            ..Columns::default()
        };
        for sample in &self.samples {
            columns.at.push(sample.at);
            columns.age.push(sample.age);
            columns.lag.push(sample.lag);
            columns.operations.push(sample.operations);
            columns.bytes.push(sample.bytes);
        }
        columns
    }

    fn count(&mut self, at: Instant, totals: Totals) {
        let old = |(then, _): &(Instant, Totals)| at.duration_since(*then).as_secs_f64() > OVER;
        // One older than that is kept, to count from.
        while self.counted.len() > 1 && self.counted.get(1).is_some_and(old) {
            self.counted.pop_front();
        }
        self.counted.push_back((at, totals));
        if let Some((then, before)) = self.counted.front() {
            let over = at.duration_since(*then).as_secs_f64().max(0.5);
            let rate = |now: u64, then: u64| round(now.saturating_sub(then) as f64 / over);
            self.rates = Rates {
                operations: rate(totals.operations, before.operations),
                bytes: rate(totals.bytes, before.bytes),
            };
        }
    }

    fn sample(&mut self, look: &Look<'_>) {
        let due = self
            .newest()
            .is_none_or(|last| look.now >= last.at + EVERY || look.now < last.at);
        self.peak.lag = self.peak.lag.max(look.report.lag_revisions);
        let age = look.age.map(round);
        self.peak.age = match (self.peak.age, age) {
            (Some(before), Some(now)) => Some(before.max(now)),
            (before, now) => now.or(before),
        };
        if !due {
            return;
        }
        let sample = Sample {
            at: look.now,
            operations: self.rates.operations,
            bytes: self.rates.bytes,
            ..std::mem::take(&mut self.peak)
        };
        if self.samples.len() >= KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

/// Samples as columns: smaller than as rows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Columns {
    every: u64,
    at: Vec<u64>,
    age: Vec<Option<f64>>,
    lag: Vec<i64>,
    operations: Vec<f64>,
    bytes: Vec<f64>,
}

/// Two digits after the point are enough for eyes.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admin::Status;
    use crate::metrics::Metrics;

    fn look(course: &mut Course, begin: Instant, second: u64, lag: i64, operations: u64) {
        let mut report = Status::new("test", Metrics::default()).report();
        report.lag_revisions = lag;
        let totals = Totals {
            operations,
            ..Totals::default()
        };
        course.look(&Look {
            now: 1000 + second,
            at: begin + Duration::from_secs(second),
            report: &report,
            age: Some(lag as f64),
            totals,
        });
    }

    #[test]
    fn samples_hold_peaks_and_are_bounded() {
        let (mut course, begin) = (Course::starting(1000), Instant::now());
        let seconds = (KEPT as u64 + 10) * EVERY;
        for second in 0..=seconds {
            let lag = if second == seconds - 2 { 70 } else { 1 };
            look(&mut course, begin, second, lag, second * 10);
        }
        assert_eq!(course.samples.len(), KEPT);
        let newest = course.newest().expect("a sample");
        assert_eq!((newest.at, newest.lag), (1000 + seconds, 70));
        assert_eq!(newest.age, Some(70.0));
        assert_eq!(newest.operations, 10.0);
        assert_eq!(course.samples[KEPT - 2].lag, 1);
        assert_eq!(course.columns().at.len(), KEPT);
    }

    #[test]
    fn it_is_known_since_when_things_are_so() {
        let mut course = Course::starting(1000);
        assert_eq!(course.judged(Level::Busy, 1001).verdict, 1001);
        assert_eq!(course.judged(Level::Busy, 1005).verdict, 1001);
        assert_eq!(course.judged(Level::Bad, 1007).verdict, 1007);
        let metrics = Metrics::default();
        let status = Status::new("test", metrics.clone());
        course.note(&status.report(), 1008);
        let since = course.since();
        assert_eq!((since.phase, since.ready, since.leader), (1008, 1000, None));
        status.set_phase(crate::metrics::Phase::Tail);
        status.set_ready();
        metrics.leader(true);
        course.note(&status.report(), 1009);
        course.note(&status.report(), 1010);
        let since = course.since();
        assert_eq!(
            (since.phase, since.ready, since.leader),
            (1009, 1009, Some(1009))
        );
    }
}
