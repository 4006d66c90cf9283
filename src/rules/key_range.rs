//! Ranges of etcd keys, and sets of them.

/// A half-open range of etcd keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRange {
    /// First key.
    pub start: Vec<u8>,
    /// One past the last key; never empty.
    pub end: Vec<u8>,
}

impl KeyRange {
    /// All keys that begin with `prefix`, which holds at least one byte below
    /// 0xff.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> KeyRange {
        let start = prefix.into();
        let mut end = start.clone();
        while let Some(last) = end.pop() {
            if last < 0xff {
                end.push(last + 1);
                break;
            }
        }
        KeyRange { start, end }
    }

    /// One key alone.
    pub fn only(key: impl Into<Vec<u8>>) -> KeyRange {
        let start = key.into();
        let end = [start.as_slice(), &[0]].concat();
        KeyRange { start, end }
    }

    /// Whether `key` lies in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && key < self.end.as_slice()
    }
}

/// The same keys as sorted ranges that neither overlap nor touch.
pub fn normalize(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.sort_unstable();
    let mut out: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.clone().max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What of `whole` is left without `holes`, which are normalized.
pub fn without(whole: &KeyRange, holes: &[KeyRange]) -> Vec<KeyRange> {
    let mut out = Vec::new();
    let mut start = whole.start.clone();
    for hole in holes
        .iter()
        .filter(|hole| hole.end > whole.start && hole.start < whole.end)
    {
        if start < hole.start {
            out.push(KeyRange {
                start,
                end: hole.start.clone(),
            });
        }
        start = hole.end.clone();
    }
    if start < whole.end {
        out.push(KeyRange {
            start,
            end: whole.end.clone(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{KeyRange, normalize, without};

    fn range(start: &str, end: &str) -> KeyRange {
        KeyRange {
            start: start.into(),
            end: end.into(),
        }
    }

    #[test]
    fn prefixes_end_behind_their_last_key() {
        assert_eq!(KeyRange::prefix("/a/"), range("/a/", "/a0"));
        assert_eq!(KeyRange::prefix(vec![b'a', 0xff]).end, b"b");
        assert!(KeyRange::prefix("/a/").contains(b"/a/\xff\xff"));
        assert!(!KeyRange::prefix("/a/").contains(b"/a"));
    }

    #[test]
    fn ranges_join_and_split() {
        let joined = normalize(vec![range("d", "e"), range("a", "c"), range("b", "d")]);
        assert_eq!(joined, [range("a", "e")]);
        let left = without(
            &range("a", "z"),
            &[range("0", "b"), range("d", "e"), range("y", "zz")],
        );
        assert_eq!(left, [range("b", "d"), range("e", "y")]);
        assert_eq!(without(&range("a", "b"), &[range("a", "b")]), []);
    }
}
