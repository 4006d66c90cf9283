//! How many watches cover the ranges that are wanted.
//!
//! Promises at most so many ranges as are allowed, with nothing left out and as
//! little as possible between them taken along. Deliberately asks nobody how
//! much is written there: nearness of the names stands for it.

use crate::rules::decide::KeyRange;

/// `ranges` (sorted, disjoint) as at most `limit` (at least 1): those that
/// touch are joined, and then the nearest.
pub fn joined(ranges: &[KeyRange], limit: usize) -> Vec<KeyRange> {
    let mut gaps: Vec<(Nearness, usize)> = ranges
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0].end < pair[1].start)
        .map(|(after, pair)| (nearness(&pair[0].end, &pair[1].start), after))
        .collect();
    // The nearest first; those that stay apart are cut off behind.
    gaps.sort_unstable_by(|left, right| right.cmp(left));
    let apart = gaps.len().min(limit.saturating_sub(1));
    let mut cuts: Vec<usize> = gaps[gaps.len() - apart..]
        .iter()
        .map(|(_, after)| *after)
        .collect();
    cuts.sort_unstable();
    let lasts = cuts.into_iter().chain(ranges.len().checked_sub(1));
    let mut first = 0;
    lasts
        .map(|last| {
            let (start, end) = (ranges[first].start.clone(), ranges[last].end.clone());
            first = last + 1;
            KeyRange { start, end }
        })
        .collect()
}

/// How many first bytes two keys share, and how near the next ones are.
type Nearness = (usize, u8);

fn nearness(end: &[u8], start: &[u8]) -> Nearness {
    let shared = end.iter().zip(start).take_while(|(a, b)| a == b).count();
    let next = |key: &[u8]| key.get(shared).copied().unwrap_or(0);
    (shared, u8::MAX - next(start).abs_diff(next(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(prefixes: &[&str], limit: usize) -> Vec<String> {
        let ranges: Vec<KeyRange> = prefixes.iter().map(|&p| KeyRange::prefix(p)).collect();
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        joined(&ranges, limit)
            .iter()
            .map(|range| format!("{}..{}", text(&range.start), text(&range.end)))
            .collect()
    }

    #[test]
    fn the_nearest_are_joined() {
        let prefixes = ["/r/cm/a/", "/r/cm/c/", "/r/pods/a/", "/r/secrets/"];
        let apart = of(&prefixes, 4);
        assert_eq!(
            apart,
            [
                "/r/cm/a/../r/cm/a0",
                "/r/cm/c/../r/cm/c0",
                "/r/pods/a/../r/pods/a0",
                "/r/secrets/../r/secrets0"
            ]
        );
        assert_eq!(of(&prefixes, 9), apart);
        let three = of(&prefixes, 3);
        assert_eq!(three[0], "/r/cm/a/../r/cm/c0");
        assert_eq!(three[1..], apart[2..]);
        let two = of(&prefixes, 2);
        assert_eq!(
            two,
            ["/r/cm/a/../r/cm/c0", "/r/pods/a/../r/secrets0"],
            "`p` is nearer to `s` than to `c`"
        );
        assert_eq!(of(&prefixes, 1), ["/r/cm/a/../r/secrets0"]);
        assert_eq!(of(&prefixes, 0), of(&prefixes, 1));
        assert_eq!(of(&prefixes[..1], 5), ["/r/cm/a/../r/cm/a0"]);
        assert_eq!(of(&[], 5), [""; 0]);
        let touching = of(&["/r/a", "/r/b", "/r/d"], 5);
        assert_eq!(touching, ["/r/a../r/c", "/r/d../r/e"]);
    }

    #[test]
    fn nothing_is_left_out() {
        let prefixes: Vec<String> = (0..500).map(|n| format!("/r/cm/{n:03}/")).collect();
        let ranges: Vec<KeyRange> = prefixes
            .iter()
            .map(|p| KeyRange::prefix(p.as_str()))
            .collect();
        for limit in [1, 2, 63, 64, 499, 500, 1000] {
            let few = joined(&ranges, limit);
            assert_eq!(few.len(), limit.min(500));
            assert!(few.windows(2).all(|pair| pair[0].end < pair[1].start));
            let covered = |range: &KeyRange| {
                few.iter()
                    .any(|wide| wide.start <= range.start && range.end <= wide.end)
            };
            assert!(ranges.iter().all(covered));
        }
    }
}
