//! Fields that are one of a few words.
//!
//! Promises that a word which is none of them is reported with the nearest one.
//! Deliberately does not know what the words mean.

use super::codes;
use super::fields::Fields;
use super::findings::{Findings, listed, nearest};

/// What the field's word means; `None` where it is left out or wrong.
pub fn choice<T: Copy>(
    fields: &Fields<'_>,
    field: &str,
    words: &[(&str, T)],
    help: &str,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let written = fields.text(field, findings)?;
    let found = words.iter().find(|(word, _)| *word == written.value);
    if let Some((_, meant)) = found {
        return Some(*meant);
    }
    let words = || words.iter().map(|(word, _)| *word);
    let other = written.value.as_str();
    let mut unknown =
        codes::UNKNOWN_WORD.at(written.span, format!("`{field}` cannot be `{other}`"));
    if let Some(near) = nearest(other, words()) {
        unknown = unknown.label(format!("did you mean `{near}`?"));
    }
    findings.push(unknown.help(format!("write one of {}: {help}", listed(words()))));
    None
}
