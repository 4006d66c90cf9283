//! YAML with places for files that are no rules files, such as a configuration.
//!
//! Promises the reader of rules files, with the same codes and the same parts
//! of YAML refused, in words that fit any file. Deliberately knows nothing of
//! what such a file means; an empty one is no error here.

use super::codes;
use super::findings::Findings;
use super::{load, reader};
use crate::diagnostic::{Diagnostic, SourceText};

pub use super::document::{Entry, Kind, Node, Scalar, Value};
pub use super::findings::{listed, nearest};

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name and text.
    pub source: SourceText,
    /// What it holds; `None` where it is empty, or nothing can be made of it.
    pub document: Option<Node>,
    /// Everything that was found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the file that holds `bytes`; `files` is what such files are called in
/// messages, as in `rules files`.
pub fn read(name: &str, bytes: Vec<u8>, files: &str) -> File {
    let (source, document, diagnostics) = match String::from_utf8(bytes) {
        Err(error) => {
            let shown = String::from_utf8_lossy(error.as_bytes());
            let source = SourceText::new(name, shown);
            (source, None, vec![load::not_text(&error)])
        }
        Ok(text) => {
            let mut findings = Findings::new(&text);
            let document = reader::read(&text, &mut findings);
            let diagnostics = findings.into_sorted();
            (SourceText::new(name, text), document, diagnostics)
        }
    };
    let diagnostics = diagnostics.into_iter();
    let diagnostics = diagnostics
        .filter(|found| found.code != codes::EMPTY_FILE)
        .map(|found| reworded(found, files))
        .collect();
    File {
        source,
        document,
        diagnostics,
    }
}

/// Of a rules file alone it speaks in messages about all of its YAML.
fn reworded(mut found: Diagnostic, files: &str) -> Diagnostic {
    found.message = found.message.replace("rules files", files);
    let advice = match found.code {
        codes::SEVERAL_DOCUMENTS => Some("keep one of them"),
        codes::NESTED_TOO_DEEPLY => Some("check the brackets"),
        _ => None,
    };
    if let Some(advice) = advice {
        found.help = Some(advice.to_owned());
    }
    found
}
