//! Which files are meant.
//!
//! Promises each file once, in the order of the command line and, within a
//! glob, of the names. Deliberately reads none of them.

use std::collections::HashSet;
use std::path::Path;

/// The name of standard input.
pub const STDIN: &str = "-";

/// The files that `written` names, and what is wrong with it.
pub fn expand(written: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for word in written {
        match named_by(word) {
            Ok(names) => files.extend(names),
            Err(problem) => problems.push(problem),
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    (files, problems)
}

/// A file that exists is that file, whatever characters its name has.
fn named_by(word: &str) -> Result<Vec<String>, String> {
    let path = Path::new(word);
    if path.is_dir() {
        return Err(format!(
            "`{word}` is a directory: name its files, or quote a glob: `'{}/**/*.yaml'`",
            word.trim_end_matches('/')
        ));
    }
    if word == STDIN || path.exists() || !word.contains(['*', '?', '[']) {
        return Ok(vec![word.to_owned()]);
    }
    let paths = glob::glob(word)
        .map_err(|error| format!("`{word}` is neither a file nor a glob: {}", error.msg))?;
    let mut names = Vec::new();
    for path in paths {
        let path = path.map_err(|error| format!("cannot look for `{word}`: {error}"))?;
        if path.is_file() {
            names.push(path.display().to_string());
        }
    }
    match names.is_empty() {
        true => Err(format!(
            "no file matches `{word}`: check the glob and the working directory"
        )),
        false => Ok(names),
    }
}
