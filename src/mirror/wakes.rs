//! Which keys of the destination have woken those that wait for them lately.
//!
//! Promises that a key that is written again and again wakes less and less
//! often, so that what goes on waiting for it costs little; the first few times
//! count at once. Deliberately knows nothing of who waits: those have a clock of
//! their own.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// So many times a key wakes others whenever it is written.
const AT_ONCE: u32 = 5;

/// The longest wait between two times.
const LONGEST: Duration = Duration::from_secs(60);

/// So many keys are remembered.
const MOST: usize = 100_000;

/// When keys have woken others.
#[derive(Default)]
pub struct Wakes(HashMap<Vec<u8>, (Instant, u32)>);

impl Wakes {
    /// Whether a key that was written may wake others now.
    pub fn may_wake(&mut self, key: &[u8], now: Instant, every: Duration) -> bool {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let (last, times) = self.0.entry(key.to_vec()).or_insert((now, 0));
        // It was quiet for long.
        if now.saturating_duration_since(*last) > 2 * LONGEST {
            *times = 0;
        }
        let doublings = times.saturating_sub(AT_ONCE).min(16);
        let wait = every.saturating_mul(1 << doublings).min(LONGEST);
        if *times >= AT_ONCE && now < *last + wait {
            return false;
        }
        *times += 1;
        *last = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_all_the_time_wakes_less_and_less_often() {
        let (mut wakes, every) = (Wakes::default(), Duration::from_secs(1));
        let begin = Instant::now();
        let mut times = Vec::new();
        for second in 0..300 {
            let now = begin + Duration::from_secs(second);
            if wakes.may_wake(b"a", now, every) {
                times.push(second);
            }
        }
        assert_eq!(times, [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 127, 187, 247]);
        assert!(wakes.may_wake(b"b", begin, every));
        let later = begin + Duration::from_secs(600);
        assert!((0..5).all(|_| wakes.may_wake(b"a", later, every)));
        assert!(!wakes.may_wake(b"a", later, every));
    }
}
