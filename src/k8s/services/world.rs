//! What one cluster has stored of addresses and node ports: its ranges, what
//! of them is taken, and by whom.
//!
//! Promises that what cannot be read is taken: an address whose IPAddress is
//! garbage, a bit that no Service explains. Deliberately reads nothing of etcd
//! itself, and knows no version of Kubernetes: how a cluster keeps its
//! addresses is told from the keys that it has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::super::record::Record;
use super::bitmap::Bitmap;
use super::cidr::{Cidr, Family, number};
use super::holders::{Held, Holders};
use super::names::{Keys, Place, Range, ServiceName};
use super::objects::{Parent, ServiceCidr, parent, port_range, range_allocation};
use super::pool::{Pool, reserved};
use super::reading::{Unreadable, unfit};
use super::service::Service;

/// How a cluster keeps the addresses of its Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// It has stored neither, and no addresses can be given.
    Unknown,
    /// One bitmap for each range: up to Kubernetes 1.33.
    Bitmaps,
    /// ServiceCIDR and IPAddress objects: from 1.31 on.
    Objects,
    /// Both, and both must be kept: 1.31 to 1.33. A cluster that came from
    /// there may still have the bitmaps, which nobody looks at any more; what
    /// they say is taken then stays so.
    Both,
}

/// The addresses and node ports of one cluster.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) keys: Keys,
    /// By name; `None` where it cannot be read.
    cidrs: BTreeMap<Box<str>, (Option<ServiceCidr>, i64)>,
    objects: HashMap<IpAddr, (Parent, i64)>,
    /// The IPAddress objects of each Service.
    of_service: HashMap<ServiceName, BTreeSet<IpAddr>>,
    maps: BTreeMap<Range, (Result<Map, Unreadable>, i64)>,
    holders: Holders,
    /// The version in which the newest object is stored, and its revision.
    version: (Box<str>, i64),
}

/// A bitmap as stored, and what its bits stand for.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub value: Vec<u8>,
    pub bits: Bitmap,
    pub pool: Pool,
    /// `None` of node ports.
    cidr: Option<Cidr>,
}

impl Map {
    /// Whether the number is one of this range and taken.
    pub fn has(&self, number: u128) -> bool {
        let offset = self.pool.offset(number);
        offset.is_some_and(|offset| self.bits.has(offset))
    }
}

impl World {
    /// Of a cluster of which nothing is known yet. `prefix` is as users write
    /// it: `/registry`.
    pub fn new(prefix: &str) -> World {
        World {
            keys: Keys::new(prefix),
            cidrs: BTreeMap::new(),
            objects: HashMap::new(),
            of_service: HashMap::new(),
            maps: BTreeMap::new(),
            holders: Holders::default(),
            version: ("networking.k8s.io/v1".into(), 0),
        }
    }

    /// What all keys begin with that it is to be told of. It must have been
    /// told of all of them before anything is planned.
    pub fn prefixes(&self) -> [Vec<u8>; 4] {
        self.keys.prefixes()
    }

    /// The key holds this plain value since `mod_revision`. Older news than
    /// what is known of the key, and other keys, change nothing. A value that
    /// cannot be decrypted is told of as an empty one.
    ///
    /// # Errors
    ///
    /// The value cannot be read. The world is the more careful for it, but
    /// goes on.
    pub fn put(&mut self, key: &[u8], plain: &[u8], mod_revision: i64) -> Result<(), Unreadable> {
        let Some(place) = self.keys.place(key) else {
            return Ok(());
        };
        if self.revision(&place) > mod_revision {
            return Ok(());
        }
        match place {
            Place::Service(service) => self.put_service(&service, plain, mod_revision),
            Place::ServiceCidr(name) => self.put_cidr(name, plain, mod_revision),
            Place::Address(address) => self.put_object(address, plain, mod_revision),
            Place::Range(range) => self.put_map(range, plain, mod_revision),
        }
    }

    /// The key is gone since `revision`.
    pub fn delete(&mut self, key: &[u8], revision: i64) {
        let Some(place) = self.keys.place(key) else {
            return;
        };
        if self.revision(&place) > revision {
            return;
        }
        match place {
            Place::Service(service) => self.holders.set(&service, None),
            Place::ServiceCidr(name) => {
                self.cidrs.remove(name);
            }
            Place::Address(address) => self.remove_object(address),
            Place::Range(range) => {
                self.maps.remove(&range);
            }
        }
    }

    /// Since when what is known of it is so.
    fn revision(&self, place: &Place<'_>) -> i64 {
        let found = match place {
            Place::Service(service) => self.holders.held(service).map(|held| held.mod_revision),
            Place::ServiceCidr(name) => self.cidrs.get(*name).map(|(_, revision)| *revision),
            Place::Address(address) => self.objects.get(address).map(|(_, revision)| *revision),
            Place::Range(range) => self.maps.get(range).map(|(_, revision)| *revision),
        };
        found.unwrap_or_default()
    }

    fn put_service(
        &mut self,
        name: &ServiceName,
        plain: &[u8],
        mod_revision: i64,
    ) -> Result<(), Unreadable> {
        let read = Service::read(plain);
        let held = match &read {
            Ok(service) => Held {
                addresses: service.assigned().iter().map(|own| own.ip).collect(),
                node_ports: service.node_ports(),
                mod_revision,
            },
            // It may still have what it had.
            Err(_) => Held {
                mod_revision,
                ..self.holders.held(name).cloned().unwrap_or_default()
            },
        };
        self.holders.set(name, Some(held));
        read.map(|_| ())
    }

    fn put_cidr(&mut self, name: &str, plain: &[u8], mod_revision: i64) -> Result<(), Unreadable> {
        self.see_version(plain, mod_revision);
        let read = ServiceCidr::read(plain);
        let known = read.as_ref().ok().cloned();
        self.cidrs.insert(name.into(), (known, mod_revision));
        read.map(|_| ())
    }

    fn put_object(
        &mut self,
        address: IpAddr,
        plain: &[u8],
        mod_revision: i64,
    ) -> Result<(), Unreadable> {
        self.see_version(plain, mod_revision);
        let read = parent(plain);
        let parent = read.as_ref().map_or(Parent::Other, Parent::clone);
        self.remove_object(address);
        if let Parent::Service(service) = &parent {
            let own = self.of_service.entry(service.clone()).or_default();
            own.insert(address);
        }
        self.objects.insert(address, (parent, mod_revision));
        read.map(|_| ())
    }

    fn remove_object(&mut self, address: IpAddr) {
        if let Some((Parent::Service(service), _)) = self.objects.remove(&address)
            && let Some(own) = self.of_service.get_mut(&service)
        {
            own.remove(&address);
            if own.is_empty() {
                self.of_service.remove(&service);
            }
        }
    }

    fn put_map(&mut self, range: Range, plain: &[u8], mod_revision: i64) -> Result<(), Unreadable> {
        let read = map(range, plain);
        let error = read.as_ref().err().cloned();
        self.maps.insert(range, (read, mod_revision));
        error.map_or(Ok(()), Err)
    }

    /// What the cluster itself writes, it can read.
    fn see_version(&mut self, plain: &[u8], mod_revision: i64) {
        if let Ok(record) = Record::parse(plain)
            && mod_revision >= self.version.1
        {
            self.version = (record.api_version().into(), mod_revision);
        }
    }

    /// How the cluster keeps its addresses.
    pub fn generation(&self) -> Generation {
        let has_objects = !self.cidrs.is_empty() || !self.objects.is_empty();
        match (has_objects, self.maps.contains_key(&Range::Primary)) {
            (false, false) => Generation::Unknown,
            (false, true) => Generation::Bitmaps,
            (true, false) => Generation::Objects,
            (true, true) => Generation::Both,
        }
    }

    /// Whether addresses are IPAddress objects here.
    pub(super) fn has_objects(&self) -> bool {
        matches!(self.generation(), Generation::Objects | Generation::Both)
    }

    /// The version of the API in which IPAddress objects are stored.
    pub(super) fn version(&self) -> &str {
        &self.version.0
    }

    /// The ranges of the cluster, the first one first, and whether each gives
    /// new addresses.
    pub fn cidrs(&self) -> Vec<(Cidr, bool)> {
        if !self.has_objects() {
            return self
                .address_maps()
                .filter_map(|(_, map)| Some((map.cidr?, true)))
                .collect();
        }
        // A kube-apiserver makes this one of what its command line says.
        const FIRST: &str = "kubernetes";
        let first = self.cidrs.get(FIRST).into_iter();
        let others = self.cidrs.iter().filter(|(name, _)| &***name != FIRST);
        let all = first.chain(others.map(|(_, cidr)| cidr));
        let known = all.filter_map(|(cidr, _)| cidr.as_ref());
        known
            .flat_map(|known| known.cidrs.iter().map(|cidr| (*cidr, known.gives)))
            .collect()
    }

    /// The bitmap of a range, if there is one that can be read.
    pub(super) fn map(&self, range: Range) -> Option<&Map> {
        self.maps.get(&range)?.0.as_ref().ok()
    }

    /// Why a bitmap that is there cannot be read.
    pub(super) fn unreadable(&self, ranges: &[Range]) -> Option<(Vec<u8>, Unreadable)> {
        ranges.iter().find_map(|range| {
            let error = self.maps.get(range)?.0.as_ref().err()?;
            Some((self.keys.range(*range), error.clone()))
        })
    }

    /// Since when the bitmap of a range is as it is.
    pub(super) fn map_revision(&self, range: Range) -> i64 {
        self.revision(&Place::Range(range))
    }

    fn address_maps(&self) -> impl Iterator<Item = (Range, &Map)> {
        let maps = [Range::Primary, Range::Secondary].into_iter();
        maps.filter_map(|range| Some((range, self.map(range)?)))
    }

    /// The bitmap in which the address is to be marked.
    pub(super) fn map_of(&self, address: IpAddr) -> Option<(Range, &Map)> {
        self.address_maps()
            .find(|(_, map)| map.cidr.is_some_and(|cidr| cidr.contains(address)))
    }

    /// The numbers of which a range gives addresses.
    pub(super) fn pool(&self, cidr: &Cidr) -> Pool {
        let is_mapped = self.address_maps().any(|(_, map)| map.cidr == Some(*cidr));
        match is_mapped {
            true => cidr.mapped(),
            false => cidr.pool(),
        }
    }

    /// The family of Services that name none.
    pub(super) fn default_family(&self) -> Option<Family> {
        self.cidrs().first().map(|(cidr, _)| cidr.family())
    }

    /// Whether there is a range of this family, giving or not.
    pub(super) fn has_family(&self, family: Family) -> bool {
        self.cidrs().iter().any(|(cidr, _)| cidr.family() == family)
    }

    /// Whether the address lies in one of the ranges; with `gives`, in one
    /// that gives new addresses.
    pub(super) fn is_in_range(&self, address: IpAddr, gives: bool) -> bool {
        let mut cidrs = self.cidrs().into_iter();
        let has_bit = |(_, map): (Range, &Map)| map.pool.offset(number(address)).is_some();
        cidrs.any(|(cidr, ready)| (ready || !gives) && cidr.gives(address))
            && self.map_of(address).is_none_or(has_bit)
    }

    /// The key of the ServiceCIDR that gives the address, and its revision.
    pub(super) fn giver(&self, address: IpAddr) -> Option<(Vec<u8>, i64)> {
        let gives =
            |known: &ServiceCidr| known.gives && known.cidrs.iter().any(|cidr| cidr.gives(address));
        let mut all = self.cidrs.iter();
        let (name, (_, mod_revision)) =
            all.find(|(_, (known, _))| known.as_ref().is_some_and(gives))?;
        Some((self.keys.service_cidr(name), *mod_revision))
    }

    /// The IPAddress of an address: whose it is, and its revision.
    pub(super) fn object(&self, address: IpAddr) -> Option<(&Parent, i64)> {
        self.objects
            .get(&address)
            .map(|(parent, revision)| (parent, *revision))
    }

    /// The addresses whose IPAddress names this Service.
    pub(super) fn objects_of(&self, service: &ServiceName) -> impl Iterator<Item = IpAddr> {
        self.of_service.get(service).into_iter().flatten().copied()
    }

    /// Whether the address is marked as taken in its bitmap.
    pub(super) fn is_marked(&self, address: IpAddr) -> bool {
        self.map_of(address)
            .is_some_and(|(_, map)| map.has(number(address)))
    }

    /// Who has what.
    pub(super) fn holders(&self) -> &Holders {
        &self.holders
    }
}

/// A stored bitmap.
fn map(range: Range, plain: &[u8]) -> Result<Map, Unreadable> {
    const RANGE: [&str; 1] = ["range"];
    let (text, bits) = range_allocation(plain)?;
    let cidr = match range {
        Range::Primary | Range::Secondary => {
            let cidr = Cidr::parse(&text).ok_or_else(|| unfit(&RANGE, "a range of addresses"))?;
            Some(cidr)
        }
        Range::NodePorts => None,
    };
    let pool = match cidr {
        Some(cidr) => cidr.mapped(),
        None => port_pool(&text).ok_or_else(|| unfit(&RANGE, "a range of ports"))?,
    };
    Ok(Map {
        value: plain.to_vec(),
        bits: Bitmap::new(bits),
        pool,
        cidr,
    })
}

fn port_pool(text: &str) -> Option<Pool> {
    const PARTS: u128 = 32;
    const MOST: u128 = 128;
    let (first, last) = port_range(text)?;
    let size = u128::from(last - first) + 1;
    Some(Pool {
        first: first.into(),
        size,
        reserved: reserved(size, PARTS, MOST),
    })
}
