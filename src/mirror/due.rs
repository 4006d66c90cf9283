//! When held keys are to be judged again.
//!
//! Promises that what may pass by itself is looked at again and again, less and
//! less often, and that a changed configuration asks for all at once.
//! Deliberately holds no keys.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait between two looks at keys that are held since a KMS plugin
/// did not answer.
const LONGEST: Duration = Duration::from_secs(60);

/// Which held keys are to be judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Those that waited for something which has arrived.
    Woken,
    /// Those that are held since a KMS plugin did not answer.
    Transient,
    /// All.
    All,
}

/// Which held keys are due, and when.
#[derive(Debug)]
pub struct Due {
    now: Option<Which>,
    first_wait: Duration,
    wait: Duration,
    retry_at: Option<Instant>,
    /// The last key that was judged again of those that may pass.
    reached: Vec<u8>,
}

impl Due {
    /// Nothing yet; the first look at what may pass by itself comes after
    /// `first_wait`.
    pub fn new(first_wait: Duration) -> Due {
        Due {
            now: None,
            first_wait,
            wait: first_wait,
            retry_at: None,
            reached: Vec::new(),
        }
    }

    /// All held keys are to be judged again.
    pub fn all(&mut self) {
        self.now = Some(Which::All);
    }

    /// The plugin answers again: what waits for it (`transient` keys) does not
    /// wait any longer than it has to.
    pub fn again(&mut self, which: Which, transient: usize) {
        self.wait = self.first_wait;
        // Others are not to wait longer for that.
        if which != Which::Woken {
            self.retry_at = None;
        }
        if which == Which::Transient && transient > 0 {
            self.now = self.now.max(Some(Which::Transient));
        }
    }

    /// What some waited for has arrived.
    pub fn woken(&mut self) {
        self.now = self.now.max(Some(Which::Woken));
    }

    /// Of those that may pass by themselves, the ones up to here had their
    /// turn.
    pub fn reach(&mut self, key: Vec<u8>) {
        self.reached = key;
    }

    /// The last key that had its turn.
    pub fn reached(&self) -> &[u8] {
        &self.reached
    }

    /// Looks at the clock, given how many are held that may pass by themselves.
    pub fn look(&mut self, now: Instant, transient: usize) {
        match (transient, self.retry_at) {
            (0, _) => {
                self.retry_at = None;
                self.wait = self.first_wait;
            }
            (_, None) => self.retry_at = Some(now + self.wait),
            (_, Some(at)) if now >= at => {
                self.now = self.now.max(Some(Which::Transient));
                self.wait = (self.wait * 2).min(LONGEST.max(self.first_wait));
                self.retry_at = None;
            }
            _ => {}
        }
    }

    /// Which are due, once.
    pub fn take(&mut self) -> Option<Which> {
        self.now.take()
    }
}
