//! A Service of the source → what is to be written at the destination.
//!
//! Promises a Service that differs from the source's in the fields of the edits
//! and in no other, and one transaction with it for all that it takes and gives
//! up. Deliberately sends nothing; what happens when a transaction is not
//! applied is the caller's: to learn what changed, and to plan again.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::path::{Path, Step};
use super::super::rewrite::{Edit, rewrite};
use super::addresses::{self, Ask};
use super::cidr::Family;
use super::names::{Range, ServiceName};
use super::node_ports::{self, NodePorts};
use super::objects::Stamp;
use super::reading::path;
use super::service::{Address, Addresses, Service, ServiceType};
use super::transaction::{Claims, PutOf, Transaction, missing, surplus};
use super::unplanned::Unplanned;
use super::world::World;

/// What becomes of the addresses of Services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// What the destination has stays, else what the source has is kept where
    /// it is free, else there is something new.
    #[default]
    Reallocate,
    /// As the source has them, whatever the destination says. What the Service
    /// had there before is given up.
    Keep,
    /// Only Services without addresses are written: headless ones and
    /// ExternalName.
    HeadlessOnly,
    /// No Service is written.
    Skip,
}

/// A Service that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What becomes of its addresses.
    pub policy: Policy,
    /// Its name at the destination.
    pub name: &'a ServiceName,
    /// The value to be written, plain, with the source's addresses.
    pub source: &'a [u8],
    /// The Service of that name as the destination has it.
    pub there: Option<There<'a>>,
}

/// What the destination has stored under a Service's key.
#[derive(Clone, Copy)]
pub struct There<'a> {
    /// The plain value.
    pub value: &'a [u8],
    /// Its revision.
    pub mod_revision: i64,
}

/// Never shows the value.
impl std::fmt::Debug for There<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "There({} bytes, {})",
            self.value.len(),
            self.mod_revision
        )
    }
}

/// Where a plan gets what is not the same every time.
pub struct Chance<'a> {
    /// A random number.
    pub draw: &'a mut dyn FnMut() -> u64,
    /// A new object's uid and time.
    pub stamp: &'a mut dyn FnMut() -> Stamp,
}

/// What becomes of a Service.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is written.
    Write(Box<Plan>),
    /// It is not written, by the policy.
    Skip,
}

/// How a Service is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What differs from the source's Service.
    pub edits: Vec<(Path, Edit)>,
    /// The Service, and all that goes with it.
    pub transaction: Transaction,
    /// What is newly taken.
    pub taken: Claims,
    /// What is given up.
    pub released: Claims,
    /// Which address of the destination stands for which of the source, for
    /// each family that both have.
    pub addresses: Vec<(IpAddr, IpAddr)>,
    /// The same of node ports.
    pub node_ports: Vec<(u16, u16)>,
}

impl Plan {
    /// Whether nothing but the Service is written.
    pub fn is_service_alone(&self) -> bool {
        let Transaction { puts, deletes, .. } = &self.transaction;
        puts.len() == 1 && deletes.is_empty()
    }

    /// Whether the destination has all of it already.
    pub fn is_fulfilled(&self, there: Option<There<'_>>) -> bool {
        let Transaction { puts, deletes, .. } = &self.transaction;
        match (puts.as_slice(), deletes.as_slice(), there) {
            ([service], [], Some(there)) => service.value.as_slice() == there.value,
            _ => false,
        }
    }
}

/// What is to be written for a Service in the world as it is.
///
/// # Errors
///
/// The Service cannot be had there, or something cannot be read.
pub fn plan(
    request: Request<'_>,
    world: &World,
    chance: &mut Chance<'_>,
) -> Result<Outcome, Unplanned> {
    let source = Service::read(request.source).map_err(Unplanned::Source)?;
    let has_none = matches!(source.addresses, Addresses::External | Addresses::Headless);
    match request.policy {
        Policy::Skip => return Ok(Outcome::Skip),
        Policy::HeadlessOnly if !has_none => return Ok(Outcome::Skip),
        Policy::Keep => {
            return kept(request, &source, world).map(|plan| Outcome::Write(Box::new(plan)));
        }
        Policy::HeadlessOnly | Policy::Reallocate => {}
    }
    readable(world)?;
    let there = request
        .there
        .map(|there| Service::read(there.value))
        .transpose();
    let there = there.map_err(Unplanned::Destination)?;
    let ask = Ask {
        name: request.name,
        source: &source,
        there: there.as_ref(),
        world,
    };
    let chosen = match has_none {
        true => Vec::new(),
        false => addresses::choose(&ask, chance.draw)?,
    };
    let ports = node_ports::choose(&ask, chance.draw)?;
    written(request, &ask, &chosen, &ports, chance.stamp).map(|plan| Outcome::Write(Box::new(plan)))
}

/// Refuses a world in which a bitmap cannot be read.
fn readable(world: &World) -> Result<(), Unplanned> {
    match world.unreadable(&Range::ALL) {
        Some((key, why)) => Err(Unplanned::Range {
            key: String::from_utf8_lossy(&key).into_owned(),
            why,
        }),
        None => Ok(()),
    }
}

/// The Service as the source has it. It takes nothing, and of what it has at the
/// destination it gives up what it has no more.
fn kept(request: Request<'_>, source: &Service, world: &World) -> Result<Plan, Unplanned> {
    let name = request.name;
    // What cannot be read is no reason to keep the Service from being written.
    let before = request.there.map(|there| Service::read(there.value));
    let before = before.and_then(Result::ok);
    let before = before.as_ref().map(all_of).unwrap_or_default();
    let released = surplus(world, name, &before, &all_of(source));
    let mut transaction = guarded(name, request.there, world);
    transaction.rely(world, name, &before, [&all_of(source), &released]);
    let key = world.keys.service(name);
    transaction.put(key, request.source.to_vec().into(), PutOf::Service);
    transaction.give_up(world, name, &released);
    transaction.mark(world, name, &Claims::default(), &released)?;
    Ok(Plan {
        edits: Vec::new(),
        transaction,
        taken: Claims::default(),
        released,
        addresses: Vec::new(),
        node_ports: Vec::new(),
    })
}

/// Nothing yet, if the Service is still as it is known.
fn guarded(name: &ServiceName, there: Option<There<'_>>, world: &World) -> Transaction {
    let mut transaction = Transaction::default();
    let mod_revision = there.map_or(0, |there| there.mod_revision);
    transaction.unchanged(world.keys.service(name), mod_revision);
    transaction
}

fn written(
    request: Request<'_>,
    ask: &Ask<'_>,
    chosen: &[Address],
    ports: &NodePorts,
    stamp: &mut dyn FnMut() -> Stamp,
) -> Result<Plan, Unplanned> {
    let (world, name, source) = (ask.world, ask.name, ask.source);
    let edits = edits(ask, chosen, ports);
    let claims = claims(chosen, ports);
    let taken = missing(world, &claims);
    let before = ask.there.map(all_of).unwrap_or_default();
    let released = surplus(world, name, &before, &claims);
    let mut transaction = guarded(name, request.there, world);
    transaction.rely(world, name, &before, [&claims, &released]);
    let value = rewrite(request.source, &edits)?;
    transaction.put(world.keys.service(name), value, PutOf::Service);
    transaction.keep(world, name, &claims, stamp)?;
    transaction.give_up(world, name, &released);
    transaction.mark(world, name, &taken, &released)?;
    let pairs = source.assigned().iter().filter_map(|from| {
        let same = |to: &&Address| Family::of(to.ip) == Family::of(from.ip);
        Some((from.ip, chosen.iter().find(same)?.ip))
    });
    let from = source.ports.iter().map(|port| port.node_port);
    let from = from.chain([source.health_check_node_port]);
    let to = ports.ports.iter().copied().chain([ports.health_check]);
    let is_pair = |(from, to): &(u16, u16)| *from != 0 && *to != 0;
    Ok(Plan {
        edits,
        transaction,
        taken,
        released,
        addresses: pairs.collect(),
        node_ports: from.zip(to).filter(is_pair).collect(),
    })
}

/// What the Service is to have.
fn claims(chosen: &[Address], ports: &NodePorts) -> Claims {
    let all = ports.ports.iter().copied().chain([ports.health_check]);
    let mut node_ports: Vec<u16> = all.filter(|port| *port != 0).collect();
    node_ports.sort_unstable();
    node_ports.dedup();
    Claims {
        addresses: chosen.iter().map(|own| own.ip).collect(),
        node_ports,
    }
}

/// What the Service has.
fn all_of(service: &Service) -> Claims {
    Claims {
        addresses: service.assigned().iter().map(|own| own.ip).collect(),
        node_ports: service.node_ports(),
    }
}

/// What of the source's Service is to differ.
pub(super) fn edits(ask: &Ask<'_>, chosen: &[Address], ports: &NodePorts) -> Vec<(Path, Edit)> {
    let mut edits = Vec::new();
    address_edits(ask.source, chosen, &mut edits);
    for (index, (port, node_port)) in (0u32..).zip(ask.source.ports.iter().zip(&ports.ports)) {
        let is_other = *node_port != 0 && *node_port != port.node_port;
        if is_other {
            let steps = ["spec", "ports"].map(|name| Step::Field(name.into()));
            let last = [Step::Index(index), Step::Field("nodePort".into())];
            let path = Path::new(steps.into_iter().chain(last).collect());
            edits.push((path, Edit::Set(json!(node_port))));
        }
    }
    let check = ports.health_check;
    if check != 0 && check != ask.source.health_check_node_port {
        edits.push((
            path(&["spec", "healthCheckNodePort"]),
            Edit::Set(json!(check)),
        ));
    }
    if ask.source.service_type == ServiceType::LoadBalancer {
        load_balancer_edit(ask, &mut edits);
    }
    edits
}

fn address_edits(source: &Service, chosen: &[Address], edits: &mut Vec<(Path, Edit)>) {
    let text = |own: &Address| own.text.clone();
    let was: Vec<String> = source.assigned().iter().map(text).collect();
    let texts: Vec<String> = chosen.iter().map(text).collect();
    if let Some(first) = texts.first().filter(|first| was.first() != Some(*first)) {
        edits.push((path(&["spec", "clusterIP"]), Edit::Set(json!(first))));
    }
    // An apiserver makes the list of an old Service, of one address.
    let has_list = source.has_list || was.is_empty() || texts.len() > 1;
    if !texts.is_empty() && has_list && texts != was {
        edits.push((path(&["spec", "clusterIPs"]), Edit::Set(json!(texts))));
    }
    let families: Vec<Family> = chosen.iter().map(|own| Family::of(own.ip)).collect();
    let has_families = !source.families.is_empty() || families.len() > 1;
    if !families.is_empty() && has_families && families != source.families {
        let names: Vec<&str> = families.iter().map(|family| family.name()).collect();
        edits.push((path(&["spec", "ipFamilies"]), Edit::Set(json!(names))));
    }
}

/// Of a load balancer the destination's own status stays; the source's is of
/// another one.
fn load_balancer_edit(ask: &Ask<'_>, edits: &mut Vec<(Path, Edit)>) {
    let none = Value::Object(serde_json::Map::new());
    let own = ask.there.map_or(&none, |there| &there.load_balancer);
    if *own != ask.source.load_balancer {
        edits.push((path(&["status", "loadBalancer"]), Edit::Set(own.clone())));
    }
}

/// The end of a Service at the destination, and of all that is its own: the
/// IPAddress objects that name it, its bits in the bitmaps. Without a Service
/// there, of what it has left behind. What cannot be read is no reason to keep
/// the Service: of a bitmap, kube-apiservers clear what no Service has.
///
/// # Errors
///
/// A bitmap cannot be spliced.
pub fn deletion(
    name: &ServiceName,
    there: Option<There<'_>>,
    world: &World,
) -> Result<Transaction, Unplanned> {
    let before = there.and_then(|there| Service::read(there.value).ok());
    let before = before.as_ref().map(all_of).unwrap_or_default();
    let released = surplus(world, name, &before, &Claims::default());
    let mut transaction = guarded(name, there, world);
    transaction.rely(world, name, &before, [&Claims::default(), &released]);
    if there.is_some() {
        transaction.deletes.push(world.keys.service(name));
    }
    transaction.give_up(world, name, &released);
    transaction.mark(world, name, &Claims::default(), &released)?;
    Ok(transaction)
}

impl World {
    /// What a transaction that was applied at `revision` has changed.
    pub fn apply(&mut self, transaction: &Transaction, revision: i64) {
        for put in &transaction.puts {
            // What it has written itself, it can read; and if not, what is
            // there counts as taken.
            let _ = self.put(&put.key, &put.value, revision);
        }
        for key in &transaction.deletes {
            self.delete(key, revision);
        }
    }
}
