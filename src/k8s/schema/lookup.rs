//! Which resources there are, by their place in etcd and by kind.
//!
//! Promises to know where older apiservers stored a kind, too. Deliberately
//! knows no fields.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::resource::Resource;
use super::table::table;

/// Every REST resource of Kubernetes' own, sorted by path.
pub fn resources() -> &'static [Resource] {
    &table().resources
}

/// The resource at `path` under the key prefix.
pub fn by_path(path: &str) -> Option<&'static Resource> {
    // Asked for every event: hashing beats a search through seventy names.
    static BY_PATH: LazyLock<HashMap<&str, &Resource>> = LazyLock::new(|| {
        let by_path = resources().iter().map(|resource| (resource.path, resource));
        by_path.collect()
    });
    BY_PATH.get(path).copied()
}

/// The resource under whose path objects of this group and kind are stored.
/// Groups of older apiservers count: `Ingress` of `extensions` is the
/// resource `ingresses` of `networking.k8s.io`.
pub fn by_kind(group: &str, kind: &str) -> Option<&'static Resource> {
    let stored_as = |resource: &&Resource| {
        resource.kind == kind
            && (resource.group == group || legacy_groups(resource).contains(&group))
    };
    resources().iter().find(stored_as)
}

/// The other groups under which older apiservers stored values of this
/// resource.
pub fn legacy_groups(resource: &Resource) -> &'static [&'static str] {
    match resource.path {
        "daemonsets" | "deployments" | "ingress" | "networkpolicies" | "replicasets" => {
            &["extensions"]
        }
        "events" => &["events.k8s.io"],
        _ => &[],
    }
}

/// Whether the API group is Kubernetes' own, so that its kinds are never
/// custom resources.
pub fn is_built_in_group(group: &str) -> bool {
    let packages = &table().packages;
    packages.iter().any(|package| package.group == Some(group))
}

/// How many packages, messages and fields the table holds.
pub fn size() -> (usize, usize, usize) {
    let table = table();
    let fields = table
        .messages
        .iter()
        .map(|message| message.rows.len())
        .sum();
    (table.packages.len(), table.messages.len(), fields)
}
