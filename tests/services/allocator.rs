//! New addresses and node ports: in which order they are given, of ranges of
//! every size.

use std::collections::BTreeSet;

use carry::k8s::services::{Cidr, Outcome, Policy, ServiceName, Unplanned, World};
use proptest::prelude::*;

use super::made::*;

/// All addresses of a range in the order in which they are given, with `draw`
/// for every random number.
fn given(range: &str, world: &mut World, draw: u64) -> Vec<String> {
    let mut given = Vec::new();
    let outside = match range.contains(':') {
        true => "fe00::1",
        false => "192.0.2.1",
    };
    let source = service_bytes(&service("s", &[outside]));
    for number in 0.. {
        let name = ServiceName::new("shop", &format!("s{number}"));
        match outcome(Policy::Reallocate, &name, &source, None, world, draw) {
            Ok(Outcome::Write(plan)) => {
                world.apply(&plan.transaction, 10 + number);
                given.push(plan.addresses[0].1.to_string());
            }
            Err(Unplanned::NoAddress(_)) => return given,
            other => panic!("{other:?}"),
        }
    }
    given
}

fn objects(range: &str) -> World {
    world(&[("/registry/servicecidrs/kubernetes", service_cidr(&[range]))])
}

#[test]
fn the_upper_band_comes_first() {
    for (range, count, first, last_upper) in [
        ("10.0.0.0/24", 254, "10.0.0.17", "10.0.0.254"),
        ("10.0.0.0/27", 30, "10.0.0.17", "10.0.0.30"),
        // Too small for two bands.
        ("10.0.0.0/28", 14, "10.0.0.1", "10.0.0.14"),
        ("10.0.0.0/30", 2, "10.0.0.1", "10.0.0.2"),
        ("fd00::/120", 255, "fd00::11", "fd00::ff"),
        ("fd00::/124", 15, "fd00::1", "fd00::f"),
    ] {
        let bitmaps = world(&[(PRIMARY, bitmap(range, &[]))]);
        for mut world in [objects(range), bitmaps] {
            let given = given(range, &mut world, 0);
            assert_eq!(given.len(), count, "{range}");
            assert_eq!(given[0], first, "{range}");
            let cidr = Cidr::parse(range).expect("a range");
            assert!(
                given
                    .iter()
                    .all(|address| cidr.gives(address.parse().expect("one")))
            );
            assert_eq!(
                given.iter().collect::<BTreeSet<_>>().len(),
                count,
                "{range}"
            );
            assert!(given.contains(&last_upper.to_owned()), "{range}");
        }
    }
    for none in ["10.0.0.0/31", "10.0.0.0/32", "fd00::/128"] {
        assert_eq!(given(none, &mut objects(none), 0), [""; 0]);
    }
}

/// The bands that a kube-apiserver makes: one part in 16 of the addresses, 16
/// to 256 of them.
#[test]
fn bands_grow_with_the_range() {
    for (range, first) in [
        ("10.0.0.0/24", "10.0.0.17"),
        ("10.0.0.0/23", "10.0.0.33"),
        ("10.0.0.0/20", "10.0.1.1"),
        ("10.0.0.0/12", "10.0.1.1"),
        ("fd00::/64", "fd00::101"),
        ("fd00::/112", "fd00::101"),
    ] {
        let outside = if range.contains(':') {
            "fe00::1"
        } else {
            "192.0.2.1"
        };
        let plan = planned(&service("s", &[outside]), &objects(range)).expect("a plan");
        assert_eq!(plan.addresses[0].1.to_string(), first, "{range}");
    }
    for (range, first) in [
        ("30000-32767", 30_086),
        ("30000-30015", 30_000),
        ("30000-30016", 30_016),
        ("1-65535", 129),
    ] {
        let world = told_ports(range);
        let source = exposed(service("s", &["10.0.0.1"]), "NodePort", &[("TCP", 80, 0)]);
        let plan = planned(&source, &world).expect("a plan");
        assert_eq!(plan.taken.node_ports, [first], "{range}");
    }
}

fn told_ports(range: &str) -> World {
    let mut world = objects("10.0.0.0/24");
    let value = bitmap(range, &[]);
    world
        .put(NODE_PORTS.as_bytes(), &value, 5)
        .expect("a bitmap");
    world
}

/// Ranges as no cluster has them, but as bytes may say.
#[test]
fn absurd_ranges_do_no_harm() {
    for (range, outside, first) in [
        ("::/0", "192.0.2.1", "::101"),
        ("8000::/1", "192.0.2.1", "8000::101"),
        ("0.0.0.0/0", "::1", "0.0.1.1"),
        ("255.255.255.0/24", "::1", "255.255.255.17"),
    ] {
        let mut source = service("s", &[outside]);
        let spec = source.spec.as_mut().expect("a spec");
        spec.ip_families.clear();
        spec.ip_family_policy = Some("PreferDualStack".to_owned());
        let bitmaps = world(&[(PRIMARY, bitmap(range, &[]))]);
        for world in [objects(range), bitmaps] {
            let plan = planned(&source, &world).expect("a plan");
            let address = plan.transaction.puts[0].value.as_slice();
            let service: k8s_pb::api::core::v1::Service = message(address);
            assert_eq!(
                service.spec.expect("a spec").cluster_ips,
                [first],
                "{range}"
            );
        }
    }
    // Port 0 is none.
    let world = told_ports("0-1");
    let source = exposed(service("s", &["10.0.0.1"]), "NodePort", &[("TCP", 80, 0)]);
    let plan = planned(&source, &world).expect("a plan");
    assert_eq!(plan.taken.node_ports, [1]);
    // An address far behind what a bitmap has bits for.
    let world = super::made::world(&[(PRIMARY, bitmap("0.0.0.0/0", &[]))]);
    let plan = planned(&service("s", &["255.255.255.254"]), &world).expect("a plan");
    assert_eq!(plan.addresses[0].1.to_string(), "0.0.1.1");
}

proptest! {
    #![proptest_config(cases(64))]

    /// Wherever it begins, every address of the upper band is given before any
    /// of the lower one, and all of them are given once.
    #[test]
    fn any_start_reaches_every_address(bits in 22u32..=30, draw: u64) {
        let range = format!("10.0.0.0/{bits}");
        let size = (1usize << (32 - bits)) - 2;
        let lower = if size + 2 <= 16 { 0 } else { ((size + 2) / 16).clamp(16, 256) };
        // All but a few of the upper band are taken, for the test to end.
        let few = 5.min(size - lower);
        let taken: Vec<usize> = (lower..size - few).collect();
        let mut world = world(&[(PRIMARY, bitmap(&range, &taken))]);
        let given = given(&range, &mut world, draw);
        prop_assert_eq!(given.len(), lower + few);
        let offset = |address: &String| {
            let address: std::net::Ipv4Addr = address.parse().expect("an address");
            (u32::from(address) - u32::from(std::net::Ipv4Addr::new(10, 0, 0, 1))) as usize
        };
        let offsets: Vec<usize> = given.iter().map(offset).collect();
        prop_assert!(offsets[..few].iter().all(|offset| *offset >= size - few));
        let rest: BTreeSet<usize> = offsets[few..].iter().copied().collect();
        prop_assert_eq!(rest, (0..lower).collect::<BTreeSet<_>>());
    }

    /// Whatever a value has become, nothing panics, and what can still be
    /// planned is one Service.
    #[test]
    fn damaged_values_do_no_harm(
        which in 0..6usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        draw: u64,
    ) {
        let name = ServiceName::new("shop", "web");
        let web = exposed(service("web", &["10.0.0.9", "fd00::9"]), "NodePort", &[("TCP", 80, 30_009)]);
        let mut values = [
            ("/registry/servicecidrs/kubernetes".to_owned(), service_cidr(&["10.0.0.0/24", "fd00::/64"])),
            (PRIMARY.to_owned(), bitmap("10.0.0.0/24", &[8])),
            (NODE_PORTS.to_owned(), bitmap("30000-32767", &[9])),
            (address_key("10.0.0.9"), ip_address("10.0.0.9", &name)),
            (service_key(&name), service_bytes(&web)),
            (String::new(), service_bytes(&web)),
        ];
        for (place, bits) in flips {
            let value = &mut values[which].1;
            let place = place.index(value.len());
            value[place] ^= bits;
        }
        let mut world = World::new(PREFIX);
        for (key, value) in &values {
            let _ = world.put(key.as_bytes(), value, 5);
        }
        let [.., (_, there), (_, source)] = &values;
        if let Ok(Outcome::Write(plan)) = outcome(Policy::Reallocate, &name, source, Some((there, 5)), &world, draw) {
            prop_assert_eq!(&plan.transaction.puts[0].key, &service_key(&name).into_bytes());
            world.apply(&plan.transaction, 9);
        }
        let there = carry::k8s::services::There { value: there, mod_revision: 5 };
        let gone = carry::k8s::services::deletion(&name, Some(there), &world);
        prop_assert!(matches!(gone, Ok(_) | Err(Unplanned::Rewrite(_))), "{:?}", gone);
    }
}
