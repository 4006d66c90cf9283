//! Strings of either kind, and what the API shows of them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// How byte strings below a tag are shown (RFC 8949, section 3.4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    Base64Url,
    Base64,
    Base16,
}

/// The bytes of a string.
#[derive(Clone, Debug)]
pub(super) struct Raw<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// For a byte string below such a tag.
    pub later: Option<Later>,
}

impl<'a> Raw<'a> {
    /// Whether it spells `wanted`.
    pub fn is(&self, wanted: &str) -> bool {
        *self.bytes == *wanted.as_bytes() && self.later.is_none()
            || !self.is_plain() && self.clone().value() == wanted
    }

    fn is_plain(&self) -> bool {
        self.later.is_none() && self.bytes.is_ascii()
    }

    /// What it spells; a byte that is not UTF-8 becomes U+FFFD, as in Go.
    pub fn value(self) -> Cow<'a, str> {
        match (self.later, self.bytes) {
            (Some(Later::Base64Url), bytes) => Cow::Owned(URL_SAFE_NO_PAD.encode(bytes)),
            (Some(Later::Base64), bytes) => Cow::Owned(STANDARD.encode(bytes)),
            (Some(Later::Base16), bytes) => Cow::Owned(base16(&bytes)),
            (None, Cow::Borrowed(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(lossy(bytes)),
            },
            (None, Cow::Owned(bytes)) => Cow::Owned(lossy(&bytes)),
        }
    }
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
