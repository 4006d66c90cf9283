//! What a dry run says is what a run then does, between two real etcds.

use std::path::PathBuf;

use carry::k8s::services::ServiceName;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Etcd, any_version, carry, free_port, temp_dir};
use crate::services::made::{
    address_key, ip_address, service, service_bytes, service_cidr, service_key,
};

type Stored = (Vec<u8>, Vec<u8>);

const CRD: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com";

fn object(key: &str, api_version: &str, kind: &str, metadata: Value, mut more: Value) -> Stored {
    more["apiVersion"] = api_version.into();
    more["kind"] = kind.into();
    more["metadata"] = metadata;
    (key.into(), more.to_string().into())
}

fn config_map(name: &str, uid: &str, owner: Option<&str>) -> Stored {
    let mut metadata = json!({"name": name, "namespace": "shop", "uid": uid});
    if let Some(owner) = owner {
        metadata["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": format!("uid-of-{owner}")}]);
    }
    let key = format!("/registry/configmaps/shop/{name}");
    object(&key, "v1", "ConfigMap", metadata, json!({"data": {}}))
}

fn definition() -> Stored {
    let names = json!({"plural": "sites", "kind": "Site"});
    let spec = json!({"group": "example.com", "names": names, "scope": "Namespaced",
        "versions": [{"name": "v1", "served": true, "storage": true}]});
    let condition = |name: &str| json!({"type": name, "status": "True"});
    let conditions = [condition("Established"), condition("NamesAccepted")];
    let status =
        json!({"conditions": conditions, "acceptedNames": names, "storedVersions": ["v1"]});
    let metadata = json!({"name": "sites.example.com", "uid": "crd"});
    let more = json!({"spec": spec, "status": status});
    let version = "apiextensions.k8s.io/v1";
    object(CRD, version, "CustomResourceDefinition", metadata, more)
}

fn site(name: &str) -> Stored {
    let key = format!("/registry/example.com/sites/shop/{name}");
    let metadata = json!({"name": name, "namespace": "shop", "uid": name});
    object(&key, "example.com/v1", "Site", metadata, json!({}))
}

/// Two etcds and a ledger.
struct Pair {
    source: Etcd,
    destination: Etcd,
    folder: TempDir,
}

impl Pair {
    fn new(what: &str) -> Option<Pair> {
        let version = any_version(what)?;
        Some(Pair {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            folder: temp_dir(),
        })
    }

    fn rules(&self, policies: &str) -> PathBuf {
        let path = self.folder.path().join("rules.yaml");
        let text = format!(
            "policies: {{{policies}}}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n    - name: sites\n      group: example.com\n    - name: definitions\n      group: apiextensions.k8s.io\n"
        );
        std::fs::write(&path, text).expect("rules");
        path
    }

    fn run(&self, policies: &str, how: &str) -> String {
        let ended = carry(&[
            "run".to_owned(),
            how.to_owned(),
            format!("--mirror-rule={}", self.rules(policies).display()),
            format!("--source-endpoints={}", self.source.url()),
            format!("--dest-endpoints={}", self.destination.url()),
            format!("--db-path={}", self.folder.path().join("db").display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--bind-port={}", free_port()),
        ]);
        assert_eq!(ended.code, 0, "{policies}, {how}: {}", ended.stderr);
        ended.stdout
    }

    async fn dry(&self, policies: &str) -> String {
        let before = self.destination.revision().await;
        let said = self.run(policies, "--dry-run");
        let after = self.destination.revision().await;
        assert_eq!(before, after, "a dry run writes nothing");
        said
    }

    /// What a dry run says, which is what a run then does; after that nothing is
    /// left to do.
    async fn agreed(&self, policies: &str) -> String {
        let said = self.dry(policies).await;
        let done = self.run(policies, "--once");
        for (would, did) in [
            (" would be written", " written"),
            (" deleted", " deleted"),
            (" held;", " held\n"),
        ] {
            let before = |text: &str, end: &str| -> usize {
                let (start, _) = text
                    .split_once(end)
                    .unwrap_or_else(|| panic!("{end}: {text}"));
                let start = start.trim_end_matches(" key").trim_end_matches(" keys");
                let number = start.rsplit([' ', '\n']).next().expect("a word");
                number
                    .replace(',', "")
                    .parse()
                    .unwrap_or_else(|_| panic!("{end}: {text}"))
            };
            let summary = said.find("dry run at").expect("a summary");
            assert_eq!(
                before(&said[summary..], would),
                before(&done, did),
                "{policies}: {said}{done}"
            );
        }
        let again = self.dry(policies).await;
        assert!(
            again.contains(" 0 would be written, 0 deleted"),
            "{policies}: {again}"
        );
        said
    }
}

fn says(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.lines().any(|own| own.contains(line)), "{line}: {said}");
    }
}

/// A changed policy `services` is foreseen, both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services() {
    let Some(pair) = Pair::new("a dry run over Services") else {
        return;
    };
    let kubernetes = ServiceName::new("default", "kubernetes");
    let named = |name: &str, address: &str| {
        let key = service_key(&ServiceName::new("shop", name)).into_bytes();
        (key, service_bytes(&service(name, &[address])))
    };
    pair.destination
        .load([
            (
                b"/registry/servicecidrs/kubernetes".to_vec(),
                service_cidr(&["10.0.0.0/29"]),
            ),
            (
                address_key("10.0.0.1").into(),
                ip_address("10.0.0.1", &kubernetes),
            ),
            (
                service_key(&kubernetes).into(),
                service_bytes(&service("kubernetes", &["10.0.0.1"])),
            ),
        ])
        .await;
    // One fits there, of two others the second shows what the first has taken.
    let all = [
        named("fits", "10.0.0.4"),
        named("one", "10.96.0.5"),
        named("two", "10.96.0.6"),
    ];
    pair.source.load(all).await;
    let said = pair.agreed("services: keep").await;
    says(
        &said,
        &[
            "put /registry/services/specs/shop/one (",
            " 3 would be written",
        ],
    );
    assert!(!said.contains("changed by"), "{said}");
    let said = pair.agreed("services: reallocate").await;
    let lines = [
        "shop/fits (80 bytes, rule `all`, together with 1 other key)",
        "rule `all`, changed by `services`, together with 1 other key)",
        " 3 would be written",
    ];
    says(&said, &lines);
    let said = pair.agreed("services: keep").await;
    says(
        &said,
        &["together with 1 other key)", " 2 would be written"],
    );
}

/// Owners and definitions that are to come count as there, and what lacks one is
/// told of with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_and_definitions() {
    let Some(pair) = Pair::new("a dry run over owners") else {
        return;
    };
    // The owners come after what they own.
    pair.source
        .load([
            config_map("a", "uid-of-a", Some("b")),
            config_map("b", "uid-of-b", Some("c")),
            config_map("c", "uid-of-c", None),
            config_map("orphan", "uid-of-orphan", Some("gone")),
            config_map("of-orphan", "uid-of-of-orphan", Some("orphan")),
            site("first"),
        ])
        .await;
    let said = pair.agreed("owners: hold").await;
    let lines = [
        " 3 would be written, 0 deleted, 3 held",
        "hold /registry/configmaps/shop/orphan (its owner, ConfigMap `gone`, is not at the destination)",
        "  2 held: its owner, ConfigMap `…`, is not at the destination",
        "  1 held: the destination has no CustomResourceDefinition `…`",
    ];
    says(&said, &lines);
    let said = pair.dry("owners: skip").await;
    let lines = [
        "skip /registry/configmaps/shop/orphan (policy `owners`: its owner, ConfigMap `gone`, is not at the destination)",
        "  2 left out by the policy `owners`, by what the destination has",
    ];
    says(&said, &lines);
    pair.source.load([definition()]).await;
    let said = pair.agreed("owners: strip").await;
    let lines = [
        "put /registry/configmaps/shop/orphan (",
        "changed by `owners`)",
        "changed by `definitions`)",
        "put /registry/example.com/sites/shop/first (",
        " 4 would be written, 0 deleted, 0 held",
    ];
    says(&said, &lines);
    // What is deleted is there no more.
    pair.source.delete("/registry/configmaps/shop/c").await;
    let said = pair.agreed("owners: strip").await;
    says(&said, &["delete /registry/configmaps/shop/c", " 1 deleted"]);
}

/// What becomes of others' objects is told, as each setting has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others() {
    for (setting, lines, agrees) in [
        (
            "keep",
            [
                "keep /registry/configmaps/shop/own (",
                "of 1 the destination has something else",
            ],
            true,
        ),
        (
            "adopt",
            [
                "rule `all`, over another object, which is not carry's)",
                "  1 written over other objects",
            ],
            true,
        ),
        (
            "overwrite",
            [
                "rule `all`, over another object, which is not carry's)",
                "  1 written over other objects",
            ],
            true,
        ),
        (
            "stop",
            [
                "stop at /registry/configmaps/shop/own (",
                "  1 of which the destination has something else: carry would end",
            ],
            false,
        ),
    ] {
        let Some(pair) = Pair::new("a dry run over others' objects") else {
            return;
        };
        pair.destination
            .load([
                config_map("own", "theirs", None),
                config_map("copy", "copy", Some("x")),
            ])
            .await;
        pair.source
            .load([
                config_map("own", "ours", None),
                config_map("copy", "copy", None),
            ])
            .await;
        let policies = format!("onConflict: {setting}");
        let said = match agrees {
            true => pair.agreed(&policies).await,
            false => pair.dry(&policies).await,
        };
        says(&said, &lines);
        says(&said, &["put /registry/configmaps/shop/copy ("]);
        assert!(!said.contains("shop/copy (the destination"), "{said}");
    }
}
