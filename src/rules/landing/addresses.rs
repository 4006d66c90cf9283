//! What the destination has of addresses, as it was listed and as it is told
//! of since.
//!
//! Promises that what cannot be decrypted or read counts as taken. Deliberately
//! gives no address to anybody.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::There;
use super::along::Along;
use crate::k8s::KeyResource;
use crate::k8s::services::{Address, Family, Generation, Service, World};
use crate::rules::decide::{Judge, KeyRange};
use crate::rules::keyrings::Keyrings;
use crate::rules::outgoing::Unfit;

/// What the destination has of addresses and node ports.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub(super) world: World,
    pub(super) wanted: Arc<Wanted>,
    /// Whether any rule gives Services some of them.
    gives: bool,
}

/// What the source's Services have: whatever another Service gets anew is
/// rather none of it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub(super) addresses: HashSet<IpAddr>,
    pub(super) node_ports: HashSet<u16>,
}

impl Addresses {
    /// Whether it has stored any range. Where it has not, no kube-apiserver has
    /// served from it yet.
    pub fn has_ranges(&self) -> bool {
        self.world.generation() != Generation::Unknown
    }

    /// Whether Services are to get some of its ranges, and it has none.
    pub fn lacks_ranges(&self) -> bool {
        self.gives && !self.has_ranges()
    }

    /// So much is known of the source.
    pub fn set_wanted(&mut self, wanted: Arc<Wanted>) {
        self.wanted = wanted;
    }

    /// What went along with a Service was applied at `revision`.
    pub fn applied(&mut self, along: &Along, revision: i64) {
        self.world.apply(&along.transaction, revision);
    }
}

impl Judge {
    /// What to list for [`Judge::addresses`], Services first.
    pub fn address_ranges(&self) -> Vec<KeyRange> {
        let prefixes = World::new(self.plan().prefix()).prefixes();
        prefixes.into_iter().map(KeyRange::prefix).collect()
    }

    /// What the destination has of addresses, of all that it has in
    /// [`Judge::address_ranges`]. May wait for a KMS plugin.
    pub fn addresses<'i>(
        &self,
        items: impl IntoIterator<Item = (&'i [u8], &'i There)>,
    ) -> Addresses {
        let mut addresses = Addresses {
            world: World::new(self.plan().prefix()),
            wanted: Arc::default(),
            gives: self.plan().reallocates(),
        };
        for (key, there) in items {
            self.tell_addresses(&mut addresses, key, Some(there));
        }
        addresses
    }

    /// Takes in what the source's Service under `key` has; nothing of one that
    /// cannot be read. May wait for a KMS plugin.
    pub fn add_wanted(&self, wanted: &mut Wanted, key: &[u8], value: &[u8]) {
        let (keyrings, mut plain) = (self.keyrings(), Zeroizing::default());
        let opened = keyrings.source.open("", PLURAL, key, value, &mut plain);
        if let Some(own) = opened.ok().and_then(|own| Service::read(own.plain).ok()) {
            wanted
                .addresses
                .extend(own.assigned().iter().map(|own| own.ip));
            wanted.node_ports.extend(own.node_ports());
        }
    }

    /// The destination has this under `key` now, or nothing. May wait for a KMS
    /// plugin.
    pub fn tell_addresses(&self, addresses: &mut Addresses, key: &[u8], there: Option<&There>) {
        let world = &mut addresses.world;
        let Some(there) = there else {
            world.delete(key, i64::MAX);
            return;
        };
        let mut plain = Zeroizing::default();
        let opened = self.opened_there(&self.keyrings(), key, &there.value, &mut plain);
        // What cannot be read counts as taken.
        let _ = world.put(key, opened.unwrap_or_default(), there.mod_revision);
    }

    /// The addresses of one Service at either side, for each family that both
    /// have; none of what cannot be read. May wait for a KMS plugin.
    pub fn addresses_of(&self, key: &[u8], value: &[u8], there: &[u8]) -> Vec<(IpAddr, IpAddr)> {
        let (mut here, mut away) = (Zeroizing::default(), Zeroizing::default());
        let keyrings = self.keyrings();
        let here = keyrings.source.open("", PLURAL, key, value, &mut here);
        let away = self.opened_there(&keyrings, key, there, &mut away);
        let (Ok(here), Ok(away)) = (here, away) else {
            return Vec::new();
        };
        let (Ok(here), Ok(away)) = (Service::read(here.plain), Service::read(away)) else {
            return Vec::new();
        };
        let pairs = here.assigned().iter().filter_map(|from| {
            let mut to = away.assigned().iter();
            let same = |to: &&Address| Family::of(to.ip) == Family::of(from.ip);
            Some((from.ip, to.find(same)?.ip))
        });
        pairs.collect()
    }

    /// A plain value of the destination's.
    pub(super) fn opened_there<'b>(
        &self,
        keyrings: &Keyrings,
        key: &[u8],
        value: &'b [u8],
        plain: &'b mut Zeroizing<Vec<u8>>,
    ) -> Result<&'b [u8], Unfit> {
        let place = match self.place(key) {
            Ok(place) if matches!(place.resource, KeyResource::BuiltIn(_)) => place,
            // A bitmap, which is never encrypted.
            _ => return Ok(value),
        };
        let to_key = self.key_map().to_destination(key);
        let destination = &keyrings.destination;
        let opened = destination.open(place.group(), place.plural(), &to_key, value, plain)?;
        Ok(opened.plain)
    }
}

const PLURAL: &str = "services";
