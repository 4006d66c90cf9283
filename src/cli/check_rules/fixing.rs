//! `--fix`: writes what is known to be safe.
//!
//! Promises that a fixed file has no more errors than before, and that a file
//! is either whole as it was or whole as it will be. Deliberately looks at
//! the result again rather than trusting a fix.

use std::io::Write as _;
use std::path::Path;

use crate::diagnostic::{Fix, Level, SourceText, apply};
use crate::rules::{Check, Checked, check, load};

/// Fixes make others possible, but not for ever.
const ROUNDS: usize = 8;

/// So many fixes are tried one by one, where all of them together do harm.
const ONE_BY_ONE: usize = 200;

/// The text with as many fixes as are safe, what is found in it then, and how
/// many they were.
pub fn fixed(source: &SourceText, checked: Checked, how: &Check) -> (SourceText, Checked, usize) {
    let mut now = (source.clone(), checked, 0);
    for _ in 0..ROUNDS {
        let found = now.1.diagnostics.iter();
        let fixes: Vec<Fix> = found.filter_map(|found| found.fix.clone()).collect();
        let all: Vec<&Fix> = fixes.iter().collect();
        let next = with(&now, &all, how).or_else(|| {
            let mut single = fixes.iter().take(ONE_BY_ONE);
            single.find_map(|fix| with(&now, &[fix], how))
        });
        match next {
            Some(next) => now = next,
            None => break,
        }
    }
    now
}

/// The next state, if there is one and it is no worse.
fn with(
    now: &(SourceText, Checked, usize),
    fixes: &[&Fix],
    how: &Check,
) -> Option<(SourceText, Checked, usize)> {
    let (source, before, already) = now;
    let (text, count) = apply(&source.text, fixes.iter().copied());
    if count == 0 {
        return None;
    }
    let source = SourceText::new(source.name.clone(), text);
    let after = check(load(&source), how);
    let lost = before.plan.is_some() && after.plan.is_none();
    let errors = |checked: &Checked| checked.count(Level::Error);
    let worse = lost || errors(&after) > errors(before);
    (!worse).then_some((source, after, already + count))
}

/// Puts `text` in the place of the file's: beside it first, then at once.
///
/// # Errors
///
/// What could not be done; the file is as it was.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| {
        format!(
            "cannot write `{}`: {error}; it is as it was: check the rights of the file and of its directory",
            path.display()
        )
    };
    // A link stays one.
    let path = path.canonicalize().map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let rights = std::fs::metadata(&path).map_err(failed)?.permissions();
    file.as_file().set_permissions(rights).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}
