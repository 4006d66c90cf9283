//! A kube-apiserver that gives and takes addresses and node ports by guarded
//! transactions of its own, and what must hold of a store whoever has written
//! to it. Shares no code with what it is a test of: it decodes with another
//! library, and counts bits by itself.

use std::collections::{BTreeMap, BTreeSet};

use carry::k8s::services::{Compare, Put, PutOf, ServiceName, Transaction};
use k8s_pb::api::core::v1::Service;
use k8s_pb::api::networking::v1::{IPAddress, ServiceCIDR};
use k8s_pb::apimachinery::pkg::apis::meta::v1::Time;

use super::made::*;
use super::store::Store;

pub const V4: &str = "10.0.0.0/29";
pub const V6: &str = "fd00::/125";
/// A range beside the first ones, which may be about to go.
const OTHER: &str = "10.1.0.0/30";
pub const OTHER_KEY: &str = "/registry/servicecidrs/other";
pub const PORTS: &str = "30000-30007";
const FIRST_PORT: i32 = 30_000;
const COUNT_OF_PORTS: usize = 8;

/// How the cluster keeps addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub objects: bool,
    pub bitmaps: bool,
}

/// A cluster without Services.
pub fn cluster(kept: Kept) -> Store {
    let mut store = Store::default();
    if kept.objects {
        let key = "/registry/servicecidrs/kubernetes";
        store.set(key, service_cidr(&[V4, V6]));
        store.set(OTHER_KEY, service_cidr(&[OTHER]));
    }
    if kept.bitmaps {
        store.set(PRIMARY, bitmap(V4, &[]));
        store.set(SECONDARY, bitmap(V6, &[]));
    }
    store.set(NODE_PORTS, bitmap(PORTS, &[]));
    store
}

/// Deletes the other range, or makes it anew.
pub fn retire(store: &mut Store) {
    if store.get(OTHER_KEY).is_none() {
        return;
    }
    let mut cidr: ServiceCIDR = message(&service_cidr(&[OTHER]));
    if gives_others(store) {
        let time = Time {
            seconds: Some(1_790_000_000),
            nanos: Some(0),
        };
        cidr.metadata.get_or_insert_default().deletion_timestamp = Some(time);
    }
    store.set(OTHER_KEY, stored(NETWORKING, "ServiceCIDR", &cidr));
}

/// Whether the other range is there and not about to go.
pub fn gives_others(store: &Store) -> bool {
    let value = store.get(OTHER_KEY).map(message::<ServiceCIDR>);
    value.is_some_and(|cidr| {
        cidr.metadata
            .is_none_or(|own| own.deletion_timestamp.is_none())
    })
}

/// Whether an IPAddress of the other range is written.
pub fn takes_others(transaction: &Transaction) -> bool {
    let key = address_key("10.1.0.");
    let mut puts = transaction.puts.iter();
    puts.any(|put| put.key.starts_with(key.as_bytes()))
}

/// All addresses that may be given, with the bitmap and the bit of each. Those
/// of the other range are in no bitmap.
fn addresses(v6: bool) -> Vec<(String, &'static str, usize)> {
    let all = 1..8usize;
    match v6 {
        true => all
            .map(|last| (format!("fd00::{last:x}"), SECONDARY, last - 1))
            .collect(),
        false => all
            .filter(|last| *last < 7)
            .map(|last| (format!("10.0.0.{last}"), PRIMARY, last - 1))
            .chain((1..3).map(|last| (format!("10.1.0.{last}"), "", 0)))
            .collect(),
    }
}

fn bits(store: &Store, key: &str) -> BTreeSet<usize> {
    store
        .get(key)
        .map(offsets)
        .unwrap_or_default()
        .into_iter()
        .collect()
}

/// The addresses of a family that nobody has.
pub fn free_addresses(store: &Store, v6: bool) -> Vec<(String, &'static str, usize)> {
    let mut all = addresses(v6);
    all.retain(|(address, map, bit)| {
        let is_given = !map.is_empty() || gives_others(store);
        is_given && store.get(&address_key(address)).is_none() && !bits(store, map).contains(bit)
    });
    all
}

/// The node ports that nobody has.
pub fn free_ports(store: &Store) -> Vec<usize> {
    let taken = bits(store, NODE_PORTS);
    (0..COUNT_OF_PORTS)
        .filter(|bit| !taken.contains(bit))
        .collect()
}

/// What a transaction of the apiserver changes in the bitmaps.
#[derive(Default)]
struct Marks(BTreeMap<&'static str, BTreeSet<usize>>);

impl Marks {
    fn of<'m>(&'m mut self, store: &Store, map: &'static str) -> &'m mut BTreeSet<usize> {
        self.0.entry(map).or_insert_with(|| bits(store, map))
    }

    fn write(self, store: &Store, transaction: &mut Transaction) {
        for (key, bits) in self.0 {
            let range = match key {
                PRIMARY => V4,
                SECONDARY => V6,
                _ => PORTS,
            };
            let bits: Vec<usize> = bits.into_iter().collect();
            compare(store, key, transaction);
            put(key, bitmap(range, &bits), PutOf::Range, transaction);
        }
    }
}

fn compare(store: &Store, key: &str, transaction: &mut Transaction) {
    transaction.compares.push(Compare {
        key: key.as_bytes().to_vec(),
        mod_revision: store.mod_revision(key),
    });
}

fn put(key: &str, value: Vec<u8>, of: PutOf, transaction: &mut Transaction) {
    transaction.puts.push(Put {
        key: key.as_bytes().to_vec(),
        value: value.into(),
        of,
    });
}

/// A new Service, as one who sees `view` makes it; `None` where there is
/// nothing left to give.
pub fn create(
    view: &Store,
    kept: Kept,
    name: &ServiceName,
    families: &[bool],
    ports: usize,
    pick: usize,
) -> Option<Transaction> {
    let (mut transaction, mut marks) = (Transaction::default(), Marks::default());
    let key = service_key(name);
    if view.get(&key).is_some() {
        return None;
    }
    compare(view, &key, &mut transaction);
    let mut own = Vec::new();
    for v6 in families {
        let mut free = free_addresses(view, *v6);
        let place = pick.checked_rem(free.len())?;
        let (address, map, bit) = free.swap_remove(place);
        if kept.objects {
            let key = address_key(&address);
            compare(view, &key, &mut transaction);
            put(
                &key,
                ip_address(&address, name),
                PutOf::Address,
                &mut transaction,
            );
        }
        if kept.bitmaps && !map.is_empty() {
            marks.of(view, map).insert(bit);
        }
        own.push(address);
    }
    let free = free_ports(view);
    let mut node_ports = Vec::new();
    for number in 0..ports {
        let bit = *free.get((pick + number).checked_rem(free.len())?)?;
        if marks.of(view, NODE_PORTS).insert(bit) {
            node_ports.push(("TCP", 80 + number as i32, FIRST_PORT + bit as i32));
        }
    }
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let service = exposed(service(&name.name, &own), "NodePort", &node_ports);
    put(
        &key,
        service_bytes(&service),
        PutOf::Service,
        &mut transaction,
    );
    marks.write(view, &mut transaction);
    Some(transaction)
}

/// The end of a Service and of all it has, as one who sees `view` makes it.
pub fn delete(view: &Store, name: &ServiceName) -> Option<Transaction> {
    let (mut transaction, mut marks) = (Transaction::default(), Marks::default());
    let key = service_key(name);
    let service: Service = message(view.get(&key)?);
    compare(view, &key, &mut transaction);
    transaction.deletes.push(key.into_bytes());
    for (address, map, bit) in [addresses(false), addresses(true)].concat() {
        if had(&service).contains(&address) {
            let key = address_key(&address);
            if view.get(&key).is_some() {
                compare(view, &key, &mut transaction);
                transaction.deletes.push(key.into_bytes());
            }
            if view.get(map).is_some() {
                marks.of(view, map).remove(&bit);
            }
        }
    }
    for port in ports_of(&service).ok()? {
        marks
            .of(view, NODE_PORTS)
            .remove(&((port - FIRST_PORT) as usize));
    }
    marks.write(view, &mut transaction);
    Some(transaction)
}

/// The addresses of a Service.
fn had(service: &Service) -> Vec<String> {
    let spec = service.spec.clone().unwrap_or_default();
    let mut all = spec.cluster_ips;
    all.retain(|address| address != "None");
    all
}

/// The node ports of a Service, each with its protocol once; or what is wrong
/// with them.
fn ports_of(service: &Service) -> Result<BTreeSet<i32>, String> {
    let spec = service.spec.clone().unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for port in &spec.ports {
        let node_port = port.node_port.unwrap_or_default();
        if node_port != 0 {
            let protocol = port.protocol.clone().unwrap_or_default();
            if !seen.insert((node_port, protocol)) {
                return Err(format!("node port {node_port} twice in one Service"));
            }
            ports.insert(node_port);
        }
    }
    let check = spec.health_check_node_port.unwrap_or_default();
    if check != 0 && !ports.insert(check) {
        return Err(format!("the health check shares node port {check}"));
    }
    Ok(ports)
}

/// All Services, by name.
pub fn services(store: &Store) -> Vec<(ServiceName, Service)> {
    let all = store.below("/registry/services/specs/");
    all.map(|(name, value)| {
        let (namespace, name) = name.split_once('/').expect("a namespace");
        (ServiceName::new(namespace, name), message(value))
    })
    .collect()
}

/// Every address and node port has one owner and is marked as taken, and
/// nothing else is.
pub fn check(store: &Store, kept: Kept) {
    if let Err(wrong) = is_kept_well(store, kept) {
        panic!("{wrong}");
    }
}

/// The same; else what is wrong.
pub fn is_kept_well(store: &Store, kept: Kept) -> Result<(), String> {
    let (owners, mut marks) = owned(store)?;
    let maps: &[&str] = match kept.bitmaps {
        true => &[PRIMARY, SECONDARY, NODE_PORTS],
        false => &[NODE_PORTS],
    };
    for map in maps {
        let (marked, wanted) = (bits(store, map), marks.remove(map).unwrap_or_default());
        if marked != wanted {
            return Err(format!("{map} says {marked:?}, Services have {wanted:?}"));
        }
    }
    let mut objects: BTreeMap<String, ServiceName> = BTreeMap::new();
    for (address, value) in store.below("/registry/ipaddresses/") {
        let object: IPAddress = message(value);
        let name = object.metadata.and_then(|own| own.name);
        if name.as_deref() != Some(address) {
            return Err(format!("the IPAddress of {address} is named {name:?}"));
        }
        let parent = object.spec.and_then(|spec| spec.parent_ref);
        let parent = parent.unwrap_or_default();
        let owner = ServiceName::new(
            &parent.namespace.unwrap_or_default(),
            &parent.name.unwrap_or_default(),
        );
        objects.insert(address.to_owned(), owner);
    }
    let owners = if kept.objects {
        owners
    } else {
        BTreeMap::new()
    };
    match objects == owners {
        true => Ok(()),
        false => Err(format!(
            "IPAddress objects say {objects:?}, Services have {owners:?}"
        )),
    }
}

type Marked = BTreeMap<&'static str, BTreeSet<usize>>;

/// Who has each address, and which bits that makes.
fn owned(store: &Store) -> Result<(BTreeMap<String, ServiceName>, Marked), String> {
    let (mut owners, mut marks) = (BTreeMap::new(), Marked::new());
    let known = [addresses(false), addresses(true)].concat();
    for (name, service) in services(store) {
        for address in had(&service) {
            let place = known.iter().find(|(known, ..)| *known == address);
            let Some((_, map, bit)) = place else {
                return Err(format!("{name} has {address}, which is outside"));
            };
            marks.entry(map).or_default().insert(*bit);
            if let Some(before) = owners.insert(address.clone(), name.clone()) {
                return Err(format!("{address} is {before}'s and {name}'s"));
            }
        }
        for port in ports_of(&service).map_err(|wrong| format!("{name}: {wrong}"))? {
            let bit = usize::try_from(port - FIRST_PORT).unwrap_or(COUNT_OF_PORTS);
            if bit >= COUNT_OF_PORTS {
                return Err(format!("{name} has node port {port}, which is outside"));
            }
            if !marks.entry(NODE_PORTS).or_default().insert(bit) {
                return Err(format!("node port {port} is also {name}'s"));
            }
        }
    }
    Ok((owners, marks))
}
