//! A REST resource of Kubernetes' own. Deliberately not which ones there are:
//! that is `lookup`'s.

/// How kube-apiserver stores a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf in Kubernetes' envelope.
    Protobuf,
    /// JSON text.
    Json,
    /// CBOR: custom resources, where an alpha feature gate was ever on.
    Cbor,
}

/// A REST resource of Kubernetes' own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; the core group is the empty name.
    pub group: &'static str,
    /// The version that Kubernetes 1.36 stores.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The lower-case plural, as in URLs.
    pub plural: &'static str,
    /// What lies between the key prefix and the namespace or name:
    /// `secrets`, `services/specs`,
    /// `apiextensions.k8s.io/customresourcedefinitions`.
    pub path: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// How it is stored.
    pub encoding: Encoding,
}

impl Resource {
    /// The apiVersion under which Kubernetes 1.36 stores it.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }
}
