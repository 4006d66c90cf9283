//! On the values that a real kube-apiserver has stored: what it wrote for its
//! own Services, a plan for the same Services writes again.

use std::collections::{BTreeMap, BTreeSet};

use carry::k8s::services::{Chance, Cidr, Generation, Outcome, Policy, Request, Service};
use carry::k8s::services::{ServiceName, Stamp, There, World, deletion, plan};
use carry::k8s::{Edit, Path, rewrite};
use serde_json::Value;

use super::made::{NODE_PORTS, PREFIX, address_key, offsets, service, service_bytes, service_key};
use super::store::Store;
use crate::shared::corpus;

/// The keys of the corpus that have to do with addresses, and their JSON.
struct Corpus {
    store: Store,
    json: BTreeMap<String, Value>,
}

impl Corpus {
    fn read(test: &str) -> Option<Corpus> {
        let mut found = Corpus {
            store: Store::default(),
            json: BTreeMap::new(),
        };
        let prefixes = World::new(PREFIX).prefixes();
        for stored in corpus(test)? {
            let is_of_interest = |prefix: &Vec<u8>| stored.key.as_bytes().starts_with(prefix);
            if prefixes.iter().any(is_of_interest) {
                found.store.set(&stored.key, stored.value);
                found.json.insert(stored.key, stored.json);
            }
        }
        Some(found)
    }

    fn services(&self) -> Vec<(ServiceName, &Value)> {
        let all = self.json.iter().filter_map(|(key, json)| {
            let name = key.strip_prefix(&format!("{PREFIX}/services/specs/"))?;
            let (namespace, name) = name.split_once('/')?;
            Some((ServiceName::new(namespace, name), json))
        });
        all.collect()
    }
}

fn told(store: &Store) -> World {
    let mut world = World::new(PREFIX);
    store.tell(&mut world, &Store::default());
    world
}

fn texts(json: &Value) -> Vec<String> {
    let all = json.as_array().into_iter().flatten();
    all.map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

fn node_ports(json: &Value) -> BTreeSet<u64> {
    let ports = json["spec"]["ports"].as_array().into_iter().flatten();
    let ports = ports.map(|port| &port["nodePort"]);
    let all = ports.chain([&json["spec"]["healthCheckNodePort"]]);
    all.filter_map(Value::as_u64).collect()
}

#[test]
fn services_are_read_as_they_are_stored() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let services = corpus.services();
    assert!(services.len() > 10, "{}", services.len());
    for (name, json) in services {
        let value = corpus.store.get(&service_key(&name)).expect("a value");
        let service = Service::read(value).expect("a Service");
        let mut addresses = texts(&json["spec"]["clusterIPs"]);
        addresses.retain(|address| address != "None");
        let read = service.assigned().iter().map(|own| own.text.clone());
        assert_eq!(read.collect::<Vec<_>>(), addresses, "{name}");
        let ports: BTreeSet<u64> = service.node_ports().into_iter().map(u64::from).collect();
        assert_eq!(ports, node_ports(json), "{name}");
        let families: Vec<_> = service.families.iter().map(|own| own.name()).collect();
        assert_eq!(families, texts(&json["spec"]["ipFamilies"]), "{name}");
    }
}

#[test]
fn the_bitmap_of_node_ports_says_what_the_services_have() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let value = corpus.store.get(NODE_PORTS).expect("the bitmap");
    let marked: BTreeSet<u64> = offsets(value)
        .into_iter()
        .map(|bit| 30_000 + bit as u64)
        .collect();
    let services = corpus.services();
    // The corpus has not all Services of its cluster.
    let had: BTreeSet<u64> = services
        .iter()
        .flat_map(|(_, json)| node_ports(json))
        .collect();
    assert!(had.is_subset(&marked), "{had:?} {marked:?}");
    assert!(had.len() > 5 && marked.len() < 20, "{marked:?}");
}

#[test]
fn the_world_is_told_from_its_keys() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let world = told(&corpus.store);
    assert_eq!(world.generation(), Generation::Objects);
    let cidr = Cidr::parse("10.96.0.0/16").expect("a range");
    assert_eq!(world.cidrs(), [(cidr, true)]);
}

/// Without a Service of the corpus and what it has, all of that is planned
/// again, to the byte.
#[test]
fn what_an_apiserver_wrote_is_written_again() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let mut objects = 0;
    for (name, json) in corpus.services() {
        let key = service_key(&name);
        let there = There {
            value: corpus.store.get(&key).expect("a value"),
            mod_revision: corpus.store.mod_revision(&key),
        };
        let mut without = corpus.store.clone();
        let gone = deletion(&name, Some(there), &told(&corpus.store)).expect("a deletion");
        assert!(without.commit(&gone), "{name}");
        let addresses = texts(&json["spec"]["clusterIPs"]);
        let keys: Vec<_> = addresses
            .iter()
            .map(|address| address_key(address))
            .collect();
        assert!(keys.iter().all(|key| without.get(key).is_none()), "{name}");

        let of_key = |key: &String| corpus.json.get(key).map(stamp_of);
        let mut stamps = keys.iter().filter_map(of_key);
        let mut chance = Chance {
            draw: &mut || panic!("nothing is drawn"),
            stamp: &mut || stamps.next().expect("one for each address"),
        };
        let request = Request {
            policy: Policy::Reallocate,
            name: &name,
            source: there.value,
            there: None,
        };
        let outcome = plan(request, &told(&without), &mut chance).expect("a plan");
        let Outcome::Write(plan) = outcome else {
            panic!("{name} is skipped")
        };
        assert_eq!(plan.edits, [], "{name}");
        assert!(without.commit(&plan.transaction), "{name}");
        for (key, (value, _)) in &corpus.store.keys {
            let again = without.get(key).expect("the key is there again");
            if keys.contains(key) {
                objects += 1;
                assert_eq!(again, without_managed_fields(value), "{key}");
            } else {
                assert_eq!(again, value, "{key}");
            }
        }
        assert_eq!(without.keys.len(), corpus.store.keys.len());
    }
    assert!(objects > 5, "{objects}");
}

/// Those of Services that the corpus has not, as well.
#[test]
fn every_ip_address_is_written_as_it_was() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let cidr = "/registry/servicecidrs/kubernetes";
    let cidr = (
        cidr,
        corpus.store.get(cidr).expect("a ServiceCIDR").to_vec(),
    );
    let world = super::made::world(&[cidr]);
    let mut objects = 0;
    for (key, json) in &corpus.json {
        let Some(address) = key.strip_prefix(&address_key("")) else {
            continue;
        };
        let parent = &json["spec"]["parentRef"];
        let part = |name: &str| parent[name].as_str().expect("a text");
        let name = ServiceName::new(part("namespace"), part("name"));
        let service = service(&name.name, &[address]);
        let mut chance = Chance {
            draw: &mut || panic!("nothing is drawn"),
            stamp: &mut || stamp_of(json),
        };
        let request = Request {
            policy: Policy::Reallocate,
            name: &name,
            source: &service_bytes(&service),
            there: None,
        };
        let outcome = plan(request, &world, &mut chance).expect("a plan");
        let Outcome::Write(plan) = outcome else {
            panic!("{name} is skipped")
        };
        let written = plan
            .transaction
            .puts
            .iter()
            .find(|put| put.key == key.as_bytes());
        let real = corpus.store.get(key).expect("an IPAddress");
        let written = written.expect("an IPAddress").value.as_slice();
        assert_eq!(written, without_managed_fields(real), "{key}");
        objects += 1;
    }
    assert!(objects > 10, "{objects}");
}

fn stamp_of(json: &Value) -> Stamp {
    let time = json["metadata"]["creationTimestamp"]
        .as_str()
        .expect("a time");
    let time: jiff::Timestamp = time.parse().expect("a time");
    Stamp {
        uid: json["metadata"]["uid"].as_str().expect("a uid").to_owned(),
        created: time.as_second(),
    }
}

fn without_managed_fields(value: &[u8]) -> Vec<u8> {
    let path: Path = "metadata.managedFields".parse().expect("a path");
    rewrite(value, &[(path, Edit::Remove)])
        .expect("an edit")
        .to_vec()
}

/// A Service that is there with all it has costs nothing but itself.
#[test]
fn what_is_there_stays() {
    let Some(corpus) = Corpus::read("services::stored") else {
        return;
    };
    let world = told(&corpus.store);
    for (name, _) in corpus.services() {
        let key = service_key(&name);
        let value = corpus.store.get(&key).expect("a value");
        let mod_revision = corpus.store.mod_revision(&key);
        let there = Some((value, mod_revision));
        let outcome = super::made::outcome(Policy::Reallocate, &name, value, there, &world, 0);
        let Ok(Outcome::Write(plan)) = outcome else {
            panic!("{name} is skipped")
        };
        assert_eq!(plan.edits, [], "{name}");
        assert_eq!(super::made::touched(&plan), [key], "{name}");
        assert_eq!(plan.transaction.puts[0].value.as_slice(), value, "{name}");
        assert!(plan.is_fulfilled(there.map(|(value, mod_revision)| There {
            value,
            mod_revision
        })));
        assert_eq!((plan.taken, plan.released), Default::default(), "{name}");
    }
}
