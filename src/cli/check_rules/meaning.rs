//! `--explain`: what a code means.
//!
//! Promises the same words as the reference. Deliberately plain text, which
//! reads well in a terminal and in a log.

use std::fmt::Write as _;

use crate::rules::catalogue::{self, Entry};

/// The text for `word`: a code, or `all`.
///
/// # Errors
///
/// What is wrong with the word.
pub fn explain(word: &str) -> Result<String, String> {
    if word.eq_ignore_ascii_case("all") {
        return Ok(list());
    }
    let entry = catalogue::code(word).and_then(catalogue::entry);
    entry.map(|entry| one(&entry)).ok_or_else(|| {
        format!("there is no code `{word}`; `carry check-rules --explain all` lists them")
    })
}

fn list() -> String {
    let mut out = String::new();
    for entry in catalogue::all_codes()
        .into_iter()
        .filter_map(catalogue::entry)
    {
        let level = entry.code.level().name();
        let _ = writeln!(out, "{}  {level:7}  {}", entry.code, entry.title);
    }
    out
}

fn one(entry: &Entry) -> String {
    let level = entry.code.level().name();
    let mut out = format!(
        "{level}[{}]: {}\n\n{}\n",
        entry.code, entry.title, entry.text
    );
    for (what, example) in [("bad", entry.bad), ("good", entry.good)] {
        if let Some(example) = example {
            let _ = write!(out, "\n{what}:\n\n");
            for line in example.lines() {
                let indented = format!("    {line}");
                let _ = writeln!(out, "{}", indented.trim_end());
            }
        }
    }
    out
}
