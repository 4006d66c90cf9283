//! Which Services of a cluster have which addresses and node ports.
//!
//! Promises both directions to agree. Deliberately does not say who is right
//! where two have the same.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use super::names::ServiceName;

/// What one Service has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub addresses: Vec<IpAddr>,
    pub node_ports: Vec<u16>,
    /// The revision of the Service that says so.
    pub mod_revision: i64,
}

/// What all Services have.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    services: HashMap<ServiceName, Held>,
    addresses: Index<IpAddr>,
    node_ports: Index<u16>,
}

impl Holders {
    /// What this Service has; `None` of one that is not there.
    pub fn held(&self, service: &ServiceName) -> Option<&Held> {
        self.services.get(service)
    }

    /// The Services other than `service` that have the address, if any, with
    /// their revisions.
    pub fn others_with_address<'a>(
        &'a self,
        address: IpAddr,
        service: &'a ServiceName,
    ) -> impl Iterator<Item = (&'a ServiceName, i64)> {
        self.with_revisions(self.addresses.others(address, service))
    }

    /// The Services other than `service` that have the node port, if any, with
    /// their revisions.
    pub fn others_with_node_port<'a>(
        &'a self,
        port: u16,
        service: &'a ServiceName,
    ) -> impl Iterator<Item = (&'a ServiceName, i64)> {
        self.with_revisions(self.node_ports.others(port, service))
    }

    fn with_revisions<'a>(
        &'a self,
        names: impl Iterator<Item = &'a ServiceName>,
    ) -> impl Iterator<Item = (&'a ServiceName, i64)> {
        names.filter_map(|name| Some((name, self.held(name)?.mod_revision)))
    }

    /// What this Service has from now on; `None` once it is gone.
    pub fn set(&mut self, service: &ServiceName, held: Option<Held>) {
        if let Some(before) = self.services.remove(service) {
            self.addresses.remove(&before.addresses, service);
            self.node_ports.remove(&before.node_ports, service);
        }
        if let Some(held) = held {
            self.addresses.insert(&held.addresses, service);
            self.node_ports.insert(&held.node_ports, service);
            self.services.insert(service.clone(), held);
        }
    }
}

/// Who has what.
#[derive(Clone, Debug)]
struct Index<T>(HashMap<T, BTreeSet<ServiceName>>);

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index(HashMap::new())
    }
}

impl<T: Copy + Eq + Hash> Index<T> {
    fn others<'a>(
        &'a self,
        what: T,
        service: &'a ServiceName,
    ) -> impl Iterator<Item = &'a ServiceName> {
        let holders = self.0.get(&what).into_iter().flatten();
        holders.filter(move |holder| *holder != service)
    }

    fn insert(&mut self, all: &[T], service: &ServiceName) {
        for what in all {
            self.0.entry(*what).or_default().insert(service.clone());
        }
    }

    fn remove(&mut self, all: &[T], service: &ServiceName) {
        for what in all {
            if let Some(holders) = self.0.get_mut(what) {
                holders.remove(service);
                if holders.is_empty() {
                    self.0.remove(what);
                }
            }
        }
    }
}
