//! What a Service has at the destination already, and goes on having there.
//!
//! Promises the edits of a plan in which all of that stays. Deliberately knows
//! nothing of ranges, nor of other Services: whether something can stay is
//! seen when the Service is written.

use super::super::path::Path;
use super::super::rewrite::Edit;
use super::addresses::Ask;
use super::cidr::Family;
use super::names::ServiceName;
use super::node_ports;
use super::plan::edits;
use super::reading::Unreadable;
use super::service::{Address, Addresses, FamilyPolicy, Service};
use super::world::World;

/// What of the source's Service differs for the destination's sake.
#[derive(Clone, Debug, PartialEq)]
pub struct Staying {
    /// The fields.
    pub edits: Vec<(Path, Edit)>,
    /// Whether the destination's Service has all that it needs.
    pub is_enough: bool,
}

/// What stays of the Service `there`, plain, for the source's, plain.
pub fn staying(source: &[u8], there: &[u8]) -> Result<Staying, Unreadable> {
    let (source, there) = (Service::read(source)?, Service::read(there)?);
    let ask = Ask {
        name: &ServiceName::new("", ""),
        source: &source,
        there: Some(&there),
        world: &World::new(""),
    };
    let needs_address = !matches!(source.addresses, Addresses::External | Addresses::Headless);
    let addresses = match needs_address {
        true => there.assigned(),
        false => &[],
    };
    let (ports, has_ports) = node_ports::staying(&ask);
    Ok(Staying {
        edits: edits(&ask, addresses, &ports),
        is_enough: has_ports && (!needs_address || fits(&source, addresses)),
    })
}

/// Whether a Service that needs addresses can do with these.
fn fits(source: &Service, there: &[Address]) -> bool {
    let own = source.assigned().iter().map(|own| Family::of(own.ip));
    let wanted: Vec<Family> = match source.families.is_empty() {
        true => own.collect(),
        false => source.families.clone(),
    };
    let has = |family: &Family| there.iter().any(|own| Family::of(own.ip) == *family);
    let is_wanted = |own: &Address| wanted.is_empty() || wanted.contains(&Family::of(own.ip));
    match source.family_policy {
        Some(FamilyPolicy::Prefer) => !there.is_empty(),
        Some(FamilyPolicy::Require) => there.len() == 2,
        Some(FamilyPolicy::Single) | None => {
            !there.is_empty() && wanted.iter().all(has) && there.iter().all(is_wanted)
        }
    }
}
