//! Sets of key ranges.
//!
//! Promises results that are sorted and disjoint. Deliberately knows nothing
//! of what the keys mean.

use crate::rules::decide::KeyRange;

/// The union of ranges in any order. Those that only touch stay apart: one may
/// end where the key prefix begins, and the destination may have what lies
/// under it elsewhere.
pub fn union(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.sort();
    let mut merged: Vec<KeyRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = range.end.max(last.end.clone()),
            _ => merged.push(range),
        }
    }
    merged
}

/// What lies before, between and after sorted, disjoint ranges, up to the
/// largest first byte: keys of etcd that begin with 0xff are none of ours.
pub fn gaps(ranges: &[KeyRange]) -> Vec<KeyRange> {
    let mut start = vec![0];
    let mut gaps = Vec::new();
    for range in ranges {
        if start < range.start {
            gaps.push(KeyRange {
                start,
                end: range.start.clone(),
            });
        }
        start = range.end.clone();
    }
    let end = vec![0xff];
    if start < end {
        gaps.push(KeyRange { start, end });
    }
    gaps
}

/// Whether one of the `ranges`, which are sorted and disjoint, has the key.
pub fn is_within(ranges: &[KeyRange], key: &[u8]) -> bool {
    let after = ranges.partition_point(|range| *range.start <= *key);
    let last = after.checked_sub(1).and_then(|at| ranges.get(at));
    last.is_some_and(|range| range.contains(key))
}

/// All keys that carry could ever own.
pub fn everything() -> KeyRange {
    KeyRange {
        start: vec![0],
        end: vec![0xff],
    }
}

/// What of `range` comes after `key`.
pub fn after(key: &[u8], range: &KeyRange) -> KeyRange {
    let mut start = Vec::with_capacity(key.len() + 1);
    start.extend_from_slice(key);
    start.push(0);
    KeyRange {
        start,
        end: range.end.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, end: &str) -> KeyRange {
        KeyRange {
            start: start.into(),
            end: end.into(),
        }
    }

    #[test]
    fn ranges_that_overlap_are_one_and_those_that_touch_are_not() {
        let all = vec![
            range("/registry/", "/registry0"),
            range("/other/", "/registry/"),
            range("/registry/a/", "/registry/b/"),
            range("/registry0", "/x"),
            range("/k", "/l"),
            range("/k", "/l"),
        ];
        // Under another key prefix the destination has the third of these elsewhere,
        // and the others where they are.
        let expected = [
            range("/k", "/l"),
            range("/other/", "/registry/"),
            range("/registry/", "/registry0"),
            range("/registry0", "/x"),
        ];
        assert_eq!(union(all), expected);
    }
}
