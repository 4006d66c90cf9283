//! Which addresses a Service gets at the destination.
//!
//! Promises, in this order: the destination's, the source's where they are free
//! there, new ones as a kube-apiserver gives them; and never an address outside
//! of the ranges, nor one that another has. Deliberately writes nothing.

use std::net::IpAddr;

use super::cidr::Family;
use super::names::ServiceName;
use super::objects::Parent;
use super::service::{Address, FamilyPolicy, Service};
use super::unplanned::Unplanned;
use super::world::World;

/// A Service and the two clusters.
pub(super) struct Ask<'a> {
    pub name: &'a ServiceName,
    pub source: &'a Service,
    /// The Service as the destination has it.
    pub there: Option<&'a Service>,
    pub world: &'a World,
}

/// One address for each family that the Service is to have.
pub(super) fn choose(
    ask: &Ask<'_>,
    draw: &mut dyn FnMut() -> u64,
) -> Result<Vec<Address>, Unplanned> {
    let default = ask.world.default_family().ok_or(Unplanned::NoRange)?;
    let staying = ask.staying();
    let of = |family, addresses: &[Address]| {
        let mut own = addresses.iter();
        own.find(|own| Family::of(own.ip) == family).cloned()
    };
    ask.families(&staying, default)?
        .into_iter()
        .map(|family| {
            let kept = of(family, &staying)
                .or_else(|| of(family, ask.source.assigned()).filter(|own| ask.is_free(own.ip)));
            kept.or_else(|| ask.allocate(family, draw))
                .ok_or(Unplanned::NoAddress(family))
        })
        .collect()
}

impl Ask<'_> {
    /// The destination's addresses, but for those that cannot stay: in no
    /// range, or another's.
    fn staying(&self) -> Vec<Address> {
        let there = self.there.map(Service::assigned).unwrap_or_default();
        let stays =
            |own: &&Address| self.world.is_in_range(own.ip, false) && !self.is_of_another(own.ip);
        there.iter().filter(stays).cloned().collect()
    }

    fn is_of_another(&self, address: IpAddr) -> bool {
        match self.world.object(address) {
            Some((Parent::Service(owner), _)) => owner != self.name,
            Some((Parent::Other, _)) => true,
            None => {
                let mut others = self.world.holders().others_with_address(address, self.name);
                others.next().is_some()
            }
        }
    }

    /// The families, the first one first. What is there stays first, as a
    /// kube-apiserver would have it, and is not taken away from a Service that
    /// would rather have both.
    fn families(&self, staying: &[Address], default: Family) -> Result<Vec<Family>, Unplanned> {
        let policy = self.source.family_policy;
        let wanted = self.wanted(default);
        let may_have = |family: &Family| {
            wanted.contains(family)
                || matches!(policy, Some(FamilyPolicy::Prefer | FamilyPolicy::Require))
        };
        let there = staying.iter().map(|own| Family::of(own.ip));
        let mut families: Vec<Family> = there.filter(may_have).collect();
        for family in wanted {
            if families.contains(&family) {
                continue;
            }
            match (self.world.has_family(family), policy) {
                (true, _) => families.push(family),
                (false, Some(FamilyPolicy::Prefer)) => {}
                (false, _) => return Err(Unplanned::NoFamily(family)),
            }
        }
        if families.is_empty() {
            families.push(default);
        }
        Ok(families)
    }

    /// The families that the source's Service has.
    fn wanted(&self, default: Family) -> Vec<Family> {
        let own = self.source.assigned().iter().map(|own| Family::of(own.ip));
        let mut wanted = match self.source.families.is_empty() {
            true => own.collect(),
            false => self.source.families.clone(),
        };
        if wanted.is_empty() {
            wanted.push(default);
        }
        let first = wanted.first().copied().unwrap_or(default);
        if wanted.len() == 1 && self.source.family_policy == Some(FamilyPolicy::Require) {
            wanted.push(first.other());
        }
        wanted.sort_by_key(|family| *family != first);
        wanted.dedup();
        wanted
    }

    /// Whether the Service may have the address: nobody else has, and if it is
    /// taken, it is taken for this Service.
    fn is_free(&self, address: IpAddr) -> bool {
        let (world, holders) = (self.world, self.world.holders());
        let is_own = match world.object(address) {
            Some((Parent::Service(owner), _)) => owner == self.name,
            Some((Parent::Other, _)) => false,
            None => {
                let held = holders.held(self.name);
                !world.is_marked(address)
                    || held.is_some_and(|held| held.addresses.contains(&address))
            }
        };
        let mut others = holders.others_with_address(address, self.name);
        is_own && world.is_in_range(address, true) && others.next().is_none()
    }

    /// A new address, from the ranges in turn, a random one first.
    fn allocate(&self, family: Family, draw: &mut dyn FnMut() -> u64) -> Option<Address> {
        let cidrs = self.world.cidrs().into_iter();
        let giving = cidrs.filter(|(cidr, gives)| *gives && cidr.family() == family);
        let mut giving: Vec<_> = giving.map(|(cidr, _)| cidr).collect();
        let first = draw().checked_rem(giving.len() as u64)?;
        giving.rotate_left(first as usize);
        giving.into_iter().find_map(|cidr| {
            let is_free = |number| self.is_free(cidr.at(number));
            let number = self.world.pool(&cidr).choose(draw, &is_free)?;
            let ip = cidr.at(number);
            let text = ip.to_string();
            Some(Address { ip, text })
        })
    }
}
