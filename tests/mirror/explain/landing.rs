//! What a real etcd at the destination has not, and what that makes of an
//! object.

use carry::k8s::services::ServiceName;
use serde_json::json;

use super::live::steady;
use super::{Folder, object};
use crate::mirror::harness::{Carry, Etcd, any_version, eventually};
use crate::services::made::{
    address_key, ip_address, service, service_bytes, service_cidr, service_key,
};

const RULES: &str = "filters:\n  secondary:\n    - name: settings\n      group: \"\"\n    - name: sites\n      group: example.com\n";
const KEY: &str = "/registry/configmaps/red/dependent";

fn config_map(name: &str, owners: serde_json::Value) -> String {
    let mut metadata = json!({"name": name, "namespace": "red", "uid": format!("uid-of-{name}")});
    if !owners.is_null() {
        metadata["ownerReferences"] = owners;
    }
    object("v1", "ConfigMap", metadata, json!({"data": {"a": "b"}}))
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_definitions() {
    let Some(version) = any_version("explain and what the destination lacks") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": format!("uid-of-{name}")});
    let dependent = config_map("dependent", json!([owner("first"), owner("second")]));
    source.put(KEY, dependent).await;
    let site = object(
        "example.com/v2",
        "Site",
        json!({"name": "a", "namespace": "red"}),
        json!({}),
    );
    let site_key = "/registry/example.com/sites/red/a";
    source.put(site_key, site).await;
    let (from, to) = (source.url(), destination.url());
    let told = |key: &str, owners: &str| {
        let folder = Folder::with(&format!("policies: {{owners: {owners}}}\n{RULES}"));
        let told = folder.told(&[key, "--master-endpoints", &from, "--slave-endpoints", &to]);
        steady(&told, &folder)
    };
    let mut all = vec![told(KEY, "hold")];
    let first = "/registry/configmaps/red/first";
    destination
        .put(first, config_map("first", json!(null)))
        .await;
    all.extend(["hold", "skip", "strip"].map(|owners| told(KEY, owners)));
    let second = "/registry/configmaps/red/second";
    destination
        .put(second, config_map("second", json!(null)))
        .await;
    all.push(told(KEY, "hold"));
    all.push(told(site_key, "hold"));
    let names = json!({"plural": "sites", "kind": "Site"});
    let spec = json!({"group": "example.com", "names": names, "scope": "Namespaced",
        "versions": [{"name": "v1", "served": true, "storage": true}]});
    let definition = object(
        "apiextensions.k8s.io/v1beta1",
        "CustomResourceDefinition",
        json!({"name": "sites.example.com"}),
        json!({"spec": spec}),
    );
    let crd = "/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com";
    destination.put(crd, definition).await;
    all.push(told(site_key, "hold"));
    insta::assert_snapshot!("landing", all.join("\n"));
}

/// What policies change in a value, and what they leave out, is told before it
/// is written, and the same of what was written; without the destination it is
/// told what depends on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_policies_do_at_the_destination() {
    let Some(version) = any_version("explain and what policies have changed") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let folder = Folder::with(
        "policies: {owners: strip}\nfilters:\n  secondary:\n    - name: settings\n      group: \"\"\n    - name: definitions\n      group: apiextensions.k8s.io\n",
    );
    // One address is taken and one is free.
    let kubernetes = ServiceName::new("default", "kubernetes");
    let cidr = service_cidr(&["10.0.0.0/30"]);
    destination
        .put("/registry/servicecidrs/kubernetes", cidr)
        .await;
    let taken = ip_address("10.0.0.1", &kubernetes);
    destination.put(address_key("10.0.0.1"), taken).await;
    let own = service_bytes(&service("kubernetes", &["10.0.0.1"]));
    destination.put(service_key(&kubernetes), own).await;
    let web = service_key(&ServiceName::new("shop", "web"));
    let stored = |address: &str, uid: &str| {
        let mut made = service("web", &[address]);
        made.metadata.get_or_insert_default().uid = Some(uid.to_owned());
        service_bytes(&made)
    };
    source.put(web.clone(), stored("10.96.0.5", "web")).await;

    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": format!("uid-of-{name}")});
    let dependent = config_map("dependent", json!([owner("first"), owner("second")]));
    source.put(KEY, dependent).await;
    let first = config_map("first", json!(null));
    source.put("/registry/configmaps/red/first", first).await;

    let definition = |versions: &[&str], stored: &[&str], reason: &str| {
        let served = |name: &&str| json!({"name": name, "served": true, "storage": false});
        let versions: Vec<_> = versions.iter().map(served).collect();
        let spec = json!({"group": "example.com", "names": {"plural": "sites", "kind": "Site"},
            "scope": "Namespaced", "versions": versions});
        let status = json!({"storedVersions": stored, "conditions": [{"type": "Established", "reason": reason}]});
        object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"name": "sites.example.com", "uid": "crd"}),
            json!({"spec": spec, "status": status}),
        )
    };
    let crd = "/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com";
    source
        .put(crd, definition(&["v1", "v2"], &["v2"], "Ours"))
        .await;
    destination
        .put(crd, definition(&["v1"], &["v1"], "Theirs"))
        .await;

    let annotations = json!({"kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": "gone"});
    let token = object(
        "v1",
        "Secret",
        json!({"name": "token", "namespace": "red", "annotations": annotations}),
        json!({"type": "kubernetes.io/service-account-token", "data": {}}),
    );
    let token_key = "/registry/secrets/red/token";
    source.put(token_key, token).await;

    let (from, to) = (source.url(), destination.url());
    let told = |key: &str, more: &[&str]| {
        let args = [&[key, "--master-endpoints", &from], more].concat();
        steady(&folder.told(&args), &folder)
    };
    let there = ["--slave-endpoints", &to];
    let changed = [web.as_str(), KEY, crd];
    let before = changed.map(|key| told(key, &there));
    let mut carry = Carry::between(
        &source,
        &destination,
        &folder.path("rules.yaml"),
        &[] as &[&str],
    );
    carry.wait_ready();
    eventually("what waits for an owner", || async {
        destination.get(KEY).await.is_some()
    })
    .await;
    let after = changed.map(|key| told(key, &there));
    for (key, told_after) in changed.iter().zip(&after) {
        assert!(
            told_after.contains("destination: has the same content"),
            "{told_after}"
        );
        assert!(told_after.contains("(policy `"), "{told_after}");
        let found = folder.json(&[&[*key, "--master-endpoints", &from], &there[..]].concat());
        let rewritten = found["write"]["rewritten"].as_array().expect("fields");
        assert!(
            rewritten.iter().all(|own| own["why"].is_string()),
            "{found}"
        );
    }
    let alone = [web.as_str(), KEY, crd, token_key].map(|key| told(key, &[]));
    let left_out = told(token_key, &there);
    assert!(destination.get(token_key).await.is_none());
    let all = [&before[..], &after, &[left_out], &alone].concat();
    insta::assert_snapshot!("landing_policies", all.join("\n"));
}

/// Whose it is that the destination has under a key, and what becomes of it:
/// without the ledger, and with the one of a carry that has run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_object_is_told_of() {
    let Some(version) = any_version("explain and another object") else {
        return;
    };
    let key = "/registry/configmaps/red/own";
    let of = |uid: &str, text: &str| {
        let metadata = json!({"name": "own", "namespace": "red", "uid": uid});
        object("v1", "ConfigMap", metadata, json!({"data": {"a": text}}))
    };
    let mut all = Vec::new();
    for (setting, without, with) in [
        ("keep", json!(null), json!("kept")),
        ("stop", json!(null), json!("stops")),
        ("adopt", json!("adopted"), json!(null)),
        ("overwrite", json!("overwritten"), json!(null)),
    ] {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        source.put(key, of("source", "ours")).await;
        destination.put(key, of("standby", "theirs")).await;
        let folder = Folder::with(&format!("policies: {{onConflict: {setting}}}\n{RULES}"));
        let (from, to) = (source.url(), destination.url());
        let args = [key, "--master-endpoints", &from, "--slave-endpoints", &to];
        let json = folder.json(&args);
        let writes = !without.is_null();
        assert_eq!(json["conflict"]["setting"], setting, "{json}");
        assert_eq!(json["conflict"]["becomes"], without, "{json}");
        assert_eq!(json["conflict"]["ours"], json!(null), "{json}");
        let needed = if writes { json!(true) } else { json!(null) };
        assert_eq!(json["write"]["needed"], needed, "{json}");
        all.push(steady(&folder.told(&args), &folder));

        let mut carry = Carry::between(
            &source,
            &destination,
            &folder.path("rules.yaml"),
            &[] as &[&str],
        );
        match setting {
            "stop" => assert_eq!(carry.exit_code(), 2),
            _ => carry.wait_ready(),
        }
        let db = carry.db_path();
        let args = [&args[..], &["--db-path", super::shown(&db)]].concat();
        let json = folder.json(&args);
        assert_eq!(json["conflict"]["becomes"], with, "{json}");
        assert_eq!(json["write"]["needed"], json!(false), "{json}");
        assert_eq!(json["ledger"]["written"], json!(writes), "{json}");
        let told = steady(&folder.told(&args), &folder);
        all.push(told.replace(super::shown(&db), "LEDGER"));
    }
    insta::assert_snapshot!("landing_another_object", all.join("\n"));
}

/// A Service that is there as it is to be may need a write: what goes along with
/// it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_along_with_a_service_is_told() {
    let Some(version) = any_version("explain and what goes along") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let cidr = service_cidr(&["10.0.0.0/24"]);
    destination
        .put("/registry/servicecidrs/kubernetes", cidr)
        .await;
    let web = service_key(&ServiceName::new("shop", "web"));
    let stored = service_bytes(&service("web", &["10.0.0.5"]));
    source.put(web.clone(), stored.clone()).await;
    destination.put(web.clone(), stored).await;
    let (from, to) = (source.url(), destination.url());
    let args = [
        web.as_str(),
        "--master-endpoints",
        &from,
        "--slave-endpoints",
        &to,
    ];
    for (setting, needed) in [("reallocate", true), ("keep", false)] {
        let folder = Folder::with(&format!("policies: {{services: {setting}}}\n{RULES}"));
        let json = folder.json(&args);
        assert_eq!(json["write"]["needed"], json!(needed), "{setting}: {json}");
        let along = json["write"]["along"].as_array().expect("keys");
        assert_eq!(along.is_empty(), !needed, "{setting}: {json}");
        let told = folder.told(&args);
        let heading = match needed {
            true => {
                "  to be written: as it is stored\n    together with `/registry/ipaddresses/10.0.0.5`"
            }
            false => "  nothing to be written: it is there as it is stored\n",
        };
        assert!(told.contains(heading), "{setting}: {told}");
    }
}

/// Also where the destination has the source's very bytes, policies may want
/// others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_may_not_do() {
    let Some(version) = any_version("explain and the same bytes") else {
        return;
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let key = "/registry/deployments/red/web";
    let spec = json!({"replicas": 3, "selector": {}, "template": {}});
    let metadata = json!({"name": "web", "namespace": "red", "uid": "web"});
    let stored = object("apps/v1", "Deployment", metadata, json!({"spec": spec}));
    source.put(key, stored.clone()).await;
    destination.put(key, stored).await;
    let (from, to) = (source.url(), destination.url());
    let args = [key, "--master-endpoints", &from, "--slave-endpoints", &to];
    for (setting, equal) in [("as-is", true), ("scaled-to-zero", false)] {
        let folder = Folder::with(&format!(
            "policies: {{workloads: {setting}}}\nfilters:\n  secondary:\n    - name: apps\n      group: apps\n"
        ));
        let json = folder.json(&args);
        assert_eq!(json["write"]["needed"], json!(!equal), "{json}");
        assert_eq!(json["destination"]["sameBytes"], json!(true), "{json}");
        assert_eq!(json["destination"]["equal"], json!(equal), "{json}");
        let told = folder.told(&args);
        let change = told.contains("what writing it changes there:")
            && told.contains("      ~ spec.replicas: 3 → 0\n");
        assert_eq!(change, !equal, "{told}");
    }
}
