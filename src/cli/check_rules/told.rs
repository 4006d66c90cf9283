//! What is told of the data of one file.
//!
//! Promises the same figures to people and programs. Deliberately shows keys
//! of the difference alone, and no value ever.

use serde_json::{Value, json};

use super::columns::folded;
use super::{changed, surveyed};
use crate::cli::explain_report::Whence;
use crate::cli::terminal;
use crate::etcd::SourceRevision;
use crate::rules::survey::{Changes, Surveyed};

/// What was seen in the data.
pub struct Told {
    /// Where it is from.
    pub whence: Whence,
    /// As of which revision.
    pub at: SourceRevision,
    /// What the rules make of it.
    pub survey: Surveyed,
    /// The name of another rules file, and what is different.
    pub changes: Option<(String, Changes)>,
}

impl Told {
    /// For people, for where stdout goes.
    pub fn human(&self) -> String {
        let width = terminal::columns();
        let at = self.at.0;
        let summary = format!(
            "{} at revision {at}: {}",
            self.whence.who(),
            surveyed::summary(&self.survey)
        );
        let mut out = folded(&summary, width);
        out.push_str(&surveyed::human(&self.survey, width));
        if let Some((against, changes)) = &self.changes {
            out.push('\n');
            out.push_str(&changed::human(against, changes, width));
        }
        out
    }

    /// For programs: into the object of the file.
    pub fn add_to(&self, object: &mut Value) {
        let mut data = surveyed::as_json(&self.survey);
        data["from"] = json!(match self.whence {
            Whence::Snapshot => "snapshot",
            Whence::Source | Whence::Imagined => "source",
        });
        data["revision"] = json!(self.at.0);
        object["data"] = data;
        if let Some((against, changes)) = &self.changes {
            object["diff"] = changed::as_json(against, changes);
        }
    }
}
