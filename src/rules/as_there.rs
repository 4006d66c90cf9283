//! When the destination has what is to be written, though not to the byte.
//!
//! Promises that nothing counts as there that differs in more than what the
//! destination may have otherwise: references to owners that it lacks, and what
//! of a CustomResourceDefinition is its own. Deliberately decrypts nothing.

use std::borrow::Cow;

use crate::k8s::{Key, KeyResource, Record, rewrite};

use super::definition;
use super::owner_references::{references, without};
use super::policy::{Owners, Policies};
use super::rewriting::Rewriting;

/// How a plain value of the destination is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsThere {
    /// To the byte.
    Whole,
    /// It may lack owners.
    WithoutOwners,
    /// A CustomResourceDefinition.
    Definition,
}

impl AsThere {
    /// For a key that a rule with these policies selects.
    pub fn of(place: &Key<'_>, policies: Policies) -> AsThere {
        match policies.owners {
            _ if is_definition(place) => AsThere::Definition,
            Owners::Strip => AsThere::WithoutOwners,
            Owners::Hold | Owners::Skip => AsThere::Whole,
        }
    }

    /// Whether the destination, whose plain value is `there`, has `wanted`.
    pub fn is_there(self, wanted: &[u8], there: &[u8]) -> bool {
        wanted == there
            || match self {
                AsThere::Whole => false,
                AsThere::WithoutOwners => {
                    without_owners(wanted, there).is_some_and(|wanted| *wanted == *there)
                }
                AsThere::Definition => definition::is_there(wanted, there),
            }
    }
}

impl AsThere {
    /// What of `wanted` the destination, whose plain value is `there`, can be
    /// expected to have.
    pub fn expected<'w>(self, wanted: &'w [u8], there: &[u8]) -> Cow<'w, [u8]> {
        let without = match self {
            AsThere::WithoutOwners => without_owners(wanted, there),
            AsThere::Whole | AsThere::Definition => None,
        };
        without.map_or(Cow::Borrowed(wanted), Cow::Owned)
    }
}

impl AsThere {
    /// What policies have changed in the source's object on its way to what the
    /// destination has, of what it may have otherwise.
    pub fn otherwise(self, here: &Record<'_>, there: &Record<'_>) -> Vec<Rewriting> {
        match self {
            AsThere::Whole => Vec::new(),
            AsThere::WithoutOwners => lacking(here, there).unwrap_or_default(),
            AsThere::Definition => match (here.to_json(), there.to_json()) {
                (Ok(here), Ok(there)) => definition::rewritings(&here, Some(&there)),
                _ => Vec::new(),
            },
        }
    }
}

/// Whether the key is a CustomResourceDefinition's.
pub fn is_definition(place: &Key<'_>) -> bool {
    match place.resource {
        KeyResource::BuiltIn(resource) => resource.kind == "CustomResourceDefinition",
        KeyResource::Custom { .. } | KeyResource::Unknown(_) => false,
    }
}

/// `wanted` without the references to owners that `there` lacks; `None` where it
/// lacks none, or nothing can be said.
fn without_owners(wanted: &[u8], there: &[u8]) -> Option<Vec<u8>> {
    let (ours, theirs) = (Record::parse(wanted).ok()?, Record::parse(there).ok()?);
    let edits = lacking(&ours, &theirs)?.into_iter();
    let edits: Vec<_> = edits.map(|own| (own.path, own.edit)).collect();
    Some(rewrite(wanted, &edits).ok()?.to_vec())
}

/// The references of `ours` that `theirs` lacks, to be taken away; `None` where
/// there are none, or nothing can be said.
fn lacking(ours: &Record<'_>, theirs: &Record<'_>) -> Option<Vec<Rewriting>> {
    let (ours, theirs) = (references(ours).ok()?, references(theirs).ok()?);
    let lacks = |at: &usize| ours.get(*at).is_some_and(|own| !theirs.contains(own));
    let lacking: Vec<usize> = (0..ours.len()).filter(lacks).collect();
    (!lacking.is_empty()).then(|| without(&lacking, ours.len()))
}
