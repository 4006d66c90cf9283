//! What becomes of a Service, case by case.

use std::net::IpAddr;

use carry::k8s::services::{Claims, Family, Generation, Outcome, Plan, Policy, PutOf};
use carry::k8s::services::{ServiceName, There, Unplanned, World, deletion};
use k8s_pb::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus};
use k8s_pb::api::networking::v1::{IPAddress, ServiceCIDR, ServiceCIDRStatus};
use k8s_pb::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};

use super::made::*;

const CIDR: &str = "/registry/servicecidrs/kubernetes";

/// IPAddress objects, of one range of each family.
fn dual() -> World {
    world(&[
        (CIDR, service_cidr(&["10.0.0.0/24", "fd00::/120"])),
        (NODE_PORTS, bitmap("30000-32767", &[])),
    ])
}

/// IPAddress objects, of IPv4.
fn single() -> World {
    world(&[
        (CIDR, service_cidr(&["10.0.0.0/24"])),
        (NODE_PORTS, bitmap("30000-32767", &[])),
    ])
}

/// Bitmaps, of one range of each family.
fn bitmaps() -> World {
    world(&[
        (PRIMARY, bitmap("10.0.0.0/24", &[])),
        (SECONDARY, bitmap("fd00::/64", &[])),
        (NODE_PORTS, bitmap("30000-32767", &[])),
    ])
}

fn told(mut world: World, key: &str, value: Vec<u8>) -> World {
    // Garbage is told of as well.
    let _ = world.put(key.as_bytes(), &value, 100);
    world
}

fn addresses(service: &Service) -> Vec<String> {
    let spec = service.spec.clone().expect("a spec");
    assert_eq!(spec.cluster_ip.as_ref(), spec.cluster_ips.first());
    spec.cluster_ips
}

fn node_ports(service: &Service) -> Vec<i32> {
    let spec = service.spec.as_ref().expect("a spec");
    let ports = spec
        .ports
        .iter()
        .map(|port| port.node_port.unwrap_or_default());
    ports.chain(spec.health_check_node_port).collect()
}

fn policy(mut service: Service, policy: &str) -> Service {
    let spec = service.spec.as_mut().expect("a spec");
    spec.ip_family_policy = Some(policy.to_owned());
    service
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn edited(plan: &Plan) -> Vec<String> {
    plan.edits
        .iter()
        .map(|(path, _)| path.to_string())
        .collect()
}

#[test]
fn the_destinations_address_stays() {
    let (source, there) = (service("web", &["10.0.0.9"]), service("web", &["10.0.0.5"]));
    let web = ServiceName::new("shop", "web");
    let world = told(dual(), &service_key(&web), service_bytes(&there));
    let world = told(
        world,
        &address_key("10.0.0.5"),
        ip_address("10.0.0.5", &web),
    );
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    assert_eq!(addresses(&written(&plan)), ["10.0.0.5"]);
    assert_eq!(edited(&plan), ["spec.clusterIP", "spec.clusterIPs"]);
    assert_eq!(touched(&plan), ["/registry/services/specs/shop/web"]);
    assert_eq!(plan.addresses, [(ip("10.0.0.9"), ip("10.0.0.5"))]);
    let compared = plan.transaction.compares.iter();
    let compared: Vec<_> = compared.map(|compare| compare.mod_revision).collect();
    assert_eq!(compared, [7, 100]);
}

#[test]
fn the_sources_address_is_kept_where_it_is_free() {
    let plan = planned(&service("web", &["10.0.0.9"]), &dual()).expect("a plan");
    assert_eq!(plan.edits, []);
    assert_eq!(
        touched(&plan),
        [
            "/registry/services/specs/shop/web",
            "/registry/ipaddresses/10.0.0.9"
        ]
    );
    let compared = plan.transaction.compares.iter().map(|own| {
        let key = String::from_utf8(own.key.clone()).expect("a key");
        (key, own.mod_revision)
    });
    let expected = [
        ("/registry/services/specs/shop/web", 0),
        ("/registry/ipaddresses/10.0.0.9", 0),
        // It still gives addresses.
        (CIDR, 1),
    ];
    let expected = expected.map(|(key, mod_revision)| (key.to_owned(), mod_revision));
    assert_eq!(compared.collect::<Vec<_>>(), expected);
    assert_eq!(plan.taken.addresses, [ip("10.0.0.9")]);
}

#[test]
fn another_address_is_given_where_it_is_not() {
    let other = ServiceName::new("other", "s");
    let address = "10.0.0.9";
    let taken = [
        told(dual(), &address_key(address), ip_address(address, &other)),
        told(dual(), &address_key(address), b"garbage".to_vec()),
        told(
            dual(),
            &service_key(&other),
            service_bytes(&service("s", &[address])),
        ),
        told(bitmaps(), PRIMARY, bitmap("10.0.0.0/24", &[8])),
        // A kube-apiserver that has both must find both.
        told(
            told(dual(), PRIMARY, bitmap("10.0.0.0/24", &[8])),
            &address_key("10.0.0.8"),
            ip_address("10.0.0.8", &other),
        ),
    ];
    for world in taken {
        let plan = planned(&service("web", &[address]), &world).expect("a plan");
        // The upper band begins behind the first 16.
        assert_eq!(addresses(&written(&plan)), ["10.0.0.17"], "{world:?}");
    }
    for outside in ["10.0.1.9", "10.0.0.0", "10.0.0.255", "fe00::1"] {
        let mut source = service("web", &[outside]);
        source.spec.as_mut().expect("a spec").ip_families = vec!["IPv4".to_owned()];
        let plan = planned(&source, &dual()).expect("a plan");
        assert_eq!(addresses(&written(&plan)), ["10.0.0.17"], "{outside}");
    }
}

#[test]
fn a_range_that_goes_gives_nothing_new() {
    let gone = ServiceCIDR {
        metadata: Some(ObjectMeta {
            deletion_timestamp: Some(Time {
                seconds: Some(1_790_000_000),
                nanos: Some(0),
            }),
            ..ObjectMeta::default()
        }),
        ..message(&service_cidr(&["10.0.0.0/24"]))
    };
    let condition = Condition {
        r#type: Some("Ready".to_owned()),
        status: Some("False".to_owned()),
        ..Condition::default()
    };
    let unready = ServiceCIDR {
        status: Some(ServiceCIDRStatus {
            conditions: vec![condition],
        }),
        ..message(&service_cidr(&["10.0.0.0/24"]))
    };
    for cidr in [gone, unready] {
        let cidr = stored(NETWORKING, "ServiceCIDR", &cidr);
        let none = world(&[(CIDR, cidr.clone())]);
        let source = service("web", &["10.0.0.9"]);
        let refused = planned(&source, &none).expect_err("no address");
        assert_eq!(refused, Unplanned::NoAddress(Family::V4));
        // What is there may stay.
        let there = service("web", &["10.0.0.5"]);
        let plan = planned_over(&source, Some(&there), &none).expect("a plan");
        assert_eq!(addresses(&written(&plan)), ["10.0.0.5"]);
        // Another range gives.
        let other = told(
            none,
            "/registry/servicecidrs/b",
            service_cidr(&["10.1.0.0/28"]),
        );
        let plan = planned(&source, &other).expect("a plan");
        assert_eq!(addresses(&written(&plan)), ["10.1.0.1"]);
    }
}

#[test]
fn every_family_has_its_address() {
    let both = policy(service("web", &["fd01::1", "10.9.0.1"]), "RequireDualStack");
    for world in [dual(), bitmaps()] {
        let plan = planned(&both, &world).expect("a plan");
        let [v6, v4] = addresses(&written(&plan)).try_into().expect("two");
        assert_eq!(v4, "10.0.0.17");
        assert!(v6.starts_with("fd00::"), "{v6}");
        assert_eq!(
            plan.addresses,
            [(ip("fd01::1"), ip(&v6)), (ip("10.9.0.1"), ip(&v4))]
        );
    }
    let refused = planned(&both, &single()).expect_err("one family");
    assert_eq!(refused, Unplanned::NoFamily(Family::V6));
    let refused = planned(&service("web", &["fd00::1"]), &single()).expect_err("one family");
    assert_eq!(refused, Unplanned::NoFamily(Family::V6));

    let prefers = policy(both, "PreferDualStack");
    let plan = planned(&prefers, &single()).expect("a plan");
    assert_eq!(addresses(&written(&plan)), ["10.0.0.17"]);
    assert_eq!(
        edited(&plan),
        ["spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies"]
    );
    let families = written(&plan).spec.expect("a spec").ip_families;
    assert_eq!(families, ["IPv4"]);
    // Even where the source has but the family that is not there.
    let prefers = policy(service("web", &["fd00::1"]), "PreferDualStack");
    let plan = planned(&prefers, &single()).expect("a plan");
    assert_eq!(addresses(&written(&plan)), ["10.0.0.17"]);
}

#[test]
fn a_family_comes_and_goes_with_the_source() {
    let one = service("web", &["10.0.0.5"]);
    let both = policy(service("web", &["10.0.0.5", "fd00::5"]), "PreferDualStack");
    let web = ServiceName::new("shop", "web");
    let with_one = told(dual(), &service_key(&web), service_bytes(&one));
    let plan = planned_over(&both, Some(&one), &with_one).expect("a plan");
    assert_eq!(plan.edits, []);
    assert_eq!(plan.taken.addresses, [ip("10.0.0.5"), ip("fd00::5")]);

    let with_both = told(dual(), &service_key(&web), service_bytes(&both));
    let with_both = told(
        with_both,
        &address_key("fd00::5"),
        ip_address("fd00::5", &web),
    );
    let source = policy(one, "SingleStack");
    let plan = planned_over(&source, Some(&both), &with_both).expect("a plan");
    assert_eq!(plan.edits, []);
    assert_eq!(plan.released.addresses, [ip("fd00::5")]);
    assert_eq!(touched(&plan)[2], "-/registry/ipaddresses/fd00::5");
}

#[test]
fn services_without_addresses_pass() {
    let mut headless = service("web", &["None"]);
    headless.spec.as_mut().expect("a spec").ip_families = vec!["IPv6".to_owned()];
    let mut external = service("web", &[]);
    external.spec.as_mut().expect("a spec").r#type = Some("ExternalName".to_owned());
    let web = ServiceName::new("shop", "web");
    for source in [headless, external] {
        for world in [World::new(PREFIX), dual(), bitmaps()] {
            let plan = planned(&source, &world).expect("a plan");
            assert_eq!(plan.edits, []);
            assert_eq!(touched(&plan), ["/registry/services/specs/shop/web"]);
        }
        // What it had before is given up.
        let there = exposed(
            service("web", &["10.0.0.5"]),
            "NodePort",
            &[("TCP", 80, 30_003)],
        );
        let world = told(bitmaps(), PRIMARY, bitmap("10.0.0.0/24", &[3, 4]));
        let world = told(world, NODE_PORTS, bitmap("30000-32767", &[3, 7]));
        let world = told(world, &service_key(&web), service_bytes(&there));
        let plan = planned_over(&source, Some(&there), &world).expect("a plan");
        let released = Claims {
            addresses: vec![ip("10.0.0.5")],
            node_ports: vec![30_003],
        };
        assert_eq!(plan.released, released);
        let [_, primary, ports] = plan.transaction.puts.try_into().expect("three");
        assert_eq!(offsets(&primary.value), [3]);
        assert_eq!(offsets(&ports.value), [7]);
    }
}

/// What is known of another Service may be older than this one: that it has a
/// port, or that the bitmap lacks it, must still be so when nothing is released.
#[test]
fn what_is_not_given_up_must_still_be_so() {
    let web = ServiceName::new("shop", "web");
    let other = ServiceName::new("shop", "other");
    let with_port = |name, address| {
        let service = service(name, &[address]);
        exposed(service, "NodePort", &[("TCP", 80, 30_003)])
    };
    let there = with_port("web", "10.0.0.5");
    let stale = told(bitmaps(), &service_key(&web), service_bytes(&there));
    let has_bit = told(stale.clone(), NODE_PORTS, bitmap("30000-32767", &[3]));
    let another = service_bytes(&with_port("other", "10.0.0.6"));
    let is_others = told(has_bit.clone(), &service_key(&other), another);
    let source = service("web", &["10.0.0.5"]);
    for (world, relied_on) in [
        (is_others, vec![NODE_PORTS.to_owned(), service_key(&other)]),
        (stale, vec![NODE_PORTS.to_owned()]),
        // What is released needs nothing more: the bitmap is compared and rewritten.
        (has_bit, vec![]),
    ] {
        let plan = planned_over(&source, Some(&there), &world).expect("a plan");
        let compared = |key: &String| {
            let mut all = plan.transaction.compares.iter();
            all.any(|compare| compare.key == key.as_bytes())
        };
        let is_released = plan.released.node_ports == [30_003];
        assert_eq!(is_released, relied_on.is_empty());
        assert!(relied_on.iter().all(compared), "{relied_on:?}");
    }
}

#[test]
fn policies() {
    let name = ServiceName::new("shop", "web");
    let (web, none) = (service("web", &["10.9.0.1"]), service("web", &["None"]));
    let (web, none) = (service_bytes(&web), service_bytes(&none));
    let is_written = |policy, source: &[u8]| {
        let outcome = outcome(policy, &name, source, None, &dual(), 0).expect("an outcome");
        match outcome {
            Outcome::Write(plan) => Some(plan.transaction.puts[0].value.to_vec()),
            Outcome::Skip => None,
        }
    };
    assert_ne!(is_written(Policy::Reallocate, &web), Some(web.clone()));
    assert_eq!(is_written(Policy::Keep, &web), Some(web.clone()));
    assert_eq!(is_written(Policy::HeadlessOnly, &web), None);
    assert_eq!(is_written(Policy::HeadlessOnly, &none), Some(none.clone()));
    assert_eq!(is_written(Policy::Skip, &none), None);
}

#[test]
fn node_ports_stay_or_are_kept_or_are_new() {
    let source = exposed(
        service("web", &["10.0.0.5"]),
        "NodePort",
        &[
            ("TCP", 80, 30_001),
            ("TCP", 81, 30_002),
            ("TCP", 82, 29_000),
        ],
    );
    let there = exposed(
        service("web", &["10.0.0.5"]),
        "NodePort",
        &[("TCP", 80, 32_000)],
    );
    let world = told(dual(), NODE_PORTS, bitmap("30000-32767", &[1, 2000]));
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    // The upper band begins behind the first 86.
    assert_eq!(node_ports(&written(&plan)), [32_000, 30_002, 30_086]);
    assert_eq!(
        edited(&plan),
        ["spec.ports[0].nodePort", "spec.ports[2].nodePort"]
    );
    assert_eq!(plan.taken.node_ports, [30_002, 30_086]);
    assert_eq!(
        plan.node_ports,
        [(30_001, 32_000), (30_002, 30_002), (29_000, 30_086)]
    );
    let map = &plan.transaction.puts.last().expect("the bitmap");
    assert_eq!((map.of, PutOf::Range.resource()), (PutOf::Range, None));
    assert_eq!(offsets(&map.value), [1, 2, 86, 2000]);
}

#[test]
fn one_number_for_two_protocols() {
    let twins = |node_port| {
        let ports = [("TCP", 53, node_port), ("UDP", 53, node_port)];
        exposed(service("dns", &["10.0.0.5"]), "NodePort", &ports)
    };
    let taken = told(dual(), NODE_PORTS, bitmap("30000-32767", &[53]));
    for (source, world, expected) in [
        (twins(30_053), dual(), [30_053, 30_053]),
        (twins(30_053), taken.clone(), [30_086, 30_086]),
        (twins(0), dual(), [30_086, 30_086]),
    ] {
        let plan = planned(&source, &world).expect("a plan");
        assert_eq!(node_ports(&written(&plan)), expected);
        assert_eq!(
            plan.taken.node_ports,
            expected[..1]
                .iter()
                .map(|own| *own as u16)
                .collect::<Vec<_>>()
        );
    }
    // The second comes later, and joins the first where it is.
    let there = exposed(
        service("dns", &["10.0.0.5"]),
        "NodePort",
        &[("TCP", 53, 32_000)],
    );
    let plan = planned_over(&twins(30_053), Some(&there), &taken).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [32_000, 32_000]);
}

#[test]
fn ports_are_known_again() {
    let named = |ports: &[(&str, &str, i32, i32)]| {
        let plain: Vec<_> = ports
            .iter()
            .map(|(_, protocol, port, own)| (*protocol, *port, *own))
            .collect();
        let mut service = exposed(service("web", &["10.0.0.5"]), "NodePort", &plain);
        let all = service.spec.as_mut().expect("a spec").ports.iter_mut();
        for (port, (name, ..)) in all.zip(ports) {
            port.name = Some((*name).to_owned());
        }
        service
    };
    let there = named(&[
        ("a", "TCP", 1, 32_001),
        ("b", "TCP", 2, 32_002),
        ("", "UDP", 9, 32_009),
    ]);
    let web = ServiceName::new("shop", "web");
    let world = told(dual(), &service_key(&web), service_bytes(&there));
    // By the number, by the name, and the one of its protocol that is left.
    let source = named(&[
        ("", "UDP", 3, 30_003),
        ("b", "TCP", 5, 30_002),
        ("x", "TCP", 1, 30_001),
    ]);
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [32_009, 32_002, 32_001]);
    // Two are left, and either could be it.
    let source = named(&[("c", "TCP", 7, 30_003), ("d", "TCP", 8, 30_002)]);
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [30_003, 30_002]);
    let world = told(
        world,
        NODE_PORTS,
        bitmap("30000-32767", &[2001, 2002, 2009]),
    );
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    assert_eq!(plan.released.node_ports, [32_001, 32_002, 32_009]);
}

fn balancer(check: i32, ingress: &[&str]) -> Service {
    let mut service = exposed(
        service("web", &["10.0.0.5"]),
        "LoadBalancer",
        &[("TCP", 80, 30_001)],
    );
    let spec = service.spec.as_mut().expect("a spec");
    spec.external_traffic_policy = Some("Local".to_owned());
    spec.health_check_node_port = Some(check);
    let ingress = ingress.iter().map(|address| LoadBalancerIngress {
        ip: Some((*address).to_owned()),
        ..LoadBalancerIngress::default()
    });
    service.status = Some(ServiceStatus {
        load_balancer: Some(LoadBalancerStatus {
            ingress: ingress.collect(),
        }),
        ..ServiceStatus::default()
    });
    service
}

fn ingress(service: &Service) -> Vec<String> {
    let status = service
        .status
        .clone()
        .and_then(|status| status.load_balancer);
    let all = status.into_iter().flat_map(|status| status.ingress);
    all.filter_map(|ingress| ingress.ip).collect()
}

#[test]
fn a_load_balancer_is_the_destinations() {
    let source = balancer(30_002, &["192.0.2.1"]);
    let plan = planned(&source, &dual()).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [30_001, 30_002]);
    assert_eq!(ingress(&written(&plan)), [""; 0]);
    assert_eq!(edited(&plan), ["status.loadBalancer"]);
    assert_eq!(plan.taken.node_ports, [30_001, 30_002]);

    let there = balancer(32_002, &["198.51.100.1", "198.51.100.2"]);
    let plan = planned_over(&source, Some(&there), &dual()).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [30_001, 32_002]);
    assert_eq!(ingress(&written(&plan)), ["198.51.100.1", "198.51.100.2"]);
    assert_eq!(
        edited(&plan),
        ["spec.healthCheckNodePort", "status.loadBalancer"]
    );
    // The check never shares a number with a port.
    let clash = balancer(30_001, &[]);
    let plan = planned(&clash, &dual()).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [30_001, 30_086]);
}

#[test]
fn a_load_balancer_may_do_without_node_ports() {
    let mut source = balancer(30_002, &[]);
    let spec = source.spec.as_mut().expect("a spec");
    spec.allocate_load_balancer_node_ports = Some(false);
    spec.ports[0].node_port = Some(0);
    let plan = planned(&source, &dual()).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [0, 30_002]);
    assert_eq!(plan.edits, []);
}

#[test]
fn what_is_full_gives_nothing() {
    let other = ServiceName::new("other", "s");
    let mut full = world(&[
        (CIDR, service_cidr(&["10.0.0.0/30"])),
        (NODE_PORTS, bitmap("30000-30001", &[0, 1])),
    ]);
    let ports = exposed(
        service("web", &["10.0.0.1"]),
        "NodePort",
        &[("TCP", 80, 30_001)],
    );
    let refused = planned(&ports, &full).expect_err("no port");
    assert_eq!(refused, Unplanned::NoPort);
    for address in ["10.0.0.1", "10.0.0.2"] {
        full = told(full, &address_key(address), ip_address(address, &other));
    }
    let refused = planned(&ports, &full).expect_err("no address");
    assert_eq!(refused, Unplanned::NoAddress(Family::V4));
    assert_eq!(
        refused.to_string(),
        "the destination has no free IPv4 address left in a range that gives any"
    );
}

#[test]
fn a_cluster_that_has_stored_nothing_is_waited_for() {
    let web = service("web", &["10.0.0.1"]);
    let empty = World::new(PREFIX);
    assert_eq!(empty.generation(), Generation::Unknown);
    let refused = planned(&web, &empty).expect_err("no range");
    assert_eq!(refused, Unplanned::NoRange);
    let ports = exposed(web, "NodePort", &[("TCP", 80, 30_001)]);
    let no_ports = world(&[(CIDR, service_cidr(&["10.0.0.0/24"]))]);
    let refused = planned(&ports, &no_ports).expect_err("no range");
    assert_eq!(refused, Unplanned::NoPortRange);
    let garbage = told(bitmaps(), PRIMARY, b"k8s\0garbage".to_vec());
    let refused = planned(&ports, &garbage).expect_err("garbage");
    assert!(matches!(refused, Unplanned::Range { key, .. } if key == PRIMARY));
}

/// Up to 1.32 a kube-apiserver cannot read what later ones write.
#[test]
fn objects_are_written_in_the_version_that_is_stored() {
    let cidr: ServiceCIDR = message(&service_cidr(&["10.0.0.0/24"]));
    let older = stored("networking.k8s.io/v1beta1", "ServiceCIDR", &cidr);
    let version = |world: &World| {
        let plan = planned(&service("web", &["10.0.0.9"]), world).expect("a plan");
        let value = &plan.transaction.puts[1].value;
        let record = carry::k8s::Record::parse(value).expect("a record");
        record.verify().expect("an IPAddress");
        let object: IPAddress = message(value);
        assert_eq!(
            object.metadata.expect("metadata").name.as_deref(),
            Some("10.0.0.9")
        );
        record.api_version().to_owned()
    };
    let world = world(&[(CIDR, older)]);
    assert_eq!(version(&world), "networking.k8s.io/v1beta1");
    let other = ServiceName::new("other", "s");
    let newer = told(
        world,
        &address_key("10.0.0.7"),
        ip_address("10.0.0.7", &other),
    );
    assert_eq!(version(&newer), "networking.k8s.io/v1");
}

#[test]
fn bitmaps_are_written_where_they_are_kept() {
    let source = policy(service("web", &["10.0.0.9", "fd00::9"]), "PreferDualStack");
    let plan = planned(&source, &bitmaps()).expect("a plan");
    assert_eq!(
        touched(&plan),
        ["/registry/services/specs/shop/web", PRIMARY, SECONDARY]
    );
    assert_eq!(offsets(&plan.transaction.puts[1].value), [8]);
    assert_eq!(offsets(&plan.transaction.puts[2].value), [8]);
    let revisions = plan.transaction.compares.iter().map(|own| own.mod_revision);
    assert_eq!(revisions.collect::<Vec<_>>(), [0, 1, 2]);

    // Beyond the bits of a large range is nothing to be had.
    let far = policy(
        service("web", &["10.0.0.9", "fd00::1:0"]),
        "PreferDualStack",
    );
    let plan = planned(&far, &bitmaps()).expect("a plan");
    assert_ne!(addresses(&written(&plan))[1], "fd00::1:0");

    let both = told(bitmaps(), CIDR, service_cidr(&["10.0.0.0/24", "fd00::/64"]));
    let both = told(
        both,
        "/registry/servicecidrs/b",
        service_cidr(&["10.1.0.0/24"]),
    );
    assert_eq!(both.generation(), Generation::Both);
    let plan = planned(&service("web", &["10.0.0.9"]), &both).expect("a plan");
    assert_eq!(
        touched(&plan)[1..],
        [address_key("10.0.0.9"), PRIMARY.to_owned()]
    );
    let plan = planned(&service("web", &["10.1.0.9"]), &both).expect("a plan");
    assert_eq!(touched(&plan)[1..], [address_key("10.1.0.9")]);
}

#[test]
fn old_services_and_odd_texts_are_kept() {
    let mut old = service("web", &["10.9.0.1"]);
    let spec = old.spec.as_mut().expect("a spec");
    spec.cluster_ips.clear();
    spec.ip_families.clear();
    let plan = planned(&old, &dual()).expect("a plan");
    assert_eq!(edited(&plan), ["spec.clusterIP"]);

    let odd = service("web", &["fd00:0:0::0:5"]);
    let plan = planned(&odd, &dual()).expect("a plan");
    assert_eq!(plan.edits, []);
    assert_eq!(touched(&plan)[1], address_key("fd00::5"));

    let mut none = service("web", &[]);
    none.spec.as_mut().expect("a spec").cluster_ip = Some(String::new());
    let plan = planned(&none, &dual()).expect("a plan");
    assert_eq!(addresses(&written(&plan)), ["10.0.0.17"]);
}

/// An address of the destination's Service that is another's, or of no range,
/// cannot stay.
#[test]
fn what_cannot_stay_is_replaced() {
    let other = ServiceName::new("other", "s");
    let source = service("web", &["10.0.0.9"]);
    for (there, world) in [
        ("10.0.1.5", dual()),
        (
            "10.0.0.5",
            told(
                dual(),
                &address_key("10.0.0.5"),
                ip_address("10.0.0.5", &other),
            ),
        ),
    ] {
        let there = service("web", &[there]);
        let plan = planned_over(&source, Some(&there), &world).expect("a plan");
        assert_eq!(plan.edits, []);
        assert_eq!(plan.released, Claims::default());
    }
}

#[test]
fn a_service_goes_with_its_own_only() {
    let (web, other) = (
        ServiceName::new("shop", "web"),
        ServiceName::new("other", "s"),
    );
    let there = exposed(
        service("web", &["10.0.0.5", "fd00::5"]),
        "NodePort",
        &[("TCP", 80, 30_001), ("TCP", 81, 30_002)],
    );
    let there = service_bytes(&there);
    let twin = exposed(
        service("s", &["10.0.0.7"]),
        "NodePort",
        &[("TCP", 80, 30_002)],
    );
    let world = world(&[
        (CIDR, service_cidr(&["10.0.0.0/24", "fd00::/120"])),
        (NODE_PORTS, bitmap("30000-32767", &[1, 2, 3])),
        (&service_key(&web), there.clone()),
        (&service_key(&other), service_bytes(&twin)),
        (&address_key("10.0.0.5"), ip_address("10.0.0.5", &web)),
        (&address_key("fd00::5"), ip_address("fd00::5", &other)),
    ]);
    let present = There {
        value: &there,
        mod_revision: 3,
    };
    let gone = deletion(&web, Some(present), &world).expect("a deletion");
    let keys: Vec<_> = gone
        .deletes
        .iter()
        .map(|key| String::from_utf8_lossy(key))
        .collect();
    assert_eq!(keys, [service_key(&web), address_key("10.0.0.5")]);
    let [ports] = gone.puts.try_into().expect("the bitmap");
    assert_eq!(offsets(&ports.value), [2, 3]);
    let compared: Vec<_> = gone.compares.iter().map(|own| own.mod_revision).collect();
    // Also the other's IPAddress and Service, for which something stays.
    assert_eq!(compared, [3, 6, 2, 4, 5]);
    // What a Service that is gone has left behind.
    let left = deletion(&web, None, &world).expect("a deletion");
    assert_eq!(left.deletes.len(), 1);
    assert_eq!(left.compares[0].mod_revision, 0);
    // Garbage goes too: it is in everybody's way.
    let garbage = There {
        value: b"garbage",
        mod_revision: 9,
    };
    let gone = deletion(&web, Some(garbage), &world).expect("a deletion");
    assert_eq!(gone.deletes.len(), 2);
    assert_eq!(gone.compares[0].mod_revision, 9);
}

/// News may come late: what the mirror has written itself, it knows first.
#[test]
fn older_news_changes_nothing() {
    let mut world = dual();
    let key = address_key("10.0.0.9");
    let (web, other) = (
        ServiceName::new("shop", "web"),
        ServiceName::new("other", "s"),
    );
    let source = service("web", &["10.0.0.9"]);
    let address = |world: &World| addresses(&written(&planned(&source, world).expect("a plan")));
    world
        .put(key.as_bytes(), &ip_address("10.0.0.9", &web), 20)
        .expect("an object");
    world
        .put(key.as_bytes(), &ip_address("10.0.0.9", &other), 15)
        .expect("an object");
    assert_eq!(address(&world), ["10.0.0.9"]);
    world.delete(key.as_bytes(), 15);
    let plan = planned(&source, &world).expect("a plan");
    assert_eq!(plan.taken, Claims::default());
    world
        .put(key.as_bytes(), &ip_address("10.0.0.9", &other), 25)
        .expect("an object");
    assert_eq!(address(&world), ["10.0.0.17"]);
    world.delete(key.as_bytes(), 30);
    assert_eq!(address(&world), ["10.0.0.9"]);
}

/// The last port of a range is had by the Service itself.
#[test]
fn a_port_may_become_another_of_the_same_service() {
    let there = exposed(
        service("web", &["10.0.0.5"]),
        "NodePort",
        &[("TCP", 80, 30_000), ("TCP", 81, 30_001)],
    );
    let source = exposed(
        service("web", &["10.0.0.5"]),
        "NodePort",
        &[("TCP", 90, 29_000), ("TCP", 91, 29_001)],
    );
    let world = told(dual(), NODE_PORTS, bitmap("30000-30001", &[0, 1]));
    let plan = planned_over(&source, Some(&there), &world).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [30_000, 30_001]);
    assert_eq!(
        (plan.taken.node_ports, plan.released.node_ports),
        (vec![], vec![])
    );
}

/// Two Services may have the same, if nobody has looked.
#[test]
fn what_two_have_is_left_to_the_other() {
    let (web, other) = (
        ServiceName::new("shop", "web"),
        ServiceName::new("other", "s"),
    );
    let twin = |name| {
        exposed(
            service(name, &["10.0.0.5"]),
            "NodePort",
            &[("TCP", 80, 30_005)],
        )
    };
    let there = service_bytes(&twin("web"));
    let world = told(bitmaps(), &service_key(&web), there.clone());
    let world = told(world, &service_key(&other), service_bytes(&twin("s")));
    let unmarked = world.clone();
    let world = told(world, PRIMARY, bitmap("10.0.0.0/24", &[4]));
    let world = told(world, NODE_PORTS, bitmap("30000-32767", &[5]));
    let present = There {
        value: &there,
        mod_revision: 100,
    };
    let gone = deletion(&web, Some(present), &world).expect("a deletion");
    assert_eq!((gone.puts, gone.deletes.len()), (vec![], 1));
    // Whether they are marked or not.
    for world in [world, unmarked] {
        let there = twin("web");
        for there in [None, Some(&there)] {
            let plan = planned_over(&twin("web"), there, &world).expect("a plan");
            assert_eq!(addresses(&written(&plan)), ["10.0.0.17"]);
            assert_eq!(node_ports(&written(&plan)), [30_086]);
            assert_eq!(plan.released, Claims::default());
        }
    }
}

/// One protocol has a number once, wherever the number is from.
#[test]
fn a_number_is_shared_only_where_it_can_be() {
    let ports = [
        ("TCP", 80, 30_001),
        ("UDP", 80, 30_001),
        ("UDP", 81, 30_002),
    ];
    let source = exposed(service("web", &["10.0.0.5"]), "NodePort", &ports);
    let ports = [("TCP", 80, 32_000), ("UDP", 81, 32_000)];
    let there = exposed(service("web", &["10.0.0.5"]), "NodePort", &ports);
    let plan = planned_over(&source, Some(&there), &dual()).expect("a plan");
    assert_eq!(node_ports(&written(&plan)), [32_000, 30_001, 32_000]);
}

/// Go writes bytes of which none are left, rather than no bytes.
#[test]
fn the_last_bit_leaves_an_empty_field() {
    let web = ServiceName::new("shop", "web");
    let there = exposed(
        service("web", &["None"]),
        "NodePort",
        &[("TCP", 80, 30_009)],
    );
    let there = service_bytes(&there);
    let world = told(dual(), NODE_PORTS, bitmap("30000-32767", &[9]));
    let present = There {
        value: &there,
        mod_revision: 7,
    };
    let gone = deletion(&web, Some(present), &world).expect("a deletion");
    assert_eq!(gone.puts[0].value.as_slice(), bitmap("30000-32767", &[]));
    assert!(gone.puts[0].value.ends_with(b"\x1a\0\x1a\0\x22\0"));
}
