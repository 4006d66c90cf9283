//! A mirror and a kube-apiserver that write to one store, each seeing it as it
//! was a while ago: whatever they do in whatever order, no address is had
//! twice, none is outside of its range, and none is left behind.

use carry::k8s::services::{Chance, Family, Outcome, Plan, Policy, Request, ServiceName, There};
use carry::k8s::services::{Transaction, Unplanned, World, deletion, plan};
use k8s_pb::api::core::v1::Service;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::apiserver::{self, Kept, check, cluster, free_addresses, free_ports, services};
use super::made::*;
use super::splices::differs_exactly;
use super::store::Store;

#[derive(Clone, Debug)]
enum Step {
    /// The mirror plans this Service.
    Write {
        number: usize,
        source: Source,
        draw: u64,
    },
    /// The mirror plans the end of this Service.
    Delete { number: usize },
    /// The apiserver is asked for a Service.
    Create {
        number: usize,
        families: Vec<bool>,
        ports: usize,
        pick: usize,
    },
    /// The apiserver is asked to delete one of all Services.
    Remove { pick: usize },
    /// One of what was planned reaches the store.
    Commit { pick: usize },
    /// One of the ranges is about to go, or is back.
    Retire,
    /// The mirror learns of all that has happened.
    MirrorSees,
    /// The apiserver does.
    ApiserverSees,
}

/// The source's Service.
#[derive(Clone, Debug)]
struct Source {
    service_type: &'static str,
    addresses: Vec<String>,
    policy: Option<&'static str>,
    /// Protocol, port, node port.
    ports: Vec<(&'static str, i32, i32)>,
    check: i32,
}

impl Source {
    fn bytes(&self, name: &str) -> Vec<u8> {
        let addresses: Vec<&str> = self.addresses.iter().map(String::as_str).collect();
        let has_ports = matches!(self.service_type, "NodePort" | "LoadBalancer");
        let ports = self.ports.iter().map(|(protocol, port, node_port)| {
            (*protocol, *port, if has_ports { *node_port } else { 0 })
        });
        let ports: Vec<_> = ports.collect();
        let mut service = exposed(service(name, &addresses), self.service_type, &ports);
        let spec = service.spec.as_mut().expect("a spec");
        spec.ip_family_policy = self.policy.map(str::to_owned);
        match self.service_type {
            "LoadBalancer" => {
                spec.external_traffic_policy = Some("Local".to_owned());
                spec.health_check_node_port = Some(self.check);
            }
            "ExternalName" => {
                (spec.cluster_ip, spec.cluster_ips) = (None, Vec::new());
            }
            "None" => {
                spec.r#type = Some("ClusterIP".to_owned());
                spec.cluster_ip = Some("None".to_owned());
                spec.cluster_ips = vec!["None".to_owned()];
            }
            _ => {}
        }
        service_bytes(&service)
    }
}

fn source() -> impl Strategy<Value = Source> {
    let service_type = prop_oneof![
        4 => Just("ClusterIP"),
        3 => Just("NodePort"),
        3 => Just("LoadBalancer"),
        1 => Just("ExternalName"),
        1 => Just("None"),
    ];
    let port = (
        prop_oneof![Just("TCP"), Just("UDP")],
        80..83i32,
        29_998..30_010i32,
    );
    let ports = prop::collection::vec(port, 0..4).prop_map(|mut ports| {
        // A Service has a port of a protocol once, and a node port likewise.
        ports.sort();
        ports.dedup_by_key(|(protocol, port, _)| (*protocol, *port));
        ports.sort_by_key(|(protocol, _, node_port)| (*protocol, *node_port));
        ports.dedup_by_key(|(protocol, _, node_port)| (*protocol, *node_port));
        ports
    });
    let addresses = (0..10u8, 0..10u8, 0..5usize).prop_map(|(v4, v6, which)| {
        let (v4, v6) = (format!("10.0.0.{v4}"), format!("fd00::{v6:x}"));
        match which {
            0 => (vec![v4], None),
            1 => (vec![v6], Some("SingleStack")),
            2 => (vec![v4, v6], Some("RequireDualStack")),
            3 => (vec![v6, v4], Some("PreferDualStack")),
            _ => (vec![v4], Some("PreferDualStack")),
        }
    });
    (service_type, addresses, ports, 29_998..30_010i32).prop_map(
        |(service_type, (addresses, policy), ports, check)| Source {
            service_type,
            addresses,
            policy,
            check: match ports.iter().any(|(_, _, node_port)| *node_port == check) {
                true => 29_000,
                false => check,
            },
            ports,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let pick = 0..64usize;
    let families = prop_oneof![
        Just(vec![false]),
        Just(vec![true]),
        Just(vec![false, true]),
        Just(vec![])
    ];
    prop_oneof![
        6 => (0..6usize, source(), any::<u64>())
            .prop_map(|(number, source, draw)| Step::Write { number, source, draw }),
        1 => (0..6usize).prop_map(|number| Step::Delete { number }),
        4 => (0..6usize, families, 0..3usize, pick.clone())
            .prop_map(|(number, families, ports, pick)| Step::Create { number, families, ports, pick }),
        2 => pick.clone().prop_map(|pick| Step::Remove { pick }),
        8 => pick.prop_map(|pick| Step::Commit { pick }),
        1 => Just(Step::Retire),
        3 => Just(Step::MirrorSees),
        3 => Just(Step::ApiserverSees),
    ]
}

fn steps() -> impl Strategy<Value = (Kept, Vec<Step>)> {
    let kept = prop_oneof![Just((true, false)), Just((false, true)), Just((true, true))];
    let kept = kept.prop_map(|(objects, bitmaps)| Kept { objects, bitmaps });
    (kept, prop::collection::vec(step(), 1..80))
}

/// How often what happened.
#[derive(Debug, Default)]
struct Counts {
    applied: usize,
    refused: usize,
    unplanned: usize,
    moved: usize,
    released: usize,
    of_others: usize,
}

struct Simulation {
    kept: Kept,
    store: Store,
    mirror_view: Store,
    world: World,
    apiserver_view: Store,
    pending: Vec<(bool, Transaction)>,
    counts: Counts,
}

impl Simulation {
    fn new(kept: Kept) -> Simulation {
        let store = cluster(kept);
        let mut world = World::new(PREFIX);
        store.tell(&mut world, &Store::default());
        Simulation {
            kept,
            mirror_view: store.clone(),
            apiserver_view: store.clone(),
            store,
            world,
            pending: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write {
                number,
                source,
                draw,
            } => self.write(number, &source, draw),
            Step::Delete { number } => {
                let transaction = self.end(&mirrored(number));
                self.pending.push((true, transaction));
            }
            Step::Create {
                number,
                families,
                ports,
                pick,
            } => {
                let name = ServiceName::new("api", &format!("s{number}"));
                let view = &self.apiserver_view;
                let made = apiserver::create(view, self.kept, &name, &families, ports, pick);
                self.pending
                    .extend(made.map(|transaction| (false, transaction)));
            }
            Step::Remove { pick } => {
                let all = services(&self.apiserver_view);
                if let Some(place) = pick.checked_rem(all.len()) {
                    let made = apiserver::delete(&self.apiserver_view, &all[place].0);
                    self.pending
                        .extend(made.map(|transaction| (false, transaction)));
                }
            }
            Step::Commit { pick } => {
                if let Some(place) = pick.checked_rem(self.pending.len()) {
                    let (is_mirror, transaction) = self.pending.swap_remove(place);
                    self.commit(is_mirror, &transaction);
                }
            }
            Step::Retire => apiserver::retire(&mut self.store),
            Step::MirrorSees => self.mirror_sees(),
            Step::ApiserverSees => self.apiserver_view = self.store.clone(),
        }
    }

    fn mirror_sees(&mut self) {
        self.store.tell(&mut self.world, &self.mirror_view);
        self.mirror_view = self.store.clone();
    }

    fn write(&mut self, number: usize, source: &Source, draw: u64) {
        let name = mirrored(number);
        let key = service_key(&name);
        let bytes = source.bytes(&name.name);
        let value = self.mirror_view.get(&key);
        let there = value.map(|value| There {
            value,
            mod_revision: self.mirror_view.mod_revision(&key),
        });
        let request = Request {
            policy: Policy::Reallocate,
            name: &name,
            source: &bytes,
            there,
        };
        let is_up_to_date = self.mirror_view.revision == self.store.revision;
        match planned_with(request, &self.world, draw) {
            Ok(Outcome::Write(plan)) => {
                differs_exactly(&bytes, &plan);
                self.counts.moved += usize::from(!plan.edits.is_empty());
                self.counts.released += plan.released.addresses.len();
                if is_up_to_date {
                    self.is_planned_afresh(request, draw, &plan);
                    let applied = self.store.clone().commit(&plan.transaction);
                    assert!(applied, "nothing has changed, and yet it is refused");
                }
                self.pending.push((true, plan.transaction));
            }
            Ok(Outcome::Skip) => panic!("{name} is skipped"),
            Err(error) => {
                self.counts.unplanned += 1;
                if is_up_to_date {
                    self.is_true(&error, source);
                }
            }
        }
    }

    /// What changes have told the world is what a list would tell it.
    fn is_planned_afresh(&self, request: Request<'_>, draw: u64, plan: &Plan) {
        let mut world = World::new(PREFIX);
        self.store.tell(&mut world, &Store::default());
        let Ok(Outcome::Write(again)) = planned_with(request, &world, draw) else {
            panic!("a list tells another world")
        };
        assert_eq!(*again, *plan);
    }

    /// Nothing is left only when nothing is left.
    fn is_true(&self, error: &Unplanned, source: &Source) {
        match error {
            Unplanned::NoAddress(family) => {
                let free = free_addresses(&self.store, *family == Family::V6);
                assert_eq!(free, [], "{error}");
            }
            Unplanned::NoPort => {
                let free = free_ports(&self.store).len();
                assert!(free < source.ports.len() + 1, "{free} are free");
            }
            other => panic!("{other}"),
        }
    }

    /// The end of a mirrored Service, as the mirror sees it.
    fn end(&self, name: &ServiceName) -> Transaction {
        let key = service_key(name);
        let there = self.mirror_view.get(&key).map(|value| There {
            value,
            mod_revision: self.mirror_view.mod_revision(&key),
        });
        deletion(name, there, &self.world).expect("a deletion")
    }

    fn commit(&mut self, is_mirror: bool, transaction: &Transaction) {
        if !self.store.commit(transaction) {
            self.counts.refused += 1;
            return;
        }
        self.counts.applied += 1;
        if is_mirror && apiserver::takes_others(transaction) {
            assert!(
                apiserver::gives_others(&self.store),
                "a range that goes gives"
            );
            self.counts.of_others += 1;
        }
        check(&self.store, self.kept);
        if is_mirror {
            // Its own writes it need not wait for.
            self.world.apply(transaction, self.store.revision);
            let writes = transaction.puts.iter().map(|put| &put.key);
            for key in writes.chain(&transaction.deletes) {
                let key = String::from_utf8(key.clone()).expect("a key");
                match self.store.keys.get(&key) {
                    Some(value) => self.mirror_view.keys.insert(key, value.clone()),
                    None => self.mirror_view.keys.remove(&key),
                };
            }
        }
    }

    /// All Services go, half of them by the mirror, and nothing is left.
    fn finish(mut self) -> Counts {
        let all: Vec<(ServiceName, Service)> = services(&self.store);
        for (place, (name, _)) in all.iter().enumerate() {
            self.mirror_sees();
            let transaction = match place % 2 {
                0 => self.end(name),
                _ => apiserver::delete(&self.store, name).expect("a Service"),
            };
            assert!(self.store.commit(&transaction), "{name} does not go");
            check(&self.store, self.kept);
        }
        let left = self.store.keys.keys();
        let is_left = |key: &&String| key.contains("/specs/") || key.contains("/ipaddresses/");
        assert_eq!(left.filter(is_left).count(), 0);
        self.counts
    }
}

/// The plan with other random numbers for each `draw`.
fn planned_with(request: Request<'_>, world: &World, draw: u64) -> Result<Outcome, Unplanned> {
    let mut draws = draw;
    let mut chance = Chance {
        draw: &mut || {
            draws = draws.rotate_left(7) ^ 0x9e37_79b9_7f4a_7c15;
            draws
        },
        stamp: &mut stamp,
    };
    plan(request, world, &mut chance)
}

fn mirrored(number: usize) -> ServiceName {
    ServiceName::new("shop", &format!("s{number}"))
}

fn run(kept: Kept, steps: Vec<Step>) -> Counts {
    let mut simulation = Simulation::new(kept);
    for step in steps {
        simulation.step(step);
    }
    simulation.finish()
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn every_address_has_one_owner((kept, steps) in steps()) {
        run(kept, steps);
    }
}

/// The simulation does what it is for: transactions are refused, addresses are
/// moved, ranges run full.
#[test]
fn the_simulation_is_not_idle() {
    let mut runner = TestRunner::deterministic();
    let mut all = Counts::default();
    for _ in 0..300 {
        let (kept, steps) = steps().new_tree(&mut runner).expect("steps").current();
        let counts = run(kept, steps);
        all.applied += counts.applied;
        all.refused += counts.refused;
        all.unplanned += counts.unplanned;
        all.moved += counts.moved;
        all.released += counts.released;
        all.of_others += counts.of_others;
    }
    println!("{all:?}");
    assert!(all.applied > 1000 && all.refused > 300, "{all:?}");
    assert!(
        all.unplanned > 5 && all.moved > 500 && all.released > 20 && all.of_others > 20,
        "{all:?}"
    );
}
