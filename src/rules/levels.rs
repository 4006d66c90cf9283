//! How bad findings are taken: as their codes say, as a user asks, or as a
//! comment in the file says.
//!
//! Promises that errors stay errors. A comment goes before what the user asks
//! for all files; of several, the last one counts. Deliberately knows no
//! command line.

use super::directives::Directives;
use super::setting::Setting;
use crate::diagnostic::{Code, Diagnostic, Level};

/// What a user asks of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Of single codes; the last one counts.
    pub codes: Vec<(Code, Setting)>,
    /// What is a warning in the end is an error.
    pub deny_warnings: bool,
    /// What is a note in the end is an error.
    pub deny_notes: bool,
    /// Nothing is made an error: what may be refused in a check of the file is
    /// no reason not to run.
    pub lenient: bool,
}

impl Levels {
    /// The findings as they are to be shown, and what is wrong with the
    /// comments themselves, in the order of the file.
    pub fn apply(&self, diagnostics: Vec<Diagnostic>, directives: &Directives) -> Vec<Diagnostic> {
        let mut used = vec![false; directives.len()];
        let taken = |mut own: Diagnostic, used: &mut [bool]| {
            own.level = self.level(&own, directives, used)?;
            Some(own)
        };
        let mut shown: Vec<Diagnostic> = Vec::new();
        shown.extend(
            diagnostics
                .into_iter()
                .filter_map(|own| taken(own, &mut used)),
        );
        let own = directives.findings(&used).into_iter();
        shown.extend(own.filter_map(|own| taken(own, &mut used)));
        shown.sort_by_key(|own| own.place().start);
        shown
    }

    fn level(
        &self,
        diagnostic: &Diagnostic,
        directives: &Directives,
        used: &mut [bool],
    ) -> Option<Level> {
        if diagnostic.code.level() == Level::Error {
            return Some(Level::Error);
        }
        let by_comment = directives.setting(diagnostic, used);
        let asked = self.codes.iter().rev();
        let mut asked = asked.filter(|(code, _)| *code == diagnostic.code);
        let setting = by_comment.or_else(|| asked.next().map(|(_, setting)| *setting));
        let level = setting.map_or(Some(diagnostic.level), Setting::level)?;
        Some(match level {
            Level::Warning if self.deny_warnings => Level::Error,
            Level::Note if self.deny_notes => Level::Error,
            Level::Error if self.lenient => Level::Warning,
            level => level,
        })
    }
}
