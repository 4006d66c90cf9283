//! Whether a value is of the kind whose key it lies under.
//!
//! Promises that what it finds wrong no kube-apiserver could read: it decodes
//! what it lists as the kind that the key says, or not at all. Deliberately
//! says nothing of keys whose resource is not known, nor of kinds that another
//! apiserver than Kubernetes' own keeps there.

use crate::k8s::{Encoding, Key, KeyResource, Record, schema};

/// What is wrong with a value under this key, if anything is.
pub fn mismatch(place: &Key<'_>, record: &Record<'_>) -> Option<String> {
    let (group, kind) = (record.group(), record.kind());
    let (fits, path) = match place.resource {
        KeyResource::BuiltIn(own) => {
            let of_group = own.group == group || schema::legacy_groups(own).contains(&group);
            (own.kind == kind && of_group, own.path.to_owned())
        }
        // In protobuf it is no custom resource.
        KeyResource::Custom { group: own, plural } => (
            own == group || record.encoding() == Encoding::Protobuf,
            format!("{own}/{plural}"),
        ),
        KeyResource::Unknown(_) => return None,
    };
    (!fits).then(|| {
        format!(
            "the key is one of `{path}`, and its value is of the kind {kind} of `{}`: no kube-apiserver could read it there",
            record.api_version()
        )
    })
}
