//! Ranges that were listed at a newer revision than the watch has reached.
//!
//! Promises that no key of such a range goes back to what it was before.
//! Deliberately forgets a range as soon as the watch has reached it: then the
//! watch alone says what is new.

use super::session::Session;
use super::world::World;
use crate::etcd::SourceRevision;
use crate::rules::decide::KeyRange;

impl<W: World> Session<W> {
    /// At which revision `ranges` are listed that are asked for as of `asked`:
    /// not as they were before the newest that was listed of them already, since
    /// what the watch has up to there is passed over.
    pub fn listed_at(&mut self, ranges: &[KeyRange], asked: SourceRevision) -> SourceRevision {
        let touches = |one: &KeyRange| {
            let mut ranges = ranges.iter();
            ranges.any(|range| range.start < one.end && one.start < range.end)
        };
        let listed = self.horizons.iter().filter(|(range, _)| touches(range));
        let newest = listed.map(|(_, at)| *at).max();
        let at = newest.map_or(asked, |newest| newest.max(asked));
        self.note_listed(ranges, asked, at);
        at
    }

    /// `ranges` are listed at a revision that the watch reaches only later.
    pub fn note_listed(
        &mut self,
        ranges: &[KeyRange],
        watched: SourceRevision,
        at: SourceRevision,
    ) {
        if at > watched {
            ranges.iter().for_each(|range| self.look_ahead(range, at));
        }
    }

    /// A range is listed at a revision that the watch reaches only later. What
    /// of it was held as of an earlier one is judged anew: the watch will not
    /// do that.
    pub fn look_ahead(&mut self, range: &KeyRange, at: SourceRevision) {
        let held = self.held.take_range(range);
        self.again.extend(held);
        self.horizons.push((range.clone(), at));
    }
}
