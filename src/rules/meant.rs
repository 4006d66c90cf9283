//! What was probably meant by a key that is not there.
//!
//! Promises that what is put forward is where a kube-apiserver stores objects,
//! or where rules look for keys. Deliberately asks nobody what there is.

use super::decide::Judge;
use super::findings::nearest;
use super::key_range::KeyRange;
use crate::k8s::schema::{self, Resource};
use crate::k8s::{Key, KeyResource};

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
        match key.starts_with('/') {
            false => self.with_slash(key),
            true => self.of_known_resource(key),
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
