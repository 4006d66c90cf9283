//! What is to be written at once, and what must still be as it was for that.
//!
//! Promises that a transaction which is applied leaves every address and node
//! port that it is about with one owner: whoever has taken one meanwhile has
//! changed a key that is compared. Deliberately sends nothing, and seals
//! nothing: the values are plain.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::cidr::number;
use super::names::{Range, ServiceName};
use super::objects::{Parent, Stamp, ip_address};
use super::unplanned::Unplanned;
use super::world::World;

/// Writes that happen all, or not at all. No two of them are of one resource,
/// but for the two IPAddress objects of a Service with both families: who
/// watches those from this very revision on sees none of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is written then.
    pub puts: Vec<Put>,
    /// The keys that go then. None of them is one of a put.
    pub deletes: Vec<Vec<u8>>,
}

/// A condition on one key.
#[derive(Clone, PartialEq, Eq)]
pub struct Compare {
    /// The key.
    pub key: Vec<u8>,
    /// Its `mod_revision`; 0 means that there is no such key.
    pub mod_revision: i64,
}

impl fmt::Debug for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = String::from_utf8_lossy(&self.key);
        write!(f, "Compare({key}, {})", self.mod_revision)
    }
}

/// A value to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Put {
    /// The key.
    pub key: Vec<u8>,
    /// The plain value.
    pub value: Zeroizing<Vec<u8>>,
    /// Of what the value is, and so how it is sealed.
    pub of: PutOf,
}

/// Never shows the value.
impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = String::from_utf8_lossy(&self.key);
        write!(f, "Put({key}, {} bytes)", self.value.len())
    }
}

/// What a put writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOf {
    /// A Service.
    Service,
    /// An IPAddress.
    Address,
    /// A bitmap, which a kube-apiserver never encrypts.
    Range,
}

impl PutOf {
    /// The group and the plural by which an encryption configuration knows
    /// it; `None` for what is never encrypted.
    pub fn resource(self) -> Option<(&'static str, &'static str)> {
        match self {
            PutOf::Service => Some(("", "services")),
            PutOf::Address => Some(("networking.k8s.io", "ipaddresses")),
            PutOf::Range => None,
        }
    }
}

impl Transaction {
    /// The key must be as it is known.
    pub(super) fn unchanged(&mut self, key: Vec<u8>, mod_revision: i64) {
        let compare = Compare { key, mod_revision };
        if !self.compares.contains(&compare) {
            self.compares.push(compare);
        }
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Zeroizing<Vec<u8>>, of: PutOf) {
        self.puts.push(Put { key, value, of });
    }
}

/// Addresses and node ports that a Service has, takes, or gives up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// The node ports.
    pub node_ports: Vec<u16>,
}

/// What of `claims` is not yet kept as the Service's.
pub(super) fn missing(world: &World, claims: &Claims) -> Claims {
    let lacks = |address: &IpAddr| {
        let has_object = !world.has_objects() || world.object(*address).is_some();
        let has_bit = world.map_of(*address).is_none() || world.is_marked(*address);
        !has_object || !has_bit
    };
    let map = world.map(Range::NodePorts);
    let is_free = |port: &u16| map.is_some_and(|map| !map.has((*port).into()));
    Claims {
        addresses: claims.addresses.iter().copied().filter(lacks).collect(),
        node_ports: claims.node_ports.iter().copied().filter(is_free).collect(),
    }
}

/// What is kept as the Service's, or was `before`, and is not in `claims`.
pub(super) fn surplus(world: &World, of: &ServiceName, before: &Claims, claims: &Claims) -> Claims {
    let holders = world.holders();
    let held = holders.held(of);
    let marked = before.addresses.iter();
    let marked = marked.chain(held.iter().flat_map(|own| &own.addresses));
    let marked = marked.copied();
    let marked =
        marked.filter(|address| world.is_marked(*address) && is_only_of(world, *address, of));
    let mut addresses: Vec<IpAddr> = marked.chain(world.objects_of(of)).collect();
    addresses.retain(|address| !claims.addresses.contains(address));
    addresses.sort_unstable();
    addresses.dedup();
    let marked = before.node_ports.iter();
    let marked = marked.chain(held.iter().flat_map(|own| &own.node_ports));
    let map = world.map(Range::NodePorts);
    let is_released = |port: &u16| {
        map.is_some_and(|map| map.has((*port).into()))
            && holders.others_with_node_port(*port, of).next().is_none()
            && !claims.node_ports.contains(port)
    };
    let mut node_ports: Vec<u16> = marked.copied().filter(is_released).collect();
    node_ports.sort_unstable();
    node_ports.dedup();
    Claims {
        addresses,
        node_ports,
    }
}

/// Whether nothing says that the address is another's.
fn is_only_of(world: &World, address: IpAddr, of: &ServiceName) -> bool {
    let object = match world.object(address) {
        Some((Parent::Service(owner), _)) => owner == of,
        Some((Parent::Other, _)) => false,
        None => true,
    };
    let mut others = world.holders().others_with_address(address, of);
    object && others.next().is_none()
}

impl Transaction {
    /// Keeps `claims` as the Service's: what of them is `missing` is written,
    /// the rest must stay so.
    pub(super) fn keep(
        &mut self,
        world: &World,
        of: &ServiceName,
        claims: &Claims,
        stamp: &mut dyn FnMut() -> Stamp,
    ) -> Result<(), Unplanned> {
        if !world.has_objects() {
            return Ok(());
        }
        for address in &claims.addresses {
            let key = world.keys.address(*address);
            match world.object(*address) {
                Some((_, mod_revision)) => self.unchanged(key, mod_revision),
                None => {
                    let value = ip_address(*address, of, world.version(), &stamp())?;
                    self.unchanged(key.clone(), 0);
                    // It may begin to go at any time, and then waits for the
                    // addresses that it has given.
                    if let Some((key, mod_revision)) = world.giver(*address) {
                        self.unchanged(key, mod_revision);
                    }
                    self.put(key, value, PutOf::Address);
                }
            }
        }
        Ok(())
    }

    /// What the Service had `before` and neither keeps nor gives up seems to be
    /// another's, or given up already: that must still be so, since what is known
    /// of others may be older than the Service itself.
    pub(super) fn rely(
        &mut self,
        world: &World,
        of: &ServiceName,
        before: &Claims,
        [claims, released]: [&Claims; 2],
    ) {
        let mut others = Vec::new();
        for address in &before.addresses {
            if claims.addresses.contains(address) || released.addresses.contains(address) {
                continue;
            }
            others.extend(world.holders().others_with_address(*address, of));
            if let Some((range, _)) = world.map_of(*address) {
                self.unchanged(world.keys.range(range), world.map_revision(range));
            }
            if world.has_objects() {
                let revision = world.object(*address).map_or(0, |(_, revision)| revision);
                self.unchanged(world.keys.address(*address), revision);
            }
        }
        for port in &before.node_ports {
            if claims.node_ports.contains(port) || released.node_ports.contains(port) {
                continue;
            }
            others.extend(world.holders().others_with_node_port(*port, of));
            if world.map(Range::NodePorts).is_some() {
                let revision = world.map_revision(Range::NodePorts);
                self.unchanged(world.keys.range(Range::NodePorts), revision);
            }
        }
        for (name, mod_revision) in others {
            self.unchanged(world.keys.service(name), mod_revision);
        }
    }

    /// Gives up the IPAddress objects among `claims` that are the Service's.
    pub(super) fn give_up(&mut self, world: &World, of: &ServiceName, claims: &Claims) {
        for address in &claims.addresses {
            if let Some((Parent::Service(owner), mod_revision)) = world.object(*address)
                && owner == of
            {
                let key = world.keys.address(*address);
                self.unchanged(key.clone(), mod_revision);
                self.deletes.push(key);
            }
        }
    }

    /// Marks in the bitmaps what is taken, and clears what is released.
    pub(super) fn mark(
        &mut self,
        world: &World,
        of: &ServiceName,
        taken: &Claims,
        released: &Claims,
    ) -> Result<(), Unplanned> {
        let mut bits: BTreeMap<Range, [Vec<u128>; 2]> = BTreeMap::new();
        for (which, claims) in [taken, released].into_iter().enumerate() {
            let of_addresses = claims.addresses.iter().filter_map(|address| {
                let (range, _) = world.map_of(*address)?;
                let is_ours = which == 0 || is_only_of(world, *address, of);
                is_ours.then(|| (range, number(*address)))
            });
            let of_ports = claims
                .node_ports
                .iter()
                .map(|port| (Range::NodePorts, (*port).into()));
            for (range, number) in of_addresses.chain(of_ports) {
                let offset = world.map(range).and_then(|map| map.pool.offset(number));
                let bits = bits.entry(range).or_default().get_mut(which);
                if let (Some(offset), Some(bits)) = (offset, bits) {
                    bits.push(offset);
                }
            }
        }
        for (range, [set, clear]) in bits {
            self.rewrite_map(world, range, &set, &clear)?;
        }
        Ok(())
    }

    fn rewrite_map(
        &mut self,
        world: &World,
        range: Range,
        set: &[u128],
        clear: &[u128],
    ) -> Result<(), Unplanned> {
        let Some(map) = world.map(range) else {
            return Ok(());
        };
        let bits = map.bits.with(set, clear);
        if bits != map.bits {
            let key = world.keys.range(range);
            self.unchanged(key.clone(), world.map_revision(range));
            self.put(key, bits.written(&map.value)?, PutOf::Range);
        }
        Ok(())
    }
}
