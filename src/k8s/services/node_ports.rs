//! Which node ports a Service gets at the destination, the one for health
//! checks included.
//!
//! Promises, in this order: the destination's, the source's where they are
//! free there, new ones as a kube-apiserver gives them. Two ports share a
//! number only if their protocols differ. Deliberately writes nothing.

use super::addresses::Ask;
use super::names::Range;
use super::service::{Service, ServicePort, ServiceType};
use super::unplanned::Unplanned;
use super::world::Map;

/// The node ports of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodePorts {
    /// One for each port of the source's Service; 0 for none.
    pub ports: Vec<u16>,
    /// The one for health checks; 0 for none.
    pub health_check: u16,
}

/// A port that is to have a node port, or the health check.
struct Slot<'a> {
    /// `None` of the health check, which shares with no port.
    port: Option<&'a ServicePort>,
    source: u16,
    there: u16,
    /// 0 for none yet.
    chosen: u16,
    is_wanted: bool,
}

/// A node port for each port that is to have one.
pub(super) fn choose(ask: &Ask<'_>, draw: &mut dyn FnMut() -> u64) -> Result<NodePorts, Unplanned> {
    let mut slots = slots(ask);
    if slots.iter().any(|slot| slot.is_wanted) {
        let map = ask
            .world
            .map(Range::NodePorts)
            .ok_or(Unplanned::NoPortRange)?;
        fill(&mut slots, &Numbers { ask, map }, draw)?;
    }
    let health_check = slots.pop().map_or(0, |slot| slot.chosen);
    let ports = slots.into_iter().map(|slot| slot.chosen).collect();
    Ok(NodePorts {
        ports,
        health_check,
    })
}

/// Those that the destination's Service has already, and whether these are all
/// that it is to have.
pub(super) fn staying(ask: &Ask<'_>) -> (NodePorts, bool) {
    let mut slots = slots(ask);
    let is_enough = slots.iter().all(|slot| !slot.is_wanted || slot.there != 0);
    let stays = |slot: &Slot<'_>| if slot.is_wanted { slot.there } else { 0 };
    let health_check = slots.pop().as_ref().map_or(0, stays);
    let ports = slots.iter().map(stays).collect();
    let ports = NodePorts {
        ports,
        health_check,
    };
    (ports, is_enough)
}

/// One for each port of the source's Service, and last the health check's.
fn slots<'a>(ask: &Ask<'a>) -> Vec<Slot<'a>> {
    let source = ask.source;
    let has_ports = matches!(
        source.service_type,
        ServiceType::NodePort | ServiceType::LoadBalancer
    );
    let checks = source.service_type == ServiceType::LoadBalancer && source.is_local;
    let ports = source
        .ports
        .iter()
        .zip(counterparts(ask))
        .map(|(port, there)| Slot {
            port: Some(port),
            source: port.node_port,
            there,
            chosen: 0,
            is_wanted: has_ports && (port.node_port != 0 || source.gives_node_ports),
        });
    let health_check = Slot {
        port: None,
        source: source.health_check_node_port,
        there: ask.there.map_or(0, |there| there.health_check_node_port),
        chosen: 0,
        is_wanted: checks || has_ports && source.health_check_node_port != 0,
    };
    ports.chain([health_check]).collect()
}

/// The node port that the destination's Service has for each port of the
/// source's: for the same port and protocol, else for the same name, else for
/// the one port of the protocol that is left.
fn counterparts(ask: &Ask<'_>) -> Vec<u16> {
    let ports = &ask.source.ports;
    let mut found = vec![None; ports.len()];
    let mut left: Vec<&ServicePort> = ask.there.iter().flat_map(|there| &there.ports).collect();
    let is_same: [fn(&ServicePort, &ServicePort) -> bool; 2] = [
        |a, b| a.port == b.port,
        |a, b| a.name == b.name && !a.name.is_empty(),
    ];
    for is_same in is_same {
        for (port, found) in ports.iter().zip(&mut found) {
            let fits =
                |other: &&ServicePort| other.protocol == port.protocol && is_same(other, port);
            if found.is_none()
                && let Some(place) = left.iter().position(fits)
            {
                *found = Some(left.remove(place).node_port);
            }
        }
    }
    for (place, port) in ports.iter().enumerate() {
        let protocol = |other: &&ServicePort| other.protocol == port.protocol;
        let mut of_source = ports
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none());
        let is_only = of_source.all(|(other, _)| std::ptr::eq(other, port) || !protocol(&other));
        let mut of_there = left.iter().copied().filter(protocol);
        if let (true, Some(other), None) = (is_only, of_there.next(), of_there.next())
            && let Some(found) = found.get_mut(place).filter(|found| found.is_none())
        {
            *found = Some(other.node_port);
        }
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// What there is to choose from.
struct Numbers<'a> {
    ask: &'a Ask<'a>,
    map: &'a Map,
}

impl Numbers<'_> {
    fn is_in_range(&self, port: u16) -> bool {
        self.map.pool.offset(port.into()).is_some()
    }

    fn is_of_another(&self, port: u16) -> bool {
        let holders = self.ask.world.holders();
        let mut others = holders.others_with_node_port(port, self.ask.name);
        others.next().is_some()
    }

    /// Whether the destination's Service has it.
    fn is_own(&self, port: u16) -> bool {
        let held = self.ask.world.holders().held(self.ask.name);
        let there = self.ask.there.map(Service::node_ports);
        held.is_some_and(|held| held.node_ports.contains(&port))
            || there.is_some_and(|there| there.contains(&port))
    }

    fn stays(&self, port: u16) -> bool {
        port != 0 && self.is_in_range(port) && !self.is_of_another(port)
    }

    fn is_free(&self, port: u16) -> bool {
        self.stays(port) && (!self.map.has(port.into()) || self.is_own(port))
    }

    /// A port that the Service has not, else one that it need not give up.
    fn allocate(&self, used: &[u16], draw: &mut dyn FnMut() -> u64) -> Option<u16> {
        let mut find = |may_be_own: bool| {
            let is_free = |number: u128| {
                let port = u16::try_from(number).unwrap_or_default();
                self.is_free(port) && !used.contains(&port) && (may_be_own || !self.is_own(port))
            };
            self.map.pool.choose(draw, &is_free)
        };
        let number = find(false).or_else(|| find(true))?;
        u16::try_from(number).ok()
    }
}

/// What stays is taken first, so that nothing new is in its way.
fn fill(
    slots: &mut [Slot<'_>],
    numbers: &Numbers<'_>,
    draw: &mut dyn FnMut() -> u64,
) -> Result<(), Unplanned> {
    for place in wanting(slots) {
        let there = slots.get(place).map_or(0, |slot| slot.there);
        if numbers.stays(there) && !clashes(slots, place, there) {
            set(slots, place, there);
        }
    }
    for place in wanting(slots) {
        let source = slots.get(place).map_or(0, |slot| slot.source);
        let is_used = slots.iter().any(|slot| slot.chosen == source);
        match shared(slots, place) {
            Some(port) => set(slots, place, port),
            None if numbers.is_free(source) && !is_used => set(slots, place, source),
            None => {}
        }
    }
    for place in wanting(slots) {
        let used: Vec<u16> = slots.iter().map(|slot| slot.chosen).collect();
        let shared = shared(slots, place);
        let port = shared.or_else(|| numbers.allocate(&used, draw));
        set(slots, place, port.ok_or(Unplanned::NoPort)?);
    }
    Ok(())
}

/// The slots that have no node port yet and are to have one.
fn wanting(slots: &[Slot<'_>]) -> Vec<usize> {
    let wants = |slot: &Slot<'_>| slot.is_wanted && slot.chosen == 0;
    let all = slots.iter().enumerate();
    all.filter(|(_, slot)| wants(slot))
        .map(|(place, _)| place)
        .collect()
}

fn set(slots: &mut [Slot<'_>], place: usize, port: u16) {
    if let Some(slot) = slots.get_mut(place) {
        slot.chosen = port;
    }
}

/// Whether another slot has the node port and cannot share it with this one.
fn clashes(slots: &[Slot<'_>], place: usize, port: u16) -> bool {
    let Some(slot) = slots.get(place) else {
        return true;
    };
    let same = |other: &Slot<'_>| match (slot.port, other.port) {
        (Some(own), Some(other)) => own.protocol == other.protocol,
        _ => true,
    };
    slots
        .iter()
        .any(|other| other.chosen == port && same(other))
}

/// The node port of another slot, where the source's Service has one for both:
/// the same port of two protocols.
fn shared(slots: &[Slot<'_>], place: usize) -> Option<u16> {
    let slot = slots.get(place)?;
    let own = slot.port?;
    let is_twin = |other: &&Slot<'_>| {
        let same_port = other.port.is_some_and(|port| port.port == own.port);
        other.port.is_some() && other.source == slot.source && (slot.source != 0 || same_port)
    };
    let twins = slots.iter().filter(is_twin).map(|twin| twin.chosen);
    let mut shared = twins.filter(|port| *port != 0 && !clashes(slots, place, *port));
    shared.next()
}
