//! Values of the extension libraries: addresses, networks, URLs, versions,
//! quantities, named formats, and compiled patterns.
//!
//! Promises that each is made by a function that checks its text. Deliberately
//! knows nothing of expressions.

mod format;
mod network;
mod pattern;
mod translate;
mod url;
mod version;

pub use crate::k8s::Quantity;
pub use format::Format;
pub use network::{Cidr, Ip, NotAnAddress};
pub use pattern::{Regex, RegexError};
pub use url::{NotAUrl, Url};
pub use version::{NotAVersion, Semver};

use super::ty::{OpaqueType, TypeName};

/// A value of an extension library.
#[derive(Clone, Debug, PartialEq)]
pub enum Opaque {
    /// A pattern that was compiled once, in place of its text.
    Regex(Regex),
    /// A quantity of Kubernetes; two are equal if their numbers are.
    Quantity(Quantity),
    /// An IP address.
    Ip(Ip),
    /// A network; two are equal if the addresses they were written with are.
    Cidr(Cidr),
    /// A URL.
    Url(Url),
    /// A semantic version; two are equal whatever their build metadata.
    Semver(Semver),
    /// A named format of Kubernetes.
    Format(Format),
}

impl Opaque {
    /// Its type. A pattern is a text to expressions.
    pub fn type_name(&self) -> TypeName {
        TypeName::Opaque(match self {
            Opaque::Regex(_) => return TypeName::String,
            Opaque::Quantity(_) => OpaqueType::Quantity,
            Opaque::Ip(_) => OpaqueType::Ip,
            Opaque::Cidr(_) => OpaqueType::Cidr,
            Opaque::Url(_) => OpaqueType::Url,
            Opaque::Semver(_) => OpaqueType::Semver,
            Opaque::Format(_) => OpaqueType::Format,
        })
    }
}

impl std::fmt::Display for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Opaque::Regex(regex) => write!(f, "{regex}"),
            Opaque::Quantity(quantity) => write!(f, "{quantity}"),
            Opaque::Ip(ip) => write!(f, "{ip}"),
            Opaque::Cidr(cidr) => write!(f, "{cidr}"),
            Opaque::Url(url) => write!(f, "{url}"),
            Opaque::Semver(version) => write!(f, "{version}"),
            Opaque::Format(format) => write!(f, "{format}"),
        }
    }
}
