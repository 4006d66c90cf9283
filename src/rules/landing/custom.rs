//! A custom resource at a destination that may not define it.
//!
//! Promises that a custom resource is written only where the destination has
//! its definition, with its kind and version, and where a kube-apiserver serves
//! from there, only once that has taken it up. Deliberately compares no
//! schemas: an apiserver reads what no longer fits one.

use std::borrow::Cow;

use super::crds::read;
use super::{Case, Definition, Guard, Obstacle};
use crate::k8s::crypto::CryptoError;
use crate::k8s::{Encoding, KeyResource, Record};
use crate::rules::decide::Judge;
use crate::rules::outgoing::Unfit;

impl Judge {
    /// Whether what is under `key` may have a CustomResourceDefinition.
    pub fn is_custom(&self, key: &[u8]) -> bool {
        let place = self.place(key);
        place.is_ok_and(|own| matches!(own.resource, KeyResource::Custom { .. }))
    }
}

impl Case<'_> {
    /// Whether the destination defines what this is.
    pub(super) fn is_defined(
        &self,
        record: &Record<'_>,
        group: &str,
        plural: &str,
        guards: &mut Vec<Guard>,
    ) -> Result<(), Obstacle> {
        // Another apiserver's than Kubernetes' own, which needs no definition.
        if record.encoding() == Encoding::Protobuf {
            return Ok(());
        }
        let name = format!("{plural}.{group}");
        let key = self.judge.crd_key(&name).into_bytes();
        let (definition, is_new) = self.definition(&key, &name)?;
        match definition.as_deref().map(|own| self.lacks(record, own)) {
            Some(None) => {
                let mod_revision = definition.map_or(0, |own| own.mod_revision);
                guards.push(Guard::Unchanged { key, mod_revision });
                Ok(())
            }
            // An earlier look says nothing of what has come since.
            _ if !is_new => Err(Obstacle::Look(vec![key])),
            None => {
                let reason = format!("the destination has no CustomResourceDefinition `{name}`");
                Err(self.awaits_definition(&key, reason))
            }
            Some(Some(lacks)) => {
                let reason = format!("the destination's CustomResourceDefinition `{name}` {lacks}");
                Err(self.awaits_definition(&key, reason))
            }
        }
    }

    /// The definition under a key, and whether that is certain to be so still.
    fn definition(
        &self,
        key: &[u8],
        name: &str,
    ) -> Result<(Option<Cow<'_, Definition>>, bool), Obstacle> {
        let seen = self.seen;
        match (seen.get(key), &seen.crds) {
            (Some(None), _) => Ok((None, true)),
            (Some(Some(there)), _) => {
                let unreadable = |why: CryptoError| {
                    let reason = format!(
                        "the destination's CustomResourceDefinition `{name}` cannot be read: {why}"
                    );
                    Obstacle::Unfit(Unfit {
                        awaits: Some(key.to_vec()),
                        ..Unfit::new(reason, true)
                    })
                };
                let found = read(self.judge, self.keyrings, key, there).map_err(unreadable)?;
                Ok((found.map(Cow::Owned), true))
            }
            (None, Some(table)) => {
                // Why not, is found out at the key.
                let is_new = seen.crds_are_fresh && !table.cannot_read(key);
                Ok((table.get(key).map(Cow::Borrowed), is_new))
            }
            (None, None) => Err(Obstacle::LookAtCrds),
        }
    }

    /// What keeps the destination from taking up such an object.
    fn lacks(&self, record: &Record<'_>, own: &Definition) -> Option<String> {
        if own.kind != record.kind() {
            return Some(format!(
                "defines the kind {}, and this is of the kind {}",
                own.kind,
                record.kind()
            ));
        }
        if !own.has(record.version()) {
            let versions: Vec<String> = own.versions.iter().map(|own| format!("`{own}`")).collect();
            return Some(format!(
                "has no version `{}`, only {}",
                record.version(),
                versions.join(", ")
            ));
        }
        if own.deleting {
            return Some("is being deleted, with all its objects".to_owned());
        }
        (self.seen.live && !own.established).then(|| "is not yet established".to_owned())
    }
}
