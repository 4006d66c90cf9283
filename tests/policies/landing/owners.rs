//! Owners that the destination has, or has not.

use carry::k8s::{Edit, Keyring, Record, Transferred, rewrite};
use carry::rules::RuleId;
use carry::rules::decide::Judge;
use carry::rules::landing::{CrdTable, Guard, Obstacle};
use carry::rules::outgoing::OutgoingScratch;
use carry::rules::policy::Policy;
use serde_json::{Value, json};

use super::super::judge;
use super::{EVERYTHING, World, with_owners};
use crate::shared;

const OWNER: &str = "/registry/configmaps/red/owner";
const SECOND: &str = "/registry/serviceaccounts/red/second";
const DEPENDENT: &str = "/registry/configmaps/red/dependent";

fn reference(kind: &str, name: &str, uid: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": uid})
}

/// An object in JSON, as a dependent of these.
fn dependent(owners: &[Value]) -> Vec<u8> {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "dependent", "namespace": "red", "uid": "d", "ownerReferences": owners},
        "data": {"a": "b"},
    });
    object.to_string().into_bytes()
}

fn object(kind: &str, name: &str, uid: &str) -> Vec<u8> {
    let object = json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {"name": name, "namespace": "red", "uid": uid},
    });
    object.to_string().into_bytes()
}

fn of_both() -> Vec<u8> {
    dependent(&[
        reference("ConfigMap", "owner", "u"),
        reference("ServiceAccount", "second", "s"),
    ])
}

#[test]
fn a_dependent_waits_for_all_its_owners() {
    let judge = judge(EVERYTHING);
    let mut world = World::default();
    let value = of_both();
    let held = |world: &World| world.held(&judge, DEPENDENT, &value);
    let missing = "its owner, ConfigMap `owner`, is not at the destination";
    assert_eq!(held(&world), (missing.to_owned(), Some(OWNER.to_owned())));
    // Another object of its name.
    world.put(OWNER, &object("ConfigMap", "owner", "other"));
    let other =
        "its owner, ConfigMap `owner`, is another object at the destination, of another uid";
    assert_eq!(held(&world), (other.to_owned(), Some(OWNER.to_owned())));
    world.put(OWNER, &object("ConfigMap", "owner", "u"));
    // The garbage collector would take away the reference to this one.
    let second = "its owner, ServiceAccount `second`, is not at the destination";
    assert_eq!(held(&world), (second.to_owned(), Some(SECOND.to_owned())));
    world.put(SECOND, &object("ServiceAccount", "second", "s"));
    let landed = world.write(&judge, DEPENDENT, &value);
    // Both are looked at at once.
    assert_eq!((landed.looks, landed.bytes), (1, value));
    let lives = |key: &str| Guard::Lives {
        key: key.as_bytes().to_vec(),
        create_revision: world.items[key.as_bytes()].create_revision,
    };
    assert_eq!(landed.guards, [lives(OWNER), lives(SECOND)]);
    // An owner may change, but not go and come back.
    world.put(OWNER, &object("ConfigMap", "owner", "u"));
    assert!(landed.guards.iter().all(|guard| world.holds(guard)));
    world.delete(OWNER);
    world.put(OWNER, &object("ConfigMap", "owner", "u"));
    assert!(!world.holds(&landed.guards[0]));
}

#[test]
fn a_dependent_is_skipped() {
    let judge = judge(&with_owners("skip"));
    let mut world = World::default();
    let value = of_both();
    let skipped = |world: &World| {
        let landed = world.land(&judge, DEPENDENT, &value);
        let Err(Obstacle::Skip(Policy::Owners, Some(why))) = landed else {
            panic!("it lands");
        };
        assert!(why.awaits.is_some(), "{}", why.reason);
    };
    skipped(&world);
    world.put(SECOND, &object("ServiceAccount", "second", "s"));
    skipped(&world);
    world.put(OWNER, &object("ConfigMap", "owner", "u"));
    assert_eq!(world.write(&judge, DEPENDENT, &value).bytes, value);
}

/// The token of a ServiceAccount is of no use without it, and the destination
/// deletes it.
#[test]
fn a_token_comes_with_its_account_alone() {
    const TOKEN: &str = "/registry/secrets/red/second-token";
    let judge = judge(&EVERYTHING.replace("systemObjects: mirror, ", ""));
    let mut world = World::default();
    let of_type = |type_: &str| {
        let object = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "second-token", "namespace": "red", "uid": "t", "annotations": {
                "kubernetes.io/service-account.name": "second",
                "kubernetes.io/service-account.uid": "s",
            }},
            "type": type_,
        });
        object.to_string().into_bytes()
    };
    let token = of_type("kubernetes.io/service-account-token");
    let skipped = |world: &World| {
        // While it may be about to come, nothing is settled.
        for (early, settled) in [(false, Some(Policy::SystemObjects)), (true, None)] {
            let mut seen = world.seen();
            seen.early = early;
            let landed = world.land_with(&judge, TOKEN, &token, seen);
            let Err(Obstacle::Skip(Policy::SystemObjects, Some(why))) = landed else {
                panic!("it lands");
            };
            assert_eq!(why.awaits.as_deref(), Some(SECOND.as_bytes()));
            assert_eq!(why.policy, settled);
            assert!(
                why.reason.contains("its ServiceAccount `second` is"),
                "{}",
                why.reason
            );
        }
    };
    skipped(&world);
    // The standby's own, of the same name.
    world.put(SECOND, &object("ServiceAccount", "second", "other"));
    skipped(&world);
    world.put(SECOND, &object("ServiceAccount", "second", "s"));
    assert_eq!(world.write(&judge, TOKEN, &token).bytes, token);
    // Other Secrets.
    let opaque = of_type("Opaque");
    world.put(SECOND, &object("ServiceAccount", "second", "other"));
    assert_eq!(world.write(&judge, TOKEN, &opaque).bytes, opaque);
}

/// What is written differs in exactly the references that are named, and is
/// what is there from then on.
#[test]
fn references_are_stripped() {
    let strip = judge(&with_owners("strip"));
    let third = reference("ConfigMap", "third", "t");
    let mut owners = vec![
        reference("ConfigMap", "owner", "u"),
        reference("ServiceAccount", "second", "s"),
        third.clone(),
    ];
    let value = dependent(&owners);
    let mut world = World::default();
    world.put(SECOND, &object("ServiceAccount", "second", "s"));
    let landed = world.write(&strip, DEPENDENT, &value);
    let fields = [
        (Policy::Owners, "metadata.ownerReferences[2]".to_owned()),
        (Policy::Owners, "metadata.ownerReferences[0]".to_owned()),
    ];
    assert_eq!(landed.fields, fields);
    assert_eq!(landed.bytes, dependent(&owners[1..2]));
    assert!(
        landed
            .guards
            .contains(&Guard::Absent(OWNER.as_bytes().to_vec()))
    );
    assert!(world.has(&strip, DEPENDENT, &value));
    // Only where the rule says so, and nothing else may differ.
    assert!(!world.has(&judge(EVERYTHING), DEPENDENT, &value));
    let changed = rewrite(
        &value,
        &[("data.a".parse().expect("a path"), Edit::Set(json!("c")))],
    );
    assert!(!world.has(&strip, DEPENDENT, &changed.expect("a ConfigMap")));
    owners[1] = reference("ServiceAccount", "second", "other");
    assert!(!world.has(&strip, DEPENDENT, &dependent(&owners[..1])));
    // None is left.
    world.delete(SECOND);
    let landed = world.write(&strip, DEPENDENT, &value);
    assert_eq!(
        landed.fields,
        [(Policy::Owners, "metadata.ownerReferences".to_owned())]
    );
    assert!(world.has(&strip, DEPENDENT, &value));
    assert!(super::json(&landed.bytes)["metadata"]["ownerReferences"].is_null());
}

/// As it is stored: every dependent of a real cluster, of which one owner is
/// not there.
#[test]
fn references_are_stripped_of_stored_bytes() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let strip = judge(&with_owners("strip"));
    let set_owner: carry::k8s::Path = "metadata.ownerReferences[1]".parse().expect("a path");
    let mut stripped = 0;
    for stored in &corpus {
        let owners = stored.json["metadata"]["ownerReferences"].as_array();
        let (Some([owner]), Ok(_)) = (owners.map(Vec::as_slice), Record::parse(&stored.value))
        else {
            continue;
        };
        let namespace = stored.json["metadata"]["namespace"].as_str().expect("one");
        let mut world = World::default();
        let owners: Vec<_> = corpus
            .iter()
            .filter(|own| own.json["metadata"]["uid"] == owner["uid"])
            .collect();
        let [its] = owners.as_slice() else {
            panic!("{}: {} owners", stored.key, owners.len());
        };
        world.put(&its.key, &its.value);
        // One is there: as without a look. Another one is not.
        let with_one = world.write(&strip, &stored.key, &stored.value);
        let mut scratch = OutgoingScratch::default();
        let (key, rule) = (stored.key.as_bytes(), Some(RuleId(0)));
        let outgoing = strip.outgoing(key, &stored.value, rule, &mut scratch);
        let bytes = match outgoing.expect("fit").value {
            Transferred::AsItIs => stored.value.clone(),
            Transferred::Sealed { value, .. } => value.to_vec(),
        };
        assert!(with_one.bytes == bytes, "{}", stored.key);
        let other = reference("ConfigMap", "none", "n");
        let with_two = rewrite(&stored.value, &[(set_owner.clone(), Edit::Set(other))]);
        let with_two = with_two.expect("a reference");
        let landed = world.write(&strip, &stored.key, &with_two);
        assert!(landed.bytes == bytes, "{}", stored.key);
        assert!(world.has(&strip, &stored.key, &with_two), "{}", stored.key);
        let of_owners = landed.fields.iter().filter(|own| own.0 == Policy::Owners);
        assert_eq!(of_owners.count(), 1, "{}", stored.key);
        let gone = Guard::Absent(format!("/registry/configmaps/{namespace}/none").into_bytes());
        assert_eq!(landed.guards[1..], [gone]);
        stripped += 1;
    }
    assert!(stripped >= 24, "{stripped}");
}

/// The garbage collector deletes what such an owner owns, to let it go.
#[test]
fn an_owner_that_goes_with_what_it_owns() {
    let judge = judge(EVERYTHING);
    let mut world = World::default();
    let value = dependent(&[reference("ConfigMap", "owner", "u")]);
    let mut owner: Value = super::json(&object("ConfigMap", "owner", "u"));
    owner["metadata"]["deletionTimestamp"] = json!("2026-11-22T06:37:44Z");
    owner["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.put(OWNER, owner.to_string().as_bytes());
    world.write(&judge, DEPENDENT, &value);
    owner["metadata"]["finalizers"] = json!(["example.com/hold", "foregroundDeletion"]);
    world.put(OWNER, owner.to_string().as_bytes());
    let reason =
        "its owner, ConfigMap `owner`, is being deleted at the destination, with what it owns";
    assert_eq!(
        world.held(&judge, DEPENDENT, &value),
        (reason.to_owned(), Some(OWNER.to_owned()))
    );
}

/// It is not known to be gone, so that nothing is taken away either.
#[test]
fn an_owner_that_cannot_be_read() {
    for owners in ["hold", "strip", "skip"] {
        let judge = judge(&with_owners(owners));
        let mut world = World::default();
        world.put(OWNER, b"garbage");
        let value = dependent(&[reference("ConfigMap", "owner", "u")]);
        let (reason, awaits) = world.held(&judge, DEPENDENT, &value);
        assert_eq!(
            reason,
            "its owner, ConfigMap `owner`, cannot be read at the destination: the plain value cannot be read: the value is neither Kubernetes protobuf nor a JSON object nor CBOR",
            "{owners}"
        );
        assert_eq!(awaits.as_deref(), Some(OWNER));
    }
}

/// Owners in no namespace, and the other way around: such a reference leads
/// nowhere at the source either, and the garbage collector leaves it alone.
#[test]
fn owners_and_namespaces() {
    let judge = judge(EVERYTHING);
    let mut world = World::default();
    let value = dependent(&[reference("Namespace", "blue", "n")]);
    let (_, awaits) = world.held(&judge, DEPENDENT, &value);
    assert_eq!(awaits.as_deref(), Some("/registry/namespaces/blue"));
    world.put(
        "/registry/namespaces/blue",
        &object("Namespace", "blue", "n"),
    );
    world.write(&judge, DEPENDENT, &value);
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "a", "ownerReferences": [reference("ConfigMap", "owner", "u")]},
        "provisioner": "example.com/p",
    });
    let landed = world.write(
        &judge,
        "/registry/storageclasses/a",
        class.to_string().as_bytes(),
    );
    assert_eq!((landed.looks, landed.guards.len()), (0, 0));
}

/// Where a custom owner is, only its definition tells.
#[test]
fn custom_owners() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = judge(EVERYTHING);
    let mut world = World::default();
    let of = |key: &str| {
        let mut found = corpus.iter().filter(|own| own.key == key);
        found.next().expect("it is there")
    };
    let tenant = of("/registry/core.test.io/tenants/t1");
    let mut owner = reference(
        "Tenant",
        "t1",
        tenant.json["metadata"]["uid"].as_str().expect("one"),
    );
    owner["apiVersion"] = json!("core.test.io/v1");
    let value = dependent(&[owner]);
    let reason = "its owner, Tenant `t1`, is not at the destination, which has no CustomResourceDefinition of its kind in `core.test.io`";
    assert_eq!(
        world.held(&judge, DEPENDENT, &value),
        (reason.to_owned(), None)
    );
    let definition =
        of("/registry/apiextensions.k8s.io/customresourcedefinitions/tenants.core.test.io");
    world.write(&judge, &definition.key, &definition.value);
    let reason = "its owner, Tenant `t1`, is not at the destination";
    assert_eq!(
        world.held(&judge, DEPENDENT, &value),
        (reason.to_owned(), Some(tenant.key.clone()))
    );
    world.write(&judge, &tenant.key, &tenant.value);
    assert_eq!(world.write(&judge, DEPENDENT, &value).looks, 2);
    // A table from before the definition came.
    let mut seen = world.seen();
    seen.set_crds(CrdTable::default().into(), false);
    let landed = world.land_with(&judge, DEPENDENT, &value, seen);
    assert_eq!(landed.expect("it lands").looks, 2);
    // Of a kind that Kubernetes may have, and this does not know.
    let mut unknown = reference("Novelty", "n", "u");
    unknown["apiVersion"] = json!("apps/v1");
    let strip = super::super::judge(&with_owners("strip"));
    let reason =
        "its owner is of the kind Novelty of `apps`, of which is not known where it would be";
    assert_eq!(
        world.held(&strip, DEPENDENT, &dependent(&[unknown])),
        (reason.to_owned(), None)
    );
}

/// Under another prefix an owner's value is bound to another key.
#[test]
fn owners_under_another_prefix() {
    let config = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [configmaps]\n  providers:\n  - aesgcm: {keys: [{name: a, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}]}\n  - identity: {}\n";
    let keyring = || Keyring::parse("encryption.yaml", config).expect("a configuration");
    let keyrings = carry::rules::decide::Keyrings::alike(keyring());
    let plan = judge(EVERYTHING).into_plan();
    let judge = Judge::between(plan, keyrings, "/standby");
    let seal = |key: &str, plain: &[u8]| {
        let mut sealed = Default::default();
        let sealing = keyring().seal("", "configmaps", key.as_bytes(), plain, &mut sealed);
        sealing.expect("sealed");
        sealed.to_vec()
    };
    let mut world = World::default();
    let value = dependent(&[reference("ConfigMap", "owner", "u")]);
    let owner = object("ConfigMap", "owner", "u");
    world.put(OWNER, &seal("/standby/configmaps/red/owner", &owner));
    let landed = world.write(&judge, DEPENDENT, &seal(DEPENDENT, &value));
    assert!(landed.bytes.starts_with(b"k8s:enc:aesgcm:v1:a:"));
    world.put(OWNER, &seal(OWNER, &owner));
    let (reason, _) = world.held(&judge, DEPENDENT, &seal(DEPENDENT, &value));
    assert!(
        reason.contains("cannot be read at the destination"),
        "{reason}"
    );
}

/// A custom resource in CBOR, which cannot be changed.
#[test]
fn references_in_cbor() {
    let strip = judge(&with_owners("strip"));
    // {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"ownerReferences":
    // [{"kind": "Pod", "name": "p", "uid": "u", "apiVersion": "v1"}]}}
    let value = [
        b"\xd9\xd9\xf7\xa3\x4aapiVersion\x42v1\x44kind\x49ConfigMap\x48metadata\xa1".as_slice(),
        b"\x4fownerReferences\x81\xa4\x44kind\x43Pod\x44name\x41p\x43uid\x41u\x4aapiVersion\x42v1",
    ]
    .concat();
    let (reason, _) = World::default().held(&strip, DEPENDENT, &value);
    assert!(reason.contains("CBOR"), "{reason}");
    let mut scratch = OutgoingScratch::default();
    let key = DEPENDENT.as_bytes();
    let outgoing = strip.outgoing(key, &value, Some(RuleId(0)), &mut scratch);
    assert!(outgoing.is_ok(), "{outgoing:?}");
}

/// Who says what becomes of them needs no warning.
#[test]
fn where_owners_are_warned_of() {
    let with = |policy: &str| {
        let rules = format!(
            "filters:\n  secondary:\n    - group: apps\n      resources: [{{kind: ReplicaSet}}]\n      namespace: red\n{policy}"
        );
        let how = carry::rules::Check {
            prefix: "/registry".to_owned(),
            lints: true,
            ..Default::default()
        };
        let (_, loaded) = carry::rules::load_bytes("rules.yaml", rules.into_bytes());
        let found = carry::rules::check(loaded, &how).diagnostics;
        found.iter().any(|own| own.code.as_str() == "W033")
    };
    assert!(with(""));
    assert!(with("      policy: {owners: hold}\n"));
    assert!(!with("      policy: {owners: strip}\n"));
    assert!(!with("      policy: {owners: skip}\n"));
}
