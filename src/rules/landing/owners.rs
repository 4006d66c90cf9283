//! Owners: what the destination's garbage collector would do to an object.
//!
//! Promises that an object is written with the references to those owners alone
//! that the destination has, by their uid. The garbage collector deletes an
//! object of which no owner is there, and where one is there it removes the
//! references to the others: all must be there, so that what is written stays.
//! It leaves an object in no namespace alone whose owner would be in one, since
//! such a reference leads nowhere, and so does this. Deliberately does not see
//! whether an owner is to come.

use super::{Case, Guard, Obstacle, There, opened};
use crate::k8s::crypto::CryptoError;
use crate::k8s::{Field, Path, Record, schema};
use crate::rules::outgoing::{Rewriting, Unfit};
use crate::rules::owner_references::{Reference, references, without};
use crate::rules::policy::{Owners, Policy};

/// What was found of an owner.
pub(super) enum Owner {
    /// It is there, as long as this holds.
    Here(Guard),
    /// It is not there, as long as this holds, if anything can change it.
    Gone(Unfit, Option<Guard>),
    /// The reference leads nowhere, in either cluster.
    Nowhere,
}

/// Where an owner would be.
enum Whereabouts {
    At(Vec<u8>),
    /// No definition of the destination has its kind.
    Undefined,
    Nowhere,
}

impl Case<'_> {
    /// What changes in an object for the owners that the destination has.
    pub(super) fn owned(
        &self,
        record: &Record<'_>,
        guards: &mut Vec<Guard>,
    ) -> Result<Vec<Rewriting>, Obstacle> {
        let owners = references(record).map_err(|error| {
            let reason = format!("its owners cannot be read: {error}");
            Unfit::new(reason, false)
        })?;
        let (mut looks, mut gone) = (Vec::new(), Vec::new());
        for (at, owner) in owners.iter().enumerate() {
            let named = format!("its owner, {} `{}`,", owner.kind, owner.name);
            match self.owner(&named, owner) {
                Ok(Owner::Here(guard)) => guards.push(guard),
                Ok(Owner::Gone(unfit, guard)) => gone.push((at, unfit, guard)),
                Ok(Owner::Nowhere) => {}
                Err(Obstacle::Look(keys)) => looks.extend(keys),
                Err(other) => return Err(other),
            }
        }
        if !looks.is_empty() {
            return Err(Obstacle::Look(looks));
        }
        let Some((_, first, _)) = gone.first() else {
            return Ok(Vec::new());
        };
        match self.policies.owners {
            Owners::Hold => Err(first.clone().by(Policy::Owners).into()),
            Owners::Skip => Err(self.left_out(Policy::Owners, first.clone())),
            // An owner that is mirrored may only come later.
            Owners::Strip if self.seen.early => Err(first.clone().into()),
            Owners::Strip => {
                let places: Vec<usize> = gone.iter().map(|(at, ..)| *at).collect();
                guards.extend(gone.into_iter().filter_map(|(_, _, guard)| guard));
                Ok(without(&places, owners.len()))
            }
        }
    }

    /// Whether the destination has an owner, which is `named` so.
    pub(super) fn owner(&self, named: &str, owner: &Reference) -> Result<Owner, Obstacle> {
        let key = match self.whereabouts(owner)? {
            Whereabouts::At(key) => key,
            Whereabouts::Nowhere => return Ok(Owner::Nowhere),
            Whereabouts::Undefined => {
                let reason = format!(
                    "{named} is not at the destination, which has no CustomResourceDefinition of its kind in `{}`",
                    owner.group
                );
                return Ok(Owner::Gone(Unfit::new(reason, true), None));
            }
        };
        let Some(there) = self.seen.get(&key) else {
            return Err(Obstacle::Look(vec![key]));
        };
        let gone = |why: &str, guard: Guard| {
            let unfit = Unfit {
                awaits: Some(key.clone()),
                ..Unfit::new(format!("{named} {why}"), true)
            };
            Owner::Gone(unfit, Some(guard))
        };
        let Some(there) = there else {
            return Ok(gone(
                "is not at the destination",
                Guard::Absent(key.clone()),
            ));
        };
        let unchanged = || Guard::Unchanged {
            key: key.clone(),
            mod_revision: there.mod_revision,
        };
        match self.look_at(&key, there) {
            // It is not known to be gone.
            Err(why) => {
                let reason = format!("{named} cannot be read at the destination: {why}");
                Err(self.awaits(&key, reason))
            }
            Ok(own) if own.uid != owner.uid => Ok(gone(
                "is another object at the destination, of another uid",
                unchanged(),
            )),
            Ok(own) if own.takes_along => Ok(gone(
                "is being deleted at the destination, with what it owns",
                unchanged(),
            )),
            Ok(_) => Ok(Owner::Here(Guard::Lives {
                key: key.clone(),
                create_revision: there.create_revision,
            })),
        }
    }

    fn whereabouts(&self, owner: &Reference) -> Result<Whereabouts, Obstacle> {
        let (path, namespaced) = match schema::by_kind(&owner.group, &owner.kind) {
            Some(known) => (known.path.to_owned(), known.namespaced),
            None if schema::is_built_in_group(&owner.group) => {
                let reason = format!(
                    "its owner is of the kind {} of `{}`, of which is not known where it would be",
                    owner.kind, owner.group
                );
                return Err(Unfit::new(reason, false).into());
            }
            None => {
                let crds = self.seen.crds.as_ref();
                match crds.and_then(|table| table.of_kind(&owner.group, &owner.kind)) {
                    Some(own) => (format!("{}/{}", own.group, own.plural), own.namespaced),
                    None if crds.is_none() || !self.seen.crds_are_fresh => {
                        return Err(Obstacle::LookAtCrds);
                    }
                    None => return Ok(Whereabouts::Undefined),
                }
            }
        };
        let prefix = self.judge.plan().prefix();
        let name = &owner.name;
        let key = match (namespaced, self.place.namespace) {
            (true, None) => return Ok(Whereabouts::Nowhere),
            (true, Some(namespace)) => format!("{prefix}/{path}/{namespace}/{name}"),
            (false, _) => format!("{prefix}/{path}/{name}"),
        };
        Ok(Whereabouts::At(key.into_bytes()))
    }

    fn look_at(&self, key: &[u8], there: &There) -> Result<Existing, CryptoError> {
        opened(self.judge, self.keyrings, key, &there.value, |record| {
            let text = |path: &str| match path.parse::<Path>().map(|path| record.get(&path)) {
                Ok(found) => found.map(Some),
                Err(_) => Ok(None),
            };
            let uid = match text("metadata.uid")? {
                Some(Field::String(uid)) => uid.into_owned(),
                _ => String::new(),
            };
            let deleted = text("metadata.deletionTimestamp")?;
            let deleting = !matches!(deleted, None | Some(Field::Absent | Field::Null));
            let takes_along = deleting && is_listed(text("metadata.finalizers")?, FOREGROUND);
            Ok(Existing { uid, takes_along })
        })
    }
}

/// The object under an owner's key.
struct Existing {
    uid: String,
    /// Whether it is being deleted, and waits for what it owns to go first.
    takes_along: bool,
}

/// Set on what is deleted after all that it owns.
const FOREGROUND: &str = "foregroundDeletion";

fn is_listed(list: Option<Field<'_>>, text: &str) -> bool {
    let Some(Field::Composite(list)) = list else {
        return false;
    };
    let mut items = list.items();
    items.any(|item| matches!(&item, Ok(Field::String(own)) if own == text))
}
