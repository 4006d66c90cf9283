//! What each code means, with an example of bad and good.
//!
//! Promises an entry for every code (a test compares the two, and that each bad
//! example is found and each good one is not). Deliberately plain text: the
//! table of the README is made of it.

use crate::diagnostic::Code;
use crate::lang;

use super::codes;

/// The entries as they are written: `## CODE title`, text, and examples after
/// the lines `bad:` and `good:`.
const TEXT: &str = include_str!("catalogue.md");

/// What one code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// In a few words.
    pub title: &'static str,
    /// What is wrong, why it matters, and what to do, in Markdown.
    pub text: &'static str,
    /// A rules file in which it is found, where one can be shown.
    pub bad: Option<&'static str>,
    /// The same, mended.
    pub good: Option<&'static str>,
}

/// Every code, in the order of the letters `E`, `W`, `N` and of the numbers.
pub fn all_codes() -> Vec<Code> {
    let mut all: Vec<Code> = lang::codes::ALL.iter().chain(codes::ALL).copied().collect();
    all.sort_by_key(|code| (std::cmp::Reverse(code.level()), *code));
    all
}

/// The code of this name, in any letter case.
pub fn code(name: &str) -> Option<Code> {
    let all = all_codes();
    all.into_iter()
        .find(|code| code.as_str().eq_ignore_ascii_case(name))
}

/// What `code` means.
pub fn entry(code: Code) -> Option<Entry> {
    let heading = format!("\n## {code} ");
    let start = TEXT.find(&heading)? + heading.len();
    let rest = &TEXT[start..];
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let (title, body) = section.split_once('\n')?;
    let text = body.split("\nbad:\n").next().unwrap_or(body);
    let text = text.split("\ngood:\n").next().unwrap_or(text);
    Some(Entry {
        code,
        title: title.trim(),
        text: text.trim(),
        bad: example(body, "\nbad:\n"),
        good: example(body, "\ngood:\n"),
    })
}

/// The block of YAML below a line.
fn example<'t>(body: &'t str, line: &str) -> Option<&'t str> {
    let (_, rest) = body.split_once(line)?;
    let (_, block) = rest.split_once("```yaml\n")?;
    let (block, _) = block.split_once("```")?;
    Some(block)
}
