//! When the server is asked for progress, without anybody's having said so.
//!
//! Promises a request at once when a change begins to wait for proof, further
//! ones ahead of what may come next where answers take long, and none when
//! nothing comes. Deliberately sends nothing, and never has more under way than
//! about twenty.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Between two requests.
const EVERY: Duration = Duration::from_millis(5);

/// So long after the last change it is still asked ahead. Nothing is won by it
/// where answers come sooner than the next request may be sent.
const AHEAD: Duration = Duration::from_millis(50);

/// What was not answered by then will not be: a server that is not in sync
/// answers nothing.
const LOST_AFTER: Duration = Duration::from_secs(1);

/// Of the time that an answer takes, a request is sent at most this often.
const UNDER_WAY: u32 = 16;

#[derive(Default)]
pub(super) struct Pace {
    /// When each request was sent that is not answered yet.
    under_way: VecDeque<Instant>,
    last_asked: Option<Instant>,
    last_change: Option<Instant>,
    /// How long the last answer took.
    trip: Duration,
}

impl Pace {
    /// A change has come that waits for proof.
    pub(super) fn changed(&mut self, now: Instant) {
        self.last_change = Some(now);
    }

    /// A request was sent, for whatever reason.
    pub(super) fn asked(&mut self, now: Instant) {
        self.last_asked = Some(now);
        self.under_way.push_back(now);
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, now: Instant) {
        if let Some(sent) = self.under_way.pop_front() {
            self.trip = now.duration_since(sent);
        }
    }

    /// When the next request is to be sent, if any; `waiting` if changes wait
    /// for proof.
    pub(super) fn due(&mut self, waiting: bool, now: Instant) -> Option<Instant> {
        while let Some(sent) = self.under_way.front()
            && now.duration_since(*sent) >= LOST_AFTER
        {
            self.under_way.pop_front();
        }
        let change = self.last_change?;
        let Some(asked) = self.last_asked else {
            return Some(now);
        };
        let next = asked + self.gap(now);
        let ahead = self.trip > EVERY && next < change + AHEAD;
        (waiting || ahead).then_some(next)
    }

    /// The longer answers take, the fewer requests: what is under way is
    /// bounded so.
    fn gap(&self, now: Instant) -> Duration {
        let oldest = self.under_way.front();
        let age = oldest.map_or(Duration::ZERO, |sent| now.duration_since(*sent));
        EVERY.max(age / UNDER_WAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn nothing_is_asked_before_something_comes() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.due(false, now), None);
        pace.asked(now);
        assert_eq!(pace.due(false, now + ms(100)), None);
    }

    #[test]
    fn a_change_after_idleness_asks_at_once_and_then_ahead() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        pace.asked(begin);
        pace.answered(begin + ms(20));
        let change = begin + ms(60_000);
        pace.changed(change);
        assert!(pace.due(true, change).is_some_and(|due| due <= change));
        let (mut now, mut requests) = (change, 0);
        pace.asked(now);
        while let Some(due) = pace.due(false, now) {
            assert!(due >= now + EVERY);
            now = due;
            pace.asked(now);
            requests += 1;
        }
        assert_eq!(requests, 9, "until 50 ms after the change");
    }

    #[test]
    fn where_answers_come_at_once_nothing_is_asked_ahead() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        pace.changed(begin);
        pace.asked(begin);
        pace.answered(begin + ms(1));
        assert_eq!(pace.due(false, begin + ms(1)), None);
        assert_eq!(pace.due(true, begin + ms(1)), Some(begin + EVERY));
    }

    /// How many are under way at most when each answer takes `trip`, or none
    /// comes.
    fn most_under_way(trip: Option<Duration>) -> usize {
        let begin = Instant::now();
        let mut pace = Pace::default();
        pace.changed(begin);
        let (mut sent, mut most) = (VecDeque::from([begin]), 1);
        pace.asked(begin);
        for step in 1..20_000 {
            let now = begin + Duration::from_micros(step * 500);
            while let (Some(first), Some(trip)) = (sent.front(), trip)
                && *first + trip <= now
            {
                sent.pop_front();
                pace.answered(now);
            }
            if trip.is_none() {
                sent.retain(|at| now < *at + LOST_AFTER);
            }
            if pace.due(true, now).is_some_and(|due| due <= now) {
                pace.asked(now);
                sent.push_back(now);
                most = most.max(sent.len());
            }
        }
        most
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        assert_eq!(most_under_way(Some(ms(1))), 1);
        assert!((4..=6).contains(&most_under_way(Some(ms(20)))));
        for far in [100, 300, 900] {
            let most = most_under_way(Some(ms(far)));
            assert!((10..80).contains(&most), "{most} at {far} ms");
        }
        assert!(most_under_way(None) < 80);
    }

    #[test]
    fn requests_that_nobody_answered_do_not_slow_down_later_ones() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        for n in 0..30 {
            pace.asked(begin + ms(n));
        }
        let later = begin + ms(5_000);
        pace.changed(later);
        pace.asked(later);
        assert_eq!(pace.due(true, later), Some(later + EVERY));
    }
}
