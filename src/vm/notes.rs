//! Which lists have met a fault: one bit a level.

use crate::lang::{Fault, FaultKind};

/// Faults noted during one run.
#[derive(Default)]
pub(super) struct Notes {
    levels: u64,
    first: Option<Fault>,
}

impl Notes {
    /// Out of the way of the tests that do not fault.
    #[cold]
    pub(super) fn note(&mut self, level: u8, kind: FaultKind, at: usize) {
        self.levels |= bit(level);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.first.get_or_insert(Fault { kind, at });
    }

    pub(super) fn clear(&mut self, level: u8) {
        self.levels &= !bit(level);
    }

    /// Hands a note of `level` on to `outer`; whether there was one.
    pub(super) fn hand_on(&mut self, level: u8, outer: u8) -> bool {
        let noted = self.levels & bit(level) != 0;
        if noted {
            self.levels |= bit(outer);
        }
        noted
    }

    /// The fault, where one has reached the outermost level.
    pub(super) fn outermost(&self) -> Option<Fault> {
        if self.levels & 1 == 0 {
            None
        } else {
            self.first
        }
    }
}

/// Levels are below 64 in a verified program.
fn bit(level: u8) -> u64 {
    1 << (level & 63)
}
