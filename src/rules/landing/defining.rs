//! A CustomResourceDefinition at a destination that may have it already, with
//! objects.
//!
//! Promises that no definition is written without which the destination could
//! not read what it has stored, if it is written in another transaction than its
//! objects. Deliberately leaves it to the destination to
//! take a definition up: that its names are accepted is what its own controllers
//! find out, among its own definitions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Case, Definition, Guard, Obstacle, There, opened};
use crate::k8s::Record;
use crate::rules::decide::{Judge, KeyRange};
use crate::rules::definition::{dropped, rewritings};
use crate::rules::outgoing::{Rewriting, Unfit};

/// Under which versions the destination has stored objects of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObjects {
    /// The destination's revision before anybody looked.
    revision: i64,
    /// The versions, each with the key of one such object.
    versions: BTreeMap<String, Vec<u8>>,
    /// One of which that cannot be told.
    unreadable: Option<Vec<u8>>,
}

impl Judge {
    /// Adds an object that the destination has under the source's `key`. May
    /// wait for a KMS plugin.
    pub fn add_stored(&self, objects: &mut StoredObjects, key: &[u8], value: &[u8]) {
        let version = opened(self, &self.keyrings(), key, value, |record| {
            Ok(record.version().to_owned())
        });
        match version {
            Ok(version) => {
                let of_version = objects.versions.entry(version);
                of_version.or_insert_with(|| key.to_vec());
            }
            Err(_) => objects.unreadable = Some(key.to_vec()),
        }
    }
}

impl StoredObjects {
    /// None yet; all that is added was seen at `revision` of the destination, or
    /// later.
    pub fn seen_from(revision: i64) -> StoredObjects {
        StoredObjects {
            revision,
            versions: BTreeMap::new(),
            unreadable: None,
        }
    }

    /// One that is stored in one of these versions, or may be; with its key.
    fn in_one_of(&self, versions: &[String]) -> Option<(String, &[u8])> {
        let found = versions.iter().find_map(|own| {
            let key = self.versions.get(own)?;
            Some((format!("is stored in version `{own}`"), key.as_slice()))
        });
        let unreadable = self.unreadable.as_deref();
        found.or_else(|| unreadable.map(|key| ("cannot be read".to_owned(), key)))
    }
}

impl Case<'_> {
    /// What changes in a definition, for what the destination has there.
    pub(super) fn define(
        &self,
        record: &Record<'_>,
        guards: &mut Vec<Guard>,
    ) -> Result<Vec<Rewriting>, Obstacle> {
        let key = || self.key.to_vec();
        let Some(there) = self.seen.get(self.key) else {
            return Err(Obstacle::Look(vec![key()]));
        };
        let here = record
            .to_json()
            .map_err(|error| Unfit::new(error.to_string(), false))?;
        let Some(there) = there else {
            guards.push(Guard::Absent(key()));
            return Ok(rewritings(&here, None));
        };
        let mod_revision = there.mod_revision;
        let there = self.definition_there(there)?;
        guards.extend(self.keeps_readable(&here, &there)?);
        guards.push(Guard::Unchanged {
            key: key(),
            mod_revision,
        });
        Ok(rewritings(&here, Some(&there)))
    }

    fn definition_there(&self, there: &There) -> Result<Value, Obstacle> {
        let found = opened(
            self.judge,
            self.keyrings,
            self.key,
            &there.value,
            |record| Ok(record.to_json()?),
        );
        found.map_err(|why| {
            let reason =
                format!("what the destination has under this key already cannot be read: {why}");
            self.awaits(self.key, reason)
        })
    }

    /// What must be so for the destination to be able to read all that it has
    /// stored still, where anything must.
    fn keeps_readable(&self, here: &Value, there: &Value) -> Result<Option<Guard>, Obstacle> {
        let Some(old) = Definition::of(there, 0) else {
            return Ok(None);
        };
        if old.deleting {
            let reason =
                "the destination is deleting the definition that it has, with all its objects";
            return Err(self.awaits_definition(self.key, reason.to_owned()));
        }
        let dropped = dropped(here, there);
        if dropped.is_empty() {
            return Ok(None);
        }
        let prefix = self.judge.plan().prefix();
        let range = KeyRange::prefix(format!("{prefix}/{}/{}/", old.group, old.plural));
        let Some(objects) = self.seen.objects.get(self.key) else {
            let key = self.key.to_vec();
            return Err(Obstacle::LookAtObjects { key, range });
        };
        let Some((how, key)) = objects.in_one_of(&dropped) else {
            // One that has come since may be in any version.
            return Ok(Some(Guard::NoneNewer {
                range,
                revision: objects.revision,
            }));
        };
        let versions: Vec<String> = dropped.iter().map(|own| format!("`{own}`")).collect();
        let reason = format!(
            "it no longer has the version {}, and the destination could not read its `{}` any more, which {how}",
            versions.join(", "),
            key.escape_ascii()
        );
        Err(self.awaits_definition(key, reason))
    }
}
