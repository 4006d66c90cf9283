//! Who a Service is, and under which keys it and its addresses lie.
//!
//! Promises that a key which is taken apart is put together again as the same.
//! Deliberately looks into no value.

use std::fmt;
use std::net::IpAddr;

use super::cidr::address;

/// A Service by its namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName {
    /// The namespace.
    pub namespace: Box<str>,
    /// The name.
    pub name: Box<str>,
}

impl ServiceName {
    /// The Service `name` of `namespace`.
    pub fn new(namespace: &str, name: &str) -> ServiceName {
        ServiceName {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The bitmaps, each under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Range {
    Primary,
    Secondary,
    NodePorts,
}

impl Range {
    pub const ALL: [Range; 3] = [Range::Primary, Range::Secondary, Range::NodePorts];

    fn name(self) -> &'static str {
        match self {
            Range::Primary => "serviceips",
            Range::Secondary => "secondaryserviceips",
            Range::NodePorts => "servicenodeports",
        }
    }
}

/// What lies under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place<'k> {
    Service(ServiceName),
    /// By its name.
    ServiceCidr(&'k str),
    Address(IpAddr),
    Range(Range),
}

/// The keys of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: Box<str>,
}

const SERVICES: &str = "services/specs/";
const CIDRS: &str = "servicecidrs/";
const ADDRESSES: &str = "ipaddresses/";
const RANGES: &str = "ranges/";

impl Keys {
    /// `prefix` is as users write it: `/registry`.
    pub fn new(prefix: &str) -> Keys {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        Keys {
            prefix: prefix.into(),
        }
    }

    /// What all keys begin with that are of interest.
    pub fn prefixes(&self) -> [Vec<u8>; 4] {
        [SERVICES, CIDRS, ADDRESSES, RANGES].map(|path| self.key(path, ""))
    }

    pub fn service(&self, service: &ServiceName) -> Vec<u8> {
        self.key(SERVICES, &service.to_string())
    }

    pub fn service_cidr(&self, name: &str) -> Vec<u8> {
        self.key(CIDRS, name)
    }

    pub fn address(&self, address: IpAddr) -> Vec<u8> {
        self.key(ADDRESSES, &address.to_string())
    }

    pub fn range(&self, range: Range) -> Vec<u8> {
        self.key(RANGES, range.name())
    }

    fn key(&self, path: &str, rest: &str) -> Vec<u8> {
        format!("{}/{path}{rest}", self.prefix).into_bytes()
    }

    /// What lies under `key`; `None` where it is not of interest.
    pub fn place<'k>(&self, key: &'k [u8]) -> Option<Place<'k>> {
        let key = std::str::from_utf8(key).ok()?;
        let path = key.strip_prefix(&*self.prefix)?.strip_prefix('/')?;
        if let Some(service) = path.strip_prefix(SERVICES) {
            let (namespace, name) = service.split_once('/')?;
            return Some(Place::Service(ServiceName::new(namespace, name)));
        }
        if let Some(name) = path.strip_prefix(ADDRESSES) {
            let found = address(name).filter(|address| address.to_string() == name);
            return found.map(Place::Address);
        }
        if let Some(name) = path.strip_prefix(CIDRS) {
            return Some(Place::ServiceCidr(name));
        }
        let name = path.strip_prefix(RANGES)?;
        let found = Range::ALL.into_iter().find(|range| range.name() == name);
        found.map(Place::Range)
    }
}
