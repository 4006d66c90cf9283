//! From the pieces that etcd sends, through one watch or several, to whole
//! revisions.
//!
//! Promises that a revision is handed out once, whole and in order over all
//! watches, and that progress is never claimed beyond what has been handed out
//! or proven. Deliberately does no I/O.
//!
//! Each watch proves for itself: its events come in order, so what is newer
//! proves that everything older has been sent. What all of them have proven can
//! be handed out. A watch in which nothing happens says nothing; it takes an
//! answer that speaks for all to get on.

use std::collections::VecDeque;

use etcd_client::proto::PbEvent;

use super::{Change, WatchEvent};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// `mvccpb.Event.EventType.DELETE`.
const DELETE: i32 = 1;

/// How many bytes may wait for proof. More come only while the server is not in
/// sync, and then nothing bounds them.
const MAX_WAITING: usize = 32 << 20;

pub(super) struct Assembler {
    /// What is wanted: sorted, disjoint.
    ranges: Vec<KeyRange>,
    /// The oldest revision not yet handed out.
    next: i64,
    watches: Vec<Pieces>,
    /// Keys and values in all pieces.
    waiting: usize,
    /// What can be handed out.
    ready: VecDeque<WatchEvent>,
}

/// What one watch has sent and nobody has got yet.
struct Pieces {
    /// In order of revision; the last may have more pieces to come.
    changes: Vec<Change>,
    /// The revision of the last piece, wanted or not.
    newest: i64,
    /// Everything up to here has been sent.
    whole: i64,
}

impl Assembler {
    /// Everything before `from` is known; there is one watch.
    pub(super) fn new(ranges: &[KeyRange], from: SourceRevision) -> Assembler {
        let mut assembler = Assembler {
            ranges: ranges.to_vec(),
            next: from.0,
            watches: Vec::new(),
            waiting: 0,
            ready: VecDeque::new(),
        };
        assembler.begin(1);
        assembler
    }

    /// Forgets what has not been handed out: it will be sent anew, through so
    /// many watches.
    pub(super) fn begin(&mut self, watches: usize) {
        let known = self.next - 1;
        let pieces = || Pieces {
            changes: Vec::new(),
            newest: known,
            whole: known,
        };
        self.watches = std::iter::repeat_with(pieces).take(watches).collect();
        self.waiting = 0;
    }

    /// Where a watch that broke has to go on.
    pub(super) fn resume_at(&self) -> SourceRevision {
        SourceRevision(self.next)
    }

    /// The newest revision up to which everything is handed out.
    pub(super) fn proven(&self) -> SourceRevision {
        SourceRevision(self.next - 1)
    }

    /// Whether changes wait for proof.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Whether more waits for proof than may.
    pub(super) fn overflows(&self) -> bool {
        self.watches.len() > 1 && self.waiting > MAX_WAITING
    }

    /// Takes the events of one response of a watch; `more` if further pieces of
    /// it follow.
    pub(super) fn events(
        &mut self,
        watch: usize,
        events: Vec<PbEvent>,
        more: bool,
    ) -> Result<(), EtcdError> {
        let unknown = || EtcdError::Other(format!("events of a watch {watch} never made"));
        let mut newest = self.watches.get(watch).ok_or_else(unknown)?.newest;
        for event in events {
            let change = change(event)?;
            newest = newest.max(change.revision.0);
            if change.revision.0 >= self.next && self.wants(&change.key) {
                self.waiting += size(&change);
                self.watches[watch].changes.push(change);
            }
        }
        let pieces = &mut self.watches[watch];
        pieces.newest = newest;
        pieces.whole = pieces.whole.max(if more { newest - 1 } else { newest });
        let whole = self.whole();
        if let Some(last) = self.hand_out(whole)
            // What is not wanted proves progress too, since events come in order.
            && !more
            && last < whole
        {
            self.ready
                .push_back(WatchEvent::Progress(SourceRevision(whole)));
        }
        Ok(())
    }

    /// One watch, or (`None`) all of them have sent everything up to
    /// `revision`.
    pub(super) fn progress(&mut self, watch: Option<usize>, revision: SourceRevision) {
        let told = |index: usize| watch.is_none_or(|watch| watch == index);
        for (index, pieces) in self.watches.iter_mut().enumerate() {
            // Between the pieces of a revision nothing is proven.
            if told(index) && pieces.is_whole() && revision.0 > pieces.whole {
                pieces.whole = revision.0;
                pieces.newest = revision.0;
            }
        }
        let gone_on = self.hand_out(self.whole()).is_some();
        let all_whole = self.watches.iter().all(Pieces::is_whole);
        if gone_on || all_whole && revision >= self.proven() {
            self.ready.push_back(WatchEvent::Progress(self.proven()));
        }
    }

    pub(super) fn pop(&mut self) -> Option<WatchEvent> {
        self.ready.pop_front()
    }

    fn wants(&self, key: &[u8]) -> bool {
        let after = self
            .ranges
            .partition_point(|range| range.start.as_slice() <= key);
        after > 0 && self.ranges[after - 1].contains(key)
    }

    /// Everything up to here has been sent by all watches.
    fn whole(&self) -> i64 {
        let each = self.watches.iter().map(|pieces| pieces.whole);
        each.min().unwrap_or(self.next - 1)
    }

    /// Hands out everything up to `whole`, if that is anything new; returns the
    /// revision of the last change, or 0 where there is none.
    fn hand_out(&mut self, whole: i64) -> Option<i64> {
        if whole < self.next {
            return None;
        }
        self.next = whole + 1;
        let mut changes = Vec::new();
        let mut senders = 0;
        for pieces in &mut self.watches {
            let mut sent = pieces.take(whole);
            match (sent.is_empty(), senders) {
                (true, _) => continue,
                (false, 0) => changes = sent,
                (false, _) => changes.append(&mut sent),
            }
            senders += 1;
        }
        if senders > 1 {
            changes.sort_by_key(|change| change.revision);
        }
        let last = changes.last().map_or(0, |change| change.revision.0);
        if !changes.is_empty() {
            self.waiting -= changes.iter().map(size).sum::<usize>();
            self.ready.push_back(WatchEvent::Changes(changes));
        }
        Some(last)
    }
}

impl Pieces {
    /// Whether the last revision is whole.
    fn is_whole(&self) -> bool {
        self.newest <= self.whole
    }

    fn take(&mut self, whole: i64) -> Vec<Change> {
        let rest = self
            .changes
            .partition_point(|change| change.revision.0 <= whole);
        let incomplete = self.changes.split_off(rest);
        std::mem::replace(&mut self.changes, incomplete)
    }
}

fn size(change: &Change) -> usize {
    size_of::<Change>() + change.key.len() + change.value.as_ref().map_or(0, Vec::len)
}

fn change(event: PbEvent) -> Result<Change, EtcdError> {
    let kv = event
        .kv
        .ok_or_else(|| EtcdError::Other("an event without a key".to_owned()))?;
    Ok(Change {
        key: kv.key,
        value: (event.r#type != DELETE).then_some(kv.value),
        revision: SourceRevision(kv.mod_revision),
        lease: kv.lease,
    })
}

#[cfg(test)]
mod tests;
