//! The addresses of Services between two real etcds, where the destination is
//! one that kube-apiservers of either generation have allocated from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use carry::k8s::services::ServiceName;
use etcd_client::{Compare, CompareOp, Txn, TxnOp};
use k8s_pb::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus};
use k8s_pb::api::networking::v1::IPAddress;
use serde_json::{Value, json};

use super::harness::{Carry, Etcd, Version, any_version, carry, eventually, temp_dir, versions};
use crate::services::made::*;
use rustix::process::Signal;

const RANGE: &str = "10.0.0.0/24";
const CIDR_KEY: &str = "/registry/servicecidrs/kubernetes";
const NODE_RANGE: &str = "30000-30127";

/// How the destination keeps addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    /// From 1.34 on.
    Objects,
    /// Up to 1.33, without the IPAddress objects.
    Bitmaps,
}

const GENERATIONS: [Generation; 2] = [Generation::Objects, Generation::Bitmaps];

fn key(name: &str) -> String {
    service_key(&ServiceName::new("shop", name))
}

fn offset(address: &str) -> usize {
    let last = address.rsplit('.').next().expect("a number");
    last.parse::<usize>().expect("a number") - 1
}

/// A standby with Services of its own: `default/kubernetes` at 10.0.0.1 and
/// `own/web` at 10.0.0.9 and node port 30007.
fn standby(generation: Generation) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let web = exposed(
        service("web", &["10.0.0.9"]),
        "NodePort",
        &[("TCP", 80, 30007)],
    );
    let (kubernetes, own) = (
        ServiceName::new("default", "kubernetes"),
        ServiceName::new("own", "web"),
    );
    let mut keys = BTreeMap::from([
        (
            service_key(&kubernetes),
            service_bytes(&service("kubernetes", &["10.0.0.1"])),
        ),
        (service_key(&own), service_bytes(&web)),
        (NODE_PORTS.to_owned(), bitmap(NODE_RANGE, &[7])),
    ]);
    match generation {
        Generation::Objects => keys.extend([
            (CIDR_KEY.to_owned(), service_cidr(&[RANGE])),
            (address_key("10.0.0.1"), ip_address("10.0.0.1", &kubernetes)),
            (address_key("10.0.0.9"), ip_address("10.0.0.9", &own)),
        ]),
        Generation::Bitmaps => keys.extend([(PRIMARY.to_owned(), bitmap(RANGE, &[0, 8]))]),
    }
    let keys = keys.into_iter();
    keys.map(|(key, value)| (key.into_bytes(), value)).collect()
}

fn none(name: &str, service_type: &str) -> Service {
    let mut made = service(name, &["None"]);
    let spec = made.spec.as_mut().expect("a spec");
    spec.r#type = Some(service_type.to_owned());
    if service_type == "ExternalName" {
        (spec.cluster_ip, spec.cluster_ips) = (None, Vec::new());
        spec.external_name = Some("example.org".to_owned());
    }
    spec.ip_families.clear();
    made
}

fn balanced(name: &str, address: &str, ports: &[(&str, i32, i32)], ingress: &str) -> Service {
    let mut made = exposed(service(name, &[address]), "LoadBalancer", ports);
    let spec = made.spec.as_mut().expect("a spec");
    spec.external_traffic_policy = Some("Local".to_owned());
    spec.health_check_node_port = Some(30005);
    let ingress = LoadBalancerIngress {
        ip: Some(ingress.to_owned()),
        // As a kube-apiserver stores it.
        hostname: Some(String::new()),
        ..LoadBalancerIngress::default()
    };
    let status = LoadBalancerStatus {
        ingress: vec![ingress],
    };
    made.status = Some(ServiceStatus {
        load_balancer: Some(status),
        ..ServiceStatus::default()
    });
    made
}

/// What the source has in the namespace `shop`, by name. What is kept there is
/// of the band that new addresses and node ports are not taken from.
fn source_services() -> BTreeMap<&'static str, Service> {
    let port = |node_port| [("TCP", 80, node_port)];
    let mut all = BTreeMap::from([
        ("free", service("free", &["10.0.0.3"])),
        ("taken", service("taken", &["10.0.0.9"])),
        ("outside", service("outside", &["10.96.0.5"])),
        (
            "port",
            exposed(service("port", &["10.0.0.4"]), "NodePort", &port(30007)),
        ),
        (
            "balanced",
            balanced("balanced", "10.0.0.5", &port(30003), "192.0.2.1"),
        ),
        ("headless", none("headless", "ClusterIP")),
        ("elsewhere", none("elsewhere", "ExternalName")),
    ]);
    for (name, service) in &mut all {
        service.metadata.get_or_insert_default().uid = Some(format!("uid-of-{name}"));
    }
    all
}

fn stored_as(services: &BTreeMap<&'static str, Service>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let all = services.iter();
    all.map(|(name, own)| (key(name).into_bytes(), service_bytes(own)))
        .collect()
}

fn rules(folder: &Path, services: &str) -> PathBuf {
    let path = folder.join("rules.yaml");
    let text = format!(
        "policies: {{services: {services}}}\nfilters:\n  secondary:\n    - name: services\n      group: \"\"\n      resources: [{{kind: Service}}]\n"
    );
    std::fs::write(&path, text).expect("rules");
    path
}

async fn there(etcd: &Etcd, name: &str) -> Service {
    message(&etcd.get(key(name)).await.expect("a Service"))
}

fn address(service: &Service) -> String {
    let spec = service.spec.clone().expect("a spec");
    assert_eq!(spec.cluster_ip.as_ref(), spec.cluster_ips.first());
    spec.cluster_ip.expect("an address")
}

fn node_ports(service: &Service) -> Vec<i32> {
    let spec = service.spec.as_ref().expect("a spec");
    let ports = spec.ports.iter().filter_map(|port| port.node_port);
    ports.chain(spec.health_check_node_port).collect()
}

/// The source's, with the addresses, node ports and load balancer of `there`.
fn with_those_of(source: &Service, there: &Service) -> Service {
    let mut made = source.clone();
    let (spec, theirs) = (
        made.spec.as_mut().expect("a spec"),
        there.spec.as_ref().expect("a spec"),
    );
    spec.cluster_ip = theirs.cluster_ip.clone();
    spec.cluster_ips = theirs.cluster_ips.clone();
    spec.health_check_node_port = theirs.health_check_node_port;
    for (own, theirs) in spec.ports.iter_mut().zip(&theirs.ports) {
        own.node_port = theirs.node_port;
    }
    if let Some(status) = &mut made.status {
        status.load_balancer = there
            .status
            .as_ref()
            .and_then(|own| own.load_balancer.clone());
    }
    made
}

/// Whoever has an address has it alone, and all that have one are where the
/// kube-apiservers look for them.
async fn check(etcd: &Etcd, generation: Generation) {
    let stored = etcd.list("/registry/services/specs/").await;
    let mut owners = BTreeMap::new();
    let mut ports = BTreeSet::new();
    for (key, value) in &stored {
        let service: Service = message(value);
        let key = String::from_utf8(key.clone()).expect("a key");
        let spec = service.spec.clone().expect("a spec");
        for address in spec.cluster_ips.iter().filter(|own| *own != "None") {
            assert!(address.starts_with("10.0.0."), "{key}: {address}");
            let before = owners.insert(address.clone(), key.clone());
            assert_eq!(before, None, "{address} of {key} is another's");
        }
        for port in node_ports(&service).into_iter().filter(|port| *port != 0) {
            assert!(ports.insert(port), "{port} of {key} is another's");
        }
    }
    let marked = |value: Option<Vec<u8>>| -> BTreeSet<usize> {
        offsets(&value.expect("a bitmap")).into_iter().collect()
    };
    let bits: BTreeSet<usize> = ports.iter().map(|port| (port - 30000) as usize).collect();
    assert_eq!(marked(etcd.get(NODE_PORTS).await), bits);
    match generation {
        Generation::Objects => {
            let objects = etcd.list("/registry/ipaddresses/").await;
            let parents = objects.iter().map(|(key, value)| {
                let key = String::from_utf8(key.clone()).expect("a key");
                let object: IPAddress = message(value);
                let parent = object
                    .spec
                    .and_then(|own| own.parent_ref)
                    .expect("a parent");
                let parent = ServiceName::new(parent.namespace(), parent.name());
                let address = key.rsplit('/').next().expect("an address").to_owned();
                (address, service_key(&parent))
            });
            assert_eq!(parents.collect::<BTreeMap<_, _>>(), owners);
        }
        Generation::Bitmaps => {
            let bits = owners.keys().map(|address| offset(address)).collect();
            assert_eq!(marked(etcd.get(PRIMARY).await), bits);
            assert_eq!(etcd.count("/registry/ipaddresses/").await, 0);
        }
    }
}

fn status(carry: &Carry) -> Value {
    let (_, status) = carry.http("/status").expect("a status");
    serde_json::from_str(&status).expect("JSON")
}

struct Sides {
    source: Etcd,
    destination: Etcd,
    folder: tempfile::TempDir,
}

impl Sides {
    async fn new(version: Version, generation: Generation) -> Sides {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        destination.load(standby(generation)).await;
        source.load(stored_as(&source_services())).await;
        let folder = temp_dir();
        Sides {
            source,
            destination,
            folder,
        }
    }

    fn carry(&self, services: &str) -> Carry {
        let file = rules(self.folder.path(), services);
        Carry::between(&self.source, &self.destination, &file, &[] as &[&str])
    }

    /// What is not carry's is as it was, but for the bitmaps.
    async fn own_is_untouched(&self, generation: Generation) {
        let is_bitmap = |key: &[u8]| key.starts_with(b"/registry/ranges/");
        for (key, value) in standby(generation) {
            if !is_bitmap(&key) {
                assert_eq!(self.destination.get(key).await, Some(value));
            }
        }
    }

    async fn revisions(&self) -> Vec<Option<i64>> {
        let mut revisions = Vec::new();
        for name in source_services().keys() {
            revisions.push(self.destination.mod_revision(key(name)).await);
        }
        revisions.push(self.destination.mod_revision(NODE_PORTS).await);
        revisions
    }
}

/// The life of Services at a destination that has its own addresses: written,
/// changed, found again, deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_get_addresses_of_the_destination() {
    for version in versions("addresses of Services") {
        for generation in GENERATIONS {
            let sides = Sides::new(version, generation).await;
            let destination = &sides.destination;
            let mut carry = sides.carry("reallocate");
            carry.wait_ready();
            check(destination, generation).await;
            sides.own_is_untouched(generation).await;
            let mut found = BTreeMap::new();
            for (name, source) in source_services() {
                let now = there(destination, name).await;
                assert_eq!(now, with_those_of(&source, &now), "{name}");
                found.insert(name, now);
            }
            for name in ["free", "headless", "elsewhere"] {
                let stored = destination.get(key(name)).await;
                assert_eq!(stored, Some(service_bytes(&source_services()[name])));
            }
            assert_eq!(address(&found["port"]), "10.0.0.4");
            assert_ne!(node_ports(&found["port"]), [30007]);
            assert_eq!(address(&found["balanced"]), "10.0.0.5");
            assert_eq!(node_ports(&found["balanced"]), [30003, 30005]);
            let load_balancer = found["balanced"]
                .status
                .clone()
                .and_then(|own| own.load_balancer);
            assert_eq!(load_balancer, Some(LoadBalancerStatus::default()));
            let (taken, outside) = (address(&found["taken"]), address(&found["outside"]));
            assert_eq!(carry.metric("carry_service_addresses"), Some(2.0));
            let told = status(&carry);
            assert_eq!(told["readdressedServices"], 2);
            assert_eq!(
                told["serviceAddresses"],
                json!([
                    {"key": key("outside"), "addresses": [{"source": "10.96.0.5", "destination": outside}]},
                    {"key": key("taken"), "addresses": [{"source": "10.0.0.9", "destination": taken}]},
                ])
            );
            let rewritten = carry.metric("carry_policy_actions_total{policy=\"services\"}");
            assert_eq!(rewritten, Some(4.0));

            // The destination's load balancer is its own, and stays.
            let mut own = found["balanced"].clone();
            own.status = balanced("", "10.0.0.5", &[], "198.51.100.1").status;
            destination.put(key("balanced"), service_bytes(&own)).await;
            for name in ["taken", "balanced", "port"] {
                let mut changed = source_services()[name].clone();
                let selector = &mut changed.spec.as_mut().expect("a spec").selector;
                selector.insert("app".to_owned(), "other".to_owned());
                sides.source.put(key(name), service_bytes(&changed)).await;
                let before = match name {
                    "balanced" => own.clone(),
                    _ => found[name].clone(),
                };
                let expected = with_those_of(&changed, &before);
                eventually(name, || async {
                    there(destination, name).await == expected
                })
                .await;
            }
            check(destination, generation).await;

            // Nothing that is right is written again.
            let before = sides.revisions().await;
            let mut carry = carry.again();
            carry.wait_ready();
            carry.wait_for("the addresses to be told of", |carry| {
                carry.metric("carry_service_addresses") == Some(2.0)
            });
            let mut carry = carry.again_without_ledger();
            carry.wait_ready();
            carry.wait_for("the addresses to be told of", |carry| {
                carry.metric("carry_service_addresses") == Some(2.0)
            });
            assert_eq!(sides.revisions().await, before);
            assert_eq!(carry.stop(), 0);
            is_verified(&sides, &carry);
            let mut carry = carry.again();
            carry.wait_ready();

            for name in source_services().keys() {
                sides.source.delete(key(name)).await;
            }
            eventually("the deletes", || async {
                destination.count("/registry/services/specs/shop/").await == 0
            })
            .await;
            check(destination, generation).await;
            sides.own_is_untouched(generation).await;
            carry.wait_for("nothing to be told of", |carry| {
                carry.metric("carry_service_addresses") == Some(0.0)
            });
            // To the byte, also the bitmaps.
            for (key, value) in standby(generation) {
                assert_eq!(destination.get(key).await, Some(value));
            }
        }
    }
}

fn is_verified(sides: &Sides, stopped: &Carry) {
    let explained = carry(&[
        "explain".to_owned(),
        key("taken"),
        format!(
            "--mirror-rule={}",
            sides.folder.path().join("rules.yaml").display()
        ),
        format!("--source-endpoints={}", sides.source.url()),
        format!("--dest-endpoints={}", sides.destination.url()),
    ]);
    let said = explained.stdout;
    assert!(
        said.contains("the same content") && said.contains("`services: reallocate`"),
        "{said}{}",
        explained.stderr
    );
    let ended = carry(&[
        "verify".to_owned(),
        format!(
            "--mirror-rule={}",
            sides.folder.path().join("rules.yaml").display()
        ),
        format!("--source-endpoints={}", sides.source.url()),
        format!("--dest-endpoints={}", sides.destination.url()),
        format!("--db-path={}", stopped.db_path().display()),
    ]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

/// What the other settings write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_can_be_kept_or_left_out() {
    let Some(version) = any_version("other settings of Services") else {
        return;
    };
    for generation in GENERATIONS {
        for (setting, names) in [
            ("keep", source_services().keys().copied().collect()),
            ("skip", BTreeSet::new()),
            ("headless-only", BTreeSet::from(["elsewhere", "headless"])),
        ] {
            let sides = Sides::new(version, generation).await;
            let mut carry = sides.carry(setting);
            carry.wait_ready();
            let mut expected = standby(generation);
            let mut written = source_services();
            written.retain(|name, _| names.contains(name));
            expected.extend(stored_as(&written));
            let found = sides.destination.list("/registry/").await;
            assert!(found == expected, "{setting}: {:?}", found.keys());
            let left_out = (source_services().len() - names.len()) as f64;
            let counted = carry.metric("carry_policy_actions_total{policy=\"services\"}");
            assert_eq!(counted, Some(left_out), "{setting}");
        }
    }
}

/// How the rules file comes to be another one.
#[derive(Clone, Copy, Debug)]
enum Change {
    Reload,
    Restart,
}

/// From now on Services are mirrored by `services`.
async fn under(sides: &Sides, carry: Carry, services: &str, how: Change) -> Carry {
    rules(sides.folder.path(), services);
    let mut carry = carry;
    match how {
        Change::Restart => carry = carry.again(),
        Change::Reload => {
            let digest = |carry: &Carry| status(carry)["rulesDigest"].clone();
            let before = digest(&carry);
            carry.signal(Signal::HUP);
            carry.wait_for("the other rules", |carry| digest(carry) != before);
        }
    }
    carry.wait_ready();
    carry
}

/// Nothing counts as changed by others, and so many Services have other
/// addresses.
fn is_quiet(carry: &mut Carry, readdressed: usize, what: &str) {
    let info = || format!("{what}: {readdressed} Services with other addresses");
    carry.wait_for(&info(), |carry| {
        let (_, metrics) = carry.http("/metrics").expect("metrics");
        let told = metrics.matches("carry_service_address_info{").count();
        status(carry)["readdressedServices"] == readdressed
            && carry.metric("carry_service_addresses") == Some(readdressed as f64)
            && told == readdressed
    });
    let drift = |action: &str| carry.metric(&format!("carry_drift_total{{action=\"{action}\"}}"));
    assert_eq!(drift("kept").unwrap_or_default(), 0.0, "{what}");
    assert_eq!(carry.metric("carry_drifting_keys"), Some(0.0), "{what}");
    assert_eq!(carry.metric("carry_held_keys"), Some(0.0), "{what}");
    assert_eq!(carry.metric("carry_kept_keys"), Some(0.0), "{what}");
}

/// What `services: keep` leaves of what had been allocated: addresses and node
/// ports that a Service has all the same, and nothing of another's is touched.
fn kept_of_allocated(generation: Generation) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut keys = standby(generation);
    keys.insert(NODE_PORTS.into(), bitmap(NODE_RANGE, &[3, 5, 7]));
    if generation == Generation::Bitmaps {
        keys.insert(PRIMARY.into(), bitmap(RANGE, &[0, 2, 3, 4, 8]));
    }
    keys
}

/// What the destination has, but for IPAddress objects, and the addresses of
/// these.
async fn without_objects(etcd: &Etcd) -> (BTreeMap<Vec<u8>, Vec<u8>>, BTreeSet<String>) {
    let (mut rest, mut objects) = (etcd.list("/registry/").await, BTreeSet::new());
    rest.retain(|key, _| {
        let address = key.strip_prefix(b"/registry/ipaddresses/");
        objects.extend(address.map(|own| String::from_utf8_lossy(own).into_owned()));
        address.is_none()
    });
    (rest, objects)
}

/// Services that are mirrored are written again under another policy, and what
/// they had by the one before is given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_policy_is_another_judgement() {
    let Some(version) = any_version("changes of the policy of Services") else {
        return;
    };
    for generation in GENERATIONS {
        for how in [Change::Reload, Change::Restart] {
            let what = format!("{generation:?}, {how:?}");
            let sides = Sides::new(version, generation).await;
            let destination = &sides.destination;
            let mut carry = sides.carry("reallocate");
            carry.wait_ready();
            is_quiet(&mut carry, 2, &what);
            check(destination, generation).await;

            let is_kept = || async {
                let (there, objects) = without_objects(destination).await;
                let mut expected = kept_of_allocated(generation);
                expected.extend(stored_as(&source_services()));
                expected.retain(|key, _| !key.starts_with(b"/registry/ipaddresses/"));
                let own = ["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.9"];
                let own = own.into_iter().map(str::to_owned).collect();
                let has_objects = generation == Generation::Objects;
                there == expected && (!has_objects || objects == own)
            };
            let mut carry = under(&sides, carry, "keep", how).await;
            eventually(&format!("{what}: what was kept"), is_kept).await;
            sides.own_is_untouched(generation).await;
            is_quiet(&mut carry, 0, &what);
            let before = sides.revisions().await;
            let mut carry = carry.again();
            carry.wait_ready();
            assert_eq!(sides.revisions().await, before, "{what}: written again");

            let mut carry = under(&sides, carry, "reallocate", how).await;
            is_quiet(&mut carry, 2, &what);
            check(destination, generation).await;
            for (name, source) in source_services() {
                let now = there(destination, name).await;
                assert_eq!(now, with_those_of(&source, &now), "{what}: {name}");
            }

            // They are the destination's own now, and stay.
            let before = sides.revisions().await;
            let mut carry = under(&sides, carry, "skip", how).await;
            is_quiet(&mut carry, 0, &what);
            assert_eq!(sides.revisions().await, before, "{what}: left out");
            // And copies of the source's.
            let mut carry = under(&sides, carry, "keep", how).await;
            eventually(&format!("{what}: what was kept at last"), is_kept).await;
            is_quiet(&mut carry, 0, &what);
            // One that has addresses no more gives them up whatever the policy.
            let mut carry = under(&sides, carry, "headless-only", how).await;
            is_quiet(&mut carry, 0, &what);
            let mut none_now = none("free", "ExternalName");
            none_now.metadata = source_services()["free"].metadata.clone();
            sides
                .source
                .put(key("free"), service_bytes(&none_now))
                .await;
            eventually(&format!("{what}: an address less"), || async {
                let object = destination.get(address_key("10.0.0.3")).await;
                let primary = destination.get(PRIMARY).await;
                let bits = primary.map(|own| offsets(&own)).unwrap_or_default();
                let written = destination.get(key("free")).await;
                object.is_none() && !bits.contains(&2) && written == Some(service_bytes(&none_now))
            })
            .await;
            let mut carry = under(&sides, carry, "keep", how).await;
            is_quiet(&mut carry, 0, &what);

            for name in source_services().keys() {
                sides.source.delete(key(name)).await;
            }
            eventually(&format!("{what}: the deletes"), || async {
                destination.list("/registry/").await == standby(generation)
            })
            .await;
            is_quiet(&mut carry, 0, &what);
        }
    }
}

/// Which address stands for which follows both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_addresses_follows() {
    let Some(version) = any_version("addresses that change") else {
        return;
    };
    for generation in GENERATIONS {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let mut own = standby(generation);
        let six = "fd00::/112";
        match generation {
            Generation::Objects => own.insert(CIDR_KEY.into(), service_cidr(&[RANGE, six])),
            Generation::Bitmaps => own.insert(SECONDARY.into(), bitmap(six, &[])),
        };
        destination.load(own).await;
        let both = |addresses: &[&str], policy: &str| {
            let mut made = service("web", addresses);
            made.metadata.get_or_insert_default().uid = Some("uid-of-web".to_owned());
            let spec = made.spec.as_mut().expect("a spec");
            spec.ip_family_policy = Some(policy.to_owned());
            made
        };
        let dual = both(&["10.96.0.7", "fd01::7"], "PreferDualStack");
        source.put(key("web"), service_bytes(&dual)).await;
        let folder = temp_dir();
        let file = rules(folder.path(), "reallocate");
        let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
        carry.wait_ready();
        let is_told = |carry: &mut Carry, pairs: Vec<(&str, String)>| {
            let pair = |(from, to): &(&str, String)| json!({"source": from, "destination": to});
            let addresses: Vec<Value> = pairs.iter().map(pair).collect();
            let expected = match addresses.is_empty() {
                true => json!([]),
                false => json!([{"key": key("web"), "addresses": addresses}]),
            };
            carry.wait_for(&format!("{generation:?}: {expected}"), |carry| {
                let (_, metrics) = carry.http("/metrics").expect("metrics");
                let told = metrics.matches("carry_service_address_info{").count();
                status(carry)["serviceAddresses"] == expected && told == pairs.len()
            });
        };
        let addresses = |service: Service| service.spec.expect("a spec").cluster_ips;
        let now = there(&destination, "web").await;
        let [four, _] = addresses(now.clone()).try_into().expect("two addresses");
        let [_, six] = addresses(now.clone()).try_into().expect("two addresses");
        is_told(
            &mut carry,
            vec![("10.96.0.7", four.clone()), ("fd01::7", six)],
        );

        // Somebody gives it another one, without a change at the source.
        let with = |addresses: &[&str]| {
            let mut made = now.clone();
            let spec = made.spec.as_mut().expect("a spec");
            spec.cluster_ip = addresses.first().map(|own| (*own).to_owned());
            spec.cluster_ips = addresses.iter().map(|own| (*own).to_owned()).collect();
            spec.ip_families.truncate(addresses.len());
            service_bytes(&made)
        };
        destination
            .put(key("web"), with(&[&four, "fd00::99"]))
            .await;
        is_told(
            &mut carry,
            vec![
                ("10.96.0.7", four.clone()),
                ("fd01::7", "fd00::99".to_owned()),
            ],
        );
        // And takes that away.
        destination.put(key("web"), with(&[&four])).await;
        is_told(&mut carry, vec![("10.96.0.7", four.clone())]);

        // The source has two, then one.
        let mut again = dual.clone();
        let selector = &mut again.spec.as_mut().expect("a spec").selector;
        selector.insert("app".to_owned(), "other".to_owned());
        source.put(key("web"), service_bytes(&again)).await;
        eventually("two addresses again", || async {
            addresses(there(&destination, "web").await).len() == 2
        })
        .await;
        let [_, six] = addresses(there(&destination, "web").await)
            .try_into()
            .expect("two addresses");
        is_told(
            &mut carry,
            vec![("10.96.0.7", four.clone()), ("fd01::7", six)],
        );
        let single = both(&["10.96.0.7"], "SingleStack");
        source.put(key("web"), service_bytes(&single)).await;
        eventually("one address", || async {
            addresses(there(&destination, "web").await) == [four.clone()]
        })
        .await;
        is_told(&mut carry, vec![("10.96.0.7", four.clone())]);
        assert_eq!(carry.metric("carry_drifting_keys"), Some(0.0));

        // A Service that is gone has none.
        assert!(destination.delete(key("web")).await);
        is_told(&mut carry, Vec::new());
    }
}

/// Where no kube-apiserver has made its ranges yet, the source's addresses are
/// kept; and once it has, what changes gets some of its ranges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ranges_addresses_stay_as_they_are() {
    let Some(version) = any_version("a destination without ranges") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let all = stored_as(&source_services());
    source.load(all.clone()).await;
    let folder = temp_dir();
    let file = rules(folder.path(), "reallocate");
    let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
    carry.wait_ready();
    assert_eq!(
        destination.list("/registry/").await,
        all.into_iter().collect()
    );
    let warned = carry
        .stderr()
        .matches("has stored no range of addresses")
        .count();
    assert_eq!(warned, 1, "{}", carry.stderr());
    let advice = "let a kube-apiserver start there once";
    assert!(carry.stderr().contains(advice), "{}", carry.stderr());
    // What is there is not written again, whatever is known of it.
    let before = destination.list_revisions("/registry/services/").await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    let mut carry = carry.again_without_ledger();
    carry.wait_ready();
    let after = destination.list_revisions("/registry/services/").await;
    assert_eq!(before, after);

    destination.put(CIDR_KEY, service_cidr(&[RANGE])).await;
    destination.put(NODE_PORTS, bitmap(NODE_RANGE, &[])).await;
    let mut number = 0;
    eventually("an address of the range", || {
        number += 1;
        let mut changed = source_services()["outside"].clone();
        let spec = changed.spec.as_mut().expect("a spec");
        spec.selector.insert("app".to_owned(), number.to_string());
        let (source, destination) = (&source, &destination);
        async move {
            source.put(key("outside"), service_bytes(&changed)).await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let now = address(&there(destination, "outside").await);
            let object = destination.get(address_key(&now)).await;
            now.starts_with("10.0.0.") && object.is_some()
        }
    })
    .await;
}

/// A kube-apiserver that allocates from the same ranges meanwhile.
struct Apiserver<'e> {
    etcd: &'e Etcd,
    generation: Generation,
}

impl Apiserver<'_> {
    /// Makes a Service with an address that is free as far as it knows; whether
    /// that was so.
    async fn create(&self, number: usize, pick: usize) -> bool {
        let name = ServiceName::new("own", &format!("s{number}"));
        let mut holds = Vec::new();
        let mut writes = Vec::new();
        let (taken, bits, revision) = match self.generation {
            Generation::Objects => {
                let keys = self.etcd.keys("/registry/ipaddresses/").await;
                let offsets = keys.iter().map(|key| offset(key));
                (offsets.collect::<BTreeSet<_>>(), Vec::new(), 0)
            }
            Generation::Bitmaps => {
                let revision = self.etcd.mod_revision(PRIMARY).await.expect("a bitmap");
                let map = self.etcd.get(PRIMARY).await.expect("a bitmap");
                let bits = offsets(&map);
                (bits.iter().copied().collect(), bits, revision)
            }
        };
        let free: Vec<usize> = (0..254).filter(|offset| !taken.contains(offset)).collect();
        let chosen = free[pick % free.len()];
        let address = format!("10.0.0.{}", chosen + 1);
        match self.generation {
            Generation::Objects => {
                let key = address_key(&address);
                holds.push(Compare::create_revision(key.clone(), CompareOp::Equal, 0));
                writes.push(TxnOp::put(key, ip_address(&address, &name), None));
            }
            Generation::Bitmaps => {
                let bits = [bits, vec![chosen]].concat();
                holds.push(Compare::mod_revision(PRIMARY, CompareOp::Equal, revision));
                writes.push(TxnOp::put(PRIMARY, bitmap(RANGE, &bits), None));
            }
        }
        let mut made = service(&name.name, &[&address]);
        made.metadata.get_or_insert_default().namespace = Some("own".to_owned());
        writes.push(TxnOp::put(service_key(&name), service_bytes(&made), None));
        let txn = Txn::new().when(holds).and_then(writes);
        let mut client = self.etcd.client().await;
        client.txn(txn).await.expect("an answer").succeeded()
    }
}

/// Nobody has an address twice, whoever allocates at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_allocate_at_the_same_time() {
    for version in versions("two that allocate") {
        for generation in GENERATIONS {
            let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
            destination.load(standby(generation)).await;
            let folder = temp_dir();
            let file = rules(folder.path(), "reallocate");
            let mut carry = Carry::between(&source, &destination, &file, &[] as &[&str]);
            carry.wait_ready();
            // Nearly all of the range, and the same node ports twice.
            let many = (0..200).map(|number| {
                let (name, address) = (format!("m{number}"), format!("10.96.0.{number}"));
                let mut made = service(&name, &[&address]);
                if number < 40 {
                    made = exposed(made, "NodePort", &[("TCP", 80, 30000 + number % 20)]);
                }
                (key(&name).into_bytes(), service_bytes(&made))
            });
            source.load(many).await;
            let apiserver = Apiserver {
                etcd: &destination,
                generation,
            };
            let (mut number, mut refused, mut meanwhile) = (0, 0, 0);
            while number < 40 {
                match apiserver.create(number, number * 7919 + refused).await {
                    true => number += 1,
                    false => refused += 1,
                }
                let mirrored = destination.count("/registry/services/specs/shop/").await;
                meanwhile += usize::from(mirrored < 200);
            }
            eventually("all Services", || async {
                destination.count("/registry/services/specs/shop/").await == 200
            })
            .await;
            println!("{generation:?}: {meanwhile} meanwhile, {refused} of its own refused");
            assert!(meanwhile > 5, "{meanwhile}");
            check(&destination, generation).await;
            assert_eq!(carry.metric("carry_held_keys"), Some(0.0));
        }
    }
}
