//! From the source's keys to the destination's, which may lie under another
//! prefix, and back.
//!
//! Promises that what is not under the source's prefix (carry's own keys) stays
//! as it is, and that order within the prefix is kept. Deliberately knows
//! nothing of values.

use std::borrow::Cow;

use super::key_range::KeyRange;

/// Two key prefixes, each with a slash at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMap {
    from: String,
    to: String,
}

impl KeyMap {
    /// From keys under `from` to keys under `to`, both as users write them:
    /// `/registry`, with or without a slash at the end.
    pub fn new(from: &str, to: &str) -> KeyMap {
        let closed = |prefix: &str| format!("{}/", prefix.strip_suffix('/').unwrap_or(prefix));
        KeyMap {
            from: closed(from),
            to: closed(to),
        }
    }

    /// Every key stays as it is.
    pub fn is_identity(&self) -> bool {
        self.from == self.to
    }

    /// The source's prefix, with a slash at either end.
    pub fn source_prefix(&self) -> &str {
        &self.from
    }

    /// The destination's prefix, with a slash at either end.
    pub fn destination_prefix(&self) -> &str {
        &self.to
    }

    /// Where the destination has what the source has under `key`.
    pub fn to_destination<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        if self.is_identity() {
            return Cow::Borrowed(key);
        }
        moved(key, &self.from, &self.to).map_or(Cow::Borrowed(key), Cow::Owned)
    }

    /// Where the source has what the destination has under `key`.
    pub fn to_source<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        if self.is_identity() {
            return Cow::Borrowed(key);
        }
        moved(key, &self.to, &self.from).map_or(Cow::Borrowed(key), Cow::Owned)
    }

    /// The destination's keys for the source's keys in `range`, where some of
    /// `range` lies under the source's prefix: of such a range only that part.
    /// `None` where none does: such keys stay as they are.
    pub fn range_to_destination(&self, range: &KeyRange) -> Option<KeyRange> {
        let (whole, mapped) = (
            KeyRange::prefix(self.from.as_str()),
            KeyRange::prefix(self.to.as_str()),
        );
        let start = range.start.as_slice().max(&whole.start);
        let end = range.end.as_slice().min(&whole.end);
        if start >= end {
            return None;
        }
        Some(KeyRange {
            start: moved(start, &self.from, &self.to)?,
            // The end of the whole prefix does not begin with the prefix.
            end: moved(end, &self.from, &self.to).unwrap_or(mapped.end),
        })
    }
}

fn moved(key: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let rest = key.strip_prefix(from.as_bytes())?;
    Some([to.as_bytes(), rest].concat())
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
    fn keys_move_there_and_back() {
        let map = KeyMap::new("/registry", "/standby/eu/");
        let there = map.to_destination(b"/registry/pods/a/b");
        assert_eq!(there.as_ref(), b"/standby/eu/pods/a/b");
        assert_eq!(map.to_source(&there).as_ref(), b"/registry/pods/a/b");
        for own in ["/carry/default/leader", "/registry", "/registry2/a"] {
            assert_eq!(map.to_destination(own.as_bytes()).as_ref(), own.as_bytes());
        }
        assert!(KeyMap::new("/registry", "/registry/").is_identity());
    }

    #[test]
    fn ranges_move_with_their_keys() {
        let map = KeyMap::new("/registry", "/standby");
        let mapped = |start: &str, end: &str| map.range_to_destination(&range(start, end));
        let pods = mapped("/registry/pods/", "/registry/pods0");
        assert_eq!(pods, Some(range("/standby/pods/", "/standby/pods0")));
        let all = mapped("/registry/", "/registry0");
        assert_eq!(all, Some(range("/standby/", "/standby0")));
        assert_eq!(mapped("/", "0"), all);
        assert_eq!(mapped("/carry/", "/carry0"), None);
        let nested = KeyMap::new("/registry", "/registry/standby");
        assert_eq!(
            nested.range_to_destination(&range("/registry/a", "/registry/b")),
            Some(range("/registry/standby/a", "/registry/standby/b"))
        );
    }
}
