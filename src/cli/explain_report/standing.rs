//! How what the destination has stands to what is to be written: whose it is,
//! where it differs, and whether anything is to be written at all.
//!
//! Promises never to speak of a write that does not happen as of one that does.
//! Deliberately asks nobody: it is told what the destination and the ledger
//! have.

use serde_json::{Value, json};

use crate::rules::policy::OnConflict;

/// Whether anything is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The destination was not asked.
    Unknown,
    /// The destination does not have what it should have.
    Write,
    /// It has.
    Nothing,
    /// It had, when carry wrote it; what others have changed there since stays
    /// until the source changes.
    Settled,
}

/// What the destination has under the key, where that is another object than the
/// source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the rule says of such.
    pub setting: OnConflict,
    /// Whether the ledger says that carry has written it; `None` where it was
    /// not asked.
    pub is_ours: Option<bool>,
}

/// Where the destination's value and the one to be written differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Differs {
    /// A line for each place.
    In(Vec<String>),
    /// Why that cannot be said.
    Incomparably(String),
}

impl Conflict {
    /// Whether it stays as it is.
    pub fn stays(self) -> bool {
        self.is_ours != Some(true) && matches!(self.setting, OnConflict::Keep | OnConflict::Stop)
    }

    /// For people.
    pub fn human(self) -> String {
        format!(
            "it is another object than the source's, under the same key{}: {}",
            self.whose(),
            self.means()
        )
    }

    /// For programs.
    pub fn json(self) -> Value {
        json!({
            "setting": word(self.setting),
            "ours": self.is_ours,
            "becomes": self.becomes(),
            "reason": self.human(),
        })
    }

    fn whose(self) -> &'static str {
        match self.is_ours {
            Some(true) => ", and carry has written it",
            Some(false) => ", and carry has not written it",
            None => "",
        }
    }

    /// What becomes of it; `None` where only the ledger knows.
    fn becomes(self) -> Option<&'static str> {
        match (self.is_ours, self.setting) {
            (Some(true), _) => Some("written"),
            (_, OnConflict::Adopt) => Some("adopted"),
            (_, OnConflict::Overwrite) => Some("overwritten"),
            (Some(false), OnConflict::Keep) => Some("kept"),
            (Some(false), OnConflict::Stop) => Some("stops"),
            (None, OnConflict::Keep | OnConflict::Stop) => None,
        }
    }

    pub(super) fn means(self) -> &'static str {
        match (self.is_ours, self.setting) {
            (Some(true), _) => "it is carry's to write over",
            (None, OnConflict::Keep) => {
                "`onConflict: keep` leaves it as it is, unless the ledger says that carry has written it"
            }
            (Some(false), OnConflict::Keep) => "`onConflict: keep` leaves it as it is",
            (_, OnConflict::Adopt) => {
                "by `onConflict: adopt` carry writes over it and takes it over"
            }
            (_, OnConflict::Overwrite) => {
                "by `onConflict: overwrite` carry writes over it and never deletes it"
            }
            (None, OnConflict::Stop) => {
                "`onConflict: stop` ends carry, unless the ledger says that carry has written it"
            }
            (Some(false), OnConflict::Stop) => "`onConflict: stop` ends carry",
        }
    }
}

/// As rules files have it.
fn word(setting: OnConflict) -> &'static str {
    match setting {
        OnConflict::Keep => "keep",
        OnConflict::Adopt => "adopt",
        OnConflict::Overwrite => "overwrite",
        OnConflict::Stop => "stop",
    }
}

impl Differs {
    /// For people; `writes` says whether it is going to be written.
    pub fn lines(&self, writes: bool) -> Vec<String> {
        match self {
            Differs::Incomparably(why) => {
                vec![format!("the two cannot be compared field by field: {why}")]
            }
            Differs::In(places) if places.is_empty() => {
                vec!["no field differs: it is encrypted, or written down, otherwise".to_owned()]
            }
            Differs::In(places) => {
                let heading = match writes {
                    true => "what writing it changes there:",
                    false => "where it differs from there:",
                };
                let places = places.iter().map(|place| format!("  {place}"));
                [heading.to_owned()].into_iter().chain(places).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_another_object() {
        for (setting, becomes) in [
            (OnConflict::Keep, [Some("kept"), Some("written"), None]),
            (OnConflict::Stop, [Some("stops"), Some("written"), None]),
            (
                OnConflict::Adopt,
                [Some("adopted"), Some("written"), Some("adopted")],
            ),
            (
                OnConflict::Overwrite,
                [Some("overwritten"), Some("written"), Some("overwritten")],
            ),
        ] {
            for (is_ours, becomes) in [Some(false), Some(true), None].into_iter().zip(becomes) {
                let conflict = Conflict { setting, is_ours };
                assert_eq!(conflict.json()["becomes"], json!(becomes), "{conflict:?}");
                let written = matches!(becomes, Some("written" | "adopted" | "overwritten"));
                assert_eq!(conflict.stays(), !written, "{conflict:?}");
            }
        }
    }
}
