//! From the pieces that etcd sends to whole revisions.
//!
//! Promises that a revision is handed out once, whole and in order, and that
//! progress is never claimed beyond what has been handed out or proven.
//! Deliberately does no I/O.

use std::collections::VecDeque;

use etcd_client::proto::PbEvent;

use super::{Change, WatchEvent};
use crate::etcd::{EtcdError, SourceRevision};
use crate::rules::decide::KeyRange;

/// `mvccpb.Event.EventType.DELETE`.
const DELETE: i32 = 1;

pub(super) struct Assembler {
    /// What is wanted: sorted, disjoint.
    ranges: Vec<KeyRange>,
    /// The oldest revision not yet known whole.
    next: i64,
    /// Changes since then: of a revision that may have more pieces to come.
    pieces: Vec<Change>,
    /// The revision of the last piece, wanted or not.
    newest: i64,
    /// What can be handed out.
    ready: VecDeque<WatchEvent>,
}

impl Assembler {
    /// Everything before `from` is known.
    pub(super) fn new(ranges: &[KeyRange], from: SourceRevision) -> Assembler {
        Assembler {
            ranges: ranges.to_vec(),
            next: from.0,
            pieces: Vec::new(),
            newest: from.0 - 1,
            ready: VecDeque::new(),
        }
    }

    /// Where a watch that broke has to go on.
    pub(super) fn resume_at(&self) -> SourceRevision {
        SourceRevision(self.next)
    }

    /// The newest revision up to which everything is known.
    pub(super) fn proven(&self) -> SourceRevision {
        SourceRevision(self.next - 1)
    }

    /// Forgets the pieces of a revision that will be sent anew.
    pub(super) fn broken(&mut self) {
        self.pieces.clear();
        self.newest = self.next - 1;
    }

    /// Takes the events of one response; `more` if further pieces of it follow.
    pub(super) fn events(&mut self, events: Vec<PbEvent>, more: bool) -> Result<(), EtcdError> {
        for event in events {
            let change = change(event)?;
            self.newest = self.newest.max(change.revision.0);
            if change.revision.0 >= self.next && self.wants(&change.key) {
                self.pieces.push(change);
            }
        }
        let whole = if more { self.newest - 1 } else { self.newest };
        self.hand_out(whole, more);
        Ok(())
    }

    /// Everything up to `revision` has been sent.
    pub(super) fn progress(&mut self, revision: SourceRevision) {
        // Between the pieces of a revision nothing is proven.
        if self.newest < self.next && revision.0 >= self.next - 1 {
            self.next = revision.0 + 1;
            self.newest = revision.0;
            self.ready.push_back(WatchEvent::Progress(revision));
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

    fn hand_out(&mut self, whole: i64, more: bool) {
        if whole < self.next {
            return;
        }
        self.next = whole + 1;
        let rest = self
            .pieces
            .partition_point(|change| change.revision.0 <= whole);
        let incomplete = self.pieces.split_off(rest);
        let changes = std::mem::replace(&mut self.pieces, incomplete);
        let last = changes.last().map_or(0, |change| change.revision.0);
        if !changes.is_empty() {
            self.ready.push_back(WatchEvent::Changes(changes));
        }
        // What is not wanted proves progress too, since events come in order.
        if !more && last < whole {
            self.ready
                .push_back(WatchEvent::Progress(SourceRevision(whole)));
        }
    }
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
mod tests {
    use etcd_client::proto::PbKeyValue;

    use super::*;

    fn put(key: &str, revision: i64) -> PbEvent {
        let kv = PbKeyValue {
            key: key.into(),
            mod_revision: revision,
            ..Default::default()
        };
        PbEvent {
            r#type: 0,
            kv: Some(kv),
            prev_kv: None,
        }
    }

    fn assembler(from: i64) -> Assembler {
        let ranges = [KeyRange::prefix("/a/"), KeyRange::prefix("/c/")];
        Assembler::new(&ranges, SourceRevision(from))
    }

    fn drain(assembler: &mut Assembler) -> Vec<String> {
        std::iter::from_fn(|| assembler.pop())
            .map(|event| show(&event))
            .collect()
    }

    fn show(event: &WatchEvent) -> String {
        match event {
            WatchEvent::Progress(revision) => format!("progress {revision}"),
            WatchEvent::Changes(changes) => {
                let each =
                    |c: &Change| format!("{}@{}", String::from_utf8_lossy(&c.key), c.revision);
                changes.iter().map(each).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn a_revision_in_pieces_is_handed_out_whole() {
        let mut a = assembler(5);
        a.events(vec![put("/a/1", 5), put("/a/2", 6)], true)
            .unwrap();
        assert_eq!(drain(&mut a), ["/a/1@5"]);
        a.progress(SourceRevision(9));
        a.events(vec![put("/a/3", 6)], true).unwrap();
        assert_eq!(drain(&mut a), [""; 0]);
        a.events(vec![put("/c/4", 6)], false).unwrap();
        assert_eq!(drain(&mut a), ["/a/2@6 /a/3@6 /c/4@6"]);
        assert_eq!(a.resume_at(), SourceRevision(7));
    }

    #[test]
    fn a_break_between_pieces_begins_the_revision_anew() {
        let mut a = assembler(5);
        a.events(vec![put("/a/1", 6), put("/a/2", 6)], true)
            .unwrap();
        a.broken();
        assert_eq!(a.resume_at(), SourceRevision(6));
        a.events(vec![put("/a/1", 6), put("/a/2", 6)], false)
            .unwrap();
        assert_eq!(drain(&mut a), ["/a/1@6 /a/2@6"]);
    }

    #[test]
    fn what_is_not_wanted_is_dropped_but_proves_progress() {
        let mut a = assembler(5);
        a.events(vec![put("/b/1", 5), put("/a/1", 6), put("/d/1", 7)], false)
            .unwrap();
        assert_eq!(drain(&mut a), ["/a/1@6", "progress 7"]);
    }

    #[test]
    fn progress_never_goes_back() {
        let mut a = assembler(5);
        a.progress(SourceRevision(3));
        assert_eq!(drain(&mut a), [""; 0]);
        a.progress(SourceRevision(9));
        a.progress(SourceRevision(8));
        assert_eq!(drain(&mut a), ["progress 9"]);
        assert_eq!(a.proven(), SourceRevision(9));
    }
}
