//! Which lists have met a fault, and the first that each met.
//!
//! Promises to cost nothing until the first fault.

use crate::lang::Fault;

/// Faults noted during one run.
#[derive(Default)]
pub(super) struct Notes {
    faults: Vec<(u8, Fault)>,
}

impl Notes {
    /// Out of the way of the tests that do not fault.
    #[cold]
    pub(super) fn note(&mut self, note: u8, fault: Fault) {
        if self.noted(note).is_none() {
            self.faults.push((note, fault));
        }
    }

    #[inline]
    pub(super) fn clear(&mut self, note: u8) {
        if !self.faults.is_empty() {
            self.faults.retain(|(own, _)| *own != note);
        }
    }

    /// The first fault noted at a number.
    #[inline]
    pub(super) fn noted(&self, note: u8) -> Option<Fault> {
        let found = self.faults.iter().find(|(own, _)| *own == note);
        found.map(|(_, fault)| *fault)
    }
}
