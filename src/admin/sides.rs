//! Which etcds the mirror is between, for people.
//!
//! Promises endpoints without users and passwords. Deliberately asks nobody:
//! it knows what it was told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// What is known of both etcds and of this process. Cheap to clone; clones
/// share it.
#[derive(Clone, Default)]
pub struct Sides {
    told: Arc<Mutex<Told>>,
}

/// As it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Who this carry is, as others see it in the leader key.
    pub holder: String,
    /// Where the source listens.
    pub source_endpoints: Vec<String>,
    /// Where the destination listens.
    pub destination_endpoints: Vec<String>,
    /// The newest revision of the destination, as it was last looked at; 0
    /// before that.
    pub destination_revision: i64,
    /// The rules in use, in the order of the file.
    pub rule_names: Vec<String>,
    /// Why the rules file as it is now is not in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_refused: Option<String>,
}

impl Sides {
    /// Where both listen, and who we are.
    pub fn set(&self, holder: String, source: Vec<String>, destination: Vec<String>) {
        let mut told = self.lock();
        told.holder = holder;
        told.source_endpoints = source;
        told.destination_endpoints = destination;
    }

    /// The newest revision of the destination.
    pub fn destination_revision(&self, revision: i64) {
        self.lock().destination_revision = revision;
    }

    /// The rules in use are these.
    pub fn rules(&self, names: Vec<String>) {
        self.lock().rule_names = names;
    }

    /// The rules file as it is now cannot be used, or (`None`) is in use.
    pub fn rules_refused(&self, why: Option<String>) {
        self.lock().rules_refused = why;
    }

    /// All of it.
    pub fn told(&self) -> Told {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
