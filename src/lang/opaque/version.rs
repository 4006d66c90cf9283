//! Semantic versions.
//!
//! Promises the order of semver 2.0, in which build metadata counts for
//! nothing, equality included. Deliberately knows no ranges of versions.

use std::cmp::Ordering;
use std::fmt;

/// The text is no semantic version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a semantic version")]
pub struct NotAVersion;

/// A semantic version. Compares without its build metadata.
#[derive(Clone, Debug)]
pub struct Semver(semver::Version);

impl Semver {
    /// Parses `1.2.3-rc.1+build`.
    ///
    /// # Errors
    ///
    /// For anything else.
    pub fn parse(text: &str) -> Result<Semver, NotAVersion> {
        let parsed = semver::Version::parse(text);
        parsed.map(Semver).map_err(|_| NotAVersion)
    }

    /// Parses as [`Semver::parse`], and lets pass a `v` before it, leading
    /// zeros and numbers left out at the end: `v01.2` is `1.2.0`.
    ///
    /// # Errors
    ///
    /// For anything else.
    pub fn parse_lenient(text: &str) -> Result<Semver, NotAVersion> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<&str> = text.splitn(3, '.').map(without_zeros).collect();
        let is_short = parts.len() < 3;
        if is_short && text.contains(['-', '+']) {
            return Err(NotAVersion);
        }
        parts.resize(3, "0");
        Semver::parse(&parts.join("."))
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.0.minor
    }

    /// The third number.
    pub fn patch(&self) -> u64 {
        self.0.patch
    }
}

/// `7-rc` of `007-rc`: one digit stays.
fn without_zeros(text: &str) -> &str {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let zeros = text.bytes().take_while(|byte| *byte == b'0').count();
    let kept = zeros.min(digits.saturating_sub(1));
    text.get(kept..).unwrap_or(text)
}

impl PartialEq for Semver {
    fn eq(&self, other: &Semver) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Semver {}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Semver) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Semver {
    fn cmp(&self, other: &Semver) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
