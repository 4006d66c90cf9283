//! Stored objects out of messages, encoded by another library than carry's,
//! and the ways to read them again.

use carry::k8s::services::{Chance, Outcome, Plan, Policy, Request, ServiceName, Stamp};
use carry::k8s::services::{There, Unplanned, World, plan};
use k8s_pb::api::core::v1::{RangeAllocation, Service, ServicePort, ServiceSpec};
use k8s_pb::api::networking::v1::{IPAddress, IPAddressSpec, ParentReference};
use k8s_pb::api::networking::v1::{ServiceCIDR, ServiceCIDRSpec};
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_pb::apimachinery::pkg::runtime::{TypeMeta, Unknown};
use proptest::test_runner::Config;
use prost::Message;

pub const PREFIX: &str = "/registry";
pub const NETWORKING: &str = "networking.k8s.io/v1";
pub const PRIMARY: &str = "/registry/ranges/serviceips";
pub const SECONDARY: &str = "/registry/ranges/secondaryserviceips";
pub const NODE_PORTS: &str = "/registry/ranges/servicenodeports";

/// So many cases, and no file of those that failed.
pub fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

/// A message in the envelope of stored values.
pub fn stored(api_version: &str, kind: &str, message: &impl Message) -> Vec<u8> {
    let unknown = Unknown {
        type_meta: Some(TypeMeta {
            api_version: Some(api_version.to_owned()),
            kind: Some(kind.to_owned()),
        }),
        raw: Some(message.encode_to_vec()),
        content_encoding: Some(String::new()),
        content_type: Some(String::new()),
    };
    [b"k8s\0".to_vec(), unknown.encode_to_vec()].concat()
}

/// The message in a stored value.
pub fn message<M: Message + Default>(value: &[u8]) -> M {
    let envelope = value.strip_prefix(b"k8s\0").expect("an envelope");
    let unknown = Unknown::decode(envelope).expect("an envelope");
    M::decode(unknown.raw().to_vec().as_slice()).expect("a message")
}

pub fn service_key(name: &ServiceName) -> String {
    format!("{PREFIX}/services/specs/{name}")
}

pub fn address_key(address: &str) -> String {
    format!("{PREFIX}/ipaddresses/{address}")
}

/// A ClusterIP Service with these addresses.
pub fn service(name: &str, addresses: &[&str]) -> Service {
    let families = addresses.iter().map(|address| match address.contains(':') {
        true => "IPv6".to_owned(),
        false => "IPv4".to_owned(),
    });
    let spec = ServiceSpec {
        cluster_ip: addresses.first().map(|first| (*first).to_owned()),
        cluster_ips: addresses.iter().map(|own| (*own).to_owned()).collect(),
        r#type: Some("ClusterIP".to_owned()),
        ip_families: families.collect(),
        ..ServiceSpec::default()
    };
    Service {
        metadata: Some(ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("shop".to_owned()),
            ..ObjectMeta::default()
        }),
        spec: Some(spec),
        ..Service::default()
    }
}

/// The same, of another type, with ports of (port, node port).
pub fn exposed(mut service: Service, service_type: &str, ports: &[(&str, i32, i32)]) -> Service {
    let spec = service.spec.as_mut().expect("a spec");
    spec.r#type = Some(service_type.to_owned());
    let port = |(protocol, port, node_port): &(&str, i32, i32)| ServicePort {
        protocol: Some((*protocol).to_owned()),
        port: Some(*port),
        node_port: Some(*node_port),
        ..ServicePort::default()
    };
    spec.ports = ports.iter().map(port).collect();
    service
}

pub fn service_bytes(service: &Service) -> Vec<u8> {
    stored("v1", "Service", service)
}

pub fn service_cidr(cidrs: &[&str]) -> Vec<u8> {
    let spec = ServiceCIDRSpec {
        cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
    };
    let cidr = ServiceCIDR {
        spec: Some(spec),
        ..ServiceCIDR::default()
    };
    stored(NETWORKING, "ServiceCIDR", &cidr)
}

pub fn ip_address(address: &str, owner: &ServiceName) -> Vec<u8> {
    let parent = ParentReference {
        group: Some(String::new()),
        resource: Some("services".to_owned()),
        namespace: Some(owner.namespace.to_string()),
        name: Some(owner.name.to_string()),
    };
    let object = IPAddress {
        metadata: Some(ObjectMeta {
            name: Some(address.to_owned()),
            ..ObjectMeta::default()
        }),
        spec: Some(IPAddressSpec {
            parent_ref: Some(parent),
        }),
    };
    stored(NETWORKING, "IPAddress", &object)
}

/// A bitmap in which the bits at these offsets are set.
pub fn bitmap(range: &str, offsets: &[usize]) -> Vec<u8> {
    let length = offsets.iter().max().map_or(0, |last| last / 8 + 1);
    let mut data = vec![0u8; length];
    for offset in offsets {
        data[length - 1 - offset / 8] |= 1 << (offset % 8);
    }
    let allocation = RangeAllocation {
        metadata: Some(ObjectMeta::default()),
        range: Some(range.to_owned()),
        data: Some(data),
    };
    stored("v1", "RangeAllocation", &allocation)
}

/// The offsets of the bits that are set.
pub fn offsets(value: &[u8]) -> Vec<usize> {
    let data = message::<RangeAllocation>(value).data.unwrap_or_default();
    assert_ne!(data.first(), Some(&0), "a leading zero: {data:?}");
    let bits = data.iter().rev().enumerate();
    bits.flat_map(|(byte, bits)| {
        let set = (0..8).filter(move |bit| bits & (1 << bit) != 0);
        set.map(move |bit| byte * 8 + bit)
    })
    .collect()
}

/// A world that was told of these keys.
pub fn world(keys: &[(&str, Vec<u8>)]) -> World {
    let mut world = World::new(PREFIX);
    for (revision, (key, value)) in (1..).zip(keys) {
        world.put(key.as_bytes(), value, revision).expect("a value");
    }
    world
}

pub fn stamp() -> Stamp {
    Stamp {
        uid: "11111111-2222-3333-4444-555555555555".to_owned(),
        created: 1_790_000_000,
    }
}

/// What becomes of a Service, with `draw` for every random number.
pub fn outcome(
    policy: Policy,
    name: &ServiceName,
    source: &[u8],
    there: Option<(&[u8], i64)>,
    world: &World,
    draw: u64,
) -> Result<Outcome, Unplanned> {
    let request = Request {
        policy,
        name,
        source,
        there: there.map(|(value, mod_revision)| There {
            value,
            mod_revision,
        }),
    };
    let mut chance = Chance {
        draw: &mut || draw,
        stamp: &mut stamp,
    };
    plan(request, world, &mut chance)
}

/// The plan for `shop/NAME` where the destination has no such Service.
pub fn planned(source: &Service, world: &World) -> Result<Plan, Unplanned> {
    planned_over(source, None, world)
}

/// The plan for `shop/NAME` where the destination has this at revision 7.
pub fn planned_over(
    source: &Service,
    there: Option<&Service>,
    world: &World,
) -> Result<Plan, Unplanned> {
    let name = source.metadata.as_ref().and_then(|own| own.name.clone());
    let name = ServiceName::new("shop", &name.expect("a name"));
    let there = there.map(service_bytes);
    let there = there.as_deref().map(|value| (value, 7));
    match outcome(
        Policy::Reallocate,
        &name,
        &service_bytes(source),
        there,
        world,
        0,
    )? {
        Outcome::Write(plan) => Ok(*plan),
        Outcome::Skip => panic!("it is skipped"),
    }
}

/// The Service that a plan writes.
pub fn written(plan: &Plan) -> Service {
    message(&plan.transaction.puts[0].value)
}

/// The keys that a plan writes and deletes.
pub fn touched(plan: &Plan) -> Vec<String> {
    let text = |key: &Vec<u8>| String::from_utf8(key.clone()).expect("a key");
    let puts = plan.transaction.puts.iter().map(|put| text(&put.key));
    let deletes = plan.transaction.deletes.iter();
    puts.chain(deletes.map(|key| format!("-{}", text(key))))
        .collect()
}
