//! What was probably meant by a key that is not there.
//!
//! Promises that what is put forward is where a kube-apiserver stores objects,
//! or where rules look for keys. Deliberately asks nobody what there is.

use super::decide::Judge;
use super::findings::nearest;
use super::key_range::KeyRange;
use crate::k8s::schema::{self, Resource};
use crate::k8s::{Key, KeyResource};

/// What kubectl calls kinds for short, beside their names.
const SHORT: &[(&str, &str)] = &[
    ("cj", "cronjobs"),
    ("cm", "configmaps"),
    ("crd", "customresourcedefinitions"),
    ("deploy", "deployments"),
    ("ds", "daemonsets"),
    ("ep", "endpoints"),
    ("ev", "events"),
    ("hpa", "horizontalpodautoscalers"),
    ("ing", "ingresses"),
    ("limits", "limitranges"),
    ("netpol", "networkpolicies"),
    ("no", "nodes"),
    ("ns", "namespaces"),
    ("pc", "priorityclasses"),
    ("pdb", "poddisruptionbudgets"),
    ("po", "pods"),
    ("pv", "persistentvolumes"),
    ("pvc", "persistentvolumeclaims"),
    ("quota", "resourcequotas"),
    ("rc", "replicationcontrollers"),
    ("rs", "replicasets"),
    ("sa", "serviceaccounts"),
    ("sc", "storageclasses"),
    ("sts", "statefulsets"),
    ("svc", "services"),
];

/// The resource of this plural, kind or short name, which may have its group
/// after a dot.
fn by_word(word: &str) -> Option<&'static Resource> {
    let word = word.to_ascii_lowercase();
    let (name, group) = match word.split_once('.') {
        None => (word.as_str(), None),
        Some((name, group)) => (name, Some(group)),
    };
    let short = SHORT.iter().find(|(short, _)| *short == name);
    let name = short.map_or(name, |(_, plural)| plural);
    let mut known = schema::resources().iter();
    known.find(|own| {
        let named = own.plural == name || own.kind.eq_ignore_ascii_case(name);
        named && group.is_none_or(|group| own.group == group)
    })
}

impl Judge {
    /// Whether it is no key of an object, and such keys lie below it: those of
    /// a resource, or of one of its namespaces.
    pub fn is_folder(&self, key: &str) -> bool {
        let below = format!("{key}/");
        let is_object = |key: &str| self.place(key.as_bytes()).is_ok();
        let holds = |rest: &str| is_object(&format!("{below}{rest}"));
        let begins = |own: &KeyRange| own.start.starts_with(below.as_bytes());
        !is_object(key) && (holds("name") || holds("namespace/name"))
            || self.ranges().iter().any(begins)
    }

    /// Another key, or beginning of keys, that may have been meant.
    pub fn meant(&self, key: &str) -> Option<String> {
        let meant = match key.strip_prefix('/') {
            None => self.with_slash(key),
            Some(_) => self.of_known_resource(key),
        };
        meant.or_else(|| self.as_kubectl(key.strip_prefix('/').unwrap_or(key)))
    }

    /// What kubectl names by the words before `/`: `svc/shop/web`,
    /// `deployments.apps/shop/web`. Of something in a namespace that is not
    /// named it is a glob over all.
    fn as_kubectl(&self, words: &str) -> Option<String> {
        let (resource, rest) = words.split_once('/')?;
        let resource = by_word(resource)?;
        let path = format!("{}/{}", self.plan().prefix(), resource.path);
        match (rest.split('/').count(), resource.namespaced) {
            (1, true) if !rest.is_empty() => Some(format!("{path}/*/{rest}")),
            (1, _) | (2, true) => Some(format!("{path}/{rest}")),
            _ => None,
        }
    }

    fn with_slash(&self, key: &str) -> Option<String> {
        let meant = format!("/{key}");
        let rest = meant.strip_prefix(self.plan().prefix());
        let inside = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let ranges = self.ranges();
        let looked_at = || ranges.iter().any(|own| own.contains(meant.as_bytes()));
        if self.is_folder(&meant) {
            return Some(format!("{meant}/"));
        }
        (inside || looked_at()).then_some(meant)
    }

    /// As the API names it, or mistyped.
    fn of_known_resource(&self, key: &str) -> Option<String> {
        let Ok(Key {
            resource: KeyResource::Unknown(first),
            ..
        }) = self.place(key.as_bytes())
        else {
            return None;
        };
        let prefix = self.plan().prefix();
        let rest = key.strip_prefix(prefix)?.strip_prefix('/')?;
        let rest = rest.strip_prefix(first)?;
        let mut known = schema::resources().iter();
        let named = known.find(|own| own.plural == first);
        let paths = schema::resources().iter().map(|own: &Resource| own.path);
        let path = named.map_or_else(|| nearest(first, paths), |own| Some(own.path))?;
        let meant = format!("{prefix}/{path}{rest}");
        self.place(meant.as_bytes()).is_ok().then_some(meant)
    }
}
