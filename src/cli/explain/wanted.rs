//! Which keys are asked for: one, or all that a prefix or a glob names.
//!
//! Promises to look only where such keys can be. Deliberately takes `[` and `{`
//! for themselves where there is no star and no question mark: they may be part
//! of a key.

use std::fmt;

use crate::lang::pattern::Pattern;
use crate::rules::decide::KeyRange;

/// What was asked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// One key.
    Key(Vec<u8>),
    /// All that match.
    Keys(Keys),
}

/// A prefix or a glob.
#[derive(Clone, Debug)]
pub struct Keys {
    text: String,
    range: KeyRange,
    pattern: Option<Pattern>,
}

impl Wanted {
    /// Whether the text asks for more than a key.
    pub fn is_many(text: &str) -> bool {
        text.ends_with('/') || text.contains(['*', '?'])
    }

    /// Reads the argument.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Wanted, String> {
        if text.is_empty() {
            return Err("the key is empty: give a whole etcd key".to_owned());
        }
        if !Wanted::is_many(text) {
            return Ok(Wanted::Key(text.into()));
        }
        let (end, pattern) = match text.contains(['*', '?']) {
            false => (text.len(), None),
            true => {
                // Of a folder it is what lies in it that is meant.
                let below = if text.ends_with('/') { "**" } else { "" };
                let pattern = Pattern::path(&format!("{text}{below}"));
                let pattern = pattern.map_err(|error| error.to_string())?;
                let end = text.find(['*', '?', '[', '{', '\\']);
                (end.unwrap_or(text.len()), Some(pattern))
            }
        };
        let range = match text.get(..end).unwrap_or_default() {
            "" => KeyRange {
                start: vec![0],
                end: vec![0xff; 16],
            },
            prefix => KeyRange::prefix(prefix),
        };
        Ok(Wanted::Keys(Keys {
            text: text.to_owned(),
            range,
            pattern,
        }))
    }
}

impl Keys {
    /// Where they are.
    pub fn range(&self) -> &KeyRange {
        &self.range
    }

    /// Whether a key of that range is among them. No glob names a key that is
    /// not UTF-8.
    pub fn has(&self, key: &[u8]) -> bool {
        let matches =
            |pattern: &Pattern| std::str::from_utf8(key).is_ok_and(|key| pattern.matches(key));
        self.pattern.as_ref().is_none_or(matches)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
