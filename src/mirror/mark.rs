//! The mark of a promotion: what it says to whoever finds it.
//!
//! Promises that a mark which cannot be read is one all the same. Deliberately
//! says nothing of what has been restored under it: that is seen from the
//! objects.

use serde::{Deserialize, Serialize};

/// That a destination was promoted, at `/carry/<name>/promoted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// When, in RFC 3339.
    pub time: String,
    /// On which machine.
    pub host: String,
    /// By which process.
    pub pid: u32,
    /// What no other process has.
    pub token: String,
    /// Everything of the source up to this revision was applied, and perhaps
    /// more.
    pub checkpoint: Option<i64>,
    /// The lease of the mirror that led; 0 for none.
    pub lease: i64,
}

impl Mark {
    /// When and by whom, for people.
    pub fn describe(bytes: &[u8]) -> String {
        match serde_json::from_slice::<Mark>(bytes) {
            Ok(Mark {
                time, host, pid, ..
            }) => format!("{time}, by process {pid} on {host}"),
            Err(_) => "its mark does not say when".to_owned(),
        }
    }
}
