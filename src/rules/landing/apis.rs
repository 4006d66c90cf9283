//! The versions of Kubernetes' own groups that the destination's kube-apiserver
//! serves, as it says itself in the APIServices that it makes.
//!
//! Promises to hold only what is newer than everything that is served of its
//! group, or neither served nor known to Kubernetes any more: an older version
//! may be read without being served, and of a group that is not served nothing is
//! ever listed. Deliberately does not see which kinds a served version has: etcd
//! does not tell.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Obstacle, There, opened};
use crate::k8s::{Field, KeyResource, Path, Record, RecordError, schema};
use crate::rules::decide::{Judge, KeyRange};

/// What the destination's kube-apiserver serves of Kubernetes' own groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiTable {
    /// Versions by group.
    served: BTreeMap<String, BTreeSet<String>>,
}

/// On those that a kube-apiserver makes for itself.
const AUTOMANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

impl Judge {
    /// Where the APIServices are, to be listed for [`Judge::api_table`].
    pub fn api_range(&self) -> KeyRange {
        KeyRange::prefix(self.api_key(""))
    }

    fn api_key(&self, name: &str) -> String {
        let prefix = self.plan().prefix();
        format!("{prefix}/apiregistration.k8s.io/apiservices/{name}")
    }

    /// What the destination serves, of what it has in [`Judge::api_range`]. May
    /// wait for a KMS plugin.
    pub fn api_table<'i>(
        &self,
        items: impl IntoIterator<Item = (&'i [u8], &'i There)>,
    ) -> ApiTable {
        let (keyrings, mut table) = (self.keyrings(), ApiTable::default());
        for (key, there) in items {
            let read = opened(self, &keyrings, key, &there.value, |record| {
                Ok(served(record)?)
            });
            // One that cannot be read says nothing.
            if let Ok(Some((group, version))) = read {
                table.served.entry(group).or_default().insert(version);
            }
        }
        table
    }
}

/// The group and version of an APIService that a kube-apiserver has made for
/// kinds of Kubernetes' own.
fn served(record: &Record<'_>) -> Result<Option<(String, String)>, RecordError> {
    let of_path = |path: &Path| match record.get(path)? {
        Field::String(text) => Ok(Some(text.into_owned())),
        _ => Ok::<_, RecordError>(None),
    };
    let text = |path: &str| match path.parse::<Path>() {
        Ok(path) => of_path(&path),
        Err(_) => Ok(None),
    };
    let is_own = of_path(&Path::label(AUTOMANAGED))?.is_some();
    let group = text("spec.group")?.unwrap_or_default();
    let version = text("spec.version")?;
    let known = is_own && schema::is_built_in_group(&group);
    Ok(version.filter(|_| known).map(|version| (group, version)))
}

impl Case<'_> {
    /// Whether the destination's kube-apiserver may know the version.
    pub(super) fn is_served(&self, record: &Record<'_>) -> Result<(), Obstacle> {
        let (KeyResource::BuiltIn(_), true, Some(apis)) =
            (self.place.resource, self.seen.live, &self.seen.apis)
        else {
            return Ok(());
        };
        let (group, version) = (record.group(), record.version());
        let Some(served) = apis.served.get(group) else {
            return Ok(());
        };
        let stored = record.api_version();
        let newest = served.iter().max_by_key(|own| rank(own));
        let reason = match newest {
            Some(newest) if rank(newest) < rank(version) => format!(
                "it is stored as `{stored}`, and the destination's kube-apiserver serves none newer than `{newest}`"
            ),
            _ if served.contains(version) || schema::has_version(group, version, record.kind()) => {
                return Ok(());
            }
            _ => format!(
                "it is stored as `{stored}`, which the destination's kube-apiserver does not serve and Kubernetes 1.36 does not know: let the source store it anew, as `kubectl get` and `kubectl replace` do"
            ),
        };
        let key = self.judge.api_key(&format!("{version}.{group}"));
        Err(self.awaits(key.as_bytes(), reason))
    }
}

/// As Kubernetes orders versions: finished ones after betas after alphas, then
/// by number. What is none comes before all.
fn rank(version: &str) -> Option<(u8, u32, u32)> {
    let rest = version.strip_prefix('v')?;
    for (stage, name) in [(0, "alpha"), (1, "beta")] {
        if let Some((major, minor)) = rest.split_once(name) {
            return Some((stage, major.parse().ok()?, minor.parse().ok()?));
        }
    }
    Some((2, rest.parse().ok()?, 0))
}
