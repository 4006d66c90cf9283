//! What policies change in an object on its way to the destination.
//!
//! Promises to name every field that is changed, and to name it only where the
//! object has something else there. Deliberately changes nothing itself: the
//! bytes are spliced by `k8s::rewrite`.

use std::sync::LazyLock;

use serde_json::Value;

use crate::k8s::{Edit, Field, Path, Record};

use super::policy::{Policies, Policy, Volumes};
use super::workloads;

/// One field that a policy changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewriting {
    /// The policy.
    pub policy: Policy,
    /// The field.
    pub path: Path,
    /// What becomes of it.
    pub edit: Edit,
}

/// What is taken away of every object: the source's deletion of it, and who
/// has to agree to that there.
static DELETION: LazyLock<Vec<Path>> = LazyLock::new(|| {
    paths(&[
        "metadata.deletionTimestamp",
        "metadata.deletionGracePeriodSeconds",
        "metadata.finalizers",
    ])
});

/// What of a volume's claim is the source's alone.
static CLAIM: LazyLock<Vec<Path>> =
    LazyLock::new(|| paths(&["spec.claimRef.uid", "spec.claimRef.resourceVersion"]));

/// That a volume and a claim are bound to each other already.
static BINDING: LazyLock<Vec<Path>> = LazyLock::new(|| {
    paths(&[
        "metadata.annotations['pv.kubernetes.io/bound-by-controller']",
        "metadata.annotations['pv.kubernetes.io/bind-completed']",
    ])
});

static PHASE: LazyLock<Vec<Path>> = LazyLock::new(|| paths(&["status.phase"]));
static RECLAIM: LazyLock<Vec<Path>> =
    LazyLock::new(|| paths(&["spec.persistentVolumeReclaimPolicy"]));

/// Written in this file.
fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// What `policies` change in an object on its way through the mirror of this
/// name.
pub fn rewritings(record: &Record<'_>, policies: Policies, mirror: &str) -> Vec<Rewriting> {
    let mut found = Found {
        record,
        rewritings: Vec::new(),
    };
    found.remove(Policy::Deletion, &DELETION);
    let kind = (record.group(), record.kind());
    // Nothing could be created in a Namespace that ends.
    if kind == ("", "Namespace") {
        let ends = |phase: &str| phase == "Terminating";
        found.set(Policy::Deletion, &PHASE, ends, "Active");
    }
    if policies.persistent_volumes == Volumes::Retain {
        let other = |reclaim: &str| reclaim != "Retain";
        match kind {
            ("", "PersistentVolume") => {
                // One whose claim is gone must not be given to another one.
                let bound = |phase: &str| phase == "Bound";
                if found.has(&PHASE, bound) {
                    found.remove(Policy::PersistentVolumes, &CLAIM);
                }
                found.remove(Policy::PersistentVolumes, &BINDING);
                found.set(Policy::PersistentVolumes, &RECLAIM, other, "Retain");
            }
            ("", "PersistentVolumeClaim") => found.remove(Policy::PersistentVolumes, &BINDING),
            _ => {}
        }
    }
    for (path, edit) in workloads::rested(record, policies.workloads, mirror) {
        found.add(Policy::Workloads, &path, edit);
    }
    found.rewritings
}

struct Found<'r, 'v> {
    record: &'r Record<'v>,
    rewritings: Vec<Rewriting>,
}

impl Found<'_, '_> {
    fn add(&mut self, policy: Policy, path: &Path, edit: Edit) {
        self.rewritings.push(Rewriting {
            policy,
            path: path.clone(),
            edit,
        });
    }

    /// A field that cannot be read is none of the object's.
    fn remove(&mut self, policy: Policy, paths: &[Path]) {
        for path in paths {
            let field = self.record.get(path);
            if !matches!(field, Ok(Field::Absent | Field::Null) | Err(_)) {
                self.add(policy, path, Edit::Remove);
            }
        }
    }

    /// Whether the object has a text there that is `meant`.
    fn has(&self, paths: &[Path], meant: fn(&str) -> bool) -> bool {
        let mut now = paths.iter().map(|path| self.record.get(path));
        now.any(|now| matches!(&now, Ok(Field::String(now)) if meant(now)))
    }

    /// Sets a text where the object has one that is `meant`.
    fn set(&mut self, policy: Policy, paths: &[Path], meant: fn(&str) -> bool, text: &str) {
        for path in paths {
            let now = self.record.get(path);
            if matches!(&now, Ok(Field::String(now)) if meant(now)) {
                self.add(policy, path, Edit::Set(Value::String(text.to_owned())));
            }
        }
    }
}
