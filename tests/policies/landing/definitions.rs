//! CustomResourceDefinitions and their objects.

use carry::rules::decide::{Judge, KeyRange};
use carry::rules::landing::{CrdTable, Guard};
use carry::rules::policy::Policy;
use serde_json::{Value, json};

use super::super::judge;
use super::{EVERYTHING, World, json as parsed};
use crate::shared;

const CRD: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com";
const SITE: &str = "/registry/example.com/sites/red/a";

/// As the source stores it: established there.
fn definition(versions: &[&str], stored: &[&str]) -> Value {
    let versions = versions.iter().enumerate();
    let versions: Vec<Value> = versions
        .map(|(at, name)| json!({"name": name, "served": true, "storage": at == 0}))
        .collect();
    json!({
        "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1beta1",
        "metadata": {
            "name": "sites.example.com", "uid": "c",
            "managedFields": [
                {"manager": "kubectl", "operation": "Apply", "apiVersion": "apiextensions.k8s.io/v1", "time": "2026-11-22T06:37:45Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}},
                {"manager": "kube-apiserver", "operation": "Update", "apiVersion": "apiextensions.k8s.io/v1", "time": "2026-11-22T06:37:45Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {}}, "subresource": "status"},
            ],
        },
        "spec": {
            "group": "example.com", "version": versions[0]["name"], "scope": "Namespaced",
            "names": {"plural": "sites", "singular": "site", "kind": "Site", "listKind": "SiteList"},
            "versions": versions, "conversion": {"strategy": "None"},
        },
        "status": status("2026-11-22T06:37:45Z", true, stored),
    })
}

fn status(since: &str, established: bool, stored: &[&str]) -> Value {
    let condition = |name: &str, holds: bool| {
        let holds = if holds { "True" } else { "False" };
        json!({"type": name, "status": holds, "lastTransitionTime": since, "reason": "R", "message": "m"})
    };
    json!({
        "conditions": [condition("NamesAccepted", true), condition("Established", established)],
        "acceptedNames": {"plural": "sites", "singular": "site", "kind": "Site", "listKind": "SiteList"},
        "storedVersions": stored,
    })
}

fn bytes(object: &Value) -> Vec<u8> {
    object.to_string().into_bytes()
}

fn site(version: &str) -> Vec<u8> {
    bytes(&json!({
        "apiVersion": format!("example.com/{version}"), "kind": "Site",
        "metadata": {"name": "a", "namespace": "red"}, "spec": {"size": 1},
    }))
}

fn unchanged(world: &World, key: &str) -> Guard {
    Guard::Unchanged {
        key: key.as_bytes().to_vec(),
        mod_revision: world.items[key.as_bytes()].mod_revision,
    }
}

fn everything() -> Judge {
    judge(EVERYTHING)
}

/// What the destination's controllers find out is theirs to say.
#[test]
fn a_definition_is_taken_up_by_the_destination() {
    let judge = everything();
    let mut world = World::default();
    let ours = definition(&["v1"], &["v1"]);
    let landed = world.write(&judge, CRD, &bytes(&ours));
    let fields = ["status.conditions", "status.acceptedNames"];
    assert_eq!(
        landed.fields,
        fields.map(|field| (Policy::Definitions, field.to_owned()))
    );
    assert_eq!(landed.guards, [Guard::Absent(CRD.as_bytes().to_vec())]);
    let mut expected = ours.clone();
    expected["status"] = json!({"storedVersions": ["v1"]});
    assert_eq!(parsed(&landed.bytes), expected);
    assert!(world.has(&judge, CRD, &bytes(&ours)));

    // They say it, and what changes at the source leaves it as it is.
    let mut theirs = expected;
    theirs["status"] = status("2026-11-26T10:00:00Z", true, &["v1"]);
    theirs["metadata"]["managedFields"][1]["time"] = json!("2026-11-26T10:00:00Z");
    world.put(CRD, &bytes(&theirs));
    assert!(world.has(&judge, CRD, &bytes(&ours)));
    let newer = definition(&["v2", "v1"], &["v1", "v2"]);
    assert!(!world.has(&judge, CRD, &bytes(&newer)));
    let landed = world.write(&judge, CRD, &bytes(&newer));
    let fields = [(Policy::Definitions, "status.conditions".to_owned())];
    assert_eq!(landed.fields, fields);
    let mut expected = newer.clone();
    expected["status"] = status("2026-11-26T10:00:00Z", true, &["v1", "v2"]);
    assert_eq!(parsed(&landed.bytes), expected);
    assert!(world.has(&judge, CRD, &bytes(&newer)));
    // Anything else that differs has to be written.
    let mut other = newer.clone();
    other["metadata"]["labels"] = json!({"a": "b"});
    assert!(!world.has(&judge, CRD, &bytes(&other)));
    let mut other = newer;
    other["metadata"]["managedFields"][0]["manager"] = json!("helm");
    assert!(!world.has(&judge, CRD, &bytes(&other)));
}

/// Of real ones nothing but the status changes.
#[test]
fn real_definitions() {
    let Some(corpus) = shared::corpus("policies") else {
        return;
    };
    let judge = everything();
    let mut world = World::default();
    let of_kind = corpus
        .iter()
        .filter(|own| own.json["kind"] == "CustomResourceDefinition");
    let mut count = 0;
    for stored in of_kind {
        count += 1;
        let landed = world.write(&judge, &stored.key, &stored.value);
        let mut expected = parsed(&stored.value);
        let versions = expected["status"]["storedVersions"].clone();
        expected["status"] = json!({"storedVersions": versions});
        assert_eq!(parsed(&landed.bytes), expected, "{}", stored.key);
        // With what a kube-apiserver says, the source's bytes again.
        world.put(&stored.key, &stored.value);
        let landed = world.write(&judge, &stored.key, &stored.value);
        assert_eq!(landed.bytes, stored.value, "{}", stored.key);
        assert_eq!(landed.fields, []);
    }
    assert_eq!(count, 7);
}

/// A version that only the destination has stored objects of stays stored.
#[test]
fn stored_versions() {
    let judge = everything();
    let mut world = World::default();
    let mut theirs = definition(&["v1", "v1beta1"], &["v1beta1", "v1"]);
    world.put(CRD, &bytes(&theirs));
    // The source has moved all its objects to v1, and has the other one still.
    let ours = bytes(&definition(&["v1", "v1beta1"], &["v1"]));
    assert!(world.has(&judge, CRD, &ours));
    let landed = world.write(&judge, CRD, &ours);
    let stored = |bytes: &[u8]| parsed(bytes)["status"]["storedVersions"].clone();
    assert_eq!(stored(&landed.bytes), json!(["v1", "v1beta1"]));
    assert!(world.has(&judge, CRD, &ours));

    // Now it no longer has it: then no object may be stored under it.
    let ours = bytes(&definition(&["v1"], &["v1"]));
    assert!(!world.has(&judge, CRD, &ours));
    world.put(SITE, &site("v1beta1"));
    let (reason, awaits) = world.held(&judge, CRD, &ours);
    assert_eq!(
        reason,
        format!(
            "it no longer has the version `v1beta1`, and the destination could not read its `{SITE}` any more, which is stored in version `v1beta1`"
        )
    );
    assert_eq!(awaits.as_deref(), Some(SITE));
    world.put(SITE, b"garbage");
    let (reason, _) = world.held(&judge, CRD, &ours);
    assert!(
        reason.ends_with("any more, which cannot be read"),
        "{reason}"
    );
    world.put(SITE, &site("v1"));
    // None must come meanwhile.
    let none_newer = Guard::NoneNewer {
        range: KeyRange::prefix("/registry/example.com/sites/"),
        revision: world.revision,
    };
    let guards = [none_newer, unchanged(&world, CRD)];
    let landed = world.write(&judge, CRD, &ours);
    assert_eq!((landed.looks, stored(&landed.bytes)), (2, json!(["v1"])));
    assert_eq!(landed.guards, guards);

    // It goes, with all its objects: what came now would go, too.
    theirs["metadata"]["deletionTimestamp"] = json!("2026-11-26T10:00:00Z");
    world.put(CRD, &bytes(&theirs));
    let reason = "the destination is deleting the definition that it has, with all its objects";
    assert_eq!(
        world.held(&judge, CRD, &ours),
        (reason.to_owned(), Some(CRD.to_owned()))
    );
    world.put(CRD, b"garbage");
    let (reason, _) = world.held(&judge, CRD, &ours);
    assert!(reason.starts_with("what the destination has under this key already cannot be read"));
}

#[test]
fn a_custom_resource_waits_for_its_definition() {
    let judge = everything();
    let mut world = World::default();
    let held = |world: &World, version: &str| {
        let (reason, awaits) = world.held(&judge, SITE, &site(version));
        assert_eq!(awaits.as_deref(), Some(CRD));
        reason
    };
    assert_eq!(
        held(&world, "v1"),
        "the destination has no CustomResourceDefinition `sites.example.com`"
    );
    world.put(CRD, &bytes(&definition(&["v1", "v1beta1"], &["v1"])));
    let landed = world.write(&judge, SITE, &site("v1"));
    let guards = vec![unchanged(&world, CRD)];
    assert_eq!((landed.looks, landed.guards), (1, guards));
    assert_eq!(
        held(&world, "v2"),
        "the destination's CustomResourceDefinition `sites.example.com` has no version `v2`, only `v1`, `v1beta1`"
    );
    // A table from before it came: it is looked at itself, and counts more.
    let mut seen = world.seen();
    seen.set_crds(CrdTable::default().into(), false);
    let landed = world.land_with(&judge, SITE, &site("v1"), seen);
    assert_eq!(landed.expect("it lands").looks, 1);
    // Only an apiserver takes definitions up.
    let mut not_yet = definition(&["v1"], &["v1"]);
    not_yet["status"] = status("2026-11-26T10:00:00Z", false, &["v1"]);
    world.put(CRD, &bytes(&not_yet));
    world.write(&judge, SITE, &site("v1"));
    world.live = true;
    assert_eq!(
        held(&world, "v1"),
        "the destination's CustomResourceDefinition `sites.example.com` is not yet established"
    );
    not_yet["status"] = status("2026-11-26T10:00:00Z", true, &["v1"]);
    not_yet["status"]["conditions"][0]["status"] = json!("False");
    world.put(CRD, &bytes(&not_yet));
    assert!(held(&world, "v1").ends_with("is not yet established"));
    let mut going = definition(&["v1"], &["v1"]);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-26T10:00:00Z");
    world.put(CRD, &bytes(&going));
    assert!(held(&world, "v1").ends_with("is being deleted, with all its objects"));
    let mut of_kind = definition(&["v1"], &["v1"]);
    of_kind["spec"]["names"]["kind"] = json!("Place");
    world.put(CRD, &bytes(&of_kind));
    assert!(held(&world, "v1").ends_with("defines the kind Place, and this is of the kind Site"));
    world.put(CRD, b"garbage");
    assert!(held(&world, "v1").contains("`sites.example.com` cannot be read: "));
    // Stored without a list of versions.
    let mut old = definition(&["v1"], &["v1"]);
    let spec = old["spec"].as_object_mut().expect("a spec");
    spec.remove("versions");
    world.put(CRD, &bytes(&old));
    world.write(&judge, SITE, &site("v1"));
}

/// Another apiserver than Kubernetes' own keeps such under its group.
#[test]
fn protobuf_needs_no_definition() {
    let judge = everything();
    let mut world = World::default();
    let value =
        b"k8s\0\x0a\x16\x0a\x0eexample.com/v1\x12\x04Site\x12\x05\x0a\x03\x0a\x01a\x1a\0\x22\0";
    let landed = world.write(&judge, SITE, value);
    assert_eq!((landed.looks, landed.bytes.as_slice()), (0, &value[..]));
}
