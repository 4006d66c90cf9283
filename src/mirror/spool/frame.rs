//! Events as bytes, for the disk.
//!
//! Promises that what is read is what was written, or nothing. Deliberately
//! has no version: nothing of it outlives the process.

use crate::etcd::SourceRevision;
use crate::source::{Change, WatchEvent};

const PROGRESS: u8 = 0;
const CHANGES: u8 = 1;

/// Appends `event` to `to`.
pub(super) fn write(event: &WatchEvent, to: &mut Vec<u8>) {
    match event {
        WatchEvent::Progress(revision) => {
            to.push(PROGRESS);
            number(revision.0, to);
        }
        WatchEvent::Changes(changes) => {
            to.push(CHANGES);
            length(changes.len(), to);
            for change in changes {
                number(change.revision.0, to);
                number(change.lease, to);
                bytes(&change.key, to);
                to.push(u8::from(change.value.is_some()));
                bytes(change.value.as_deref().unwrap_or_default(), to);
            }
        }
    }
}

fn number(number: i64, to: &mut Vec<u8>) {
    to.extend_from_slice(&number.to_le_bytes());
}

fn length(length: usize, to: &mut Vec<u8>) {
    to.extend_from_slice(&(length as u64).to_le_bytes());
}

fn bytes(bytes: &[u8], to: &mut Vec<u8>) {
    length(bytes.len(), to);
    to.extend_from_slice(bytes);
}

/// All events in `from`; `None` where these are not whole events.
pub(super) fn read_all(mut from: &[u8]) -> Option<Vec<WatchEvent>> {
    let mut events = Vec::new();
    while !from.is_empty() {
        events.push(read(&mut from)?);
    }
    Some(events)
}

fn read(from: &mut &[u8]) -> Option<WatchEvent> {
    match take::<1>(from)? {
        [PROGRESS] => Some(WatchEvent::Progress(SourceRevision(take_number(from)?))),
        [CHANGES] => {
            let count = take_length(from)?;
            let changes: Option<Vec<Change>> = (0..count).map(|_| take_change(from)).collect();
            Some(WatchEvent::Changes(changes?))
        }
        _ => None,
    }
}

fn take_change(from: &mut &[u8]) -> Option<Change> {
    let revision = SourceRevision(take_number(from)?);
    let lease = take_number(from)?;
    let key = take_bytes(from)?;
    let there = take::<1>(from)? == [1];
    let value = take_bytes(from)?;
    Some(Change {
        key,
        value: there.then_some(value),
        revision,
        lease,
    })
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*first)
}

fn take_number(from: &mut &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(take(from)?))
}

fn take_length(from: &mut &[u8]) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(take(from)?)).ok()
}

fn take_bytes(from: &mut &[u8]) -> Option<Vec<u8>> {
    let length = take_length(from)?;
    let (first, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(first.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let change = |key: &[u8], value: Option<&[u8]>| Change {
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
            revision: SourceRevision(i64::MAX),
            lease: -1,
        };
        let events = [
            WatchEvent::Progress(SourceRevision(7)),
            WatchEvent::Changes(vec![
                change(b"/a", Some(b"\0x")),
                change(b"", Some(b"")),
                change(b"/b", None),
            ]),
            WatchEvent::Changes(Vec::new()),
        ];
        let mut written = Vec::new();
        for event in &events {
            write(event, &mut written);
        }
        assert_eq!(read_all(&written).as_deref(), Some(&events[..]));
        let parts = (0..written.len()).filter(|end| read_all(&written[..*end]).is_some());
        assert_eq!(parts.count(), 3, "only where an event ends");
        assert_eq!(read_all(&[9]), None);
    }
}
