//! Globs over names, compiled to linear-time automata.
//!
//! Promises that matching allocates nothing and takes time linear in the text.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled glob may become, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A compiled glob. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    regex: Regex,
}

/// A glob that could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable pattern: {reason}")]
pub struct PatternError {
    /// The glob as written.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Pattern {
    /// A glob over dotted names: `*` is any run of characters but `.`, `**`
    /// any run, and everything else stands for itself.
    ///
    /// # Errors
    ///
    /// When it is too large.
    pub fn dotted(text: &str) -> Result<Pattern, PatternError> {
        let mut source = String::from(r"\A");
        let mut rest = text;
        while let Some(at) = rest.find('*') {
            source.push_str(&regex::escape(&rest[..at]));
            let stars = rest[at..].bytes().take_while(|&b| b == b'*').count();
            source.push_str(if stars == 1 { "[^.]*" } else { ".*" });
            rest = &rest[at + stars..];
        }
        source.push_str(&regex::escape(rest));
        source.push_str(r"\z");
        Pattern::compile(text, &source)
    }

    /// A glob as shells know them (`*`, `?`, `[a-z]`, `{a,b}`).
    ///
    /// # Errors
    ///
    /// When its syntax is wrong or it is too large.
    pub fn shell(text: &str) -> Result<Pattern, PatternError> {
        let glob = globset::Glob::new(text).map_err(|error| PatternError {
            text: text.to_owned(),
            reason: error.kind().to_string(),
        })?;
        Pattern::compile(text, glob.regex())
    }

    /// A glob over keys with slashes: `*` and `?` stop at slashes, `**` does
    /// not; `[a-z]` and `{a,b}` as shells know them.
    ///
    /// # Errors
    ///
    /// When its syntax is wrong or it is too large.
    pub fn path(text: &str) -> Result<Pattern, PatternError> {
        let glob = globset::GlobBuilder::new(text)
            .literal_separator(true)
            .build()
            .map_err(|error| PatternError {
                text: text.to_owned(),
                reason: error.kind().to_string(),
            })?;
        Pattern::compile(text, glob.regex())
    }

    fn compile(text: &str, source: &str) -> Result<Pattern, PatternError> {
        RegexBuilder::new(source)
            .size_limit(SIZE_LIMIT)
            .dot_matches_new_line(true)
            .build()
            .map(|regex| {
                let text = text.into();
                Pattern(Arc::new(Compiled { text, regex }))
            })
            .map_err(|_| PatternError {
                text: text.to_owned(),
                reason: "it is too large".to_owned(),
            })
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The regular expression that it is, in which `.` is any character.
    pub fn source(&self) -> &str {
        self.0.regex.as_str()
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.regex.is_match(text.as_bytes())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.regex.as_str() == other.0.regex.as_str()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.regex.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stop_at_dots() {
        for (glob, text, expected) in [
            ("*.test.io", "app.test.io", true),
            ("*.test.io", "a.b.test.io", false),
            ("**.test.io", "a.b.test.io", true),
            ("*.test.io", "test.io", false),
            ("net.*.io", "net.test.io", true),
            ("net.*.io", "netstest.io", false),
            ("*", "", true),
            ("*", "a.b", false),
            ("**", "a.b", true),
            ("a?c", "abc", false),
            ("", "", true),
            ("", "a", false),
            ("a\n*", "a\nb", true),
        ] {
            assert_eq!(
                Pattern::dotted(glob).unwrap().matches(text),
                expected,
                "{glob} on {text}"
            );
        }
    }

    #[test]
    fn shell_globs() {
        assert!(Pattern::shell("team-{a,b}").unwrap().matches("team-b"));
        assert!(!Pattern::shell("team-?").unwrap().matches("team-ab"));
        assert!(Pattern::shell("team-[").is_err());
    }
}
