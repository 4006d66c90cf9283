//! Strings that need not be UTF-8, as Go's JSON shows them.
//!
//! Promises U+FFFD for each byte that is part of no character, where Rust
//! would make one of several. Deliberately reads no escapes.

use std::borrow::Cow;

/// The text of `bytes`; borrowed where they are UTF-8.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(replaced(bytes)),
    }
}

#[cold]
fn replaced(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return out;
            }
            Err(error) => {
                let (valid, bad) = rest.split_at(error.valid_up_to());
                out.push_str(std::str::from_utf8(valid).unwrap_or_default());
                out.push(char::REPLACEMENT_CHARACTER);
                rest = bad.get(1..).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_is_no_character_is_replaced_by_itself() {
        let shown = |bytes: &[u8]| text(bytes).into_owned();
        assert_eq!(shown("añ🦀".as_bytes()), "añ🦀");
        assert_eq!(shown(b"a\xff"), "a\u{fffd}");
        // A character cut short, a surrogate, an overlong zero.
        assert_eq!(shown(b"\xe2\x82x"), "\u{fffd}\u{fffd}x");
        assert_eq!(shown(b"\xed\xa0\x80"), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(shown(b"\xc0\x80"), "\u{fffd}\u{fffd}");
        assert_eq!(shown(b"\xf0\x9f\xa6"), "\u{fffd}\u{fffd}\u{fffd}");
        assert!(matches!(text(b"plain"), Cow::Borrowed(_)));
    }
}
