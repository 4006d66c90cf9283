//! A whole cluster into an empty destination, and values that no destination
//! could read.

use carry::k8s::Transferred;
use carry::rules::RuleId;
use carry::rules::decide::Decision;
use carry::rules::landing::{Obstacle, Seen};
use carry::rules::outgoing::OutgoingScratch;
use serde_json::json;

use super::super::{decide, judge};
use super::{EVERYTHING, World};
use crate::shared;

const CRDS: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/";

fn asks_nothing(stored: &shared::Stored) -> bool {
    let in_group = stored.key.split('/').nth(2).expect("a segment");
    let of_group = in_group.contains('.') && in_group != "apiregistration.k8s.io";
    let of_service = stored.key.starts_with("/registry/services/specs/");
    !of_group && !of_service && stored.json["metadata"]["ownerReferences"].is_null()
}

/// No look, no guard, and what is written without a look at all.
#[test]
fn the_common_object_asks_for_nothing() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let (mut common, mut others) = (0, 0);
    for stored in &corpus {
        if !matches!(
            decide(&judge, &stored.key, &stored.value),
            Decision::Put { .. }
        ) {
            continue;
        }
        let (key, rule) = (stored.key.as_bytes(), Some(RuleId(0)));
        let mut scratch = OutgoingScratch::default();
        let landing = judge.landing(key, &stored.value, rule, &Seen::default(), &mut scratch);
        if !asks_nothing(stored) {
            others += 1;
            let asked = matches!(
                landing,
                Err(Obstacle::Look(_) | Obstacle::LookAtCrds | Obstacle::LookAtAddresses)
            );
            assert!(asked, "{}: {landing:?}", stored.key);
            continue;
        }
        common += 1;
        let landing = landing.unwrap_or_else(|why| panic!("{}: {why:?}", stored.key));
        assert!(landing.guards.is_empty(), "{}", stored.key);
        let bytes = |value: Transferred<'_>| match value {
            Transferred::AsItIs => stored.value.clone(),
            Transferred::Sealed { value, .. } => value.to_vec(),
        };
        let rewritings = landing.outgoing.rewritings.clone();
        let landed = bytes(landing.outgoing.value);
        let outgoing = judge.outgoing(key, &stored.value, rule, &mut scratch);
        let outgoing = outgoing.expect("fit");
        assert_eq!(rewritings, outgoing.rewritings);
        // What is encrypted anew is other bytes each time.
        if stored.value.starts_with(b"k8s\0") {
            assert_eq!(landed, bytes(outgoing.value), "{}", stored.key);
        }
    }
    assert!(common > 150 && others > 30, "{common} {others}");
}

/// In the worst order: each waits for what it names, and all come to be
/// written; nothing before what it needs.
#[test]
fn a_cluster_lands_in_any_order() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let is_put = |stored: &&shared::Stored| {
        matches!(
            decide(&judge, &stored.key, &stored.value),
            Decision::Put { .. }
        )
    };
    for live in [false, true] {
        let mut waiting: Vec<&shared::Stored> = corpus.iter().filter(is_put).collect();
        let all = waiting.len();
        let mut world = World {
            live,
            ..World::default()
        };
        let mut waited = 0;
        while !waiting.is_empty() {
            let before = waiting.len();
            // Dependents first: Pods come behind Deployments by their keys.
            waiting.sort_by(|a, b| b.key.cmp(&a.key));
            waiting.retain(
                |stored| match world.land(&judge, &stored.key, &stored.value) {
                    Ok(landed) => {
                        world.put(&stored.key, &landed.bytes);
                        false
                    }
                    Err(Obstacle::Unfit(unfit)) => {
                        waited += 1;
                        let awaits = unfit.awaits.expect("a key");
                        let awaits = String::from_utf8(awaits).expect("a key");
                        assert!(unfit.transient, "{}", stored.key);
                        let comes = corpus.iter().any(|other| other.key == awaits);
                        assert!(comes, "{} waits for {awaits}", stored.key);
                        true
                    }
                    Err(other) => panic!("{}: {other:?}", stored.key),
                },
            );
            if live {
                establish(&mut world, &corpus);
            }
            assert!(
                waiting.len() < before,
                "{} are held for good",
                waiting.len()
            );
        }
        assert_eq!(world.items.len(), all);
        assert!(waited >= 20, "{waited}");
        for stored in corpus.iter().filter(is_put) {
            assert!(
                world.has(&judge, &stored.key, &stored.value),
                "{}",
                stored.key
            );
        }
    }
}

/// What a kube-apiserver does to definitions that it finds.
fn establish(world: &mut World, corpus: &[shared::Stored]) {
    for stored in corpus.iter().filter(|own| own.key.starts_with(CRDS)) {
        let Some(there) = world.items.get(stored.key.as_bytes()) else {
            continue;
        };
        let mut object = super::json(&there.value);
        if object["status"]["conditions"].is_null() {
            object["status"]["conditions"] = stored.json["status"]["conditions"].clone();
            object["status"]["acceptedNames"] = stored.json["status"]["acceptedNames"].clone();
            world.put(&stored.key, object.to_string().as_bytes());
        }
    }
}

/// An apiserver that lists Secrets decodes each as one.
#[test]
fn a_value_of_another_kind_than_its_key() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let world = World::default();
    let config_map = corpus
        .iter()
        .find(|own| own.key.starts_with("/registry/configmaps/"));
    let config_map = &config_map.expect("a ConfigMap").value;
    for (key, path) in [
        ("/registry/pods/red/a", "pods"),
        ("/registry/services/specs/red/a", "services/specs"),
    ] {
        let expected = format!(
            "the key is one of `{path}`, and its value is of the kind ConfigMap of `v1`: no kube-apiserver could read it there"
        );
        let mut scratch = OutgoingScratch::default();
        let outgoing = judge.outgoing(key.as_bytes(), config_map, Some(RuleId(0)), &mut scratch);
        let unfit = outgoing.expect_err("unfit");
        assert_eq!((&unfit.reason, unfit.transient), (&expected, false));
        assert_eq!(world.held(&judge, key, config_map), (expected, None));
    }
    let site = json!({"apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "a"}});
    let (reason, awaits) = world.held(
        &judge,
        "/registry/example.org/sites/a",
        site.to_string().as_bytes(),
    );
    assert_eq!(
        reason,
        "the key is one of `example.org/sites`, and its value is of the kind Site of `example.com/v1`: no kube-apiserver could read it there"
    );
    assert_eq!(awaits, None);
    // As older apiservers stored it.
    let ingress = json!({"apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": {"name": "a", "namespace": "red"}});
    let landed = world.land(
        &judge,
        "/registry/ingress/red/a",
        ingress.to_string().as_bytes(),
    );
    assert_eq!(landed.expect("fit").looks, 0);
}

/// What a kube-apiserver says of itself: it reads older versions than it
/// serves, never newer ones.
#[test]
fn versions_that_the_destination_serves() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let mut world = World {
        live: true,
        ..World::default()
    };
    const APIS: &str = "/registry/apiregistration.k8s.io/apiservices/";
    for stored in corpus.iter().filter(|own| own.key.starts_with(APIS)) {
        world.put(&stored.key, &stored.value);
    }
    let table = |world: &World| judge.api_table(world.within(&judge.api_range()));
    let of = |group: &str, version: &str| json!({"apiVersion": format!("{group}/{version}"), "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a", "namespace": "red"}});
    let key = "/registry/horizontalpodautoscalers/red/a";
    let landed = |world: &World, version: &str| {
        let mut seen = world.seen();
        seen.set_apis(table(world).into());
        let value = of("autoscaling", version).to_string();
        world.land_with(&judge, key, value.as_bytes(), seen)
    };
    let v2 = "/registry/apiregistration.k8s.io/apiservices/v2.autoscaling";
    for version in ["v1", "v2beta2", "v2"] {
        assert!(landed(&world, version).is_ok(), "{version}");
    }
    world.delete(v2);
    for version in ["v1", "v2beta2"] {
        assert!(landed(&world, version).is_ok(), "{version}");
    }
    for version in ["v1alpha7", "none"] {
        let Err(Obstacle::Unfit(unfit)) = landed(&world, version) else {
            panic!("{version} lands");
        };
        assert_eq!(
            unfit.reason,
            format!(
                "it is stored as `autoscaling/{version}`, which the destination's kube-apiserver does not serve and Kubernetes 1.36 does not know: let the source store it anew, as `kubectl get` and `kubectl replace` do"
            )
        );
    }
    let Err(Obstacle::Unfit(unfit)) = landed(&world, "v2") else {
        panic!("it lands");
    };
    assert_eq!(
        unfit.reason,
        "it is stored as `autoscaling/v2`, and the destination's kube-apiserver serves none newer than `v1`"
    );
    assert_eq!(unfit.awaits.as_deref(), Some(v2.as_bytes()));
    // Without a kube-apiserver nobody reads it, and of a group that is not
    // served nothing.
    world.live = false;
    assert!(landed(&world, "v2").is_ok());
    world.live = true;
    world.delete("/registry/apiregistration.k8s.io/apiservices/v1.autoscaling");
    assert!(landed(&world, "v2").is_ok());
}

/// Nothing is looked at for a key outside of Kubernetes, and its bytes count.
#[test]
fn keys_outside_of_kubernetes() {
    let judge = judge(&format!(
        "{EVERYTHING}    - name: settings\n      keys: [\"/settings/**\"]\n"
    ));
    let mut world = World::default();
    let landed = world.write(&judge, "/settings/a", b"on");
    assert_eq!(
        (landed.looks, landed.bytes.as_slice()),
        (0, b"on".as_slice())
    );
    assert!(world.has(&judge, "/settings/a", b"on"));
    assert!(!world.has(&judge, "/settings/a", b"off"));
}
