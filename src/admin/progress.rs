//! How long ago the destination was known to have everything.
//!
//! Promises that a proof of the source counts only once all that it speaks of is
//! applied, and from when it was given. Deliberately remembers two proofs at
//! most: the one that is waited for, and the newest.

use std::time::{Duration, Instant};

/// Proofs that nothing is missing up to a revision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// When the newest proof was given of which all is applied.
    settled: Option<Instant>,
    waiting: Option<(i64, Instant)>,
    newest: Option<(i64, Instant)>,
}

impl Progress {
    /// The source has proved at `now` that nothing up to `revision` is missing.
    pub fn proven(&mut self, revision: i64, now: Instant) {
        match self.waiting {
            None => self.waiting = Some((revision, now)),
            Some(_) => self.newest = Some((revision, now)),
        }
    }

    /// Everything up to `revision` is applied.
    pub fn applied(&mut self, revision: i64) {
        while let Some((_, at)) = self.waiting.filter(|(proven, _)| *proven <= revision) {
            self.settled = Some(at);
            self.waiting = self.newest.take();
        }
    }

    /// How long ago that was; `None` before the first time.
    pub fn age(&self) -> Option<Duration> {
        self.settled.map(|at| at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_counts_once_it_is_applied() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut progress = Progress::default();
        assert_eq!(progress.age(), None);
        progress.proven(10, at(0));
        progress.applied(9);
        assert_eq!(progress.settled, None);
        progress.proven(20, at(1));
        progress.proven(30, at(2));
        progress.applied(10);
        assert_eq!(progress.settled, Some(at(0)));
        progress.applied(29);
        assert_eq!(progress.settled, Some(at(0)));
        progress.applied(30);
        assert_eq!(progress.settled, Some(at(2)));
        progress.proven(30, at(3));
        progress.applied(30);
        assert_eq!(progress.settled, Some(at(3)));
    }
}
