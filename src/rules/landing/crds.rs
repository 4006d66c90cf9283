//! The CustomResourceDefinitions of the destination: which kinds it has, where
//! they lie, and in which versions.
//!
//! Promises that a definition that cannot be read defines nothing. Deliberately
//! judges nothing by it.

use std::collections::{BTreeMap, BTreeSet};

use super::{There, opened};
use crate::k8s::crypto::CryptoError;
use crate::rules::decide::{Judge, KeyRange};
use crate::rules::keyrings::Keyrings;

pub use crate::rules::definition::Definition;

/// The definitions, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrdTable {
    by_key: BTreeMap<Vec<u8>, Definition>,
    /// Those of which that cannot be told.
    unreadable: BTreeSet<Vec<u8>>,
}

impl CrdTable {
    /// The definition under `key` is this now, or there is none.
    pub fn insert(&mut self, key: Vec<u8>, definition: Option<Definition>) {
        self.unreadable.remove(&key);
        match definition {
            Some(definition) => self.by_key.insert(key, definition),
            None => self.by_key.remove(&key),
        };
    }

    /// The definition under `key`.
    pub fn get(&self, key: &[u8]) -> Option<&Definition> {
        self.by_key.get(key)
    }

    /// Whether the destination has something under `key` that cannot be read.
    pub(super) fn cannot_read(&self, key: &[u8]) -> bool {
        self.unreadable.contains(key)
    }

    /// The definition of a kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<&Definition> {
        let mut all = self.by_key.values();
        all.find(|own| own.group == group && own.kind == kind)
    }
}

impl Judge {
    /// Where the CustomResourceDefinitions are, to be listed for
    /// [`Judge::crd_table`]. As all keys here, in the source's key space.
    pub fn crd_range(&self) -> KeyRange {
        KeyRange::prefix(self.crd_key(""))
    }

    /// The key of a definition, by its name: `<plural>.<group>`.
    pub(super) fn crd_key(&self, name: &str) -> String {
        let prefix = self.plan().prefix();
        format!("{prefix}/apiextensions.k8s.io/customresourcedefinitions/{name}")
    }

    /// The destination's definitions, of what it has in [`Judge::crd_range`].
    /// May wait for a KMS plugin.
    pub fn crd_table<'i>(
        &self,
        items: impl IntoIterator<Item = (&'i [u8], &'i There)>,
    ) -> CrdTable {
        let (keyrings, mut table) = (self.keyrings(), CrdTable::default());
        for (key, there) in items {
            match read(self, &keyrings, key, there) {
                Ok(definition) => table.insert(key.to_vec(), definition),
                Err(_) => {
                    table.unreadable.insert(key.to_vec());
                }
            }
        }
        table
    }

    /// What the destination's value for the source's `key` defines; `None`
    /// where that cannot be read. May wait for a KMS plugin.
    pub fn definition(&self, key: &[u8], there: &There) -> Option<Definition> {
        let keyrings = self.keyrings();
        read(self, &keyrings, key, there).ok().flatten()
    }
}

/// What the destination's value defines, if anything.
pub(super) fn read(
    judge: &Judge,
    keyrings: &Keyrings,
    key: &[u8],
    there: &There,
) -> Result<Option<Definition>, CryptoError> {
    opened(judge, keyrings, key, &there.value, |record| {
        Ok(Definition::of(&record.to_json()?, there.mod_revision))
    })
}
