//! What `carry promote` did, for people and for programs.
//!
//! Promises the same facts either way. Deliberately prints nothing itself.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::verify_report::Told;
use crate::mirror::{Drained, Mark, Restored, Verified, numbered};
use crate::rules::workloads::Woken;

/// All that is told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Promoted {
    /// `--name`.
    pub name: String,
    /// Whether nothing mirrors into the destination any more.
    pub promoted: bool,
    /// The mark, if there is one that can be read.
    pub mark: Option<Mark>,
    /// Whether an earlier run has written it.
    pub earlier: bool,
    /// How far the mirror had come; nothing where the source was not asked.
    pub drained: Option<Drained>,
    /// Both sides compared; nothing where the source was not asked.
    pub verified: Option<Verified>,
    /// Every object that was made to rest.
    pub restored: Vec<Restored>,
}

impl Promoted {
    /// Before anything is done.
    pub fn nothing_yet(name: &str) -> Promoted {
        Promoted {
            name: name.to_owned(),
            promoted: false,
            mark: None,
            earlier: false,
            drained: None,
            verified: None,
            restored: Vec::new(),
        }
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        // Texts, numbers and maps by texts: that cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// How many objects rest still.
    pub fn failed(&self) -> usize {
        let failed = self.restored.iter().filter(|own| own.failed.is_some());
        failed.count()
    }

    /// What was found before anything was done, for people; nothing where the
    /// source was not asked.
    pub fn before(&self) -> String {
        let mut text = String::new();
        if let Some(found) = self.verified.clone() {
            let mended = None;
            text.push_str(&Told { found, mended }.human());
        }
        if let Some(drained) = &self.drained {
            let Drained {
                revision,
                checkpoint,
                led,
            } = drained;
            let mirror = match led {
                true => "the mirror",
                false => "the mirror, which does not run,",
            };
            let _ = match checkpoint >= revision {
                true => writeln!(
                    text,
                    "{mirror} has applied all that the source had, up to its revision {revision}"
                ),
                false => writeln!(
                    text,
                    "{mirror} has told that it applied all up to revision {checkpoint}; the source was at {revision}"
                ),
            };
        }
        text
    }

    /// The end, for people.
    pub fn summary(&self) -> String {
        let kept = self.restored.iter().filter(|own| is_kept(own)).count();
        let failed = self.failed();
        let restored = self.restored.len() - failed - kept;
        let name = &self.name;
        let mut text = match self.earlier {
            true => format!(
                "`{name}` was promoted before: {} restored",
                numbered(restored, "more object")
            ),
            false => format!(
                "`{name}` is promoted: {} restored",
                numbered(restored, "object")
            ),
        };
        if kept > 0 {
            let _ = write!(
                text,
                ", {kept} kept as they were changed at the destination"
            );
        }
        if failed > 0 {
            let _ = write!(
                text,
                ", {failed} not: mend what is said of them, and run this again"
            );
        }
        text.push('\n');
        text
    }
}

/// Whether all of it was changed at the destination.
fn is_kept(restored: &Restored) -> bool {
    restored.failed.is_none() && restored.fields.iter().all(|field| !field.restored)
}

/// One object, for people.
pub fn object(restored: &Restored) -> String {
    let Restored {
        key,
        fields,
        failed,
    } = restored;
    match failed {
        Some(why) => format!("not restored {key}: {why}"),
        None => {
            let fields: Vec<String> = fields.iter().map(field).collect();
            let done = match is_kept(restored) {
                true => "kept",
                false => "restored",
            };
            format!("{done} {key}: {}", fields.join(", "))
        }
    }
}

fn field(woken: &Woken) -> String {
    let Woken {
        field,
        value,
        restored,
    } = woken;
    match (restored, value) {
        (false, _) => format!("`{field}` as it was changed at the destination"),
        (true, Value::Null) => format!("without `{field}`"),
        (true, value) => format!("`{field}` {value}"),
    }
}
