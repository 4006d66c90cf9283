//! What becomes of a Service at a destination that has what it has: what is
//! asked for first, what is written with it, and when it is right.

use std::sync::Arc;

use carry::diagnostic::SourceText;
use carry::k8s::services::ServiceName;
use carry::k8s::{Keyring, Transferred};
use carry::rules::RuleId;
use carry::rules::decide::{Decision, Judge, Keyrings, SkipReason};
use carry::rules::landing::{Along, Guard, Landing, Obstacle, Seen, There, Wanted};
use carry::rules::outgoing::OutgoingScratch;
use carry::rules::policy::Policy;
use carry::rules::{self, Plan};
use k8s_pb::api::core::v1::Service;

use super::decide;
use crate::services::made::*;
use crate::shared;

const RULES: &str = "filters:\n  secondary:\n    - name: services\n      group: \"\"\n      resources: [{kind: Service}]\n";
const CIDR: &str = "/registry/servicecidrs/kubernetes";
const WEB: &str = "/registry/services/specs/shop/web";
const RULE: Option<RuleId> = Some(RuleId(0));

fn judge(policies: &str, keyring: Keyring) -> Judge {
    let source = SourceText::new("rules.yaml", format!("{policies}{RULES}"));
    let rules = rules::load(&source).rule_set.expect("rules");
    let (plan, found) = Plan::compile(&rules, "/registry");
    Judge::new(plan.unwrap_or_else(|| panic!("{found:?}")), keyring)
}

fn held(value: Vec<u8>, mod_revision: i64) -> There {
    There {
        value,
        create_revision: 1,
        mod_revision,
    }
}

/// A destination that has these keys, and was asked for all that matters.
struct Destination {
    judge: Judge,
    keys: Vec<(String, There)>,
    /// Addresses of other Services of the source.
    wanted: Vec<&'static str>,
}

impl Destination {
    fn new(keys: &[(&str, Vec<u8>)]) -> Destination {
        let keys = (1..).zip(keys);
        let keys =
            keys.map(|(revision, (key, value))| ((*key).to_owned(), held(value.clone(), revision)));
        Destination {
            judge: judge("", Keyring::identity()),
            keys: keys.collect(),
            wanted: Vec::new(),
        }
    }

    fn look(&self, key: &[u8]) -> Option<There> {
        let found = self.keys.iter().find(|(own, _)| own.as_bytes() == key);
        found.map(|(_, there)| there.clone())
    }

    /// What it asks for in turn, and what becomes of it then.
    fn land(&self, value: &[u8], test: impl FnOnce(Result<Landing<'_>, Obstacle>)) -> Vec<String> {
        let (mut seen, mut asked) = (Seen::default(), Vec::new());
        let mut scratch = OutgoingScratch::default();
        for _ in 0..4 {
            let landing = self
                .judge
                .landing(WEB.as_bytes(), value, RULE, &seen, &mut scratch);
            match landing {
                Err(Obstacle::Look(keys)) => {
                    for key in keys {
                        asked.push(String::from_utf8(key.clone()).expect("a key"));
                        let there = self.look(&key);
                        seen.set(key, there);
                    }
                }
                Err(Obstacle::LookAtAddresses) => {
                    asked.push("addresses".to_owned());
                    let within = self.judge.address_ranges();
                    let is_within = |key: &str| {
                        let mut ranges = within.iter();
                        ranges.any(|range| range.contains(key.as_bytes()))
                    };
                    let items = self.keys.iter().filter(|(key, _)| is_within(key));
                    let items = items.map(|(key, there)| (key.as_bytes(), there));
                    let mut addresses = self.judge.addresses(items);
                    let mut wanted = Wanted::default();
                    let key = b"/registry/services/specs/shop/other";
                    let other = web(&self.wanted);
                    self.judge.add_wanted(&mut wanted, key, &other);
                    addresses.set_wanted(Arc::new(wanted));
                    seen.set_addresses(Some(Arc::new(addresses)));
                }
                other => {
                    test(other);
                    return asked;
                }
            }
        }
        panic!("it asks again and again: {asked:?}");
    }

    fn landed(&self, value: &[u8]) -> (Vec<u8>, Vec<String>, Vec<Guard>, Along) {
        let mut found = None;
        self.land(value, |landing| {
            let landing = landing.expect("a landing");
            let written = match &landing.outgoing.value {
                Transferred::AsItIs => value.to_vec(),
                Transferred::Sealed { value, .. } => value.to_vec(),
            };
            let rewritings = landing.outgoing.rewritings.iter().map(|own| {
                assert_eq!(own.policy, Policy::Services);
                own.path.to_string()
            });
            let along = landing.along.map(|along| *along).expect("more to write");
            found = Some((written, rewritings.collect(), landing.guards, along));
        });
        found.expect("a landing")
    }

    fn is_there(&self, value: &[u8], there: &[u8]) -> bool {
        let mut scratch = OutgoingScratch::default();
        self.judge
            .is_there(WEB.as_bytes(), value, there, RULE, &mut scratch)
    }
}

fn web(addresses: &[&str]) -> Vec<u8> {
    service_bytes(&service("web", addresses))
}

fn keys(along: &Along) -> Vec<String> {
    let keys = along.also.iter().map(|also| {
        let sign = if also.value.is_some() { "" } else { "-" };
        format!("{sign}{}", String::from_utf8_lossy(&also.key))
    });
    keys.collect()
}

fn compared(guards: &[Guard]) -> Vec<String> {
    let all = guards.iter().map(|guard| {
        let key = String::from_utf8_lossy(guard.key().expect("of a key"));
        match guard {
            Guard::Absent(_) => format!("{key} absent"),
            Guard::Unchanged { mod_revision, .. } => format!("{key} at {mod_revision}"),
            Guard::Lives { .. } | Guard::NoneNewer { .. } => panic!("{key}"),
        }
    });
    all.collect()
}

#[test]
fn a_service_goes_with_its_address() {
    let other = ServiceName::new("own", "s");
    let taken = "10.0.0.9";
    let objects = Destination::new(&[
        (CIDR, service_cidr(&["10.0.0.0/24"])),
        (&address_key(taken), ip_address(taken, &other)),
    ]);
    assert_eq!(objects.land(&web(&[taken]), |_| ()), ["addresses", WEB]);
    let (written, changed, guards, along) = objects.landed(&web(&[taken]));
    assert_eq!(changed, ["spec.clusterIP", "spec.clusterIPs"]);
    let found: Service = message(&written);
    let own = found.spec.expect("a spec").cluster_ip.expect("an address");
    assert_ne!(own, taken);
    let key = address_key(&own);
    assert_eq!(keys(&along), [key.as_str()]);
    assert_eq!(
        compared(&guards),
        [
            format!("{WEB} absent"),
            format!("{key} absent"),
            format!("{CIDR} at 1")
        ]
    );
    assert_eq!(along.addresses[0].0.to_string(), taken);
    // What was written is right from then on, and nothing else is.
    assert!(objects.is_there(&web(&[taken]), &written));
    assert!(!objects.is_there(&web(&[taken]), &web(&["fd00::1"])));
    let mut other = service("web", &[taken]);
    other.spec.get_or_insert_default().session_affinity = Some("ClientIP".to_owned());
    assert!(!objects.is_there(&service_bytes(&other), &written));
    let value = service_bytes(&other);
    let differs = objects
        .judge
        .difference(WEB.as_bytes(), &value, &written, RULE, false);
    let differs = differs.expect("two Services").into_iter();
    let differs: Vec<String> = differs.map(|own| own.path).collect();
    assert_eq!(differs, ["spec.sessionAffinity"]);
    assert!(!objects.is_there(&web(&[taken]), &web(&[])));

    let bitmaps = Destination::new(&[(PRIMARY, bitmap("10.0.0.0/24", &[8]))]);
    let (_, changed, guards, along) = bitmaps.landed(&web(&["10.0.0.20"]));
    assert_eq!(changed, [""; 0]);
    assert_eq!(keys(&along), [PRIMARY]);
    let marked = along.also[0].value.as_deref().map(offsets);
    assert_eq!(marked, Some(vec![8, 19]));
    assert_eq!(
        compared(&guards),
        [format!("{WEB} absent"), format!("{PRIMARY} at 1")]
    );
}

/// What another Service of the source has may be wanted for that one.
#[test]
fn a_new_address_is_not_one_of_the_sources() {
    let own = address_key("10.0.0.1");
    let kubernetes = ServiceName::new("default", "kubernetes");
    let mut destination = Destination::new(&[
        (CIDR, service_cidr(&["10.0.0.0/29"])),
        (&own, ip_address("10.0.0.1", &kubernetes)),
    ]);
    destination.wanted = vec!["10.0.0.2", "10.0.0.3"];
    for _ in 0..20 {
        let (_, _, _, along) = destination.landed(&web(&["10.0.0.1"]));
        let given = along.addresses[0].1.to_string();
        assert!(!destination.wanted.contains(&given.as_str()), "{given}");
    }
    // Its own is no other's.
    destination.wanted.push("10.0.0.4");
    let (_, changed, _, _) = destination.landed(&web(&["10.0.0.4"]));
    assert_eq!(changed, [""; 0]);
}

#[test]
fn what_has_no_address_is_written_as_it_is() {
    let headless = web(&["None"]);
    let nowhere = Destination::new(&[]);
    let objects = Destination::new(&[(CIDR, service_cidr(&["10.0.0.0/24"]))]);
    for (destination, value) in [(&nowhere, &web(&["10.96.0.1"])), (&objects, &headless)] {
        destination.land(value, |landing| {
            let landing = landing.expect("a landing");
            assert_eq!(landing.outgoing.value, Transferred::AsItIs);
            let also = landing.along.map(|along| along.also.len());
            assert_eq!(also.unwrap_or_default(), 0);
        });
    }
    // Nothing but Services is looked at.
    let other = b"/registry/configmaps/shop/web";
    assert!(!objects.judge.goes_alone(other) && objects.judge.goes_alone(WEB.as_bytes()));
}

#[test]
fn a_service_waits_for_a_free_address() {
    let full = Destination::new(&[(CIDR, service_cidr(&["fd00::/120"]))]);
    full.land(&web(&["10.0.0.9"]), |landing| match landing {
        Err(Obstacle::Unfit(unfit)) => {
            assert!(unfit.transient);
            assert_eq!(
                unfit.reason,
                "the Service needs an IPv4 address, and the destination has no range of them"
            );
        }
        other => panic!("{other:?}"),
    });
    let broken = Destination::new(&[
        (CIDR, service_cidr(&["10.0.0.0/24"])),
        (WEB, b"garbage".to_vec()),
    ]);
    broken.land(&web(&["10.0.0.9"]), |landing| match landing {
        Err(Obstacle::Unfit(unfit)) => {
            assert!(
                unfit
                    .reason
                    .starts_with("the destination's Service cannot be read")
            );
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn all_goes_with_a_deleted_service() {
    let name = ServiceName::new("shop", "web");
    let own = "10.0.0.9";
    let object = address_key(own);
    for there in [web(&[own]), b"garbage".to_vec()] {
        let destination = Destination::new(&[
            (CIDR, service_cidr(&["10.0.0.0/24"])),
            (&object, ip_address(own, &name)),
            (WEB, there),
        ]);
        let mut seen = Seen::default();
        let judge = &destination.judge;
        let asked = judge.leaving(WEB.as_bytes(), &seen);
        assert_eq!(asked.err(), Some(Obstacle::LookAtAddresses));
        let items = destination.keys.iter();
        let items = items.map(|(key, there)| (key.as_bytes(), there));
        seen.set_addresses(Some(Arc::new(judge.addresses(items))));
        let asked = judge.leaving(WEB.as_bytes(), &seen);
        assert_eq!(
            asked.err(),
            Some(Obstacle::Look(vec![WEB.as_bytes().to_vec()]))
        );
        seen.set(WEB.into(), destination.look(WEB.as_bytes()));
        let leaving = judge.leaving(WEB.as_bytes(), &seen).expect("a delete");
        assert_eq!(
            compared(&leaving.guards),
            [format!("{WEB} at 3"), format!("{object} at 2")]
        );
        let along = leaving.along.expect("more to delete");
        assert_eq!(keys(&along), [format!("-{object}")]);
    }
}

/// Of a destination that encrypts, values are opened and sealed with its keys.
#[test]
fn addresses_are_encrypted_as_the_destination_has_them() {
    let config = "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resources: [services, ipaddresses.networking.k8s.io]\n  providers:\n  - aesgcm: {keys: [{name: one, secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}\n  - identity: {}\n";
    let keyring = Keyring::parse("encryption.yaml", config).expect("a configuration");
    let mut destination = Destination::new(&[(CIDR, service_cidr(&["10.0.0.0/24"]))]);
    // Its keys are others, which the cipher is bound to.
    let keyrings = Keyrings::new(Keyring::identity(), keyring);
    let plan = judge("", Keyring::identity()).into_plan();
    destination.judge = Judge::between(plan, keyrings, "/standby");
    let (written, _, _, along) = destination.landed(&web(&["10.0.0.9"]));
    let object = along.also[0].value.clone().expect("an IPAddress");
    for value in [&written, &object] {
        assert!(value.starts_with(b"k8s:enc:aesgcm:v1:one:"));
    }
    destination.keys.extend([
        (WEB.to_owned(), held(written.clone(), 5)),
        (address_key("10.0.0.9"), held(object, 5)),
    ]);
    assert!(destination.is_there(&web(&["10.0.0.9"]), &written));
    let (again, _, _, along) = destination.landed(&web(&["10.0.0.9"]));
    assert_ne!(again, written);
    assert_eq!(keys(&along), [""; 0]);
}

/// What `skip` and `headless-only` leave out of a real cluster.
#[test]
fn services_are_left_out() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    for (setting, addressed, others) in [
        ("reallocate", false, false),
        ("keep", false, false),
        ("headless-only", true, false),
        ("skip", true, true),
    ] {
        let judge = super::judge(&format!("policies: {{services: {setting}}}\n{RULES}"));
        let mut counts = [0, 0];
        for stored in &corpus {
            let is_own = stored.key == "/registry/services/specs/default/kubernetes";
            if !stored.key.starts_with("/registry/services/specs/") || is_own {
                continue;
            }
            let spec = &stored.json["spec"];
            let has_none = spec["type"] == "ExternalName" || spec["clusterIP"] == "None";
            let left_out = match has_none {
                true => others,
                false => addressed,
            };
            counts[usize::from(has_none)] += 1;
            let decision = decide(&judge, &stored.key, &stored.value);
            let expected = match left_out {
                true => Decision::Skip(SkipReason::KeptOut(Policy::Services)),
                false => Decision::Put { rule: RuleId(0) },
            };
            assert_eq!(decision, expected, "{setting}: {}", stored.key);
        }
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    }
}
