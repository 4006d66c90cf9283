//! What policies keep out and change, over what a real kube-apiserver stored.

use serde_json::Value;

use super::{Folder, from_snapshot};
use crate::mirror::bolt::Database;
use crate::shared;

const RULES: &str = r#"filters:
  sequential:
    - name: namespaces
      group: ""
      resources: [{kind: Namespace}]
  secondary:
    - name: config
      group: ""
      resources: [{kind: ConfigMap}, {kind: PersistentVolumeClaim}]
    - name: apps
      group: apps
    - name: roles
      group: rbac.authorization.k8s.io
    - name: volumes
      group: ""
      resources: [{kind: PersistentVolume}]
      policy: {persistentVolumes: retain}
    - name: jobs
      group: batch
    - name: pods
      group: ""
      resources: [{kind: Pod}]
      when: "object.metadata.name.startsWith('job-')"
"#;

#[test]
fn policies_are_told() {
    let Some(corpus) = shared::corpus("explain") else {
        return;
    };
    let folder = Folder::with(RULES);
    let mut database = Database::default();
    for stored in &corpus {
        database.put(stored.key.clone(), &stored.value);
    }
    database.save(&folder.path("etcd.db"));
    let of_kind = |start: &str| {
        let mut keys = corpus.iter().map(|stored| stored.key.as_str());
        keys.find(|key| key.starts_with(start)).expect("a key")
    };
    for (name, key) in [
        (
            "system_object",
            "/registry/configmaps/default/kube-root-ca.crt",
        ),
        ("bootstrap", "/registry/clusterroles/admin"),
        ("controlled", of_kind("/registry/replicasets/test1/")),
        ("claim", "/registry/persistentvolumeclaims/test1/pvc"),
        ("volume", "/registry/persistentvolumes/pv1"),
        ("finalizers", of_kind("/registry/pods/test1/job-")),
    ] {
        let told = folder.told_at(100, &from_snapshot(key, &[]));
        insta::assert_snapshot!(format!("policies_{name}"), told);
    }
    let json = folder.json(&from_snapshot("/registry/persistentvolumes/pv1", &[]));
    insta::assert_snapshot!("policies_json", format!("{:#}", json["write"]));
    let table = folder.told_at(100, &from_snapshot("/registry/clusterroles/*", &[]));
    insta::assert_snapshot!("policies_table", table);
}

/// Why Endpoints are kept out, and why those pass that people have made.
#[test]
fn endpoints_are_told() {
    let Some(corpus) = shared::corpus("explain") else {
        return;
    };
    let rules = "filters:\n  secondary:\n    - name: core\n      group: \"\"\n";
    let folder = Folder::with(rules);
    let mut database = Database::default();
    let unlabelled = "/registry/services/endpoints/red/unlabelled";
    for stored in &corpus {
        database.put(stored.key.clone(), &stored.value);
        // As a controller before 1.33 leaves it.
        if stored.key == "/registry/services/endpoints/test1/web" {
            let mut object = stored.json.clone();
            let metadata = object["metadata"].as_object_mut().expect("an object");
            metadata.remove("labels");
            metadata.remove("annotations");
            metadata.insert("name".to_owned(), "unlabelled".into());
            metadata.insert("namespace".to_owned(), "red".into());
            metadata["managedFields"][0]["manager"] = "kube-controller-manager".into();
            database.put(unlabelled, object.to_string().as_bytes());
        }
    }
    database.save(&folder.path("etcd.db"));
    let mut told = String::new();
    for key in [
        "/registry/services/endpoints/test1/web",
        unlabelled,
        "/registry/services/endpoints/test1/manual",
    ] {
        told.push_str(&folder.told_at(100, &from_snapshot(key, &[])));
        told.push('\n');
    }
    insta::assert_snapshot!("policies_endpoints", told);
}

/// What runs workloads rests at the standby: each field is told.
#[test]
fn resting_workloads_are_told() {
    let Some(corpus) = shared::corpus("explain") else {
        return;
    };
    let folder = Folder::with(
        "filters:\n  secondary:\n    - name: apps\n      group: apps\n      policy: {workloads: scaled-to-zero}\n",
    );
    let mut database = Database::default();
    for stored in &corpus {
        database.put(stored.key.clone(), &stored.value);
    }
    database.save(&folder.path("etcd.db"));
    let key = "/registry/deployments/test1/web";
    let told = folder.told_at(100, &from_snapshot(key, &["--name", "blue"]));
    insta::assert_snapshot!("policies_workloads", told);
}

/// What becomes of Services under each setting.
#[test]
fn services_are_told() {
    let Some(corpus) = shared::corpus("explain") else {
        return;
    };
    let mut database = Database::default();
    let services = corpus.iter();
    let services = services.filter(|own| own.key.starts_with("/registry/services/specs/"));
    for stored in services.clone() {
        database.put(stored.key.clone(), &stored.value);
    }
    let of = |is_meant: &dyn Fn(&Value) -> bool| {
        let mut services = services.clone();
        let found = services.find(|own| is_meant(&own.json["spec"]));
        found.expect("a Service").key.as_str()
    };
    let keys = [
        of(&|spec| spec["type"] == "NodePort" || spec["type"] == "LoadBalancer"),
        of(&|spec| spec["clusterIP"] == "None"),
    ];
    let mut told = String::new();
    for setting in ["reallocate", "keep", "headless-only", "skip"] {
        let folder = Folder::with(&format!(
            "policies: {{services: {setting}}}\nfilters:\n  secondary:\n    - name: services\n      group: \"\"\n      resources: [{{kind: Service}}]\n"
        ));
        database.save(&folder.path("etcd.db"));
        for key in keys {
            let shown = folder.told_at(100, &from_snapshot(key, &[]));
            told.push_str(&format!("=== {setting}\n{shown}\n"));
        }
    }
    insta::assert_snapshot!("policies_services", told);
}

/// What becomes of a real cluster under each file of `rules/`.
#[test]
fn examples_are_told() {
    let Some(corpus) = shared::corpus("explain") else {
        return;
    };
    let mut database = Database::default();
    for stored in &corpus {
        database.put(stored.key.clone(), &stored.value);
    }
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = std::fs::read_dir(examples).expect("rules/");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 8, "{files:?}");
    for path in files {
        let folder = Folder::with(&std::fs::read_to_string(&path).expect("rules"));
        database.save(&folder.path("etcd.db"));
        let mut told = folder.told_at(120, &from_snapshot("/registry/", &["--only", "mirrored"]));
        told.push_str(&folder.checked_at(120, &["--snapshot", "etcd.db"]));
        let name = path.file_stem().expect("a name").to_string_lossy();
        insta::assert_snapshot!(format!("example_{name}"), told);
    }
}
