//! Where a rule can find what it selects: resources and key ranges.
//!
//! Promises soundness: a key outside a rule's reach is never selected by it.
//! Kinds that carry's table of resources does not know (of a newer Kubernetes)
//! are looked for wherever no known resource lives.

use crate::k8s::schema::{self, Resource};
use crate::k8s::{Key, KeyResource};
use crate::lang::pattern::Pattern;

use super::key_range::{KeyRange, normalize, without};
use super::keys::KeyGlobs;
use super::rule_set::{GroupPattern, Operator, Rule};

/// Where keys lie that belong to one cluster alone.
pub(super) const CLUSTER_LOCAL: [&str; 3] = ["masterleases", "peerserverleases", "ranges"];

/// What of a rule the key alone can be compared with.
#[derive(Clone, Debug)]
pub struct Reach {
    group: GroupMatch,
    /// Group and kind (any if `None`) of each entry of `resources`.
    kinds: Vec<(String, Option<String>)>,
    /// The only namespaces that it selects from; `None` for any.
    namespaces: Option<Vec<String>>,
    /// The only names that it selects; `None` for any.
    names: Option<Vec<String>>,
    /// Whether it selects cluster-scoped objects.
    cluster_scoped: bool,
    /// The keys outside of Kubernetes that it selects; then nothing else.
    keys: Option<KeyGlobs>,
}

#[derive(Clone, Debug)]
enum GroupMatch {
    Exact(String),
    All,
    Glob(Pattern),
}

impl GroupMatch {
    fn matches(&self, group: &str) -> bool {
        match self {
            GroupMatch::Exact(own) => own == group,
            GroupMatch::All => true,
            GroupMatch::Glob(pattern) => pattern.matches(group),
        }
    }
}

impl Reach {
    /// The reach of `rule`.
    pub fn of(rule: &Rule) -> Reach {
        let group = match &rule.group.value {
            GroupPattern::Exact(group) => GroupMatch::Exact(group.clone()),
            GroupPattern::Glob(glob) => match Pattern::dotted(glob) {
                Ok(pattern) if !glob.bytes().all(|b| b == b'*') => GroupMatch::Glob(pattern),
                _ => GroupMatch::All,
            },
        };
        let kinds = rule.resources.iter().map(|resource| {
            let kind = resource.kind.as_ref().map(|kind| kind.value.clone());
            (resource.group.value.clone(), kind)
        });
        let cluster_scoped = rule.namespace.is_none()
            && rule.namespaces.is_empty()
            && rule.namespace_selectors.is_empty();
        Reach {
            group,
            kinds: kinds.collect(),
            namespaces: namespaces(rule),
            names: names(rule),
            cluster_scoped,
            keys: KeyGlobs::of(rule),
        }
    }

    /// Whether it may select the object under this key.
    pub fn covers(&self, key: &Key<'_>) -> bool {
        self.covers_resource(&key.resource)
    }

    /// The keys outside of Kubernetes that it selects.
    pub fn keys(&self) -> Option<&KeyGlobs> {
        self.keys.as_ref()
    }

    /// The only namespaces that it selects from, where it names them all.
    pub fn namespaces(&self) -> Option<&[String]> {
        self.namespaces.as_deref()
    }

    /// The only names that it selects, where it names them all.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Whether it may select objects of this resource.
    pub fn covers_resource(&self, resource: &KeyResource<'_>) -> bool {
        if self.keys.is_some() {
            return false;
        }
        match resource {
            KeyResource::BuiltIn(resource) => self.covers_built_in(resource),
            KeyResource::Custom { group, .. } => self.covers_custom(group),
            KeyResource::Unknown(_) => self.elsewhere(),
        }
    }

    /// Whether it may select Services.
    pub fn covers_services(&self) -> bool {
        let services = schema::by_kind("", "Service");
        services.is_some_and(|own| self.covers_resource(&KeyResource::BuiltIn(own)))
    }

    fn covers_built_in(&self, resource: &Resource) -> bool {
        let groups =
            std::iter::once(resource.group).chain(schema::legacy_groups(resource).iter().copied());
        groups
            .into_iter()
            .any(|group| self.accepts(group, resource.kind))
    }

    /// A custom resource's kind is known from its value only.
    fn covers_custom(&self, group: &str) -> bool {
        let listed = |(own, kind): &(String, Option<String>)| own == group && !is_known(own, kind);
        self.group.matches(group) && (self.kinds.is_empty() || self.kinds.iter().any(listed))
    }

    fn accepts(&self, group: &str, kind: &str) -> bool {
        let listed = |(own_group, own_kind): &(String, Option<String>)| {
            own_group == group && own_kind.as_deref().is_none_or(|own| own == kind)
        };
        self.group.matches(group) && (self.kinds.is_empty() || self.kinds.iter().any(listed))
    }

    /// Whether it may select a kind that the table does not know, whose place
    /// is therefore unknown too.
    fn elsewhere(&self) -> bool {
        if self.kinds.is_empty() {
            return match &self.group {
                GroupMatch::All => true,
                GroupMatch::Exact(group) => is_kubernetes_group(group),
                GroupMatch::Glob(pattern) => schema::resources()
                    .iter()
                    .any(|known| pattern.matches(known.group)),
            };
        }
        self.kinds.iter().any(|(group, kind)| {
            self.group.matches(group) && is_kubernetes_group(group) && !is_known(group, kind)
        })
    }

    /// Whether it may select custom resources.
    pub fn selects_custom(&self) -> bool {
        self.keys.is_none() && self.custom_prefixes().next().is_some()
    }

    /// Every key range that it can select from: sorted, disjoint. With
    /// `only`, of this namespace alone as far as the key tells.
    pub fn ranges(&self, prefix: &str, only: Option<&str>) -> Vec<KeyRange> {
        if let Some(keys) = &self.keys {
            return keys.ranges(prefix);
        }
        let mut ranges = Vec::new();
        for resource in schema::resources() {
            if self.covers_built_in(resource) {
                self.built_in_ranges(prefix, resource, only, &mut ranges);
            }
        }
        if self.elsewhere() {
            ranges.extend(unknown_places(prefix));
        } else {
            ranges.extend(
                self.custom_prefixes()
                    .map(|custom| KeyRange::prefix(format!("{prefix}/{custom}"))),
            );
        }
        normalize(ranges)
    }

    fn built_in_ranges(
        &self,
        prefix: &str,
        resource: &Resource,
        only: Option<&str>,
        ranges: &mut Vec<KeyRange>,
    ) {
        let all = format!("{prefix}/{}/", resource.path);
        if !resource.namespaced {
            if self.cluster_scoped && only.is_none() {
                ranges.extend(self.named_below(all));
            }
            return;
        }
        let selected = |name: &str| {
            self.namespaces
                .as_ref()
                .is_none_or(|own| own.iter().any(|own| own == name))
        };
        match (only, &self.namespaces) {
            (Some(only), _) if selected(only) => {
                ranges.extend(self.named_below(format!("{all}{only}/")));
            }
            (Some(_), _) => {}
            (None, Some(names)) => ranges.extend(
                names
                    .iter()
                    .flat_map(|name| self.named_below(format!("{all}{name}/"))),
            ),
            (None, None) => ranges.push(KeyRange::prefix(all)),
        }
    }

    /// Where it selects from among the objects right below `path`.
    fn named_below(&self, path: String) -> Vec<KeyRange> {
        match &self.names {
            None => vec![KeyRange::prefix(path)],
            Some(names) => names
                .iter()
                .map(|name| KeyRange::only(format!("{path}{name}")))
                .collect(),
        }
    }

    /// What the first segment of custom resources' keys begins with.
    fn custom_prefixes(&self) -> impl Iterator<Item = String> {
        let mut prefixes = Vec::new();
        if self.kinds.is_empty() {
            match &self.group {
                GroupMatch::Exact(group) => prefixes.push(format!("{group}/")),
                GroupMatch::Glob(pattern) => {
                    let end = pattern.as_str().find('*').unwrap_or(0);
                    prefixes.push(pattern.as_str()[..end].to_owned());
                }
                GroupMatch::All => prefixes.push(String::new()),
            }
        }
        for (group, kind) in &self.kinds {
            if !is_known(group, kind) && group.contains('.') && self.group.matches(group) {
                prefixes.push(format!("{group}/"));
            }
        }
        prefixes.into_iter()
    }
}

/// Whether the table says where this kind is stored.
fn is_known(group: &str, kind: &Option<String>) -> bool {
    kind.as_deref()
        .is_some_and(|kind| schema::by_kind(group, kind).is_some())
}

/// Groups whose kinds Kubernetes itself may store under a plain plural.
fn is_kubernetes_group(group: &str) -> bool {
    !group.contains('.') || schema::is_built_in_group(group) || group.ends_with(".k8s.io")
}

/// Under the prefix, but where no known resource lives.
fn unknown_places(prefix: &str) -> Vec<KeyRange> {
    let known = schema::resources()
        .iter()
        .map(|resource| format!("{}/", resource.path));
    let known = known.chain(CLUSTER_LOCAL.map(|path| format!("{path}/")));
    let holes = known
        .map(|path| KeyRange::prefix(format!("{prefix}/{path}")))
        .collect();
    without(&KeyRange::prefix(format!("{prefix}/")), &normalize(holes))
}

/// The names that a rule asks for, where each of its field selectors does. An
/// object's name is the last part of its key.
fn names(rule: &Rule) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for selector in &rule.field_selectors {
        let own = selector.requirements.iter().find(|requirement| {
            requirement.operator == Operator::In && requirement.key.value == "metadata.name"
        });
        names.extend(own?.values.iter().map(|name| name.value.clone()));
    }
    (!names.is_empty()).then_some(names)
}

/// The namespaces that a rule names, where it names them all.
fn namespaces(rule: &Rule) -> Option<Vec<String>> {
    let listed = rule.namespaces.iter().map(|name| &name.value);
    let listed: Vec<String> = listed.cloned().collect();
    let globs = listed
        .iter()
        .any(|name| name.contains(['*', '?', '[', '{']));
    match &rule.namespace {
        Some(only) => Some(vec![only.value.clone()]),
        None if listed.is_empty() || globs => None,
        None => Some(listed),
    }
}
