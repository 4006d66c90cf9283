//! Lines of the log of which there may be one for each key.
//!
//! Promises that a few are there, and that it is known how many were left out.
//! Deliberately keeps nothing of what they say.

use std::time::Duration;

use tokio::time::Instant;

/// So many lines are logged in such a time.
const MOST: u32 = 20;
const WITHIN: Duration = Duration::from_secs(60);

/// Lines that were logged lately.
#[derive(Default)]
pub struct Talk {
    since: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Talk {
    /// Whether one more may be logged, and how many were not since the last.
    pub fn may_say(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now >= since + WITHIN) {
            (self.since, self.said) = (Some(now), 0);
        }
        if self.said >= MOST {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_said_and_the_rest_is_counted() {
        let (mut talk, begin) = (Talk::default(), Instant::now());
        let said = (0..50).filter(|_| talk.may_say(begin).is_some()).count();
        assert_eq!(said, 20);
        assert_eq!(talk.may_say(begin + WITHIN), Some(30));
        assert_eq!(talk.may_say(begin + WITHIN), Some(0));
    }
}
