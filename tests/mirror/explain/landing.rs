//! What a real etcd at the destination has not, and what that makes of an
//! object.

use serde_json::json;

use super::live::steady;
use super::{Folder, object};
use crate::mirror::harness::{Etcd, any_version};

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
