//! Regular expressions in RE2's syntax, matched in linear time.
//!
//! Promises that what RE2 (as Go has it) refuses is refused, and that the work
//! of a match is known before it begins. Deliberately without names of groups:
//! nothing refers to them.

use std::fmt;
use std::sync::Arc;

use super::translate::translate;

pub use super::translate::RegexError;

/// How large a compiled pattern may become, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A compiled pattern; two are equal if their texts are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Regex {
    text: Arc<str>,
    compiled: Arc<regex::Regex>,
    weight: u64,
}

impl Regex {
    /// Compiles `text`.
    ///
    /// # Errors
    ///
    /// When its syntax is wrong or it is too large.
    pub fn new(text: &str) -> Result<Regex, RegexError> {
        let translated = translate(text)?;
        let mut builder = regex::RegexBuilder::new(&translated.text);
        let built = builder.size_limit(SIZE_LIMIT).build();
        Ok(Regex {
            text: text.into(),
            compiled: Arc::new(built.map_err(|error| RegexError(reason(&error)))?),
            weight: translated.weight,
        })
    }

    /// As [`Regex::weight`], before anything is compiled.
    ///
    /// # Errors
    ///
    /// When its syntax is wrong.
    pub fn weigh(text: &str) -> Result<u64, RegexError> {
        Ok(translate(text)?.weight)
    }

    /// The compiled form.
    pub fn compiled(&self) -> &regex::Regex {
        &self.compiled
    }

    /// Whether it occurs anywhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// About how many states it has: a match looks at each of them for every
    /// byte at the worst.
    pub fn weight(&self) -> u64 {
        self.weight
    }
}

/// The pattern as it was written.
impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The last line says what is wrong; those before it draw the translated
/// pattern.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it becomes too large when compiled".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Regex) -> bool {
        self.text == other.text
    }
}

impl Eq for Regex {}
