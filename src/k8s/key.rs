//! What an etcd key says of the object it holds: `<prefix>/<path>/[namespace/]name`.
//!
//! Promises nothing of the value: a value is judged by its own apiVersion and
//! kind, the key predicts and prunes.

use super::schema::{self, Resource};

/// A key under the key prefix, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Of which resource it is.
    pub resource: KeyResource<'a>,
    /// The namespace of a namespaced object.
    pub namespace: Option<&'a str>,
    /// The object's name.
    pub name: &'a str,
}

/// The resource a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyResource<'a> {
    /// Kubernetes' own.
    BuiltIn(&'static Resource),
    /// A custom resource: its first segment holds a `.`.
    Custom {
        /// The API group.
        group: &'a str,
        /// The lower-case plural.
        plural: &'a str,
    },
    /// A first segment without a `.` that no resource known to us has.
    Unknown(&'a str),
}

/// Why a key cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not under the key prefix.
    #[error("the key is not under the key prefix")]
    Outside,
    /// Not text.
    #[error("the key is not UTF-8")]
    NotUtf8,
    /// An empty segment, or more or fewer of them than the resource has.
    #[error("the key has not the segments of a Kubernetes key")]
    Shape,
}

impl<'a> Key<'a> {
    /// Takes `key` apart. `prefix` is as users write it: `/registry`.
    pub fn parse(prefix: &str, key: &'a [u8]) -> Result<Key<'a>, KeyError> {
        let rest = under(prefix, key).ok_or(KeyError::Outside)?;
        let rest = std::str::from_utf8(rest).map_err(|_| KeyError::NotUtf8)?;
        let (first, tail) = rest.split_once('/').ok_or(KeyError::Shape)?;
        if let Some(resource) = schema::by_path(first) {
            return Key::built_in(resource, tail);
        }
        match tail.split_once('/') {
            Some((second, tail)) => Key::two_segments(rest, first, second, tail),
            None if first.is_empty() || first.contains('.') => Err(KeyError::Shape),
            None => Key::at(KeyResource::Unknown(first), tail),
        }
    }

    fn two_segments(
        rest: &'a str,
        first: &'a str,
        second: &'a str,
        tail: &'a str,
    ) -> Result<Key<'a>, KeyError> {
        let path = rest
            .get(..first.len() + 1 + second.len())
            .ok_or(KeyError::Shape)?;
        if let Some(resource) = schema::by_path(path) {
            return Key::built_in(resource, tail);
        }
        if first.contains('.') && !second.is_empty() {
            return Key::at(
                KeyResource::Custom {
                    group: first,
                    plural: second,
                },
                tail,
            );
        }
        if first.is_empty() || first.contains('.') {
            return Err(KeyError::Shape);
        }
        let tail = rest.get(first.len() + 1..).ok_or(KeyError::Shape)?;
        Key::at(KeyResource::Unknown(first), tail)
    }

    fn built_in(resource: &'static Resource, tail: &'a str) -> Result<Key<'a>, KeyError> {
        let key = Key::at(KeyResource::BuiltIn(resource), tail)?;
        match key.namespace.is_some() == resource.namespaced {
            true => Ok(key),
            false => Err(KeyError::Shape),
        }
    }

    fn at(resource: KeyResource<'a>, tail: &'a str) -> Result<Key<'a>, KeyError> {
        let (namespace, name) = match tail.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, tail),
        };
        let well_formed = !name.is_empty() && !name.contains('/') && namespace != Some("");
        match well_formed {
            true => Ok(Key {
                resource,
                namespace,
                name,
            }),
            false => Err(KeyError::Shape),
        }
    }

    /// The API group that the key predicts; the core group is the empty name.
    pub fn group(&self) -> &'a str {
        match self.resource {
            KeyResource::BuiltIn(resource) => resource.group,
            KeyResource::Custom { group, .. } => group,
            KeyResource::Unknown(_) => "",
        }
    }

    /// The lower-case plural of the resource, as the API names it.
    pub fn plural(&self) -> &'a str {
        match self.resource {
            KeyResource::BuiltIn(resource) => resource.plural,
            KeyResource::Custom { plural, .. } => plural,
            KeyResource::Unknown(first) => first,
        }
    }
}

/// Whether the key belongs to one cluster alone and is never mirrored:
/// `masterleases/`, `peerserverleases/`, `ranges/` under the prefix.
pub fn is_cluster_local(prefix: &str, key: &[u8]) -> bool {
    const LOCAL: [&[u8]; 3] = [b"masterleases/", b"peerserverleases/", b"ranges/"];
    under(prefix, key).is_some_and(|rest| LOCAL.iter().any(|local| rest.starts_with(local)))
}

/// What follows `prefix` and a slash.
fn under<'a>(prefix: &str, key: &'a [u8]) -> Option<&'a [u8]> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    key.strip_prefix(prefix.as_bytes())?.strip_prefix(b"/")
}
